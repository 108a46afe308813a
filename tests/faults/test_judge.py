"""The judge sees what it is there to see: a sound graph passes, each kind of damage does not."""

from __future__ import annotations

import asyncio
import random
import shutil
from functools import partial
from pathlib import Path

import apsw
import pytest

from kastor.dtdl import ValueRules
from kastor.graph.catalog import catalog_builder
from kastor.graph.service import GraphService
from kastor.storage.sqlite.store import SqliteStore

from .judge import Sight, judge
from .ledger import Ledger, Step
from .load import Client, prepare, run_clients
from .ports import ServicePort

pytestmark = pytest.mark.faults
WRITES = 150

DAMAGE = {
    "a log row is gone": "DELETE FROM changes WHERE seq = 20",
    "the newest log row is gone": "DELETE FROM changes WHERE seq = (SELECT max(seq) FROM changes)",
    "a version is gone": "DELETE FROM twin_versions WHERE rowid = 5",
    "a version of a relationship is gone": "DELETE FROM relationship_versions WHERE rowid = 2",
    "a current row is the one before": (
        "UPDATE twins SET version = version - 1 WHERE version = (SELECT max(version) FROM twins)"
    ),
    "a current row has another value": (
        "UPDATE twins SET doc = jsonb_set(doc, '$.value', -1) WHERE version > 2"
    ),
    "a current row has another etag": "UPDATE twins SET etag = 'other' WHERE version > 2",
    "a twin is gone": (
        "DELETE FROM twins WHERE key = (SELECT max(key) FROM twins WHERE key NOT IN "
        "(SELECT source_key FROM relationships UNION SELECT target_key FROM relationships))"
    ),
    "a model of an upload is gone": "DELETE FROM models WHERE key = 4",
    "a tombstone is gone": "DELETE FROM tombstones",
    "sizes are booked wrongly": "UPDATE meta SET version_bytes = version_bytes + 1",
    "the last time is not stored": "UPDATE meta SET last_tick = last_tick - 1",
    "the epoch was not raised": "UPDATE meta SET model_epoch = model_epoch - 1",
    "telemetry is gone": "DELETE FROM changes WHERE kind = 'Telemetry'",
    "a key leads nowhere": "UPDATE relationships SET target_key = 99999",
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sight]:
    path, ledger, rng = (
        tmp_path_factory.mktemp("judge") / "graph.sqlite3",
        Ledger(),
        random.Random(3),
    )

    def is_below(most: int) -> bool:
        return ledger.acknowledged < most

    async def load() -> None:
        store = await SqliteStore.open(path, catalog_builder(ValueRules()))
        port = ServicePort(GraphService(store))
        shared = await prepare(port, ledger, "j", upload_base=True)
        clients = [Client(f"j-{n}", ledger, port, random.Random(n), shared) for n in range(3)]
        await run_clients(clients, lambda: ledger.acknowledged < WRITES)
        for client in clients:  # so that there is a tombstone for certain
            await client.remove_all()
        for n in range(3):
            rest = Client(f"k-{n}", ledger, port, rng, shared)
            most = WRITES + 20 * (n + 1)
            await run_clients([rest], partial(is_below, most))
        await store.close()

    asyncio.run(load())
    return path, Sight(ledger, ledger.acknowledged)


def test_a_sound_graph_passes(loaded: tuple[Path, Sight]) -> None:
    path, sight = loaded
    verdict = judge(path, sight)
    verdict.require_sound("nothing was done to it")
    assert verdict.acknowledged == sight.ledger.acknowledged == sight.ledger.sent
    assert (verdict.lost, verdict.unacknowledged, verdict.unacknowledged_kept) == (0, 0, 0)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_seen(loaded: tuple[Path, Sight], tmp_path: Path, damage: str) -> None:
    path, sight = loaded
    copy = tmp_path / path.name
    shutil.copy(path, copy)
    connection = apsw.Connection(str(copy))
    connection.execute(DAMAGE[damage])
    assert connection.changes() > 0
    connection.close()
    assert judge(copy, sight).faults


def test_a_torn_page_is_seen(loaded: tuple[Path, Sight], tmp_path: Path) -> None:
    path, sight = loaded
    content = bytearray(path.read_bytes())
    content[-4096 * 3 : -4096 * 2] = bytes(4096)
    (tmp_path / path.name).write_bytes(content)
    try:
        faults = judge(tmp_path / path.name, sight).faults
    except apsw.Error as error:
        faults = [str(error)]
    assert faults


def test_an_acknowledged_write_that_is_not_there_counts_as_lost(loaded: tuple[Path, Sight]) -> None:
    path, sight = loaded
    thing = sight.ledger.thing("nowhere")
    thing.steps.append(Step(thing, "put", -5, "etag", acknowledged=0))
    try:
        verdict = judge(path, sight)
    finally:
        sight.ledger.things.remove(thing)
    assert verdict.lost == 1
    assert verdict.faults == ["nowhere: 1 acknowledged, 0 stored"]


def test_a_write_that_was_sent_only_may_be_missing(loaded: tuple[Path, Sight]) -> None:
    path, sight = loaded
    thing = sight.ledger.thing("nowhere")
    thing.steps.append(Step(thing, "put", -5))
    try:
        verdict = judge(path, sight)
    finally:
        sight.ledger.things.remove(thing)
    verdict.require_sound("nothing acknowledged is missing")
    assert verdict.unacknowledged == 1
