"""One state of a graph, read for as long as it takes, while others write."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from kastor.errors import QueryTimeout, Unavailable
from kastor.records import SYSTEM, Context, Sees
from kastor.storage import snapshots
from kastor.storage.sqlite import snapshot as copying
from kastor.storage.tables import TABLES
from kastor.storage.transfer import DocumentRow, Snapshot, digest

from .graphs import HALL, ROOM, ROOM_MODEL, THERMOSTAT, Graph, edge, hall, interface, replace, room
from .sqlite_engine import SqliteEngine

pytestmark = pytest.mark.anyio

CHANGES = next(table for table in TABLES if table.name == "changes")


async def all_twins(snapshot: Snapshot, **since: int) -> list[DocumentRow]:
    found: list[DocumentRow] = []
    while step := await snapshot.twins(found[-1].identity[0] if found else "", 3, **since):
        found += step
    return found


async def all_relationships(snapshot: Snapshot, **since: int) -> list[DocumentRow]:
    found: list[DocumentRow] = []
    after = ("", "")
    while step := await snapshot.relationships(after, 3, **since):
        found += step
        after = (step[-1].identity[0], step[-1].identity[1])
    return found


async def log(snapshot: Snapshot) -> list[Any]:
    found = await snapshot.revisions(CHANGES, None, 1_000)
    return await snapshot.rows(CHANGES, [identity for identity, _ in found])


async def test_a_snapshot_shows_one_state_and_not_what_is_written_meanwhile(graph: Graph) -> None:
    for n in (3, 1, 2, 10):
        await graph.put(f"r{n}", room(temperature=n))
    await graph.relate("r1", "b", edge("r2"))
    await graph.relate("r1", "a", edge("r3"))
    before = await graph.document("r1")
    written = await graph.store.twin("r1", SYSTEM)
    assert written is not None
    async with graph.store.snapshot(SYSTEM) as snapshot:
        await graph.put("r0", room())
        await graph.patch("r1", replace("/temperature", 99))
        await graph.unrelate("r1", "a")
        await graph.delete("r10")
        twins = await all_twins(snapshot)
        assert [each.identity for each in twins] == [("r1",), ("r10",), ("r2",), ("r3",)]
        assert orjson.loads(twins[0].doc) == before
        assert twins[0].etag == written.etag
        edges = await all_relationships(snapshot)
        assert [each.identity for each in edges] == [("r1", "a"), ("r1", "b")]
        assert orjson.loads(edges[0].doc)["$targetId"] == "r3"
        assert [model_id async for model_id, _ in snapshot.models()] == [HALL, ROOM, THERMOSTAT]
        assert snapshot.instant.position == len(await log(snapshot))
    async with graph.store.snapshot(SYSTEM) as snapshot:
        assert [each.identity for each in await all_twins(snapshot)] == [
            *[("r0",), ("r1",), ("r2",), ("r3",)]
        ]


async def test_relationships_go_on_within_a_source_that_has_many(graph: Graph) -> None:
    for n in range(3):
        await graph.put(f"r{n}", room())
    wanted = [(f"r{s}", f"e{n}") for s in (0, 2) for n in range(5 + s)]
    for source, each in wanted:
        await graph.relate(source, each, edge("r1"))
    async with graph.store.snapshot(SYSTEM) as snapshot:
        assert [each.identity for each in await all_relationships(snapshot)] == wanted


async def test_what_changed_since_a_position_and_what_is_gone(graph: Graph) -> None:
    for n in range(4):
        await graph.put(f"r{n}", room())
    await graph.relate("r0", "kept", edge("r1"))
    await graph.relate("r0", "gone", edge("r1"))
    async with graph.store.snapshot(SYSTEM) as snapshot:
        since = snapshot.instant.position
    await graph.patch("r2", replace("/thermostat", {"$metadata": {}}))
    await graph.relate("r0", "new", edge("r1"))
    await graph.unrelate("r0", "gone")
    await graph.delete("r3")
    await graph.put("r4", room())
    await graph.delete("r4")
    await graph.put("r4", hall())
    other = interface("dtmi:s:Other;1")
    await graph.upload(other)
    async with graph.store.snapshot(SYSTEM) as snapshot:
        assert [each.identity for each in await all_twins(snapshot, since=since)] == [
            *[("r2",), ("r4",)]
        ]
        edges = await all_relationships(snapshot, since=since)
        assert [each.identity for each in edges] == [("r0", "new")]
        assert [each async for each in snapshot.models(since=since)] == [
            ("dtmi:s:Other;1", orjson.dumps(other))
        ]
        assert await snapshot.deleted("twin", (), 10, since) == [("r3",)]
        assert await snapshot.deleted("twin", ("r3",), 10, since) == []
        assert await snapshot.deleted("relationship", (), 10, since) == [("r0", "gone")]
        assert await snapshot.deleted("relationship", ("r0", "gone"), 10, since) == []
        assert await snapshot.deleted("model", (), 10, since) == []
        assert await snapshot.oldest_change() == 1


async def test_tables_are_those_of_the_instant_and_the_log_is_whole_under_writes(
    graph: Graph,
) -> None:
    await graph.put("r", room(temperature=0))

    async def write() -> None:
        for n in range(1, 60):
            await graph.patch("r", replace("/temperature", n))

    writing = asyncio.ensure_future(write())
    for _ in range(5):
        await asyncio.sleep(0.01)
        async with graph.store.snapshot(SYSTEM) as snapshot:
            twin = orjson.loads((await all_twins(snapshot))[0].doc)
            rows = await log(snapshot)
            # Each write made one entry, and the newest one is that of the value that is seen.
            last = 4 + int(twin["temperature"])
            assert [row[0] for row in rows] == list(range(1, last + 1))
            assert snapshot.instant.position == last == await snapshot.count(CHANGES)
            assert (await snapshot.identification()).log_position == last
            assert snapshot.instant.time == rows[-1][CHANGES.columns.index("time")]
            assert await digest(snapshot) == await digest(snapshot)
            sizes = await snapshot.sizes(CHANGES, [(n,) for n in range(1, last + 1)])
            assert sizes == [len(row[CHANGES.columns.index("data")]) for row in rows]
    await writing


async def test_large_documents_come_in_portions(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sqlite", "postgres"):
        monkeypatch.setattr(f"kastor.storage.{module}.snapshot.PORTION_BYTES", 100_000)
    await graph.put("other", hall())
    for n in range(8):
        await graph.put(f"r{n}", room(name="x" * 40_000))
        await graph.relate(f"r{n}", "e", edge("other", door="y" * 40_000))
    async with graph.store.snapshot(SYSTEM) as snapshot:
        assert len(await snapshot.twins("", 100)) < 8
        assert len(await snapshot.relationships(("", ""), 100)) < 8
        assert len(await all_twins(snapshot)) == 9
        assert len(await all_relationships(snapshot)) == 8


async def test_queries_run_on_the_snapshot(graph: Graph) -> None:
    for n in range(5):
        await graph.put(f"r{n}", room())
    schema = graph.store.engine.schema
    table = f'"{schema}".twins' if schema else "twins"
    text = f"SELECT id FROM {table} ORDER BY id"
    async with graph.store.snapshot(SYSTEM) as snapshot:
        await graph.put("r5", room())
        rows, more = await snapshot.fetch_some(text, (), timeout=5, most=1_000)
        assert ([row[0] for row in rows], more) == ([f"r{n}" for n in range(5)], False)
        rows, more = await snapshot.fetch_some(text, (), timeout=5, most=5)
        assert ([row[0] for row in rows], more) == (["r0", "r1"], True)
        long = ", ".join(f"{table} t{n}" for n in range(12))
        with pytest.raises(QueryTimeout):
            await snapshot.fetch_some(f"SELECT count(*) FROM {long}", (), timeout=0.2, most=100)


async def test_only_a_few_are_open_at_once(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_OPEN", 1)
    async with graph.store.snapshot(SYSTEM):
        with pytest.raises(Unavailable, match="try again"):
            async with graph.store.snapshot(SYSTEM):
                pass
    async with graph.store.snapshot(SYSTEM) as snapshot:
        assert await snapshot.count(CHANGES) == 3


async def test_rules_in_the_context_are_refused(graph: Graph) -> None:
    with pytest.raises(NotImplementedError):
        graph.store.snapshot(Context("ann", sees=Sees()))


async def test_errors_of_the_reader_stay_what_they_are(graph: Graph) -> None:
    with pytest.raises(BrokenPipeError):
        async with graph.store.snapshot(SYSTEM):
            raise BrokenPipeError


def folder(sqlite: SqliteEngine) -> list[str]:
    return sorted(each.name for each in sqlite.folder.rglob("*") if "snapshot" in each.name)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(5_000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


async def open_graph(sqlite: SqliteEngine) -> Graph:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(ROOM_MODEL, interface(THERMOSTAT))
    await graph.put("r", room(name="x" * 3_000_000))
    return graph


async def test_the_copy_has_no_name_and_leaves_nothing(sqlite: SqliteEngine) -> None:
    graph = await open_graph(sqlite)
    async with graph.store.snapshot(SYSTEM) as snapshot:
        assert folder(sqlite) == ["graph.snapshots"]
        assert (await snapshot.twins("", 1))[0].identity == ("r",)
    assert folder(sqlite) == []


async def test_a_copy_that_nobody_waits_for_ends_and_leaves_nothing(
    sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = await open_graph(sqlite)
    monkeypatch.setattr(copying, "STEP_BYTES", 1)

    async def read() -> None:
        async with graph.store.snapshot(SYSTEM):
            raise AssertionError

    reading = asyncio.ensure_future(read())
    await until(lambda: len(folder(sqlite)) > 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: len(folder(sqlite)) <= 1)


async def test_a_full_disk_is_told_before_anything_is_copied(
    sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = await open_graph(sqlite)
    usage = shutil.disk_usage(sqlite.folder)._replace(free=5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Unavailable, match="Make room"):
        async with graph.store.snapshot(SYSTEM):
            pass
    assert folder(sqlite) in ([], ["graph.snapshots"])


async def test_what_a_crash_left_goes_when_the_graph_is_opened(sqlite: SqliteEngine) -> None:
    path = sqlite.path()
    left = path.with_name("graph.snapshots")
    left.mkdir()
    (left / "4711-1.snapshot").write_bytes(b"x" * 100)
    await sqlite.open()
    assert not left.exists()


async def test_the_log_is_folded_while_a_snapshot_is_read(sqlite: SqliteEngine) -> None:
    graph = await open_graph(sqlite)
    log_file = sqlite.folder / "graph.sqlite3-wal"
    async with graph.store.snapshot(SYSTEM) as snapshot:
        for n in range(60):
            await graph.put(f"s{n}", room(name="y" * 1_000_000))
        assert log_file.stat().st_size < 40_000_000 < sqlite.path().stat().st_size
        assert len(await all_twins(snapshot)) == 1
