"""A floor with rooms on a server, for tests of queries and of the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.client import KastorClient, writes
from kastor.testing import KastorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE, ROOM, FLOOR, KNOB, CELL = (
    f"dtmi:test:{name};1" for name in ("Space", "Room", "Floor", "Thermostat", "Cell")
)


def interface(model: str, title: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    kind = {"@context": "dtmi:dtdl:context;3", "@id": model, "@type": "Interface"}
    return {**kind, "displayName": title, "contents": list(contents), **more}


def value(name: str, schema: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema}


def relationship(name: str, target: str, *properties: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"@type": "Relationship", "name": name, "target": target}
    return {**made, "properties": list(properties)} if properties else made


MODELS = (
    interface(SPACE, "A space", value("name", "string")),
    interface(KNOB, "Knob", value("setPoint", "double")),
    interface(
        ROOM,
        "Room",
        value("temperature", "double"),
        value(
            "size",
            {"@type": "Object", "fields": [{"name": "width", "schema": "double"}]},
        ),
        value(
            "status",
            {
                "@type": "Enum",
                "valueSchema": "string",
                "enumValues": [{"name": "free", "enumValue": "free"}],
            },
        ),
        {"@type": "Component", "name": "knob", "schema": KNOB},
        relationship("adjacentTo", ROOM),
        extends=SPACE,
    ),
    interface(CELL, "Cell", relationship("nextTo", CELL), extends=SPACE),
    interface(
        FLOOR, "Floor", relationship("contains", SPACE, value("since", "integer")), extends=SPACE
    ),
)
NAMES = ("Lab", "Kitchen", "\x1b[31mRed")
MESH = 9
"""Cells that are all next to each other: ways through them are without number."""


def fill(client: KastorClient) -> None:
    client.models.upload(MODELS)
    client.twins.put("floor", {"$metadata": {"$model": FLOOR}, "name": "First floor"})
    for number, name in enumerate(NAMES, 1):
        put_room(client, f"room{number}", name, 19.5 + number)
        body = {"$relationshipName": "contains", "$targetId": f"room{number}", "since": 2020}
        client.relationships.put("floor", f"c{number}", body)


def put_room(client: KastorClient, room: str, name: str, temperature: float) -> None:
    knob = {"$metadata": {}, "setPoint": 21}
    body = {"$metadata": {"$model": ROOM}, "name": name, "temperature": temperature, "knob": knob}
    client.twins.put(room, body)


def add_mesh(client: KastorClient) -> None:
    """Add cells that are all next to each other."""
    names = [f"cell{number}" for number in range(MESH)]
    client.batch([writes.put_twin(each, {"$metadata": {"$model": CELL}}) for each in names])
    body = {"$relationshipName": "nextTo"}
    client.batch(
        [
            writes.put_relationship(each, f"{each}-{other}", {**body, "$targetId": other})
            for each in names
            for other in names
            if each != other
        ]
    )


@pytest.fixture(scope="session")
def graph() -> Iterator[tuple[KastorServer, KastorClient]]:
    """A server with the floor, shared: whoever changes something puts it back."""
    with KastorServer() as server, KastorClient(server.url) as client:
        fill(client)
        add_mesh(client)
        yield server, client
