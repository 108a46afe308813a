"""What went wrong in the building last night: a night without heating on two floors.

At a service somebody closed the hot water valve of air handling unit 2 and did not open it again.
Its supply air got cold, an alarm came, and the rooms that it feeds cooled down until somebody
found the valve. By the end everything is as it was before.

Pure, as all here: steps with their distance from now, and what was written in each. The loader
gives them their times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kastor.sample import climate, draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.sample.draft import SampleGraph
    from kastor.types import Document, TwinId

UNIT: TwinId = "ahu-2"
VALVE: tuple[TwinId, str] = ("heatpump-1", "heatpump-1-feeds-ahu-2")
"""The relationship whose `flow` is the hot water that reaches the unit: source and id."""
DUCT: TwinId = "temp-ahu-2"

BEGINNING = timedelta(hours=12)
"""So long ago the graph was first written."""
CLOSED, ALARM, OPENED = timedelta(hours=9), timedelta(hours=8), timedelta(hours=4)
CALM = timedelta(minutes=30)
"""So long ago the last value was written, and all were as before."""

SERVICE, CONTROL, FACILITIES, SENSORS = "service", "control", "facilities", "simulation"
_EVERY = timedelta(minutes=30)
_RUNNING, _FAULT = 2, 9
_COLD_AIR = 9.5
"""Supply air without hot water, in degrees Celsius."""
_COLD_ROOM = 12.5
_COOLING, _WARMING, _DUCT = 150.0, 35.0, 15.0
"""Minutes after which rooms, and the duct, have gone two thirds of their way."""


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """What was written at one time, together, by one actor.

    Attributes:
        ago: how long before now.
        actor: stands in the history.
        twins: patches by id.
        valve: a patch of the relationship `VALVE`.
    """

    ago: timedelta
    actor: str
    twins: dict[TwinId, list[Document]] = field(default_factory=dict)
    valve: list[Document] | None = None


def steps(graph: SampleGraph) -> list[IncidentStep]:
    """Return what was written, the oldest first; the graph is as it is loaded."""
    flow = next(edge["flow"] for edge in graph.relationships if edge["$relationshipId"] == VALVE[1])
    told = [
        IncidentStep(CLOSED, SERVICE, valve=[_set("/flow", 0.0)]),
        IncidentStep(ALARM, CONTROL, {UNIT: [_set("/status", _FAULT)]}),
        IncidentStep(OPENED, FACILITIES, valve=[_set("/flow", flow)]),
        IncidentStep(OPENED - timedelta(minutes=4), CONTROL, {UNIT: [_set("/status", _RUNNING)]}),
        *_readings(graph),
    ]
    return sorted(told, key=lambda step: -step.ago)


def _readings(graph: SampleGraph) -> Iterator[IncidentStep]:
    """Yield what the sensors said, each half hour; at last it is what they said at first."""
    twins = {twin["$dtId"]: twin for twin in graph.twins}
    thermometers = {
        edge["$targetId"]: edge["$sourceId"]
        for edge in graph.relationships
        if edge["$relationshipName"] == "observes"
        and twins[edge["$sourceId"]]["$metadata"]["$model"] == draft.TEMPERATURE_SENSOR
    }
    rooms = [room for room in _fed_by(graph, UNIT) if room in thermometers]
    ago = CLOSED - _EVERY / 2
    while ago > CALM:
        shown = {room: _warmth(room, _reading_of(twins, room), ago) for room in rooms}
        air = _drifted(twins[DUCT]["temperature"], _COLD_AIR, _DUCT, _DUCT, ago)
        yield IncidentStep(ago, SENSORS, _written(shown, thermometers, air))
        ago -= _EVERY
    shown = {room: _reading_of(twins, room) for room in rooms}
    yield IncidentStep(CALM, SENSORS, _written(shown, thermometers, twins[DUCT]["temperature"]))


def _fed_by(graph: SampleGraph, machine: TwinId) -> list[TwinId]:
    """Return what gets its air from a machine, through its boxes."""
    feeds = [edge for edge in graph.relationships if edge["$relationshipName"] == "feeds"]
    boxes = {edge["$targetId"] for edge in feeds if edge["$sourceId"] == machine}
    return sorted(edge["$targetId"] for edge in feeds if edge["$sourceId"] in boxes)


def _reading_of(twins: dict[TwinId, Document], room: TwinId) -> float:
    return float(twins[room]["thermostat"]["currentTemperature"])


def _warmth(room: TwinId, usual: float, ago: timedelta) -> float:
    cold = _COLD_ROOM + 0.8 * climate.noise(room, "draught")
    wobble = 0.1 * climate.noise(room, ago)
    return _drifted(usual + wobble, cold + wobble, _COOLING, _WARMING, ago)


def _drifted(usual: float, cold: float, cooling: float, warming: float, ago: timedelta) -> float:
    """Return a temperature that falls while the valve is closed and rises afterwards."""
    closed = (CLOSED - max(ago, OPENED)) / timedelta(minutes=1)
    value = climate.drift(usual, cold, closed, cooling)
    if ago < OPENED:
        value = climate.drift(value, usual, (OPENED - ago) / timedelta(minutes=1), warming)
    return round(value, 1)


def _written(
    shown: dict[TwinId, float], thermometers: dict[TwinId, TwinId], air: float
) -> dict[TwinId, list[Document]]:
    written = {DUCT: [_set("/temperature", air)]}
    for room, value in shown.items():
        written[thermometers[room]] = [_set("/temperature", value)]
        written[room] = [_set("/thermostat/currentTemperature", value)]
    return written


def _set(path: str, value: float) -> Document:
    return {"op": "replace", "path": path, "value": value}
