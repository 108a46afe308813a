"""Models for the decisions, and a graph in plain Python that they can be run against."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

from kastor.clock import UNIX_EPOCH_TICKS, Stamp, twin_time
from kastor.dtdl import ValueRules
from kastor.graph import commands as c
from kastor.graph import relationship, twin
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.records import (
    ChangeModels,
    Current,
    EraseRelationship,
    EraseTwin,
    ModelRow,
    RelationshipRow,
    TwinRow,
    WriteRelationship,
    WriteTwin,
)

if TYPE_CHECKING:
    from kastor.errors import KastorError
    from kastor.graph.command import Command, Decided, State
    from kastor.records import LogEntry

V2, V3 = "dtmi:dtdl:context;2", "dtmi:dtdl:context;3"
RULES = ValueRules(zone_optional=True, dollar_keys=False, empty_keys=False)
ROOM, SMALL, SENSOR = "dtmi:u:Room;1", "dtmi:u:SmallRoom;1", "dtmi:u:Sensor;1"

_DECIDE: dict[type, Any] = {
    c.PutTwin: twin.decide_put,
    c.PatchTwin: twin.decide_patch,
    c.DeleteTwin: twin.decide_delete,
    c.PutRelationship: relationship.decide_put,
    c.PatchRelationship: relationship.decide_patch,
    c.DeleteRelationship: relationship.decide_delete,
}


def interface(identifier: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"@context": V3, "@id": identifier, "@type": "Interface"}
    return {**head, "contents": list(contents), **more}


def prop(name: str, schema: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema}


def component(name: str, schema: str) -> dict[str, Any]:
    return {"@type": "Component", "name": name, "schema": schema}


def relation(name: str, *properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"@type": "Relationship", "name": name, "properties": list(properties), **more}


def object_of(**fields: Any) -> dict[str, Any]:
    return {
        "@type": "Object",
        "fields": [{"name": name, "schema": schema} for name, schema in fields.items()],
    }


def map_of(schema: Any) -> dict[str, Any]:
    return {
        "@type": "Map",
        "mapKey": {"name": "key", "schema": "string"},
        "mapValue": {"name": "value", "schema": schema},
    }


def array_of(schema: Any) -> dict[str, Any]:
    return {"@type": "Array", "elementSchema": schema}


SENSOR_MODEL = interface(
    SENSOR,
    prop("value", "double"),
    prop("label", "string"),
    prop("range", object_of(low="integer", high="integer")),
)
ROOM_MODEL = interface(
    ROOM,
    prop("name", "string"),
    prop("size", "double"),
    prop("box", object_of(a="integer", b="integer")),
    prop("tags", map_of("integer")),
    prop("row", array_of("integer")),
    component("inside", SENSOR),
    component("outside", SENSOR),
    relation("leadsTo", prop("locked", "boolean"), prop("marks", map_of("integer")), target=ROOM),
    relation("sees"),
    {"@type": "Telemetry", "name": "noise", "schema": "double"},
    {"@type": "Command", "name": "clean"},
)
SMALL_MODEL = interface(SMALL, prop("shelf", "string"), extends=ROOM)


def op(kind: str, path: str, *value: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **({"value": value[0]} if value else {})}


def logged(decision: Decided[Any]) -> LogEntry:
    """The entry of a decision that has one; a change of models has one for each."""
    change = decision.change
    assert change is not None
    assert not isinstance(change, ChangeModels)
    return change.log


def of_models(decision: Decided[Any]) -> ChangeModels[ModelCatalog]:
    assert isinstance(decision.change, ChangeModels)
    return decision.change


def details(error: KastorError) -> list[str]:
    return [each.message for each in error.details]


def catalog_of(*documents: dict[str, Any], decommissioned: tuple[str, ...] = ()) -> ModelCatalog:
    rows = [
        ModelRow(
            key, document["@id"], orjson.dumps(document), key, document["@id"] in decommissioned
        )
        for key, document in enumerate(documents, 1)
    ]
    found = catalog_builder(RULES)(rows, [(row.key, row.id) for row in rows], 1)
    assert isinstance(found, ModelCatalog)
    return found


def room(**members: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"$metadata": {}}
    return {"$metadata": {"$model": ROOM}, "inside": empty, "outside": empty, **members}


class World:
    """Runs commands as the store would, one after the other; a refused one changes nothing."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.catalog = catalog_of(*(documents or (SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL)))
        self.twins: dict[str, TwinRow] = {}
        self.relationships: dict[tuple[str, str], RelationshipRow] = {}
        self._ticks = count(UNIX_EPOCH_TICKS + 7, 10_000_000)
        self._keys = count(1)
        self.now = ""

    def run(self, command: Command[Any]) -> Decided[Any]:
        tick = next(self._ticks)
        self.now = twin_time(tick)
        stamp = Stamp(tick, f"00000000-0000-4000-8000-{tick % 10**12:012}", "event")
        decision: Decided[Any] = _DECIDE[type(command)](command, self._current(command), stamp)
        self._apply(decision.change)
        return decision

    def document(self, twin_id: str) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.twins[twin_id].doc)
        return document

    def put(self, twin_id: str, body: dict[str, Any]) -> Decided[Any]:
        return self.run(c.PutTwin(twin_id, body))

    def patch(
        self, twin_id: str, *operations: dict[str, Any], component: str | None = None
    ) -> Decided[Any]:
        return self.run(c.PatchTwin(twin_id, operations, None, component))

    def relate(self, source: str, name: str, target: str, **members: Any) -> Decided[Any]:
        body = {"$relationshipName": name, "$targetId": target, **members}
        return self.run(c.PutRelationship(source, "r", body))

    def _current(self, command: Any) -> State:
        if hasattr(command, "twin_id"):
            row = self.twins.get(command.twin_id)
            ends = [(each.source_key, each.target_key) for each in self.relationships.values()]
            has = row is not None and any(row.key in pair for pair in ends)
            return Current(self.catalog, row, has_relationships=has)
        target = None
        if isinstance(command, c.PutRelationship):
            target = self.twins.get(command.body.get("$targetId", ""))
        return Current(
            self.catalog,
            self.twins.get(command.source_id),
            self.relationships.get((command.source_id, command.relationship_id)),
            target,
        )

    def _apply(self, change: Any) -> None:
        key = next(self._keys)
        match change:
            case WriteTwin():
                if change.before is not None:
                    key = change.before.key
                row = TwinRow(key, change.id, change.model_key, change.etag, 1, change.doc)
                self.twins[change.id] = row
            case EraseTwin():
                del self.twins[change.before.id]
            case WriteRelationship():
                self.relationships[change.source.id, change.id] = RelationshipRow(
                    key,
                    change.source.key,
                    change.id,
                    change.name,
                    change.target_key,
                    change.etag,
                    1,
                    change.doc,
                )
            case EraseRelationship():
                gone = change.before
                source = next(r.id for r in self.twins.values() if r.key == gone.source_key)
                del self.relationships[source, gone.id]
