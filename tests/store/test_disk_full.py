"""A disk that is full or fails: nothing is acknowledged, reads go on, and it passes."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import httpx2
import pytest

from kastor.clock import now_ticks
from kastor.errors import NotFound, Unavailable
from kastor.graph import commands as c
from kastor.graph.readings import Outcome, TwinReading
from kastor.records import SYSTEM
from kastor.storage.sqlite import writer
from kastor.testing import KastorServer

from .failing_disk import FailingDisk
from .graphs import HALL, HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, hall, interface, replace
from .sqlite_engine import SqliteEngine, embedded

pytestmark = pytest.mark.anyio

FAILURES = [
    pytest.param(apsw.FullError, "write", id="no space for the log"),
    pytest.param(apsw.IOError, "write", id="log cannot be written"),
    pytest.param(apsw.IOError, "sync", id="log cannot be synced"),
    pytest.param(apsw.FullError, "sync", id="no space found out when syncing"),
]


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()


@pytest.fixture
async def graph(sqlite: SqliteEngine, disk: FailingDisk) -> Graph:
    store = await sqlite.open(vfs=disk.name)
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await graph.put("h", hall(seats=1))
    return graph


def unavailable(results: Sequence[object]) -> int:
    return sum(isinstance(each, Unavailable) for each in results)


@pytest.mark.parametrize(("error", "action"), FAILURES)
async def test_a_write_that_cannot_be_stored_is_unavailable_and_leaves_nothing(
    graph: Graph, disk: FailingDisk, error: type[apsw.Error], action: str
) -> None:
    before = await graph.service.twin("h", SYSTEM), graph.history.log()
    with disk.failing(error, action):
        with pytest.raises(Unavailable) as caught:
            await graph.patch("h", replace("/seats", 2))
        assert caught.value.retry_after > 0
        results = await asyncio.gather(
            *(graph.put(f"n{n}", hall()) for n in range(150)), return_exceptions=True
        )
        assert unavailable(results) == 150
        # Reads go on, and show the state before.
        assert (await graph.service.twin("h", SYSTEM), graph.history.log()) == before
        assert (await graph.store.status(SYSTEM)).twins == 1
        with pytest.raises(NotFound):
            await graph.service.twin("n1", SYSTEM)
    assert disk.attempts >= 4
    await graph.patch("h", replace("/seats", 3))
    assert (await graph.service.twin("h", SYSTEM)).version == 2
    seqs = [row.seq for row in graph.history.log()]
    assert seqs == list(range(1, len(before[1]) + 2))


@pytest.mark.parametrize(("error", "action"), FAILURES)
async def test_what_changes_nothing_needs_no_disk(
    graph: Graph, disk: FailingDisk, error: type[apsw.Error], action: str
) -> None:
    def reading(seats: int) -> c.TakeReadings:
        values: dict[tuple[str, ...], int] = {("seats",): seats}
        return c.TakeReadings(
            "h", (TwinReading("h", values, {}, now_ticks(), None, None, None, None),), {}
        )

    first = reading(2)
    assert (await graph.execute(first)).outcomes == (Outcome.WRITTEN,)
    with disk.failing(error, action):
        again = await asyncio.gather(*(graph.execute(first) for _ in range(5)))
        with pytest.raises(Unavailable):
            await graph.execute(reading(3))
    assert {each.outcomes for each in again} == {(Outcome.STALE,)}


@pytest.mark.parametrize(("error", "action"), FAILURES)
async def test_a_commit_that_fails_once_is_decided_again_and_succeeds(
    graph: Graph, disk: FailingDisk, error: type[apsw.Error], action: str
) -> None:
    with disk.failing(error, action, times=1):
        written = await graph.patch("h", replace("/seats", 2))
        results = await asyncio.gather(*(graph.put(f"n{n}", hall()) for n in range(30)))
    assert disk.attempts == 1
    assert len(results) == 30
    versions = graph.history.twin_versions("h")
    assert [each.version for each in versions] == [1, 2]
    assert versions[1].etag == written.etag
    for n, result in enumerate(results):
        assert [each.etag for each in graph.history.twin_versions(f"n{n}")] == [result.etag]
    seqs = [row.seq for row in graph.history.log()]
    assert seqs == list(range(1, len(seqs) + 1))
    status = await graph.store.status(SYSTEM)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()


async def test_models_that_cannot_be_stored_are_not_in_the_catalog(
    graph: Graph, disk: FailingDisk
) -> None:
    catalog = graph.service.catalog
    with disk.failing(apsw.FullError, "write"):
        for change in (
            graph.upload(interface("dtmi:s:A;1"), interface("dtmi:s:B;1")),
            graph.execute(c.CommissionModel(HALL, False)),
            graph.execute(c.DeleteModel(HALL)),
        ):
            with pytest.raises(Unavailable):
                await change
        assert graph.service.catalog is catalog
    await graph.upload(interface("dtmi:s:A;1"), interface("dtmi:s:B;1"))
    assert graph.service.catalog.epoch == catalog.epoch + 1


async def test_a_relationship_name_that_was_rolled_back_is_made_again(
    graph: Graph, disk: FailingDisk
) -> None:
    for name in "ab":
        await graph.put(
            name, {"$metadata": {"$model": ROOM_MODEL["@id"]}, "thermostat": {"$metadata": {}}}
        )
    body = {"$relationshipName": "nextTo", "$targetId": "b"}
    with disk.failing(apsw.FullError, "write"), pytest.raises(Unavailable):
        await graph.relate("a", "e", body)
    await graph.relate("a", "e", body)
    with disk.failing(apsw.FullError, "write", times=1):
        await graph.relate("b", "e", {"$relationshipName": "above", "$targetId": "a"})
    assert (await graph.service.relationship("b", "e", SYSTEM)).name == "above"


async def test_pruning_and_emptying_a_full_disk_are_unavailable_and_change_nothing(
    sqlite: SqliteEngine, disk: FailingDisk
) -> None:
    store = await sqlite.open(vfs=disk.name, version_seconds=-10.0)
    graph = Graph(store, sqlite.history())
    await graph.upload(HALL_MODEL)
    await graph.put("h", hall(seats=1))
    await graph.patch("h")
    log = graph.history.log()
    with disk.failing(apsw.FullError, "write"):
        with pytest.raises(Unavailable):
            await store.prune()
        with pytest.raises(Unavailable):
            await store.reset()
    assert graph.history.log() == log
    assert len(graph.history.twin_versions("h")) == 2
    assert HALL in graph.service.catalog.models
    assert await store.prune() == 1
    await store.reset()
    assert (await store.status(SYSTEM)).twins == 0


async def test_a_file_that_may_not_grow_refuses_large_writes_until_it_may(graph: Graph) -> None:
    connection = embedded(graph.store)._connection
    pages = connection.pragma("page_count")
    connection.pragma("max_page_count", pages + 3)
    text = "x" * 30_000
    with pytest.raises(Unavailable, match="disk is full"):
        await graph.put(
            "large",
            hall()
            | {
                "$metadata": {"$model": ROOM_MODEL["@id"]},
                "thermostat": {"$metadata": {}},
                "name": text,
            },
        )
    assert (await graph.document("h"))["seats"] == 1
    connection.pragma("max_page_count", 1_000_000)
    await graph.put("h", hall(seats=2))
    assert [each.version for each in graph.history.twin_versions("h")] == [1, 2]


@pytest.mark.parametrize("action", ["write", "sync"])
async def test_a_database_file_that_cannot_be_written_holds_back_no_acknowledgement(
    sqlite: SqliteEngine, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    # Folding the log into the file is upkeep: what was acknowledged is safe in the log.
    monkeypatch.setattr(writer, "FOLD_PAGES", 5)
    store = await sqlite.open(vfs=disk.name)
    graph = Graph(store, sqlite.history())
    await graph.upload(HALL_MODEL)
    with disk.failing(apsw.FullError, action, suffix=".sqlite3"):
        for n in range(30):
            await graph.put("h", hall(seats=n))
    assert disk.attempts > 2
    assert [each.version for each in graph.history.twin_versions("h")] == list(range(1, 31))
    await graph.put("h", hall(seats=0))


async def test_what_was_acknowledged_before_the_disk_was_full_is_there_after_a_restart(
    graph: Graph, disk: FailingDisk, sqlite: SqliteEngine
) -> None:
    acknowledged = await graph.patch("h", replace("/seats", 2))
    with disk.failing(apsw.FullError, "write"):
        with pytest.raises(Unavailable):
            await graph.patch("h", replace("/seats", 3))
        await graph.store.close()
    again = Graph(await sqlite.open(), sqlite.history())
    assert (await again.service.twin("h", SYSTEM)).etag == acknowledged.etag


@pytest.mark.skipif(sys.platform != "linux", reason="sets another process's limits")
def test_a_server_on_a_full_disk_answers_503_reads_on_and_recovers(tmp_path: Path) -> None:
    version = {"api-version": "2023-10-31"}
    unlimited = resource.RLIM_INFINITY
    with (
        KastorServer(data_dir=tmp_path) as server,
        httpx2.Client(base_url=server.url, params=version) as client,
    ):
        assert client.post("/models", json=[HALL_MODEL]).status_code == 201
        assert client.put("/digitaltwins/h", json=hall(seats=1)).status_code == 200
        # No file of the server's may grow beyond what its log has by now.
        full = (tmp_path / "graphs" / "default.sqlite3-wal").stat().st_size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (full, unlimited))
        for _ in range(3):
            answer = client.put("/digitaltwins/h", json=hall(seats=2))
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "ServiceUnavailable"
            assert int(answer.headers["Retry-After"]) > 0
            assert client.get("/digitaltwins/h").json()["seats"] == 1
        assert client.post("/models", json=[ROOM_MODEL, THERMOSTAT_MODEL]).status_code == 503
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        assert client.put("/digitaltwins/h", json=hall(seats=3)).status_code == 200
        assert client.get("/digitaltwins/h").json()["seats"] == 3
        assert client.post("/models", json=[ROOM_MODEL, THERMOSTAT_MODEL]).status_code == 201
