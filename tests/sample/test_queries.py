"""The example queries: they parse, name what exists, and have an answer on the graph."""

from __future__ import annotations

import re

import pytest

from kastor.lang import parse
from kastor.sample import QUERIES

from .conftest import Building, Ontology

TEXTS = [pytest.param(text, id=title) for title, text in QUERIES]
ROOM = "dtmi:kastor:sample:Room;1"
MEETING_ROOM = "dtmi:kastor:sample:MeetingRoom;1"


def test_there_are_six_to_eight_with_titles() -> None:
    assert 6 <= len(QUERIES) <= 8
    assert len({title for title, _ in QUERIES}) == len(QUERIES)
    assert all(title.endswith("?") for title, _ in QUERIES)


@pytest.mark.parametrize("word", ["COUNT()", "JOIN", "MATCH", "IS_OF_MODEL", "WHERE"])
def test_they_show_the_language(word: str) -> None:
    assert any(word in text for _, text in QUERIES)


@pytest.mark.parametrize("text", TEXTS)
def test_it_parses(text: str) -> None:
    parse(text)


@pytest.mark.parametrize("text", TEXTS)
def test_it_stands_on_one_line_in_single_quotes_only(text: str) -> None:
    assert "\n" not in text
    assert "  " not in text
    assert '"' not in text


@pytest.mark.parametrize("text", TEXTS)
def test_it_names_what_exists(text: str, building: Building, ontology: Ontology) -> None:
    relationships = {
        name for one in ontology.interfaces for name in ontology.contents(one, "Relationship")
    }
    assert set(re.findall(r"'(dtmi:[^']+)'", text)) <= set(ontology.interfaces)
    assert set(re.findall(r"\$dtId = '([^']+)'", text)) <= set(building.twins)
    assert set(re.findall(r"\[\w*:(\w+)|RELATED \w+\.(\w+)", text)) <= {
        pair for name in relationships for pair in ((name, ""), ("", name))
    }


def rooms(building: Building) -> dict[str, dict[str, object]]:
    return {
        twin_id: twin
        for twin_id, twin in building.twins.items()
        if building.model(twin_id) in (ROOM, MEETING_ROOM)
    }


def test_answers_about_single_twins_are_not_empty(building: Building) -> None:
    every = rooms(building)
    assert len(every) == 68
    equipped = [
        twin
        for twin in building.twins.values()
        if "video conference" in twin.get("amenities", []) and twin["capacity"] >= 10
    ]
    assert len(equipped) >= 4
    assert sum(twin["occupied"] is True for twin in every.values()) >= 20
    warm = [
        twin["thermostat"]
        for twin in building.twins.values()
        if "thermostat" in twin
        and twin["thermostat"]["currentTemperature"] > twin["thermostat"]["setPoint"]
    ]
    assert 0 < len(warm) < len(every)


def test_answers_along_relationships_are_not_empty(building: Building) -> None:
    hung = {
        sensor
        for room in building.targets("floor-2", "hasPart")
        for sensor in building.targets(room, "hasSensor")
    }
    assert len([sensor for sensor in hung if "temperature" in building.twins[sensor]]) == 12
    boxes = building.targets("ahu-1", "feeds")
    fed = {room for box in boxes for room in building.targets(box, "feeds")}
    assert len(boxes) == 11
    assert {"room-0-04", "room-1-02"} <= fed
    upstream, level = set(), {"room-4-02"}
    for _ in range(3):
        level = {source for one in level for source in building.sources(one, "feeds")}
        upstream |= level
    assert upstream == {"vav-4-01", "ahu-3", "heatpump-1", "chiller-1"}
    doors = {
        (edge["$sourceId"], edge["$targetId"]): edge["via"]
        for edge in building.graph.relationships
        if edge["$relationshipName"] == "adjacentTo"
    }
    assert doors["room-0-01", "room-0-04"] == "opening"
    assert doors["room-0-04", "room-0-05"] == "door"
