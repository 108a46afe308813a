"""Commands run inside this process against a graph, and models to run them with."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.client import KastorClient
from kastor.testing import KastorServer
from tests.system.program import invoked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess

CONTEXT = "dtmi:dtdl:context;3"
SPACE = {
    "@id": "dtmi:com:example:Space;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "displayName": {"en": "Space", "de": "Raum"},
    "contents": [
        {"@type": "Property", "name": "label", "schema": "string"},
        {"@type": "Relationship", "name": "next", "target": "dtmi:com:example:Space;1",
         "properties": [{"@type": "Property", "name": "metres", "schema": "double"}]},
        {"@type": "Relationship", "name": "above"},
    ],
}  # fmt: skip
THERMOSTAT = {
    "@id": "dtmi:com:example:Thermostat;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "contents": [
        {"@type": "Property", "name": "setPoint", "schema": "double"},
        {"@type": "Property", "name": "serial", "schema": "string"},
    ],
}
ROOM = {
    "@id": "dtmi:com:example:Room;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "extends": "dtmi:com:example:Space;1",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "seats", "schema": "integer"},
        {"@type": "Property", "name": "open", "schema": "boolean"},
        {"@type": "Property", "name": "built", "schema": "date"},
        {"@type": "Property", "name": "use", "schema":
            {"@type": "Enum", "valueSchema": "string",
             "enumValues": [{"name": "office", "enumValue": "1"}]}},
        {"@type": "Property", "name": "level", "schema":
            {"@type": "Enum", "valueSchema": "integer",
             "enumValues": [{"name": "ground", "enumValue": 0}]}},
        {"@type": "Property", "name": "tags", "schema":
            {"@type": "Map", "mapKey": {"name": "k", "schema": "string"},
             "mapValue": {"name": "v", "schema": "string"}}},
        {"@type": "Property", "name": "size", "schema":
            {"@type": "Object", "fields": [{"name": "width", "schema": "double"},
                                           {"name": "unit", "schema": "string"}]}},
        {"@type": "Component", "name": "thermostat", "schema": "dtmi:com:example:Thermostat;1"},
    ],
}  # fmt: skip
MODELS: list[dict[str, Any]] = [SPACE, THERMOSTAT, ROOM]
ROOM_ID, SPACE_ID, THERMOSTAT_ID = (
    f"dtmi:com:example:{name};1" for name in ("Room", "Space", "Thermostat")
)


@dataclass(frozen=True)
class Graph:
    """A graph of a running server, and commands that work on it."""

    url: str

    def run(self, *words: object, status: int = 0, answer: str = "") -> CompletedProcess[str]:
        """Run a command that ends with a status."""
        done = invoked(*words, answer=answer, KASTOR_URL=self.url)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def said(self, *words: object, answer: str = "") -> str:
        """Run a command that has no fault; return its answer."""
        done = self.run(*words, answer=answer)
        assert done.stderr == ""
        return done.stdout

    def json(self, *words: object, answer: str = "") -> Any:
        """Return what a command answers as JSON."""
        return json.loads(self.said(*words, "--output", "json", answer=answer))

    def refused(self, *words: object, status: int, answer: str = "") -> str:
        """Run a command that is refused; return what it says of that."""
        done = self.run(*words, status=status, answer=answer)
        assert done.stdout == ""
        assert all(line.startswith("kastor: ") for line in done.stderr.splitlines()), done.stderr
        return done.stderr.replace("kastor: ", "")

    def client(self) -> KastorClient:
        """Return a client of the graph."""
        return KastorClient(self.url)

    def twin(self, twin: str) -> dict[str, Any]:
        """Return a twin."""
        with self.client() as client:
            return client.twins.get(twin)

    def put_room(self, twin: str, **more: object) -> dict[str, Any]:
        """Make a room."""
        body = {"$metadata": {"$model": ROOM_ID}, "thermostat": {"$metadata": {}}, **more}
        with self.client() as client:
            return client.twins.put(twin, body)

    def relate(self, source: str, relationship: str, target: str, name: str = "next") -> None:
        """Make a relationship."""
        body = {"$relationshipName": name, "$targetId": target}
        with self.client() as client:
            client.relationships.put(source, relationship, body)


@contextmanager
def serving() -> Iterator[Graph]:
    """A server of its own that has the models."""
    with KastorServer() as server:
        graph = Graph(server.url)
        with graph.client() as client:
            client.models.upload(MODELS)
        yield graph


def values(document: dict[str, Any]) -> dict[str, Any]:
    """The members that are no system's."""
    return {name: value for name, value in document.items() if not name.startswith("$")}
