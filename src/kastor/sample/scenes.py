"""The scene of the sample building: the plan of a floor, whose rooms show how warm they are.

The plan's rooms have the ids of their twins, so that it is bound by looking at it once.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from kastor.errors import PreconditionFailed
from kastor.sample import draft
from kastor.sample.layout import FLOORS, room_id
from kastor.saved.doors import SVG
from kastor.saved.service import SCENES, Condition

if TYPE_CHECKING:
    from kastor.records import Context
    from kastor.saved.service import SavedService

LEVEL = 2
FILE = f"floor-{LEVEL}.svg"
NAME = f"floor-{LEVEL}"
_WARM, _COLD, _TOO_WARM = 26, 18, 27


def plan() -> bytes:
    """Return the drawing of the floor."""
    return (files(__package__) / "plans" / FILE).read_bytes()


def scene() -> dict[str, Any]:
    """Return the scene that shows it."""
    floor = next(each for each in FLOORS if each.level == LEVEL)
    rooms = [room_id(LEVEL, each.number) for each in floor.rooms]
    on, warmth = {"model": draft.ROOM}, "thermostat.currentTemperature"
    return {
        "version": 1,
        "title": floor.name,
        "file": FILE,
        "twin": f"floor-{LEVEL}",
        "bindings": [{"element": each, "twin": each} for each in rooms],
        "behaviours": [
            {
                "id": "temperature",
                "name": "Temperature",
                "on": on,
                "property": warmth,
                "effect": {"kind": "ramp", "min": _COLD, "max": _WARM},
                "widgets": [
                    {"kind": "value", "property": "thermostat.setPoint", "label": "Set point"},
                    {"kind": "sparkline", "minutes": 240},
                ],
            },
            {
                "id": "degrees",
                "name": "Degrees",
                "on": on,
                "property": warmth,
                "effect": {"kind": "label", "text": "{value} {unit}", "digits": 1},
            },
            {
                "id": "too-warm",
                "name": "Too warm",
                "on": on,
                "property": warmth,
                "effect": {
                    "kind": "badge",
                    "when": {"op": ">", "value": _TOO_WARM},
                    "icon": "thermometer-sun",
                    "color": "danger",
                },
            },
            {
                "id": "people",
                "name": "People",
                "on": on,
                "property": "peopleCount",
                "effect": {
                    "kind": "ranges",
                    "ranges": [
                        {"to": 1, "color": "muted", "label": "empty"},
                        {"from": 1, "color": "accent", "label": "in use"},
                    ],
                },
                "off": True,
            },
        ],
    }


async def save_scenes(saved: SavedService, context: Context) -> None:
    """Save the scene and its plan, unless there are such already."""
    absent = Condition(only_if_absent=True)
    try:
        await saved.put_file(FILE, plan(), SVG, absent, context)
        await saved.put_document(SCENES, NAME, scene(), absent, context)
    except PreconditionFailed:
        return  # the graph was emptied, and what people saved there is theirs
