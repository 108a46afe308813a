"""A load of writes of every kind, by clients that each own some twins and share others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol

from .ledger import Kind, Ledger, Sent, Step, Thing, Upload

BASE = "dtmi:f:Place;1"
PLACE: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": BASE,
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "value", "schema": "integer"},
        {"@type": "Property", "name": "text", "schema": "string"},
        {
            "@type": "Relationship",
            "name": "to",
            "properties": [{"@type": "Property", "name": "value", "schema": "integer"}],
        },
    ],
}


class LostError(Exception):
    """No answer came: the write may have happened or not."""


class Port(Protocol):
    """A way to the graph; each call is answered by an acknowledgement or raises."""

    async def send(self, sent: Sent) -> str:
        """Do it and return the etag, empty where there is none."""


def twin_body(step: Step) -> dict[str, Any]:
    text = "x" * (step.value * 37 % 900)
    return {"$metadata": {"$model": BASE}, "value": step.value, "text": text}


def relationship_body(step: Step) -> dict[str, Any]:
    return {"$relationshipName": "to", "$targetId": step.thing.target, "value": step.value}


def patch_body(step: Step) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": "/value", "value": step.value}]


def models_of(upload: Upload) -> list[dict[str, Any]]:
    """Models that need each other, so that half an upload would be a broken catalog."""
    first, *rest = upload.ids
    base = {"@context": "dtmi:dtdl:context;2", "@type": "Interface"}
    component = {"@type": "Component", "name": "part", "schema": first}
    return [
        {**base, "@id": first},
        *({**base, "@id": each, "extends": first, "contents": [component]} for each in rest),
    ]


class Client:
    """Writes its own two twins, the relationship between them, and what it is told to share."""

    def __init__(
        self, name: str, ledger: Ledger, port: Port, rng: random.Random, shared: list[Thing]
    ) -> None:
        self._name = name
        self._ledger = ledger
        self._port = port
        self._rng = rng
        self._shared = shared
        self._one, self._two = ledger.thing(f"{name}-1"), ledger.thing(f"{name}-2")
        self._edge = ledger.thing("e", self._one.id, self._two.id)
        self._present: set[str] = set()
        self._count = 0

    async def run(self, go_on: Callable[[], bool]) -> None:
        """Write until told to stop, or until the other side is gone."""
        try:
            while go_on():
                await self._act()
        except LostError:
            pass

    async def remove_all(self) -> None:
        """Delete what this client owns and is there."""
        for thing in (self._edge, self._one, self._two):
            if thing.subject in self._present:
                await self._send(self._ledger.step(thing, "delete"))
                self._present.discard(thing.subject)

    async def _act(self) -> None:
        match self._rng.random():
            case dice if dice < 0.08:
                await self._upload()
            case dice if dice < 0.16 and self._one.id in self._present:
                self._count += 1
                message = self._ledger.message(self._one.id, f"{self._name}-m{self._count}")
                await self._send(message)
            case dice if dice < 0.26:
                thing = self._rng.choice(self._shared)
                await self._send(self._ledger.step(thing, "patch"))
            case dice if dice < 0.5 and {self._one.id, self._two.id} <= self._present:
                await self._write(self._edge, removable=True)
            case _:
                thing = self._rng.choice((self._one, self._two))
                await self._write(thing, removable=self._edge.subject not in self._present)

    async def _upload(self) -> None:
        self._count += 1
        stem = f"dtmi:f:{self._name.replace('-', '_')}_{self._count}"
        await self._send(self._ledger.upload(tuple(f"{stem}{each};1" for each in "abc")))

    async def _write(self, thing: Thing, *, removable: bool) -> None:
        kinds: list[Kind] = ["put"]
        if thing.subject in self._present:
            kinds += ["patch", "patch"]
            if removable:
                kinds.append("delete")
        step = self._ledger.step(thing, self._rng.choice(kinds))
        await self._send(step)
        if step.kind == "delete":
            self._present.discard(thing.subject)
        else:
            self._present.add(thing.subject)

    async def _send(self, sent: Sent) -> None:
        etag = await self._port.send(sent)
        self._ledger.acknowledge(sent, etag)


async def prepare(port: Port, ledger: Ledger, prefix: str, *, upload_base: bool) -> list[Thing]:
    """Make what clients share: the model and two twins."""
    if upload_base:
        base = ledger.upload((BASE,))
        ledger.acknowledge(base, await port.send(base))
    shared = [ledger.thing(f"{prefix}-shared{n}", shared=True) for n in range(2)]
    for thing in shared:
        step = ledger.step(thing, "put")
        ledger.acknowledge(step, await port.send(step))
    return shared


async def run_clients(clients: list[Client], go_on: Callable[[], bool]) -> None:
    await asyncio.gather(*(client.run(go_on) for client in clients))
