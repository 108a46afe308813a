"""An index of search that is damaged or left in the middle: it is made anew, and tells the truth."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from kastor.errors import Unavailable
from kastor.search.service import SearchService
from kastor.storage.search import IndexBatch
from kastor.storage.sqlite import unsynced
from kastor.storage.sqlite.search_index import index_file
from kastor.storage.sqlite.unsynced import BOOT_FILE, MARK_SUFFIX

from . import search_oracle as oracle
from .engines import Engine
from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, room
from .searched import LIMIT, QUESTIONS, ask, ids, searching
from .sqlite_engine import SqliteEngine

marks_the_boot = pytest.mark.skipif(
    not BOOT_FILE.exists(), reason=f"{BOOT_FILE} is missing: the system does not tell its boot"
)
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_search")]


@pytest.mark.parametrize("damage", ["rubbish", "cut short", "pages", "another program's"])
async def test_a_damaged_index_is_made_anew(sqlite: SqliteEngine, damage: str) -> None:
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    for number in range(50):
        await graph.put(f"room-{number}", room(name=f"Lobby {number}"))
    async with searching(graph) as service:
        await service.reach(None)
    path = index_file(sqlite.path())
    await store.close()
    whole = path.read_bytes()
    path.write_bytes(
        {
            "rubbish": b"x" * 10_000,
            "cut short": whole[: len(whole) // 3],
            "pages": whole[:4096] + bytes(8 * 4096) + whole[9 * 4096 :],
            "another program's": whole[:68] + b"OTHR" + whole[72:],
        }[damage]
    )
    store = await sqlite.open("graph")
    graph = Graph(store, sqlite.history())
    async with searching(graph) as service:
        await service.reach(None)
        found = await ask(service, "lobby")
    assert len(found.hits) == 50


async def _with_a_hole(sqlite: SqliteEngine) -> None:
    """Leave an index that does not find what it should, so that it tells whether it is kept."""
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    await graph.put("a", room(name="Lobby"))
    async with searching(graph) as service:
        await service.reach(None)
        await store.search.write("", IndexBatch(await store.search.state(), twins=["a"]))
    await store.close()


async def _is_kept(sqlite: SqliteEngine) -> bool:
    store = await sqlite.open("graph")
    async with searching(Graph(store, sqlite.history())) as service:
        await service.reach(None)
        found = ids(await ask(service, "lobby"), "twin")
    await store.close()
    return not found


def _mark(sqlite: SqliteEngine) -> Path:
    file = index_file(sqlite.path())
    return file.with_name(file.name + MARK_SUFFIX)


@marks_the_boot
async def test_an_index_that_the_system_left_in_the_middle_is_made_anew(
    sqlite: SqliteEngine,
) -> None:
    await _with_a_hole(sqlite)
    mark = _mark(sqlite)
    assert not mark.exists(), "all of it is on the disk"
    assert await _is_kept(sqlite)
    mark.write_bytes(BOOT_FILE.read_bytes())
    assert await _is_kept(sqlite), "a process that is killed leaves a whole file"
    assert not mark.exists()
    mark.write_bytes(b"the boot before\n")
    assert not await _is_kept(sqlite)
    assert not mark.exists()


@marks_the_boot
async def test_an_index_waits_for_the_disk_where_a_power_cut_would_not_be_noticed(
    sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    modes = []
    for boot in (BOOT_FILE, tmp_path / "none"):
        monkeypatch.setattr(unsynced, "BOOT_FILE", boot)
        store = await sqlite.open()
        await store.search.prepare()
        index: Any = store.search
        modes.append(index._connection.pragma("synchronous"))
        assert _mark(sqlite).exists() == (boot is BOOT_FILE)
        await store.close()
        assert not _mark(sqlite).exists()
    assert modes == [0, 1]


async def test_an_index_that_is_damaged_while_it_is_served_is_made_anew(
    sqlite: SqliteEngine,
) -> None:
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    await graph.put("a", room(name="Lobby"))
    async with searching(graph) as service:
        await service.reach(None)
        index: Any = store.search
        index._connection.execute("DROP TABLE words").fetchall()
        await graph.put("b", room(name="Lobby"))
        await asyncio.wait_for(_until(service, {"a", "b"}), 10)
        assert (await ask(service, "lobbi")).hits


def _write_and_be_killed(place: str, name: str, written: int) -> None:
    command = [sys.executable, "-m", "tests.store.search_child", place, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(written):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)


async def _until(service: SearchService, wanted: set[str]) -> None:
    while True:
        try:
            await service.reach(None)
            if ids(await ask(service, "lobby"), "twin") == wanted:
                return
        except Unavailable:
            pass
        await asyncio.sleep(0.02)


async def test_a_process_that_is_killed_while_it_follows_leaves_a_true_index(
    engine: Engine, graph: Graph
) -> None:
    place, name = engine.place("graph")
    if not graph.store.search.shared:
        await graph.store.close()  # one process at a time
    for written in (1, 60):
        await asyncio.to_thread(_write_and_be_killed, place, name, written)
    store = graph.store if graph.store.search.shared else await engine.open()
    rows = await store.search.next_rows("twin", 0, 1_000)
    models = await store.search.next_rows("model", 0, 1_000)
    things = [oracle.twin(row.id, orjson.loads(row.doc)) for row in rows]
    things += [oracle.model(orjson.loads(row.doc)) for row in models]
    async with searching(Graph(store, graph.history)) as service:
        await service.reach(None)
        for text in QUESTIONS:
            found, wanted = await ask(service, text), oracle.found(things, text, LIMIT)
            assert wanted is not None
            assert {kind: ids(found, kind) for kind in wanted} == wanted, text
        counted = dict(await store.search.names(10))
    assert counted == (await store.search.count_names()).counts
    assert (await store.search.state()).scan == 1
