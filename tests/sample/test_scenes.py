"""The scene of the sample: a plan that fits its building, stored as it is, and a scene that shows it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from kastor.sample.building import graph, models
from kastor.sample.layout import FLOORS, room_id
from kastor.sample.scenes import LEVEL, plan, scene
from kastor.saved.scene import read_scene
from kastor.saved.svg import sanitise

ROOMS = {
    room_id(LEVEL, each.number): each
    for floor in FLOORS
    if floor.level == LEVEL
    for each in floor.rooms
}
UNITS = 20
"""Of the drawing, to a metre."""


def outlines() -> dict[str, list[tuple[float, float]]]:
    """The corners of what is drawn of each room."""
    root = ET.fromstring(plan())
    group = next(each for each in root.iter() if each.attrib.get("id") == "rooms")
    found = {}
    for each in group:
        corners = re.findall(r"[ML]\s*([\d.]+) ([\d.]+)", each.attrib["d"])
        found[each.attrib["id"]] = [(float(x), float(y)) for x, y in corners]
    return found


def area(corners: list[tuple[float, float]]) -> float:
    following = [*corners[1:], corners[0]]
    pairs = zip(corners, following, strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2 / UNITS**2


def test_nothing_of_the_plan_is_taken_out_when_it_is_stored() -> None:
    assert not sanitise(plan()).dropped


def test_the_plan_shows_all_rooms_of_the_floor_as_large_as_they_are() -> None:
    drawn = outlines()
    assert drawn.keys() == ROOMS.keys()
    for name, room in ROOMS.items():
        assert area(drawn[name]) == pytest.approx(room.area, rel=0.02), room.name


def test_the_scene_is_valid_and_of_what_is_in_the_building() -> None:
    found = read_scene(scene())
    twins = {each["$dtId"]: each for each in graph().twins}
    assert found.twin in twins
    assert [(each.element, each.twin) for each in found.bindings] == [(n, n) for n in ROOMS]
    ids = {each["@id"] for each in models()}
    for behaviour in found.behaviours:
        assert behaviour.on.model in ids
        first, *rest = behaviour.property.split(".")
        assert all(first in twins[each] for each in ROOMS), behaviour.property
        assert all(set(rest) <= set(twins[each][first]) for each in ROOMS if rest)
