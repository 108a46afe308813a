"""A route's worker beside a store that fails: what it did is noted later, and nothing is dropped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import apsw
import pytest

from kastor.events.filter import parse
from kastor.events.meter import DeliveryMeter
from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.worker import DeliverySettings, RouteWorker
from kastor.graph.catalog import ModelCatalog
from kastor.outside.lease import Lease
from kastor.storage.events import DeadLetter
from kastor.storage.protocol import Store

from .engines import Engine
from .graphs import Graph, room
from .postgres_engine import PostgresEngine
from .sqlite_engine import SqliteEngine

pytestmark = pytest.mark.anyio
OWNER = "this process"


class Endpoint:
    """A sink that refuses what it is told to, and remembers what it was offered."""

    def __init__(self, *refused: str) -> None:
        self.refused = set(refused)
        self.offered: list[str] = []
        self.taken: list[str] = []

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to disconnect."""

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        for done, event in enumerate(events):
            self.offered.append(event.key)
            if event.key in self.refused:
                return Delivered(done, DeliveryFault("refused", "400"))
            self.taken.append(event.key)
        return Delivered(len(events))


class Site:
    """A graph with a route `r` whose worker runs."""

    def __init__(self, engine: Engine, store: Store[ModelCatalog], graph: Graph) -> None:
        self.engine, self.store, self.graph = engine, store, graph
        self.endpoint = Endpoint()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RouteWorker]:
        lease = Lease(shared=self.store.events.shared)
        await self.store.events.hold_route("r", OWNER, 600)
        lease.extend(time.monotonic() + 600)
        [row] = await self.store.events.routes()
        worker = RouteWorker(
            row,
            lambda: self.endpoint,
            parse("true"),
            self.store.events,
            "twins.example.org",
            DeliverySettings(first_wait=0.05, longest_wait=0.05),
            OWNER,
            DeliveryMeter(),
            lease,
        )
        task = asyncio.create_task(worker.run())
        yield worker
        task.cancel()
        await asyncio.wait([task])

    def letters_away(self, away: bool) -> None:
        """Take the table of the dead letters away, behind the store's back, or put it back."""
        old, new = ("dead_letters", "elsewhere") if away else ("elsewhere", "dead_letters")
        if isinstance(self.engine, PostgresEngine):
            statement = f"ALTER TABLE {{graph}}.{old} RENAME TO {new}"
            self.engine.history().rows(statement)
        elif isinstance(self.engine, SqliteEngine):
            connection = apsw.Connection(str(self.engine.path()))
            connection.set_busy_timeout(5_000)
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
            connection.close()

    async def letters(self) -> list[DeadLetter]:
        return await self.store.events.dead_letters("r", 0, 100)

    async def delivered(self) -> int:
        [row] = await self.store.events.routes()
        return row.delivered


@pytest.fixture
async def site(engine: Engine, graph: Graph) -> Site:
    store = graph.store
    await store.events.put_route("r", "endpoint", "true")
    return Site(engine, store, graph)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await check():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)


async def test_a_dead_letter_that_the_store_did_not_take_is_noted_later(site: Site) -> None:
    site.endpoint = Endpoint("b")
    async with site.running() as worker:
        await site.graph.put("a", room())
        await until(lambda: _is(site.delivered(), 1))
        site.letters_away(True)
        await site.graph.put("b", room())
        await site.graph.put("c", room())
        await until(lambda: _now("b" in site.endpoint.offered))
        await asyncio.sleep(0.3)
        site.letters_away(False)
        await until(lambda: _is(site.delivered(), 2))
        [letter] = await site.letters()
    assert site.endpoint.taken == ["a", "c"]
    assert site.endpoint.offered.count("b") == 1
    assert letter.position == worker.position - 1
    [row] = await site.store.events.routes()
    assert (row.died, row.delivered, row.position) == (1, 2, worker.position)


async def test_requeued_letters_are_sent_once_the_store_answers_again(site: Site) -> None:
    site.endpoint = Endpoint("a")
    async with site.running() as worker:
        await site.graph.put("a", room())
        await until(lambda: _holds(site.letters()))
        site.endpoint.refused.clear()
        assert await site.store.events.requeue("r", None) == 1
        site.letters_away(True)
        worker.nudge()
        await asyncio.sleep(0.5)  # it meets the missing table
        site.letters_away(False)
        await until(lambda: _is(site.delivered(), 1))
        assert await site.letters() == []
    assert site.endpoint.taken == ["a"]


async def test_who_held_a_route_that_was_moved_notes_nothing_more(site: Site) -> None:
    if not site.store.events.shared:
        pytest.skip("one process has the file to itself")
    events = site.store.events
    await site.graph.put("a", room())
    _, newest = await events.log_bounds()
    assert await events.hold_route("r", "old", 600) is not None
    assert await events.keep_route("r", "old", 600) is False
    assert await events.move_route("r", 0)
    assert await events.keep_route("r", "old", 600) is None
    noted = await events.advance_route(
        "r", "old", newest, delivered=1, error=None, letters=[], settled=[]
    )
    assert noted is None
    assert await events.hold_route("r", "new", 600) == 0


async def test_who_holds_a_route_is_told_of_requeued_letters(site: Site) -> None:
    if not site.store.events.shared:
        pytest.skip("one process has the file to itself")
    events = site.store.events
    letter = DeadLetter(0, "r", 1, b"{}", "400", 1, 0, requeued=False)
    await events.hold_route("r", OWNER, 600)
    await events.advance_route("r", OWNER, 1, delivered=0, error=None, letters=[letter], settled=[])
    assert await events.keep_route("r", OWNER, 600) is False
    assert await events.requeue("r", None) == 1
    assert await events.keep_route("r", OWNER, 600) is True


async def _is(asked: Awaitable[int], value: int) -> bool:
    return await asked == value


async def _holds(asked: Awaitable[list[DeadLetter]]) -> bool:
    return bool(await asked)


async def _now(truth: bool) -> bool:
    return truth
