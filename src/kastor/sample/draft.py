"""Collects twins and relationships in the form in which the API takes them.

Knows the wire form and nothing about the building. Ids are checked as they come in: a draft never
holds two twins of one id, nor a relationship whose ends are missing when it is `finish`-ed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.types import Document, Json, TwinId

PREFIX = "dtmi:kastor:sample:"


FLOOR = f"{PREFIX}Floor;1"
ROOM = f"{PREFIX}Room;1"
MEETING_ROOM = f"{PREFIX}MeetingRoom;1"
HVAC_EQUIPMENT = f"{PREFIX}HvacEquipment;1"
AIR_HANDLING_UNIT = f"{PREFIX}AirHandlingUnit;1"
VAV_BOX = f"{PREFIX}VavBox;1"
LIGHT = f"{PREFIX}Light;1"
TEMPERATURE_SENSOR = f"{PREFIX}TemperatureSensor;1"
AIR_QUALITY_SENSOR = f"{PREFIX}AirQualitySensor;1"
OCCUPANCY_SENSOR = f"{PREFIX}OccupancySensor;1"
POWER_METER = f"{PREFIX}PowerMeter;1"


def model_id(name: str) -> str:
    """Return the model id of an interface of the sample ontology, such as ``Room``."""
    return f"{PREFIX}{name};1"


def component(**values: Json) -> Document:
    """Return a component as it stands inside a twin."""
    return {**values, "$metadata": {}}


@dataclass(frozen=True, slots=True)
class SampleGraph:
    """The graph, ready to be written.

    Attributes:
        twins: bodies for a PUT, each with ``$dtId`` and ``$metadata.$model``.
        relationships: bodies for a PUT, each with id, source, target and name. Their ids are
            unique in the whole graph, which is more than the contract asks for.
    """

    twins: list[Document]
    relationships: list[Document]


@dataclass(slots=True)
class Draft:
    """A graph in the making."""

    _twins: dict[TwinId, Document] = field(default_factory=dict)
    _relationships: dict[str, Document] = field(default_factory=dict)

    def twin(self, twin_id: TwinId, model: str, name: str, **values: Json) -> TwinId:
        """Add a twin of the named interface and return its id."""
        if twin_id in self._twins:
            raise ValueError(f"twin {twin_id} exists already")
        self._twins[twin_id] = {
            "$dtId": twin_id,
            "$metadata": {"$model": model_id(model)},
            "name": name,
            **values,
        }
        return twin_id

    def link(self, source: TwinId, name: str, target: TwinId, **values: Json) -> None:
        """Add a relationship; its id tells source, name and target."""
        relationship_id = f"{source}-{name}-{target}"
        if relationship_id in self._relationships:
            raise ValueError(f"relationship {relationship_id} exists already")
        self._relationships[relationship_id] = {
            "$relationshipId": relationship_id,
            "$sourceId": source,
            "$relationshipName": name,
            "$targetId": target,
            **values,
        }

    def finish(self) -> SampleGraph:
        """Return the graph; raises ValueError if a relationship hangs in the air."""
        for relationship in self._relationships.values():
            for end in ("$sourceId", "$targetId"):
                if relationship[end] not in self._twins:
                    raise ValueError(f"{relationship['$relationshipId']}: no such twin")
        return SampleGraph(list(self._twins.values()), list(self._relationships.values()))
