"""What the simulation remembers of each room: people, warmth and air.

A `Room` is filled from its twin and from what hangs in it, and then drifts: between two looks at
it, warmth and carbon dioxide move towards what weather, thermostat and people ask for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from kastor.sample import climate, draft
from kastor.sample.layout import PURPOSES, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from kastor.sample.draft import SampleGraph
    from kastor.types import Document, TwinId

_WARMTH_INERTIA = 150.0
"""Minutes after which a room has gone two thirds of its way to another temperature."""

_LONGEST_DRIFT = 24 * 60.0
_ROOM_MODELS = frozenset({draft.ROOM, draft.MEETING_ROOM})


@dataclass(slots=True)
class Room:
    """One room as it is now."""

    twin_id: TwinId
    purpose: Purpose
    area: float
    capacity: int
    people: int
    warmth: float
    set_point: float
    mode: str
    co2: float = climate.FRESH_AIR_CO2
    floor: TwinId | None = None
    vav: TwinId | None = None
    lights: list[TwinId] = field(default_factory=list)
    seen_at: datetime | None = None

    @property
    def heated(self) -> bool:
        """Whether the room is kept warm for people."""
        return self.mode != climate.FROST

    @property
    def crowd(self) -> float:
        """The people in the room as a share of its capacity."""
        return self.people / max(self.capacity, 1)

    def drift(self, now: datetime) -> None:
        """Move warmth and air from the last look to this one."""
        if self.seen_at is not None:
            minutes = (now - self.seen_at).total_seconds() / 60
            minutes = max(0.0, min(minutes, _LONGEST_DRIFT))
            outside = climate.outside_temperature(now)
            warm = climate.warmth_aim(self.twin_id, self.mode, self.set_point, outside, self.crowd)
            self.warmth = climate.drift(self.warmth, warm, minutes, _WARMTH_INERTIA)
            pace = climate.air_minutes(self.area, self.capacity)
            self.co2 = climate.drift(self.co2, climate.co2_aim(self.crowd), minutes, pace)
        self.seen_at = now


def rooms_of(graph: SampleGraph) -> dict[TwinId, Room]:
    """Return the rooms of a graph by id, each with its floor, VAV box, lamps and present air."""
    twins = {twin["$dtId"]: twin for twin in graph.twins}
    rooms = {
        twin_id: _room(twin)
        for twin_id, twin in twins.items()
        if twin["$metadata"]["$model"] in _ROOM_MODELS
    }
    for edge in graph.relationships:
        source, target = edge["$sourceId"], edge["$targetId"]
        room = rooms.get(target)
        if room is None or source not in twins:
            continue
        match edge["$relationshipName"], twins[source]["$metadata"]["$model"]:
            case "hasPart", draft.FLOOR:
                room.floor = source
            case "feeds", draft.VAV_BOX:
                room.vav = source
            case "serves", draft.LIGHT:
                room.lights.append(source)
            case "observes", draft.AIR_QUALITY_SENSOR:
                room.co2 = float(twins[source].get("co2", room.co2))
    return rooms


def _room(twin: Document) -> Room:
    """Return a room from its twin; what the twin does not say is taken as ordinary."""
    thermostat = twin.get("thermostat", {})
    purpose = twin.get("purpose")
    return Room(
        twin_id=twin["$dtId"],
        purpose=cast("Purpose", purpose) if purpose in PURPOSES else "storage",
        area=float(twin.get("area", 20.0)),
        capacity=int(twin.get("capacity", 1)),
        people=int(twin.get("peopleCount", 0)),
        warmth=float(thermostat.get("currentTemperature", 20.0)),
        set_point=float(thermostat.get("setPoint", 20.0)),
        mode=str(thermostat.get("mode", climate.ECO)),
    )
