"""A server that is killed under load, again and again, on one folder.

Five kills by default; `KASTOR_KILLS=100 python3 dev test tests/faults/test_kill.py -s` makes a
hundred and prints what was counted. `KASTOR_SEED` repeats the choices of a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from kastor.testing import KastorServer

from .judge import Sight, Verdict, judge
from .ledger import Ledger
from .load import Client, prepare, run_clients
from .ports import HttpPort

KILLS = int(os.environ.get("KASTOR_KILLS", "5"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
CONNECTIONS = 16
FILE = "default.sqlite3"
LONGEST_LOAD_SECONDS = 1.5


async def load_and_kill(
    server: KastorServer, ledger: Ledger, name: str, rng: random.Random
) -> None:
    """Load the server and kill it at a moment that it does not choose."""
    ports = [HttpPort(server.url) for _ in range(CONNECTIONS)]
    shared = await prepare(ports[0], ledger, name, upload_base=name == "k0")
    clients = [
        Client(f"{name}-{n}", ledger, port, random.Random(rng.random()), shared)
        for n, port in enumerate(ports)
    ]
    load = asyncio.create_task(run_clients(clients, lambda: True))
    await asyncio.sleep(rng.uniform(0.02, LONGEST_LOAD_SECONDS))
    os.kill(server.process.pid, signal.SIGKILL)
    await load
    await asyncio.gather(*(port.close() for port in ports))


@pytest.mark.faults
@pytest.mark.timeout(120 + 10 * KILLS)
def test_a_killed_server_has_lost_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    rng, started = random.Random(SEED), time.monotonic()
    graphs = tmp_path / "graphs"
    sights: list[Sight] = []
    total = Verdict()
    for number in range(KILLS):
        ledger = Ledger()
        with KastorServer(data_dir=tmp_path) as server:
            asyncio.run(load_and_kill(server, ledger, f"k{number}", rng))
            assert server.process.wait() == -signal.SIGKILL
        sights.append(Sight(ledger, ledger.acknowledged))
        # Judged on a copy: the recovery of the folder itself is the next server's.
        copy = tmp_path / "copy"
        shutil.copytree(graphs, copy)
        total = judge(copy / FILE, *sights)
        shutil.rmtree(copy)
        total.require_sound(f"kill {number + 1}, KASTOR_SEED={SEED}")
    with KastorServer(data_dir=tmp_path):
        pass
    judge(graphs / FILE, *sights).require_sound(f"after a regular end, KASTOR_SEED={SEED}")
    print(
        f"\nkills {KILLS}, acknowledged {total.acknowledged}, unacknowledged "
        f"{total.unacknowledged} (of them stored {total.unacknowledged_kept}), lost {total.lost}, "
        f"seconds {time.monotonic() - started:.0f}, seed {SEED}"
    )
    assert total.acknowledged > 10 * KILLS
    assert total.lost == 0
