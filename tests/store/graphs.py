"""A graph as the tests drive it, and the models that they drive it with."""

from __future__ import annotations

from typing import Any

import orjson

from kastor.graph import commands as c
from kastor.graph.catalog import ModelCatalog, StoredModel
from kastor.graph.service import GraphService
from kastor.records import SYSTEM, Context
from kastor.storage.protocol import Store

from .engines import History

Document = dict[str, Any]

CONTEXT = "dtmi:dtdl:context;2"
ROOM, HALL, THERMOSTAT = "dtmi:s:Room;1", "dtmi:s:Hall;1", "dtmi:s:Thermostat;1"


def interface(model_id: str, *contents: Document, **members: Any) -> Document:
    kind = {"@context": CONTEXT, "@id": model_id, "@type": "Interface"}
    return {**kind, "contents": list(contents), **members}


def prop(name: str, schema: Any) -> Document:
    return {"@type": "Property", "name": name, "schema": schema}


def map_of(schema: str) -> Document:
    return {
        "@type": "Map",
        "mapKey": {"name": "key", "schema": "string"},
        "mapValue": {"name": "value", "schema": schema},
    }


THERMOSTAT_MODEL = interface(THERMOSTAT, prop("setPoint", "double"), prop("mode", "string"))
ROOM_MODEL = interface(
    ROOM,
    prop("temperature", "double"),
    prop("name", "string"),
    prop("labels", map_of("string")),
    {"@type": "Component", "name": "thermostat", "schema": THERMOSTAT},
    {"@type": "Relationship", "name": "nextTo", "properties": [prop("door", "string")]},
    {"@type": "Relationship", "name": "above"},
)
HALL_MODEL = interface(HALL, prop("temperature", "double"), prop("seats", "integer"))


def room(**members: Any) -> Document:
    return {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}, **members}


def hall(**members: Any) -> Document:
    return {"$metadata": {"$model": HALL}, **members}


def edge(target: str, name: str = "nextTo", **members: Any) -> Document:
    return {"$relationshipName": name, "$targetId": target, **members}


def replace(path: str, value: Any) -> Document:
    return {"op": "replace", "path": path, "value": value}


def add(path: str, value: Any) -> Document:
    return {"op": "add", "path": path, "value": value}


def remove(path: str) -> Document:
    return {"op": "remove", "path": path}


class Graph:
    """An open graph with its service and its history."""

    def __init__(self, store: Store[ModelCatalog], history: History) -> None:
        self.store = store
        self.history = history
        self.service = GraphService(store)

    async def execute(
        self, command: c.Command[Any], actor: str = "ann", trace: str | None = None
    ) -> Any:
        return await self.service.execute(command, Context(actor, trace))

    async def upload(self, *models: Document | str) -> list[StoredModel]:
        """Store models, given as documents or as the text of each."""
        texts = [one.encode() if isinstance(one, str) else orjson.dumps(one) for one in models]
        documents = [(orjson.loads(text), text) for text in texts]
        body = b"[" + b",".join(texts) + b"]"
        return await self.service.upload(body, documents, Context("ann"))

    async def put(self, twin_id: str, body: Document) -> c.Written:
        written: c.Written = await self.execute(c.PutTwin(twin_id, body))
        return written

    async def patch(
        self, twin_id: str, *operations: Document, component: str | None = None
    ) -> c.Written:
        patch = c.PatchTwin(twin_id, operations, component=component)
        written: c.Written = await self.execute(patch)
        return written

    async def delete(self, twin_id: str) -> None:
        await self.execute(c.DeleteTwin(twin_id))

    async def relate(self, source: str, relationship_id: str, body: Document) -> c.Written:
        put = c.PutRelationship(source, relationship_id, body)
        written: c.Written = await self.execute(put)
        return written

    async def unrelate(self, source: str, relationship_id: str) -> None:
        await self.execute(c.DeleteRelationship(source, relationship_id))

    async def document(self, twin_id: str) -> Document:
        document: Document = orjson.loads((await self.service.twin(twin_id, SYSTEM)).doc)
        return document
