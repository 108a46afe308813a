"""No acknowledgement before a sync of the log that covers it.

A killed process leaves its writes in the kernel's cache, so killing proves nothing about syncs;
here the order of writes, syncs and acknowledgements is looked at itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kastor.dtdl import ValueRules
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.service import GraphService
from kastor.storage.sqlite import store as store_module
from kastor.storage.sqlite import writer
from kastor.storage.sqlite.connection import make_durable
from kastor.storage.sqlite.store import SqliteStore

from .ledger import Ledger, Sent
from .load import Client, prepare, run_clients
from .ports import ServicePort
from .recording_disk import Event, RecordingDisk

pytestmark = [pytest.mark.anyio, pytest.mark.faults]
CLIENTS, WRITES = 12, 600


class NotingPort(ServicePort):
    """Notes each acknowledgement among the disk's events, at once when it arrives."""

    def __init__(self, service: GraphService, events: list[Event]) -> None:
        super().__init__(service)
        self._events = events

    async def send(self, sent: Sent) -> str:
        etag = await super().send(sent)
        if etag:
            self._events.append(Event("acknowledged", etag))
        return etag


@pytest.fixture
def disk() -> Iterator[RecordingDisk]:
    disk = RecordingDisk()
    yield disk
    disk.unregister()


@pytest.fixture(autouse=True)
def fold_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the log is restarted from its beginning many times."""
    monkeypatch.setattr(writer, "FOLD_PAGES", 40)


@pytest.fixture
def released(disk: RecordingDisk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each release of outcomes by the writer: how many writes were not synced then."""
    counts: list[int] = []
    release = writer.Writer._release

    def noting(self: writer.Writer[ModelCatalog], results: list[writer.Result]) -> None:
        counts.append(len(disk.unsynced()))
        release(self, results)

    monkeypatch.setattr(writer.Writer, "_release", noting)
    return counts


async def run_load(disk: RecordingDisk, path: Path) -> Ledger:
    store = await SqliteStore.open(path, catalog_builder(ValueRules()), vfs=disk.name)
    try:
        ledger, rng = Ledger(), random.Random(7)
        port = NotingPort(GraphService(store), disk.events)
        shared = await prepare(port, ledger, "s", upload_base=True)
        clients = [
            Client(f"c{n}", ledger, port, random.Random(rng.random()), shared)
            for n in range(CLIENTS)
        ]
        await run_clients(clients, lambda: ledger.acknowledged < WRITES)
        return ledger
    finally:
        await store.close()


def uncovered(events: list[Event]) -> list[str]:
    """Return the etags that were acknowledged before the sync of the transaction they are in."""
    etags = [event.path for event in events if event.what == "acknowledged"]
    waiting = dict.fromkeys(etags, "unwritten")
    found = []
    for event in events:
        if event.what == "acknowledged":
            if waiting[event.path] != "synced":
                found.append(event.path)
        elif not event.path.endswith("-wal"):
            continue
        elif event.what == "sync":
            for etag, state in waiting.items():
                if state == "committed":
                    waiting[etag] = "synced"
        else:
            _follow(event, waiting)
    return found


def _follow(event: Event, waiting: dict[str, str]) -> None:
    if event.ends_transaction:
        # The page that follows belongs to it; its sync can only come after that.
        for etag, state in waiting.items():
            if state == "written":
                waiting[etag] = "committed"
        waiting["last page"] = "open"
        return
    last = waiting.pop("last page", None)
    for etag, state in waiting.items():
        if state == "unwritten" and etag.encode() in event.data:
            waiting[etag] = "committed" if last else "written"


async def test_every_acknowledgement_follows_a_sync_of_all_that_it_wrote(
    disk: RecordingDisk, released: list[int], tmp_path: Path
) -> None:
    ledger = await run_load(disk, tmp_path / "graph.sqlite3")
    acknowledged = [event for event in disk.events if event.what == "acknowledged"]
    assert len(acknowledged) > WRITES // 2
    assert ledger.acknowledged >= WRITES
    assert uncovered(disk.events) == []
    assert len(released) > 20
    assert set(released) == {0}


async def test_a_writer_that_does_not_sync_would_be_noticed(
    disk: RecordingDisk, released: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(connection: apsw.Connection) -> None:
        make_durable(connection)
        connection.execute("PRAGMA synchronous = NORMAL").fetchall()

    monkeypatch.setattr(store_module, "make_durable", careless)
    await run_load(disk, tmp_path / "graph.sqlite3")
    assert len(uncovered(disk.events)) > WRITES // 4
    assert max(released) > 0
