"""States of the past while transactions are held, clocks differ, and others give positions."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from kastor.clock import TICKS_PER_SECOND, new_guid
from kastor.errors import Gone
from kastor.graph import commands as c
from kastor.graph.catalog import ModelCatalog
from kastor.graph.instants import Named
from kastor.jobs.exporting.wanted import Wanted
from kastor.records import SYSTEM, ChangeKind, Context, LogEntry, Needs, WriteTwin
from kastor.storage.postgres import queries, since
from kastor.storage.postgres.load_and_apply import apply, load, log_values
from kastor.storage.postgres.schema import quoted
from kastor.storage.postgres.statements import Qualified
from kastor.storage.postgres.store import PostgresStore
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.tables import COPIED
from kastor.storage.transfer import GraphFile, digest, synchronise
from tests.history.reads import ANN, Reader
from tests.store.clocks import Clock
from tests.store.graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, replace, room
from tests.store.postgres_engine import PostgresEngine
from tests.store.sqlite_engine import SqliteEngine

from .server import direct

pytestmark = pytest.mark.anyio

SECOND = TICKS_PER_SECOND
HOUR = 3_600 * SECOND
NEVER: dict[str, Any] = {"version_seconds": 1e9, "log_seconds": 1e9}


@dataclass
class Process:
    """A process that serves the graph, with a clock of its own."""

    store: PostgresStore[ModelCatalog]
    graph: Graph
    reader: Reader
    clock: Clock

    async def change_at(self, time: int) -> int:
        return (await self.store.history.resolve(time=time)).change

    async def seen(self, **named: int) -> dict[str, Any]:
        return await looked(self.reader, await self.reader.as_of(Named(**named)))

    async def newest(self) -> int:
        return (await self.store.history.resolve()).change


QUERIES = (
    "SELECT * FROM digitaltwins WHERE temperature >= 0",
    "SELECT T.$dtId, R FROM DIGITALTWINS S JOIN T RELATED S.nextTo R WHERE S.$dtId IN ['a', 'b']",
    "SELECT M.id, M.decommissioned FROM MODELS M",
)


async def looked(reader: Reader, context: Context = ANN) -> dict[str, Any]:
    """What is there, by reads of each road; `tests.history` looks at all of them."""
    found: dict[str, Any] = {}
    for twin_id in "ab":
        found[twin_id] = orjson.loads((await reader.service.twin(twin_id, context)).doc)
        page = await reader.service.outgoing(twin_id, None, "", 100, context)
        found[f"of {twin_id}"] = [orjson.loads(each.doc) for each in page.rows]
    incoming = await reader.service.incoming("a", (-1, -1, -1), 100, context)
    found["to a"] = [(each.source_id, each.id) for each in incoming]
    for text in QUERIES:
        rows = (await reader.query.run(text, context, max_items=100)).value
        found[text] = sorted(orjson.dumps(row) for row in orjson.loads(rows))
    parts = [part async for part in await reader.exports.open(Wanted(), context)]
    found["export"] = [line for line in b"".join(parts).splitlines() if b"exportTime" not in line]
    return found


async def process(postgres: PostgresEngine, name: str = "graph") -> Process:
    clock = Clock()
    store = await postgres.open(name, clock=clock, pool=4, **NEVER)
    graph = Graph(store, postgres.history(name))
    if not graph.service.catalog.models:
        await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        for twin_id in "ab":
            clock.now += SECOND
            await graph.put(twin_id, room(temperature=0))
    return Process(store, graph, Reader(store), clock)


@asynccontextmanager
async def held(one: Process, postgres: PostgresEngine, value: float) -> AsyncIterator[Any]:
    """Write the temperature of `a` in a transaction that is committed when it is asked for."""
    texts = Qualified(quoted(postgres.schema()))
    connection = await asyncpg.connect(direct(postgres.dsn))
    try:
        transaction = connection.transaction()
        await transaction.start()
        loaded = await load(connection, texts, Needs(twin_id="a"))
        assert loaded.twin is not None
        doc = orjson.dumps({**orjson.loads(loaded.twin.doc), "temperature": value})
        entry = LogEntry(ChangeKind.TWIN_UPDATE, "a", "a", b"{}", new_guid())
        change: WriteTwin = WriteTwin(
            loaded.twin, "a", loaded.twin.model_key, new_guid(), doc, entry
        )
        logged = log_values(entry, loaded.epoch, one.clock.now, SYSTEM)
        assert await apply(connection, texts, change, loaded, logged, None, keeps_telemetry=False)
        yield transaction
    finally:
        await connection.close()


@pytest.mark.parametrize("seconds", [1, 200])
async def test_what_is_committed_late_changes_no_state_that_was_asked_for(
    postgres: PostgresEngine, seconds: int
) -> None:
    one, other = await process(postgres), await process(postgres)
    async with held(one, postgres, 7) as transaction:
        for each in (one, other):
            each.clock.now += seconds * SECOND
        time = one.clock.now
        await other.graph.patch("b", replace("/temperature", 1))
        before, change = await one.seen(time=time), await other.change_at(time)
        one.clock.now += SECOND
        await transaction.commit()
        assert await other.change_at(time) == await one.change_at(time) == change
        assert await other.seen(time=time) == await one.seen(time=time) == before
        assert await other.seen(change=change) == before
        other.clock.now = one.clock.now
        assert await one.newest() == change + 1 == await other.change_at(one.clock.now)
        after = await other.seen(change=change + 1)
        assert after != before
        assert after == await looked(one.reader)
    # It was late, and no clock was set back.
    assert postgres.history().rows("SELECT * FROM {graph}.setbacks") == []
    for pruned in (False, True):
        if pruned:
            postgres.history().rows("DELETE FROM {graph}.changes")
        assert await one.seen(change=change) == before
        assert await one.seen(time=time) == before
        assert await one.seen(change=change + 1) == after


async def test_an_instant_that_one_process_answered_holds_for_another_whose_clock_is_behind(
    postgres: PostgresEngine,
) -> None:
    one, other = await process(postgres), await process(postgres)
    one.clock.now += 40 * SECOND
    asked = one.clock.now
    change = await one.change_at(asked)
    await other.graph.patch("a", replace("/temperature", 1))
    assert await other.change_at(asked) == await one.change_at(asked) == change
    assert await one.newest() == change + 1


async def test_every_state_of_stores_whose_clocks_differ_is_what_the_log_made_of_the_graph(
    postgres: PostgresEngine,
) -> None:
    processes = [await process(postgres) for _ in range(3)]
    processes[1].clock.now += 30 * SECOND
    processes[2].clock.now -= 30 * SECOND
    seen: dict[int, dict[str, Any]] = {}
    turns = itertools.cycle(processes)
    for number in range(16):
        one = next(turns)
        if number == 8:
            for each in processes:
                each.clock.now -= 5 * HOUR
        for each in processes[: number % 4]:
            each.clock.now += SECOND // 2
        # The same tick for all, where nothing moves them.
        await one.graph.patch("ab"[number % 2], replace("/temperature", number))
        if number % 5 == 0:
            await one.graph.relate("a", f"r{number}", edge("b"))
        seen[await next(turns).newest()] = await looked(one.reader)
    for change, expected in seen.items():
        assert await next(turns).seen(change=change) == expected


async def test_few_and_many_that_went_since_are_found_alike(
    postgres: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of what moved are told up to a bound; behind it all versions are looked through."""
    one = await process(postgres)
    for number in range(4):
        await one.graph.put(f"r{number}", room(temperature=number))
        await one.graph.relate("a", f"e{number}", edge(f"r{number}"))
    seen: dict[int, dict[str, Any]] = {}
    for number in range(4):
        seen[await one.newest()] = await looked(one.reader)
        await one.graph.unrelate("a", f"e{number}")
        await one.graph.delete(f"r{number}")
        await one.graph.put(f"r{number}", room(temperature=-number))
        await one.graph.delete(f"r{number}")
    for most in (2_000, 1, 0):
        monkeypatch.setattr(since, "MOST_MOVED", most)
        monkeypatch.setattr(queries, "FOUND", since.FOUND.replace("2001", str(most + 1)))
        for change, expected in seen.items():
            assert await one.seen(change=change) == expected, most


