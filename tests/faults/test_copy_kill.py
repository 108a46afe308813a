"""A copy that was killed is never served as the whole graph; the same command finishes it."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from kastor.dtdl import ValueRules
from kastor.graph.catalog import catalog_builder
from kastor.storage.sqlite.store import SqliteStore
from kastor.testing import KastorServer
from tests.store.graphs import HALL_MODEL, Graph, hall
from tests.store.sqlite_engine import SqliteHistory

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        os.environ.get("KASTOR_TEST_ENGINE") == "postgres", reason="about files of SQLite"
    ),
]
TWINS = 2_000
SECONDS = 60


async def _fill(path: Path) -> None:
    path.parent.mkdir(parents=True)
    graph = Graph(await SqliteStore.open(path, catalog_builder(ValueRules())), SqliteHistory(path))
    await graph.upload(HALL_MODEL)
    await asyncio.gather(*(graph.put(f"h{n}", hall(seats=n)) for n in range(TWINS)))
    graph.history.close()
    await graph.store.close()


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "kastor", *map(str, arguments)]


def _serve(data: Path) -> subprocess.CompletedProcess[str]:
    command = _command("serve", "--port", 0, "--data", data)
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_a_killed_copy_is_refused_until_it_is_finished(tmp_path: Path) -> None:
    source = tmp_path / "source" / "graphs" / "default.sqlite3"
    target = tmp_path / "target" / "graphs" / "default.sqlite3"
    asyncio.run(_fill(source))
    copying = subprocess.Popen(_command("copy", "--quiet", source, target))
    while not target.exists():
        assert copying.poll() is None
        time.sleep(0.001)
    copying.send_signal(signal.SIGKILL)
    copying.wait(SECONDS)
    ended = _serve(tmp_path / "target")
    assert ended.returncode == 1
    assert "is a copy that is not finished. Run the same `kastor copy` again" in ended.stderr
    subprocess.run(_command("copy", "--quiet", source, target), check=True, timeout=SECONDS)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    with KastorServer(data_dir=tmp_path / "target") as server:
        status = httpx2.get(f"{server.url}/kastor/v1/status").json()
        assert status["counts"]["twins"] == TWINS
