"""Several workers let go without losing a request; a database that comes later is waited for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from kastor.storage.postgres.reaching import UnusableDatabaseError, trouble, will_pass
from tests.metrics.scrape import scrape
from tests.ports import free_port
from tests.system.drain_load import DrainLoad
from tests.system.notified import Manager
from tests.system.program import COMMAND, Served, environment, refused, serving
from tests.system.test_lifecycle import until

from .cluster import Cluster, answers
from .server import direct

if TYPE_CHECKING:
    from collections.abc import Iterator


def flags(dsn: str) -> tuple[str, ...]:
    return ("--db", dsn, "--graph-schema", f"g{uuid4().hex[:12]}", "--workers", "2")


def _workers(supervisor: int) -> list[int]:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    commands = {int(each): Path(f"/proc/{each}/cmdline").read_bytes() for each in children}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


class TestWorkers:
    def test_they_lose_nothing_under_load_and_take_new_settings(
        self, dsn: str, tmp_path: Path
    ) -> None:
        """One life from the start to the end, since workers take their time to start."""
        given, file = flags(dsn), tmp_path / "kastor.toml"
        file.write_text("")
        with Manager(tmp_path) as manager:
            variables = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "2000000"}
            with serving(tmp_path / "data", *given, "--config", str(file), **variables) as served:
                until(lambda: manager.states() == ["READY=1"])
                self._reload(served, file)
                until(lambda: ["WATCHDOG=1"] in manager.told)
                load = DrainLoad(served.address)
                load.prepare()
                load.start()
                until(lambda: len(load.acknowledged) == 8)
                time.sleep(0.3)
                # As a service manager does that signals every process, which then comes twice.
                for pid in (served.process.pid, *_workers(served.process.pid)):
                    os.kill(pid, signal.SIGTERM)
                load.join()
                assert served.process.wait(20) == 0
            states = manager.states()
        assert (load.faults, set(load.outcomes)) == ([], {"200"})
        assert load.lost(asyncio.run(_stored(dsn, given[3]))) == []
        assert states == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]

    def _reload(self, served: Served, file: Path) -> None:
        first, second = _workers(served.process.pid)
        file.write_text("max_body_bytes = 100\nmax_routes = 2\n")
        served.process.send_signal(signal.SIGHUP)
        event = '"the configuration was read again"'
        until(lambda: sum(event in line for line in served.log) == 2)
        until(lambda: sum("restart: max_routes" in line for line in served.log) == 2)
        body = json.dumps({"query": "SELECT * FROM DIGITALTWINS" + " " * 100})

        def status() -> int:
            url = f"{served.url}/query?api-version=2023-10-31"
            headers = {"content-type": "application/json"}
            return httpx2.post(url, content=body, headers=headers).status_code

        assert {status() for _ in range(12)} == {413}
        # One that takes the place of another has what was changed meanwhile.
        os.kill(second, signal.SIGKILL)
        until(lambda: sum(event in line for line in served.log) == 3, seconds=30)
        assert {status() for _ in range(12)} == {413}
        assert first in _workers(served.process.pid)
        done = scrape(served.url).families["kastor_reloads"].samples
        assert sum(each.value for each in done) == 1


async def _stored(dsn: str, schema: str) -> dict[str, int]:
    connection = await asyncpg.connect(direct(dsn))
    try:
        rows = await connection.fetch(f"SELECT id, (doc ->> 'size')::int FROM {schema}.twins")
    finally:
        await connection.close()
    return {row[0]: row[1] for row in rows}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(durable=False) as made:
        yield made.create()


class TestWaiting:
    def test_a_database_that_starts_later_is_waited_for(
        self, cluster: Cluster, tmp_path: Path
    ) -> None:
        port = free_port()
        with Manager(tmp_path) as manager:
            process = subprocess.Popen(
                [*COMMAND, "serve", "--port", str(port), "--data", str(tmp_path / "data")],
                env=environment(KASTOR_DB=cluster.dsn, NOTIFY_SOCKET=manager.address),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            assert process.stderr is not None
            told = json.loads(process.stderr.readline())
            assert told["event"] == "waiting for the database"
            assert told["database"] == f"postgresql://127.0.0.1:{cluster.port}/postgres"
            assert told["seconds_left"] == 60
            until(lambda: len(manager.told) > 2)
            assert not answers(port)  # whoever asks knows at once that nobody is here
            status, extension = manager.told[0]
            assert status.startswith("STATUS=Waiting for the database: ")
            assert extension == "EXTEND_TIMEOUT_USEC=30000000"
            time.sleep(1)
            cluster.start()
            try:
                while not process.stdout.readline().startswith("Stop with"):
                    assert process.poll() is None
                assert httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
                process.terminate()
                _, log = process.communicate(timeout=20)
            finally:
                cluster.stop()
            assert process.returncode == 0
            assert "the database answers" in log
        kinds = [each for each in manager.states() if not each.startswith("STATUS=")]
        assert kinds == ["READY=1", "STOPPING=1"]

    def test_what_will_not_pass_is_told_from_what_will(self, cluster: Cluster) -> None:
        rules = cluster.data / "pg_hba.conf"
        before = rules.read_text()
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + before)
        cluster.start()
        place = f"127.0.0.1:{cluster.port}"
        try:
            cluster.psql("CREATE USER guarded PASSWORD 'right'")
            assert asyncio.run(trouble(cluster.dsn)) is None
            for address, reason in (
                (f"postgresql://guarded:wrong-word@{place}/postgres", "password"),
                (f"postgresql://postgres@{place}/nowhere", "does not exist"),
                (f"postgresql://postgres@{place}/postgres?sslmode=require", "SSL"),
            ):
                with pytest.raises(UnusableDatabaseError) as caught:
                    asyncio.run(trouble(address))
                assert reason in str(caught.value)
                assert "wrong-word" not in str(caught.value)
            told = refused("serve", "--port", "0", KASTOR_DB=f"postgresql://postgres@{place}/no")
            assert 'database "no" does not exist' in told
        finally:
            cluster.stop()
            rules.write_text(before)

    @pytest.mark.parametrize(
        ("address", "reason"),
        [
            ("postgresql://u@127.0.0.1:1/x", "Connect call failed"),
            ("postgresql://u@name.invalid/x", ""),
            ("postgresql://u@/x?host=/nowhere/at/all", ""),
        ],
    )
    def test_what_will_pass_has_a_reason(self, address: str, reason: str) -> None:
        told = asyncio.run(trouble(address))
        assert told is not None
        assert reason in told

    def test_a_server_that_starts_stops_or_is_full_will_pass(self) -> None:
        for state in ("57P03", "57P01", "53300", "08006"):
            assert will_pass(asyncpg.PostgresError.new({"C": state, "M": "wait"})), state
        for state in ("28P01", "28000", "3D000", "42501", "22023"):
            assert not will_pass(asyncpg.PostgresError.new({"C": state, "M": "no"})), state
        pooler = asyncpg.PostgresError.new
        assert will_pass(pooler({"C": "08P01", "M": "server login has been failing"}))
        assert not will_pass(pooler({"C": "08P01", "M": "no such database: x"}))

    def test_one_that_takes_connections_and_says_nothing_will_pass(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kastor.storage.postgres.connections.CONNECT_SECONDS", 0.2)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            address = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x"
            assert asyncio.run(trouble(address)) == "it does not answer in time"
