"""What upkeep does to the past while another process does the same, or writes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from kastor.storage.postgres.packing import PostgresPacking
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.postgres.version_retention import DROP
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.tables import COPIED
from kastor.storage.transfer import GraphFile, synchronise
from tests.history.reads import Reader
from tests.store.graphs import Graph, replace
from tests.store.postgres_engine import PostgresEngine
from tests.store.sqlite_engine import SqliteEngine

from .server import direct
from .test_past import HOUR, NEVER, SECOND, Process, looked, process

pytestmark = pytest.mark.anyio

DAY = 24 * HOUR


async def patched(one: Process, *values: int) -> None:
    for value in values:
        one.clock.now += SECOND
        await one.graph.patch("a", replace("/temperature", value))


async def shown(one: Process) -> list[int]:
    found = await one.store.history.versions(
        "twin", ("a",), start=0, end=2**62, limit=100, descending=False
    )
    assert found is not None
    return [orjson.loads(each.doc)["temperature"] for each in found if each.doc]


async def test_versions_are_packed_whole_though_the_block_that_they_go_on_is_pruned_just_then(
    postgres: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await process(postgres)
    await patched(one, *range(1, 7))
    one.clock.now += 2 * DAY
    assert await one.store.history.pack() > 5
    await patched(one, *range(7, 11))
    one.clock.now += 2 * DAY
    store_blocks, dropped = PostgresPacking._store, 0

    async def meanwhile(self: PostgresPacking, connection: Any, *rest: Any) -> int:
        nonlocal dropped
        if not dropped:  # as a process does whose lease has run out
            last = postgres.history().rows(
                "SELECT key, last FROM {graph}.version_blocks WHERE kind = 'twin' LIMIT 1"
            )[0]
            text = self._texts[DROP["twin"]]
            dropped = await connection.fetchval(text, [str(last[0])], [str(last[1])])
        return await store_blocks(self, connection, *rest)

    monkeypatch.setattr(PostgresPacking, "_store", meanwhile)
    await one.store.history.pack()
    assert dropped > 0
    assert await shown(one) == [*range(6, 11)]
    monkeypatch.undo()
    one.clock.now += DAY
    await one.store.history.pack()
    assert await shown(one) == [*range(6, 11)]


async def test_the_log_keeps_what_has_no_position_yet(
    postgres: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await process(postgres), await process(postgres)
    forgetful: dict[str, Any] = {**NEVER, "log_seconds": 0.0}
    pruned = await postgres.open(clock=one.clock, pool=2, **forgetful)
    one.clock.now += 5 * SECOND
    prune = pruned._keeping.prune

    async def meanwhile(*values: Any) -> int:
        removed = await prune(*values)
        await patched(other, 7)  # by a clock that is a little behind
        return removed

    monkeypatch.setattr(pruned._keeping, "prune", meanwhile)
    await pruned.prune()
    assert await one.seen(change=await one.newest()) == await looked(one.reader)
    assert await shown(one) == [0, 7]


async def test_differences_leave_connections_for_who_writes(postgres: PostgresEngine) -> None:
    one = await process(postgres)  # with four connections, of which scans may have three
    low = await one.store.history.resolve()
    await patched(one, 7)
    high = await one.store.history.resolve()
    scans = one.store._connections.scans
    for _ in range(3):
        await scans.acquire()
    asked = asyncio.ensure_future(one.store.history.differences("twin", low, high, (), 10))
    await asyncio.sleep(0.2)
    assert not asked.done()
    await patched(one, 8)
    scans.release()
    assert [each.identity for each in await asked] == [("a",)]


@pytest.mark.parametrize("kind", ["file", "schema"])
async def test_the_copy_of_a_graph_without_a_past_begins_one(
    postgres: PostgresEngine, tmp_path: Path, kind: str
) -> None:
    one = await process(postgres)
    off: dict[str, Any] = {**NEVER, "version_seconds": 0.0}
    source = await postgres.open(clock=one.clock, pool=2, **off)
    await patched(one, 7)
    await source.prune()
    engine: SqliteEngine | PostgresEngine = postgres
    if kind == "file":
        engine = SqliteEngine(tmp_path)
        target: GraphFile = SqliteGraphFile.writing(engine.path("copy"))
    else:
        postgres._schemas.add(postgres.schema("copy"))
        target = await PostgresGraphFile.open(
            direct(postgres.dsn), postgres.schema("copy"), writes=True
        )
    graph = await PostgresGraphFile.open(direct(postgres.dsn), postgres.schema(), writes=False)
    async with graph.snapshot():
        await synchronise(graph, target, tables=COPIED)
    await target.finish()
    await graph.close()
    await target.close()
    limits: dict[str, Any] = NEVER
    store = await engine.open("copy", clock=one.clock, **limits)
    try:
        copy = Process(store, Graph(store, engine.history("copy")), Reader(store), one.clock)  # type: ignore[arg-type]
        before = await copy.newest()
        assert (await store.history.status()).oldest.change == before
        await patched(copy, 8)
        now = await looked(copy.reader)
        assert await copy.seen(change=before) != now
        assert await copy.seen(change=before + 1) == now
    finally:
        await store.close()
