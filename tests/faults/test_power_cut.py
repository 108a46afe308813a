"""Power cuts at random moments of a load, judged as kills are.

Each run cuts the power at several moments, and once more while going on from what the first cut
left. `KASTOR_POWER_CUTS` sets how many cuts are made; `KASTOR_SEED` repeats the choices of a run
(threads may still group writes in another way). What a failed cut left stays in pytest's folder.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from kastor.dtdl import ValueRules
from kastor.graph.catalog import catalog_builder
from kastor.graph.service import GraphService
from kastor.storage.refusals import DamagedGraphError
from kastor.storage.sqlite import files, writer
from kastor.storage.sqlite import store as store_module
from kastor.storage.sqlite.connection import make_durable
from kastor.storage.sqlite.store import SqliteStore

from .judge import Sight, Verdict, judge
from .ledger import Ledger
from .load import BASE, Client, prepare, run_clients
from .ports import ServicePort
from .power_disk import LOSSES, Loss, PowerDisk

CUTS = int(os.environ.get("KASTOR_POWER_CUTS", "200"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
FILE = "graph.sqlite3"
CLIENTS, WRITES, CUTS_PER_RUN = 8, 160, 8
pytestmark = pytest.mark.faults


@dataclass(frozen=True)
class Cut:
    """What one power cut left, and what had been acknowledged by then."""

    folder: Path
    loss: Loss
    sights: tuple[Sight, ...]


class Run:
    """A load on a disk whose power is cut again and again, each time as if for the first time."""

    def __init__(self, folder: Path, rng: random.Random, before: tuple[Sight, ...] = ()) -> None:
        self.cuts: list[Cut] = []
        self._folder = folder
        self._rng = rng
        self._before = before
        self._ledger = Ledger()
        self._disk = PowerDisk(self._perhaps_cut)
        self._until_cut = rng.randrange(30)

    def go(self, name: str) -> list[Cut]:
        try:
            asyncio.run(self._load(name))
        finally:
            self._disk.unregister()
        return self.cuts

    async def _load(self, name: str) -> None:
        path = self._folder / FILE
        if not path.exists():
            files.make(path)  # without the layer: it gets its name when it is whole
        store = await SqliteStore.open(path, catalog_builder(ValueRules()), vfs=self._disk.name)
        ledger, rng = self._ledger, self._rng
        try:
            port = ServicePort(GraphService(store))
            upload_base = BASE not in store.catalog.models
            shared = await prepare(port, ledger, name, upload_base=upload_base)
            clients = [
                Client(f"{name}-{n}", ledger, port, random.Random(rng.random()), shared)
                for n in range(CLIENTS)
            ]
            await run_clients(clients, lambda: ledger.acknowledged < WRITES)
        finally:
            await store.close()

    def _perhaps_cut(self) -> None:
        self._until_cut -= 1
        if self._until_cut >= 0:
            return
        self._until_cut = self._rng.randrange(150)
        loss = self._rng.choice(LOSSES)
        folder = self._folder / f"cut-{len(self.cuts)}"
        folder.mkdir()
        sight = Sight(self._ledger, self._ledger.acknowledged)
        self._disk.snapshot(folder, loss, self._rng)
        self.cuts.append(Cut(folder, loss, (*self._before, sight)))


async def reopen(path: Path) -> None:
    """Start on what is left, as the program does, and end in good order."""
    store = await SqliteStore.open(path, catalog_builder(ValueRules()))
    await store.close()


def judge_cut(cut: Cut) -> Verdict:
    asyncio.run(reopen(cut.folder / FILE))
    return judge(cut.folder / FILE, *cut.sights)


@pytest.fixture(autouse=True)
def fold_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that cuts fall into the folding of the log and its restart, too."""
    monkeypatch.setattr(writer, "FOLD_PAGES", 30)


@pytest.mark.timeout(120 + 2 * CUTS)
def test_a_power_cut_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rng, started = random.Random(SEED), time.monotonic()
    made, total, losses, number = 0, Verdict(), Counter[str](), 0
    while made < CUTS:
        first = tmp_path / f"run-{number}"
        first.mkdir()
        cuts = Run(first, rng).go("a")
        chosen = rng.choice(cuts)
        for cut in cuts:
            if cut is not chosen:
                judged(cut, total)
        # One goes on from what its cut left, and loses power again.
        cuts = [each for each in cuts if each is not chosen]
        cuts += (again := Run(chosen.folder, rng, chosen.sights).go("b"))
        for cut in again:
            judged(cut, total)
        losses.update(cut.loss for cut in cuts)
        made, number = made + len(cuts), number + 1
    print(
        f"\npower cuts {made} ({dict(losses)}), judged acknowledgements {total.acknowledged}, "
        f"lost {total.lost}, seconds {time.monotonic() - started:.0f}, seed {SEED}"
    )
    assert total.lost == 0
    assert total.acknowledged > 20 * made


def judged(cut: Cut, total: Verdict) -> None:
    verdict = judge_cut(cut)
    verdict.require_sound(f"{cut.folder}, {cut.loss}, KASTOR_SEED={SEED}")
    total.acknowledged += verdict.acknowledged
    total.lost += verdict.lost


@pytest.mark.parametrize("mode", ["NORMAL", "OFF"])
def test_a_writer_that_does_not_sync_would_lose_acknowledged_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def careless(connection: apsw.Connection) -> None:
        make_durable(connection)
        connection.execute(f"PRAGMA synchronous = {mode}").fetchall()

    monkeypatch.setattr(store_module, "make_durable", careless)
    lost = 0
    for number in range(3):
        folder = tmp_path / f"run-{number}"
        folder.mkdir()
        for cut in Run(folder, random.Random(number)).go("a"):
            try:
                lost += judge_cut(cut).lost
            except (apsw.Error, DamagedGraphError):
                lost += 1  # it cannot even be opened
    assert lost > 0
