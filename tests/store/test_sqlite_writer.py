"""The embedded engine's writing thread: groups, second attempts, folding of its log."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from kastor.errors import Unavailable
from kastor.graph.catalog import ModelCatalog
from kastor.records import SYSTEM
from kastor.storage.sqlite import writer
from kastor.storage.sqlite.folder import DataFolder

from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, hall, room
from .sqlite_engine import SqliteEngine, embedded

pytestmark = pytest.mark.anyio


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each attempt at a group ended."""
    ends: list[str] = []
    transact = writer.Writer._transact

    def noting(self: writer.Writer[ModelCatalog], *arguments: Any) -> Any:
        try:
            results = transact(self, *arguments)
        except Exception as error:
            ends.append(type(error).__name__)
            raise
        ends.append("committed")
        return results

    monkeypatch.setattr(writer.Writer, "_transact", noting)
    return ends


@pytest.fixture
async def graph(groups: list[str], sqlite: SqliteEngine) -> Graph:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    groups.clear()
    return graph


async def test_commands_in_flight_together_share_their_commits(
    graph: Graph, groups: list[str]
) -> None:
    await asyncio.gather(*(graph.put(f"h{n}", hall()) for n in range(640)))
    assert set(groups) == {"committed"}
    assert 10 <= len(groups) <= 160


async def test_names_of_relationships_are_made_anew_after_a_reset(
    graph: Graph, groups: list[str]
) -> None:
    for _ in range(2):
        for name in "ab":
            await graph.put(name, room())
        await graph.relate("a", "e", edge("b"))
        await graph.store.reset()
        await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    assert set(groups) == {"committed"}


async def test_a_failure_that_nobody_foresaw_does_not_end_the_writer(
    graph: Graph, groups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_run_bare", exhausted)
        patch.setattr(writer.Writer, "_run_apart", exhausted)
        with pytest.raises(Unavailable):
            await graph.put("h", hall())
    assert groups == ["MemoryError", "MemoryError"]
    await graph.put("h", hall())
    assert (await graph.service.twin("h", SYSTEM)).version == 1


def size_of(path: Path) -> int:
    return path.stat().st_size


async def test_the_log_is_folded_so_that_it_does_not_grow(
    graph: Graph, sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FOLD_PAGES", 20)
    embedded(graph.store)._writer._fold_at = 20
    log = Path(f"{sqlite.path()}-wal")
    for n in range(50):
        await graph.put(f"h{n}", hall())
    settled = size_of(log)
    for n in range(500):
        await graph.put(f"h{n}", hall(seats=n))
    assert size_of(log) <= settled + 40 * 4_096
    assert embedded(graph.store)._connection.pragma("wal_autocheckpoint") == 0


async def test_nothing_that_was_taken_is_left_behind_by_the_end(sqlite: SqliteEngine) -> None:
    # Submitting and stopping from two threads: each command is answered, one way or the other.
    for attempt in range(20):
        graph = Graph(await sqlite.open(f"g{attempt}"), sqlite.history(f"g{attempt}"))
        await graph.upload(HALL_MODEL)
        stopping = threading.Thread(target=embedded(graph.store)._writer.stop)
        tasks = []
        for n in range(60):
            if n == 20:
                stopping.start()
            tasks.append(asyncio.create_task(graph.put(f"h{n}", hall())))
            await asyncio.sleep(0)
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        stopping.join()
        written = sum(not isinstance(each, Unavailable) for each in results)
        assert (await graph.store.status(SYSTEM)).twins == written


def test_new_folders_are_synced_into_their_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: dict[int, Path] = {}
    synced: list[Path] = []
    real_open, real_sync = os.open, os.fsync

    def noting_open(path: Path, *arguments: int) -> int:
        number: int = real_open(path, *arguments)
        opened[number] = Path(path)
        return number

    def noting_sync(number: int) -> None:
        synced.append(opened[number])
        real_sync(number)

    monkeypatch.setattr(os, "open", noting_open)
    monkeypatch.setattr(os, "fsync", noting_sync)
    data = tmp_path / "some" / "data"
    for _ in range(2):
        folder = DataFolder(data)
        folder.acquire()
        folder.release()
    assert synced == [data, tmp_path / "some", tmp_path]
