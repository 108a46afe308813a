"""Graphs to migrate, and how tests compare two of them: by reading both, document by document."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from kastor.client import KastorClient

ROOM, HALL, PART = "dtmi:migrate:Room;1", "dtmi:migrate:Hall;1", "dtmi:migrate:Part;1"
V3 = "dtmi:dtdl:context;3"
MODELS: list[dict[str, Any]] = [
    {
        "@id": HALL,
        "@type": "Interface",
        "@context": V3,
        "extends": ROOM,
        "contents": [{"@type": "Property", "name": "seats", "schema": "integer"}],
    },
    {
        "@id": ROOM,
        "@type": "Interface",
        "@context": V3,
        "contents": [
            {"@type": "Property", "name": "size", "schema": "double"},
            {"@type": "Property", "name": "label", "schema": "string"},
            {"@type": "Component", "name": "part", "schema": PART},
            {
                "@type": "Relationship",
                "name": "next",
                "target": ROOM,
                "properties": [{"@type": "Property", "name": "metres", "schema": "double"}],
            },
        ],
    },
    {
        "@id": PART,
        "@type": "Interface",
        "@context": V3,
        "contents": [{"@type": "Property", "name": "state", "schema": "string"}],
    },
]
"""In an order in which no server takes them."""


def room(number: int) -> dict[str, Any]:
    """A twin's body."""
    made: dict[str, Any] = {
        "$metadata": {"$model": HALL if number % 10 == 0 else ROOM},
        "size": number / 4,
        "label": f"Raum {number} é",
        "part": {"$metadata": {}, **({"state": "on"} if number % 3 else {})},
    }
    if number % 7 == 0:
        made["$metadata"]["size"] = {"sourceTime": "2026-01-02T03:04:05.0060000Z"}
    return made


def link(target: str, metres: float = 1.0) -> dict[str, Any]:
    """A relationship's body."""
    return {"$relationshipName": "next", "$targetId": target, "metres": metres}


def import_file(twins: int, relationships: int) -> bytes:
    """A graph as a file that Kastor imports."""
    return "\n".join(_lines(twins, relationships)).encode()


def fill_by_calls(client: KastorClient, twins: int, relationships: int) -> None:
    """Write a small graph as clients of Azure do."""
    client.models.upload(MODELS)
    for number in range(twins):
        client.twins.put(f"t{number}", room(number))
    for number in range(relationships):
        source, step = number % twins, 1 + number // twins
        body = link(f"t{(source + step) % twins}", number / 8)
        client.relationships.put(f"t{source}", f"r{step}", body)


def _lines(twins: int, relationships: int) -> Iterator[str]:
    yield '{"Section": "Header"}'
    yield '{"fileVersion": "1.0.0"}'
    yield '{"Section": "Models"}'
    yield from map(json.dumps, MODELS)
    yield '{"Section": "Twins"}'
    for number in range(twins):
        yield json.dumps({"$dtId": f"t{number}", **room(number)})
    yield '{"Section": "Relationships"}'
    for number in range(relationships):
        source, step = number % twins, 1 + number // twins
        body = {"$dtId": f"t{source}", "$relationshipId": f"r{step}"}
        yield json.dumps({**body, **link(f"t{(source + step) % twins}", number / 8)})


def fill(url: str, twins: int, relationships: int) -> None:
    """Import a graph into a Kastor."""
    with KastorClient(url) as client:
        job = client.jobs.wait(client.jobs.upload(import_file(twins, relationships)), seconds=300)
        assert job.status == "succeeded", job.document


def documents(url: str) -> dict[str, Any]:
    """All models, twins and relationships of a server, without what servers add."""
    with KastorClient(url) as client:
        found: dict[str, Any] = {
            each["id"]: (each["model"], each["decommissioned"])
            for each in client.models.list(definitions=True)
        }
        for row in client.query("SELECT * FROM digitaltwins", page_size=1000):
            found[f"twin {row['$dtId']}"] = plain(row)
        for row in client.query("SELECT * FROM relationships", page_size=1000):
            found[f"{row['$sourceId']}/{row['$relationshipId']}"] = plain(row)
        return found


def plain(value: Any) -> Any:
    """A document without ETags and times that servers set."""
    if not isinstance(value, dict):
        return value
    kept = {
        name: plain(each)
        for name, each in value.items()
        if name not in ("$etag", "$lastUpdateTime", "lastUpdateTime")
    }
    return {name: each for name, each in kept.items() if each or not isinstance(value[name], dict)}


class Traffic:
    """Somebody who writes to a graph while it is moved: makes, changes, retargets, deletes."""

    def __init__(self, url: str, twins: int, seed: int) -> None:
        self._client, self._twins = KastorClient(url), twins
        self._random = random.Random(seed)
        self._made: list[str] = []
        self.writes = 0

    def one(self) -> None:
        """One write of some kind."""
        which = self._random.randrange(6)
        some = f"t{self._random.randrange(self._twins)}"
        if which < 2:
            patch = [{"op": "replace", "path": "/size", "value": self._random.random()}]
            self._client.twins.patch(some, patch)
        elif which == 2:
            name = f"new{self.writes}"
            self._client.twins.put(name, room(self.writes))
            self._client.relationships.put(name, "up", link(some))
            self._made.append(name)
        elif which == 3:
            self._client.relationships.put(some, "moving", link(f"new-target-{self._target()}"))
        elif which == 4:
            patch = [{"op": "add", "path": "/part/state", "value": f"s{self.writes}"}]
            self._client.twins.patch(some, patch)
        elif self._made:
            name = self._made.pop(0)
            self._client.relationships.delete(name, "up")
            self._client.twins.delete(name)
        self.writes += 1

    def _target(self) -> int:
        number = self._random.randrange(3)
        self._client.twins.put(f"new-target-{number}", room(number))
        return number

    def close(self) -> None:
        """Close its connections."""
        self._client.close()
