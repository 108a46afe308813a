"""A graph in this process with its live queries, and clients that apply what they are told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import orjson

from kastor.dtdl import ValueRules
from kastor.errors import KastorError
from kastor.graph import commands as c
from kastor.graph.catalog import catalog_builder
from kastor.graph.service import GraphService
from kastor.live.service import LiveQuery, LiveService, LiveSettings, Ready, Removed, Rows
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM, Context
from kastor.storage.sqlite.store import SqliteStore

DSN: str | None = None
"""Where graphs live instead of in files."""

BASE, ROOM, HALL = "dtmi:live:Base;1", "dtmi:live:Room;1", "dtmi:live:Hall;1"
ANN = Context("ann")
EAGER = LiveSettings(debounce=0.0, rerun_pause=0.0, share=0.99, total_share=0.99)
"""Without the pauses that spare a server; what is told is the same."""


def interface(model_id: str, *contents: Any, **members: Any) -> dict[str, Any]:
    kind = {"@context": "dtmi:dtdl:context;3", "@id": model_id, "@type": "Interface"}
    return {**kind, "contents": list(contents), **members}


def relationship(name: str) -> dict[str, Any]:
    weight = {"@type": "Property", "name": "weight", "schema": "integer"}
    return {"@type": "Relationship", "name": name, "properties": [weight]}


MODELS = {
    BASE: interface(
        BASE,
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "name", "schema": "string"},
        relationship("next"),
        relationship("above"),
    ),
    ROOM: interface(ROOM, extends=[BASE]),
    HALL: interface(HALL, extends=[BASE]),
}


class World:
    """A graph with its services."""

    def __init__(self, store: Any, settings: LiveSettings) -> None:
        self.store = store
        self.graph = GraphService(store)
        query_settings = QuerySettings()
        key = store.signing_key
        self.query = QueryService(
            store,
            lambda: store.catalog,
            key,
            query_settings,
            dialect=dialect_of(store.engine),
            refresh=store.refresh,
        )
        self.live = LiveService(store, self.query, settings)
        self.clients: list[Client] = []

    async def do(self, command: c.Command[Any]) -> bool:
        """Whether the graph took it."""
        try:
            await self.graph.execute(command, ANN)
        except KastorError:
            return False
        return True

    async def upload(self, *ids: str) -> bool:
        texts = [orjson.dumps(MODELS[each]) for each in ids]
        documents = [(orjson.loads(text), text) for text in texts]
        try:
            await self.graph.upload(b"[" + b",".join(texts) + b"]", documents, ANN)
        except KastorError:
            return False
        return True

    async def put(self, twin: str, model: str = ROOM, **values: Any) -> bool:
        return await self.do(c.PutTwin(twin, {"$metadata": {"$model": model}, **values}))

    async def relate(
        self, source: str, rel: str, target: str, name: str = "next", **values: Any
    ) -> bool:
        body = {"$relationshipName": name, "$targetId": target, **values}
        return await self.do(c.PutRelationship(source, rel, body))

    async def newest(self) -> int:
        _, newest = await self.store.events.log_bounds()
        return int(newest)

    async def result(self, text: str) -> Counter[str]:
        """The rows of a query now, each as canonical text."""
        found: list[Any] = []
        token = None
        while True:
            page = await self.query.run(text, SYSTEM, token=token, max_items=1000)
            found += json.loads(page.value)
            token = page.continuation
            if token is None:
                return Counter(map(canonical, found))

    async def follow(self, text: str) -> Client:
        client = Client(text, await self.live.open(text, SYSTEM))
        self.clients.append(client)
        return client


@asynccontextmanager
async def world(folder: Path, settings: LiveSettings = EAGER) -> AsyncIterator[World]:
    rules = ValueRules(zone_optional=True, dollar_keys=False, empty_keys=False)
    store: Any
    if DSN is None:
        store = await SqliteStore.open(folder / "graph.sqlite3", catalog_builder(rules))
    else:
        from kastor.storage.postgres.store import PostgresStore

        schema = f"live_{uuid4().hex}"
        store = await PostgresStore.open(DSN, schema, catalog_builder(rules))
    made = World(store, settings)
    await made.upload(*MODELS)
    try:
        yield made
    finally:
        for client in made.clients:
            await client.leave()
        await made.live.stop()
        await store.close()


class Client:
    """Follows a query and applies what it is told, to the letter."""

    def __init__(self, text: str, live: LiveQuery) -> None:
        self.text = text
        self.live = live
        self.rows: dict[tuple[str, ...], Any] = {}
        self.ready: list[Ready] = []
        self.told: list[Any] = []
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for update in self.live.updates(0.01):
            match update:
                case Rows(kind="added"):
                    self.told.append(update)
                    for row in update.rows:
                        assert row.id not in self.rows, (self.text, row)
                        self.rows[row.id] = json.loads(row.text)
                case Rows():
                    self.told.append(update)
                    for row in update.rows:
                        new = json.loads(row.text)
                        assert self.rows[row.id] != new, "told for nothing"
                        self.rows[row.id] = new
                case Removed():
                    self.told.append(update)
                    for identity in update.ids:
                        del self.rows[identity]
                case Ready():
                    self.ready.append(update)
                case _:
                    pass

    async def settle(self, position: int, seconds: float = 20) -> None:
        """Wait until it was told everything up to a position."""
        async with asyncio.timeout(seconds):
            while self.live.settled < position or not self.ready:
                if self.task.done():
                    self.task.result()
                    raise AssertionError("it ended")
                await asyncio.sleep(0.002)

    @property
    def applied(self) -> Counter[str]:
        return Counter(map(canonical, self.rows.values()))

    async def leave(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, KastorError):
            await self.task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()


def canonical(row: Any) -> str:
    return json.dumps(row, sort_keys=True)
