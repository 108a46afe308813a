"""Graphs of any size for tests that move them, as items and as what they become."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from kastor.client import AsyncKastorClient
from kastor.moving.exporting.graph_export import ExportWish, GraphExport
from kastor.moving.items import ModelItem, Placed, RelationshipItem, TwinItem
from kastor.testing import KastorServer

CONTEXT = "dtmi:dtdl:context;3"
PART: dict[str, Any] = {
    "@id": "dtmi:x:Zpart;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "contents": [{"@type": "Property", "name": "unit", "schema": "string"}],
}
THING: dict[str, Any] = {
    "@id": "dtmi:x:Athing;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "displayName": "Ding f\u00fcr Tests",
    "contents": [
        {"@type": "Property", "name": "size", "schema": "double"},
        {"@type": "Property", "name": "note", "schema": "string"},
        {"@type": "Component", "name": "part", "schema": "dtmi:x:Zpart;1"},
        {
            "@type": "Relationship",
            "name": "next",
            "properties": [{"@type": "Property", "name": "weight", "schema": "double"}],
        },
    ],
}
MODELS = (THING, PART)
"""The one that needs the other comes first."""


def client_of(server: KastorServer) -> AsyncKastorClient:
    return AsyncKastorClient(server.url, server.credential.get_token().token)


def twin(number: int) -> TwinItem:
    """A twin with a component, a text that is no ASCII, and at times when a value was measured."""
    metadata: dict[str, Any] = {"$model": THING["@id"]}
    if number % 3 == 0:
        metadata["size"] = {"sourceTime": "2026-01-02T03:04:05.1234567Z"}
    body = {
        "$metadata": metadata,
        "size": number + 0.5,
        "note": f"n\u00e4{number}\U0001f600",
        "part": {"$metadata": {}, "unit": "m"},
    }
    return TwinItem(f"t{number}", body)


def edge(source: int, target: int) -> RelationshipItem:
    body = {"$relationshipName": "next", "$targetId": f"t{target}", "weight": source / 4}
    return RelationshipItem(f"t{source}", f"to-{target}", body)


async def graph(twins: int, edges: int) -> AsyncIterator[Placed]:
    """Yield models, then twins and relationships mixed: some lead to twins that come later."""
    for document in MODELS:
        yield Placed(ModelItem(document), document["@id"])
    left = edges
    for number in range(twins):
        if left:
            yield Placed(edge(number, (number * 7 + 1) % twins), f"edge {number}")
            left -= 1
        yield Placed(twin(number), f"twin {number}")


async def exported(client: AsyncKastorClient, wish: ExportWish | None = None) -> bytes:
    return b"".join([piece async for piece in GraphExport(client, wish).pieces()])
