"""Ten connections under any number of clients: nobody waits for ever, none is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import pytest

from kastor.errors import QueryError, QueryTimeout, Unavailable
from kastor.records import SYSTEM
from kastor.storage.postgres import connections, outcomes
from kastor.storage.postgres.connections import Connections
from kastor.storage.postgres.store import PostgresStore
from tests.store.graphs import HALL_MODEL, Graph, hall, replace
from tests.store.postgres_engine import PostgresEngine

from .pooler import SERVER_CONNECTIONS
from .server import direct

pytestmark = pytest.mark.anyio
OURS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = $1 AND pid <> pg_backend_pid() AND ($2 OR state = 'active')
"""


def named(dsn: str, name: str) -> str:
    return f"{dsn}{'&' if '?' in dsn else '?'}application_name={name}"


async def count(dsn: str, name: str, *, idle: bool) -> int:
    connection = await asyncpg.connect(direct(dsn))
    try:
        return int(await connection.fetchval(OURS, name, idle))
    finally:
        await connection.close()


@pytest.fixture
async def graph(postgres: PostgresEngine) -> Graph:
    postgres.dsn, plain = named(postgres.dsn, "pool-test"), postgres.dsn
    graph = Graph(await postgres.open(pool=10), postgres.history())
    postgres.dsn = plain
    await graph.upload(HALL_MODEL)
    return graph


async def test_five_hundred_clients_share_ten_connections(graph: Graph, dsn: str) -> None:
    for n in range(50):
        await graph.put(f"h{n}", hall(seats=0))
    most = 0

    async def client(number: int) -> None:
        for n in range(4):
            await graph.patch(f"h{number % 50}", replace("/seats", n))
            await graph.service.twin(f"h{(number + n) % 50}", SYSTEM)
            await graph.store.fetch_all("SELECT $1::bigint", (n,), SYSTEM, timeout=10)

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, await count(dsn, "pool-test", idle=True))
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    await asyncio.wait_for(asyncio.gather(*(client(number) for number in range(500))), 90)
    watching.cancel()
    assert 1 < most <= 10
    versions = [(await graph.service.twin(f"h{n}", SYSTEM)).version for n in range(50)]
    assert versions == [41] * 50


async def test_clients_that_give_up_take_no_connection_with_them(graph: Graph, dsn: str) -> None:
    await graph.put("h", hall(seats=0))

    async def impatient(number: int) -> None:
        works: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: graph.service.twin("h", SYSTEM),
            lambda: graph.patch("h", replace("/seats", number)),
            lambda: graph.store.fetch_all("SELECT pg_sleep(0.05)", (), SYSTEM, timeout=10),
        ]
        work = random.choice(works)
        task = asyncio.ensure_future(work())
        await asyncio.sleep(random.random() * 0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for _ in range(4):
        await asyncio.gather(*(impatient(number) for number in range(100)))
    await asyncio.wait_for(
        asyncio.gather(*(graph.service.twin("h", SYSTEM) for _ in range(100))), 20
    )
    assert await count(dsn, "pool-test", idle=True) <= 10


async def test_queries_leave_connections_to_others(graph: Graph, postgres: PostgresEngine) -> None:
    await graph.put("h", hall(seats=0))
    # No more than a pooler in between has: what queries leave must be there behind it, too.
    graph = Graph(await postgres.open(pool=SERVER_CONNECTIONS), postgres.history())
    slow = [
        asyncio.create_task(graph.store.fetch_all("SELECT pg_sleep(1)", (), SYSTEM, timeout=10))
        for _ in range(30)
    ]
    await asyncio.sleep(0.1)
    await asyncio.wait_for(graph.patch("h", replace("/seats", 1)), 0.5)
    await asyncio.wait_for(graph.service.twin("h", SYSTEM), 0.5)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_a_query_ends_at_its_deadline_in_the_server_too(graph: Graph, dsn: str) -> None:
    with pytest.raises(QueryTimeout, match=r"limit of 0\.2 seconds"):
        await graph.store.fetch_all("SELECT pg_sleep(30)", (), SYSTEM, timeout=0.2)
    await asyncio.sleep(0.3)
    assert await count(dsn, "pool-test", idle=False) == 0
    assert await graph.store.fetch_one("SELECT 1", (), SYSTEM, timeout=1) == (1,)


async def test_a_query_ends_when_its_client_goes_away(graph: Graph, dsn: str) -> None:
    task = asyncio.create_task(graph.store.fetch_all("SELECT pg_sleep(30)", (), SYSTEM, timeout=60))
    await asyncio.sleep(0.2)
    assert await count(dsn, "pool-test", idle=False) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.3)
    assert await count(dsn, "pool-test", idle=False) == 0


async def test_a_write_that_waits_too_long_ends_in_the_server_too(
    graph: Graph, postgres: PostgresEngine, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.put("h", hall(seats=0))
    monkeypatch.setattr(connections, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(outcomes, "CHECK_SECONDS", 0.5)
    hasty = Graph(await postgres.open(pool=4), postgres.history())
    blocker = await asyncpg.connect(direct(dsn))
    try:
        async with blocker.transaction():
            await blocker.execute(f"SELECT FROM {graph.store.engine.schema}.twins FOR UPDATE")
            with pytest.raises(Unavailable, match="does not answer in time"):
                await hasty.patch("h", replace("/seats", 1))
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            assert await blocker.fetchval(waiting) == 0
    finally:
        await blocker.close()
    assert (await hasty.document("h"))["seats"] == 0, "written after all"
    await hasty.patch("h", replace("/seats", 2))
    assert (await graph.document("h"))["seats"] == 2


async def test_a_query_that_fails_leaves_its_connection_usable(graph: Graph) -> None:
    for _ in range(20):
        with pytest.raises(QueryError, match="division by zero"):
            await graph.store.fetch_all("SELECT 1 / $1::int", (0,), SYSTEM, timeout=5)
    assert await graph.store.fetch_all("SELECT 2", (), SYSTEM, timeout=5) == [(2,)]


async def test_a_query_cannot_write_and_has_its_settings(graph: Graph) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await graph.store.fetch_all(
            f"DELETE FROM {graph.store.engine.schema}.changes", (), SYSTEM, timeout=5
        )
    settings = "SELECT current_setting('jit'), current_setting('plan_cache_mode')"
    assert await graph.store.fetch_one(settings, (), SYSTEM, timeout=5) == (
        "off",
        "force_custom_plan",
    )


async def test_no_session_state_is_left_behind(graph: Graph) -> None:
    await graph.put("h", hall())
    await graph.store.reset()
    await graph.store.prune()
    assert isinstance(graph.store, PostgresStore)
    async with graph.store._connections.lease() as connection:
        rows = await connection.fetch(
            "SELECT name FROM pg_settings WHERE source = 'session' "
            "AND name NOT IN ('client_encoding', 'application_name')"
        )
    assert rows == []


async def test_who_waits_too_long_is_told(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.1)
    pool = Connections(dsn, 2)
    taken = [await pool.take(), await pool.take()]
    results = await asyncio.gather(*(pool.take() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(each, Unavailable) and "db_pool" in each.message for each in results)
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give(taken[0])
    taken[0] = await waiting
    for each in taken:
        pool.give(each)
    await pool.close()
    with pytest.raises(Unavailable):
        await pool.take()
