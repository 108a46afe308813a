"""One graph's live queries: what is evaluated when, what is refused, what is left afterwards."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kastor.errors import CatalogChanged, QueryError, TooManyRequests, Unavailable
from kastor.graph import commands as c
from kastor.live.service import LiveService, LiveSettings, Removed, Rows
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM, Context

from . import world as world_module
from .world import EAGER, HALL, World, world

ALL = "SELECT * FROM DIGITALTWINS"
WARM = "SELECT T.name FROM DIGITALTWINS T WHERE T.temperature > 20"
COUNT = "SELECT COUNT() FROM DIGITALTWINS"
PAIRS = "SELECT A.name, B.name FROM DIGITALTWINS A JOIN B RELATED A.next"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


class Spy:
    """Counts the statements that run, and can do something behind each."""

    def __init__(self, made: World) -> None:
        self.made = made
        self.statements: list[tuple[str, Any]] = []
        self.times: list[float] = []
        self.behind: Any = None
        self.fetch = made.store.fetch_one
        made.store.fetch_one = self.fetch_one  # type: ignore[method-assign]

    async def fetch_one(self, sql: str, params: Any, context: Context, *, timeout: float) -> Any:
        self.statements.append((sql, params))
        self.times.append(time.monotonic())
        row = await self.fetch(sql, params, context, timeout=timeout)
        if self.behind is not None:
            await self.behind()
        return row


@asynccontextmanager
async def spied(folder: Path, settings: LiveSettings = EAGER) -> AsyncIterator[tuple[World, Spy]]:
    async with world(folder, settings) as made:
        yield made, Spy(made)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of the test
            await asyncio.sleep(0.01)


async def test_what_happens_while_the_snapshot_is_read_is_told(tmp_path: Path) -> None:
    async with spied(tmp_path) as (made, spy):
        wrote = False

        async def write() -> None:
            nonlocal wrote
            if not wrote:
                wrote = True
                await made.put("between", name="a", temperature=30.0)

        spy.behind = write
        async with await made.follow(WARM) as client:
            await client.settle(await made.newest())
            assert list(client.rows) == [("between",)]


async def test_what_happens_while_a_difference_is_made_is_told(tmp_path: Path) -> None:
    async with spied(tmp_path) as (made, spy), await made.follow(ALL) as client:
        await client.settle(await made.newest())
        left = 5

        async def write() -> None:
            nonlocal left
            if left:
                next_left = left - 1
                await made.put(f"again{next_left % 2}", name=str(next_left))
                left = next_left

        spy.behind = write
        await made.put("first")
        await client.settle(await made.newest())
        await until(lambda: not left)
        await client.settle(await made.newest())
        assert client.applied == await made.result(ALL)
        assert len(client.rows) == 3


async def test_only_what_changed_is_evaluated_again(tmp_path: Path) -> None:
    async with spied(tmp_path) as (made, spy):
        for number in range(30):
            await made.put(f"t{number}", name="x", temperature=30.0)
        async with await made.follow(WARM) as client:
            await client.settle(await made.newest())
            spy.statements.clear()
            await made.put("t7", name="y", temperature=30.0)
            await client.settle(await made.newest())
            ((_, params),) = spy.statements
            assert "t7" in str(params)
            assert client.rows[("t7",)] == {"name": "y"}
            assert [type(each) for each in client.told] == [Rows, Rows]
            assert len(client.told[1].rows) == 1


async def test_of_many_changes_at_once_the_whole_is_made(tmp_path: Path) -> None:
    few = replace(EAGER, max_changes=5, debounce=0.1)
    async with spied(tmp_path, few) as (made, spy), await made.follow(WARM) as client:
        spy.statements.clear()
        await asyncio.gather(*(made.put(f"t{n}", temperature=30.0) for n in range(20)))
        await client.settle(await made.newest())
        assert len(client.rows) == 20
        assert any("'t1" not in str(params) for _, params in spy.statements)
        assert all(str(params).count("t1") < 6 for _, params in spy.statements)


async def test_a_burst_is_gathered(tmp_path: Path) -> None:
    settings = replace(EAGER, debounce=0.2)
    async with spied(tmp_path, settings) as (made, spy), await made.follow(WARM) as client:
        spy.statements.clear()
        for number in range(20):
            await made.put("t", temperature=20.0 + number)
        await client.settle(await made.newest())
        assert len(spy.statements) <= 3


async def test_whole_runs_keep_their_distance(tmp_path: Path) -> None:
    settings = replace(EAGER, rerun_pause=0.15)
    async with spied(tmp_path, settings) as (made, spy), await made.follow(COUNT) as client:
        spy.times.clear()
        end = time.monotonic() + 0.8
        number = 0
        while time.monotonic() < end:
            number += 1
            await made.put(f"t{number}")
            await asyncio.sleep(0.002)
        await client.settle(await made.newest())
        assert client.rows == {(): {"COUNT": number}}
        gaps = [after - before for before, after in zip(spy.times, spy.times[1:], strict=False)]
        assert len(spy.times) >= 3
        assert min(gaps) >= 0.14


async def test_an_expensive_query_rests_longer_than_it_runs(tmp_path: Path) -> None:
    settings = replace(EAGER, share=0.2)
    async with spied(tmp_path, settings) as (made, spy), await made.follow(COUNT) as client:
        spy.behind = lambda: asyncio.sleep(0.05)
        spy.times.clear()
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            await made.put("t")
            await asyncio.sleep(0.002)
        await client.settle(await made.newest())
        gaps = [after - before for before, after in zip(spy.times, spy.times[1:], strict=False)]
        assert min(gaps) >= 0.24  # 50 ms of work, 200 ms of rest


async def test_what_a_query_does_not_look_at_costs_nothing(tmp_path: Path) -> None:
    async with spied(tmp_path) as (made, spy):
        await made.put("a")
        await made.put("b")
        relationships = await made.follow("SELECT * FROM RELATIONSHIPS")
        twins = await made.follow(COUNT)
        for client in (relationships, twins):
            await client.settle(await made.newest())
        spy.statements.clear()
        await made.do(c.SendTelemetry("a", b"{}", "application/json"))
        await made.do(c.CommissionModel(HALL, in_service=False))
        for client in (relationships, twins):
            await client.settle(await made.newest())
        assert spy.statements == []
        await made.put("a", name="other")
        for client in (relationships, twins):
            await client.settle(await made.newest())
        assert len(spy.statements) == 1
        await made.relate("a", "r", "b")
        for client in (relationships, twins):
            await client.settle(await made.newest())
        assert len(spy.statements) == 2
        await relationships.leave()
        await twins.leave()


async def test_a_write_without_an_event_is_seen_too(tmp_path: Path) -> None:
    """A relationship that is replaced by itself gets a new ETag, and no event says so."""
    async with world(tmp_path) as made:
        await made.put("a")
        await made.put("b")
        await made.relate("a", "r", "b")
        async with await made.follow("SELECT * FROM RELATIONSHIPS") as client:
            await client.settle(await made.newest())
            before = client.rows[("a", "r")]["$etag"]
            await made.relate("a", "r", "b")
            await client.settle(await made.newest())
            assert client.rows[("a", "r")]["$etag"] != before


async def test_a_relationship_that_is_led_elsewhere_is_another_row(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        for twin in ("a", "b", "c"):
            await made.put(twin, name=twin)
        await made.relate("a", "r", "b")
        async with await made.follow(PAIRS) as client:
            await client.settle(await made.newest())
            assert list(client.rows) == [("a", "b", "a", "r")]
            await made.relate("a", "r", "c")
            await client.settle(await made.newest())
            assert client.rows == {("a", "c", "a", "r"): {"name": "a", "B.name": "c"}}


async def test_other_models_mean_other_rows(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.put("h", HALL, name="h")
        text = "SELECT T.name FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:live:Base;1')"
        async with await made.follow(text) as client:
            await client.settle(await made.newest())
            assert list(client.rows) == [("h",)]
            assert await made.do(c.DeleteModel(HALL))
            await client.settle(await made.newest())
            assert client.applied == await made.result(text)
            assert client.rows == {}
            assert await made.upload(HALL)
            await client.settle(await made.newest())
            assert list(client.rows) == [("h",)]


async def test_a_query_compiled_for_older_models_is_compiled_again(tmp_path: Path) -> None:
    async with spied(tmp_path) as (made, spy), await made.follow(COUNT) as client:
        failures = 2

        async def fail() -> None:
            nonlocal failures
            if failures:
                failures -= 1
                raise CatalogChanged("changed")

        spy.behind = fail
        await made.put("a")
        await client.settle(await made.newest())
        assert client.rows == {(): {"COUNT": 1}}
        assert failures == 0


async def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    async with world(tmp_path, replace(EAGER, max_rows=3)) as made:
        for number in range(3):
            await made.put(f"t{number}", temperature=30.0)
        async with await made.follow(WARM) as client:
            await client.settle(await made.newest())
            assert len(client.rows) == 3
            await made.put("t3", temperature=30.0)
            with pytest.raises(QueryError, match="max_live_rows"):
                await client.task
        for text in (ALL, WARM, "SELECT DISTINCT $dtId FROM DIGITALTWINS"):
            with pytest.raises(QueryError, match="more than 3 rows"):
                await made.live.open(text, SYSTEM)
        first = await made.live.open("SELECT TOP(3) FROM DIGITALTWINS", SYSTEM)
        made.live.close(first)
        assert len(made.live) == 0


async def test_too_many_queries_are_refused_until_one_leaves(tmp_path: Path) -> None:
    async with world(tmp_path, replace(EAGER, max_queries=2)) as made:
        first, second = await made.follow(ALL), await made.follow(COUNT)
        await second.settle(await made.newest())
        await first.settle(await made.newest())
        with pytest.raises(TooManyRequests, match="max_live_queries"):
            await made.live.open(ALL, SYSTEM)
        await first.leave()
        third = await made.live.open(ALL, SYSTEM)
        with pytest.raises(TooManyRequests):
            await made.live.open(ALL, SYSTEM)
        del third  # an answer that was never begun
        gc.collect()
        async with await made.follow(ALL) as fourth:
            await fourth.settle(await made.newest())
        await second.leave()
        assert len(made.live) == 0


@pytest.mark.parametrize("text", ["nonsense", "EXPLAIN SELECT * FROM DIGITALTWINS"])
async def test_a_refused_query_takes_no_place(tmp_path: Path, text: str) -> None:
    async with world(tmp_path) as made:
        with pytest.raises(QueryError):
            await made.live.open(text, SYSTEM)
        assert len(made.live) == 0


async def test_an_emptied_graph_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.put("a", temperature=30.0)
        clients = [await made.follow(text) for text in (ALL, WARM, COUNT)]
        for client in clients:
            await client.settle(await made.newest())
        await made.store.reset()
        await asyncio.sleep(0.1)
        for client in clients:
            await client.settle(await made.newest())
            assert client.applied == await made.result(client.text)
            await client.leave()


async def test_entries_that_are_gone_before_they_are_read_are_made_up_for(
    tmp_path: Path, sqlite_only: None
) -> None:
    async with world(tmp_path) as made, await made.follow(WARM) as client:
        read = made.store.events.changes_after
        held = asyncio.Event()

        async def late(position: int, limit: int) -> Any:
            await held.wait()
            return await read(position, limit)

        made.store.events.changes_after = late  # type: ignore[method-assign]
        await client.settle(await made.newest())
        for number in range(3):
            await made.put(f"t{number}", temperature=30.0)
        await made.store._upkeep(lambda db, _: db.execute("DELETE FROM changes").fetchall())
        await made.put("last", temperature=30.0)
        held.set()
        await client.settle(await made.newest())
        assert client.applied == await made.result(WARM)
        assert len(client.rows) == 4


async def test_a_closed_graph_ends_its_queries(tmp_path: Path) -> None:
    async with spied(tmp_path) as (made, spy):
        waiting, busy = await made.follow(ALL), await made.follow(COUNT)
        await waiting.settle(await made.newest())
        await busy.settle(await made.newest())
        spy.behind = lambda: asyncio.sleep(30)
        await made.put("a")
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await made.live.stop()
        assert time.monotonic() - started < 1
        for client in (waiting, busy):
            with pytest.raises(Unavailable):
                await client.task
        assert len(made.live) == 0


async def test_a_log_that_cannot_be_read_ends_them_too(tmp_path: Path) -> None:
    async with world(tmp_path) as made:

        async def broken(position: int, limit: int) -> Any:
            raise OSError("gone")

        async with await made.follow(ALL) as client:
            await client.settle(await made.newest())
            read = made.store.events.changes_after
            made.store.events.changes_after = broken  # type: ignore[method-assign]
            await made.put("a")
            with pytest.raises(Unavailable):
                await client.task
            made.store.events.changes_after = read  # type: ignore[method-assign]
        async with await made.follow(ALL) as client:
            await made.put("b")
            await client.settle(await made.newest())
            assert len(client.rows) == 2


async def test_nothing_is_left_running(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        before = asyncio.all_tasks()
        clients = [await made.follow(text) for text in (ALL, WARM, COUNT, PAIRS)]
        await made.put("a")
        for client in clients[:2]:
            await client.leave()  # in the midst of things
        await clients[2].settle(await made.newest())
        for client in clients[2:]:
            await client.leave()
        await asyncio.sleep(0)
        if world_module.DSN:  # a query that was under way is cancelled over a connection of its own
            async with asyncio.timeout(5):
                while asyncio.all_tasks() != before:  # noqa: ASYNC110 - tasks tell nobody
                    await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before
        assert len(made.live) == 0


async def test_who_leaves_in_the_moment_of_news_leaves(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        for number in range(40):
            client = await made.follow(ALL)
            await client.settle(await made.newest())
            await made.put(f"t{number % 3}", name=str(number))
            if number % 2:
                await asyncio.sleep(0)
            client.live.listener.wake.set()  # type: ignore[union-attr]
            async with asyncio.timeout(5):
                await client.leave()
        assert len(made.live) == 0


async def test_a_long_result_comes_and_goes_in_batches(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        for start in range(0, 1_200, 60):
            await asyncio.gather(*(made.put(f"t{start + n}") for n in range(60)))
        async with await made.follow(ALL) as client:
            await client.settle(await made.newest())
            assert len(client.rows) == 1_200
            assert [len(each.rows) for each in client.told] == [500, 500, 200]
            client.told.clear()
            await made.store.reset()
            await until(lambda: not client.rows)
            assert {type(each) for each in client.told} == {Removed}


async def test_strict_queries_know_no_extensions(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        text = "SELECT DISTINCT name FROM DIGITALTWINS"
        made.live.close(await made.live.open(text, SYSTEM))
        with pytest.raises(QueryError, match="strict"):
            await made.live.open(text, SYSTEM, strict=True)
        strict = QuerySettings(strict=True)
        query = QueryService(
            made.store,
            lambda: made.store.catalog,
            b"k" * 32,
            strict,
            dialect=dialect_of(made.store.engine),
        )
        with pytest.raises(QueryError, match="strict"):
            await LiveService(made.store, query, EAGER).open(text, SYSTEM)