async def test_entries_of_one_batch_are_states_of_their_own(postgres: PostgresEngine) -> None:
    one = await process(postgres)
    first = await one.newest()
    commands = [
        c.PatchTwin("ab"[n % 2], (replace("/temperature", n),), component=None) for n in range(1, 8)
    ]
    await one.graph.service.execute_many(commands, ANN, atomic=True)
    assert await one.newest() == first + 7
    for n in range(8):
        context = await one.reader.as_of(Named(change=first + n))
        found = [await one.graph.service.twin(each, context) for each in "ab"]
        values = [orjson.loads(each.doc)["temperature"] for each in found]
        assert values == [n - n % 2, n - 1 + n % 2 if n else 0]


async def test_positions_are_given_once_though_many_give_them(postgres: PostgresEngine) -> None:
    processes = [await process(postgres) for _ in range(3)]
    answered: list[tuple[int, int]] = []

    async def write(one: Process, twin_id: str, number: int) -> None:
        one.clock.now += number
        await one.graph.patch(twin_id, replace("/temperature", number))

    async def ask(one: Process) -> None:
        time = one.clock.now
        answered.append((time, await one.change_at(time)))

    for number in range(1, 12):
        work = [write(each, "ab"[n % 2], number) for n, each in enumerate(processes)]
        await asyncio.gather(*work, *map(ask, processes), return_exceptions=True)
    for time, change in answered:
        assert await processes[0].change_at(time) == change
    rows = postgres.history().rows("SELECT pos, upto, placed FROM {graph}.instants ORDER BY pos")
    for before, after in itertools.pairwise(rows):
        assert after[0] == before[1] + 1
        assert after[2] >= before[2]


