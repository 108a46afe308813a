"""A server that is killed and comes back in the midst of a load: nothing twice, nothing lost.

One kill each by default; `KASTOR_LOAD_KILLS=10 python3 dev test tests/moving -k kill` makes ten.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from pathlib import Path
from typing import Self

import pytest

from kastor.client import AsyncKastorClient
from kastor.moving.loading.loader import Loader
from kastor.moving.loading.report import ItemCounts, LoadReport
from kastor.testing import KastorServer
from tests.ports import free_port

from .graphs import exported, graph

KILLS = int(os.environ.get("KASTOR_LOAD_KILLS", "1"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


class Killed:
    """A server that is killed each time so much is written, and started again on its port."""

    def __init__(self, args: tuple[str, ...], folder: Path, goals: list[int]) -> None:
        self._server = KastorServer((*args, "--port", str(free_port())), data_dir=folder)
        self._goals = goals
        self.kills = 0
        self._thread: threading.Thread | None = None

    def watch(self, report: LoadReport) -> None:
        """Take note of progress; called by the loader."""
        if self._goals and report.written.total >= self._goals[0]:
            del self._goals[0]
            os.kill(self._server.process.pid, signal.SIGKILL)
            self.kills += 1
            self._thread = threading.Thread(target=self._again)
            self._thread.start()

    def _again(self) -> None:
        self._server.process.wait()
        self._server.start()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.join()
        self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url


@pytest.mark.faults
@pytest.mark.timeout(120 + 60 * KILLS)
@pytest.mark.parametrize(
    ("args", "twins", "edges"),
    [((), 3_000, 2_000), (("--profile", "adt"), 200, 100)],
    ids=["batches", "singles"],
)
def test_a_killed_server_gets_all_of_a_load_and_nothing_twice(
    args: tuple[str, ...], twins: int, edges: int, tmp_path: Path
) -> None:
    print(f"KASTOR_SEED={SEED}")
    chance = random.Random(SEED)
    total = twins + edges
    goals = sorted(chance.randrange(total // 10, total * 8 // 10) for _ in range(KILLS))

    async def work(killed: Killed) -> None:
        async with AsyncKastorClient(killed.url) as client:
            loader = Loader(client, patience=60, on_progress=killed.watch)
            report = await loader.load(graph(twins, edges))
            assert (report.failed, report.written) == (0, ItemCounts(2, twins, edges))
            status = await client.status()
            assert status["counts"]["changeLog"] == total + 2
            lines = (await exported(client)).count(b"\n")
            # The header's two lines, and one for each section.
            assert lines == 2 + 3 + 2 + total

    with Killed(args, tmp_path, goals) as killed:
        asyncio.run(work(killed))
        assert killed.kills == KILLS