async def test_after_a_clock_was_set_back_times_mean_what_was_written_last_at_them(
    postgres: PostgresEngine,
) -> None:
    one = await process(postgres)
    today = one.clock.now
    states = []
    for at in (2 * HOUR, 3 * HOUR, HOUR, HOUR + SECOND):
        one.clock.now = today + at
        await one.graph.patch("a", replace("/temperature", at))
        states.append(await one.newest())
    one.clock.now = today + HOUR + 2 * SECOND
    assert await one.change_at(one.clock.now) == states[-1]
    assert await one.change_at(today + HOUR) == states[2]
    assert await one.change_at(today + HOUR - 1) == states[0] - 1
    assert await one.change_at(today + 3 * HOUR) == states[-1]  # the newest there is by then
    for change, at in zip(states, (2 * HOUR, 3 * HOUR, HOUR, HOUR + SECOND), strict=True):
        found = await one.graph.service.twin("a", await one.reader.as_of(Named(change=change)))
        assert orjson.loads(found.doc)["temperature"] == at


@pytest.mark.parametrize("way", [("file",), ("schema",), ("file", "schema"), ("schema", "file")])
async def test_copies_keep_the_past(
    postgres: PostgresEngine, tmp_path: Path, way: tuple[str, ...]
) -> None:
    one = await process(postgres)
    seen: dict[int, tuple[int, dict[str, Any]]] = {}
    async with held(one, postgres, 5) as transaction:
        for number in range(3):
            one.clock.now += 100 * SECOND
            await one.graph.patch("b", replace("/temperature", number))
            await one.graph.relate("b", f"r{number}", edge("a"))
            one.clock.now += SECOND
            seen[await one.newest()] = one.clock.now, await one.seen(time=one.clock.now)
        await transaction.commit()
    one.clock.now += SECOND
    await one.graph.unrelate("b", "r0")
    await one.graph.execute(c.CommissionModel(HALL_MODEL["@id"], False))
    one.clock.now += SECOND
    seen[await one.newest()] = one.clock.now, await one.seen(time=one.clock.now)
    postgres.history().rows(
        "DELETE FROM {graph}.changes WHERE pos <= $1", list(seen)[1]
    )  # as the log is pruned before its versions
    files = SqliteEngine(tmp_path)
    graph: GraphFile = await PostgresGraphFile.open(
        direct(postgres.dsn), postgres.schema(), writes=False
    )
    for number, kind in enumerate(way):
        name = f"copy{number}"
        if kind == "file":
            target: GraphFile = SqliteGraphFile.writing(files.path(name))
        else:
            postgres._schemas.add(postgres.schema(name))
            target = await PostgresGraphFile.open(
                direct(postgres.dsn), postgres.schema(name), writes=True
            )
        for _ in range(2):
            async with graph.snapshot():
                await synchronise(graph, target, tables=COPIED)
                assert await digest(target, COPIED) == await digest(graph, COPIED)
        await target.finish()
        await graph.close()
        graph = target
    await graph.close()
    engine: SqliteEngine | PostgresEngine = files if way[-1] == "file" else postgres
    store = await engine.open(f"copy{len(way) - 1}", clock=one.clock, **NEVER)
    reader = Reader(store)
    try:
        for change, (time, expected) in seen.items():
            assert (await store.history.resolve(time=time)).change == change
            assert await looked(reader, await reader.as_of(Named(change=change))) == expected
            assert await looked(reader, await reader.as_of(Named(time=time))) == expected
    finally:
        await store.close()


async def test_what_was_emptied_has_no_past(postgres: PostgresEngine) -> None:
    one = await process(postgres)
    before, time = await one.newest(), one.clock.now
    one.clock.now += SECOND
    await one.store.reset()
    with pytest.raises(Gone):
        await one.seen(change=before)
    with pytest.raises(Gone):
        await one.seen(time=time)
    one.clock.now += SECOND
    found = await one.store.history.resolve(time=one.clock.now)
    assert found.change == await one.newest() == before + 1
    await one.graph.upload(HALL_MODEL)
    assert not (await one.reader.as_of(Named(change=found.change))).at.catalog.models  # type: ignore[union-attr]
