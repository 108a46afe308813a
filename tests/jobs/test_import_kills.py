"""An import whose process is killed, again and again: no line is skipped, none applied twice.

Three kills on SQLite and one of two processes on PostgreSQL; `KASTOR_IMPORT_KILLS=30` and
`KASTOR_IMPORT_WORKER_KILLS=10` make more. `KASTOR_SEED` repeats the choices of a run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
import asyncpg
import pytest

from kastor.testing import KastorServer
from tests.postgres.server import direct
from tests.store.graphs import edge, room

from .import_files import (
    ALL_MODELS,
    HEADER,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    Document,
    relationship,
    text_of,
    twin,
)

KILLS = int(os.environ.get("KASTOR_IMPORT_KILLS", "3"))
WORKER_KILLS = int(os.environ.get("KASTOR_IMPORT_WORKER_KILLS", "1"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
LINES_OF_A_KILL = 4_000
LONGEST_SECONDS = 0.3
VERSION = "api-version=2023-10-31"


def the_file(kills: int) -> tuple[bytes, int, list[int]]:
    """Return a file, how many twins and as many relationships it has, and its bad lines."""
    count = LINES_OF_A_KILL * kills // 2
    lines: list[Document | bytes] = [*HEADER, MODELS, *ALL_MODELS, TWINS]
    for number in range(count):
        lines.append(twin(f"t{number}", room(temperature=number, name=f"Room {number}")))
        if number % 50 == 0:
            lines.append(twin(f"bad{number}", room(colour="red")))
    lines.append(RELATIONSHIPS)
    for number in range(count):
        other = f"t{(number * 7 + 1) % count}" if (number * 7 + 1) % count != number else "t0"
        lines.append(relationship(f"t{number}", "r", edge(other, door="d")))
        if number % 50 == 0:
            lines.append(relationship("nobody", f"bad{number}", edge("t1")))
    bad = [
        number
        for number, line in enumerate(lines, 1)
        if isinstance(line, dict) and b"bad" in text_of(line)
    ]
    return text_of(*lines), count, bad


def call(method: str, url: str, body: bytes | None = None, kind: str = "application/json") -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return text if kind == "text" else json.loads(text)


def wait_for_end(url: str, seconds: float) -> Document:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job: Document = call("GET", url)
        if job["status"] not in ("notstarted", "running"):
            return job
        time.sleep(0.05)
    raise TimeoutError(f"{url} does not end")


def kill(server: KastorServer) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.stop()


def require_log(log: list[Document], bad: list[int]) -> None:
    """Each bad line is told of once, and each section begins and ends once."""
    told = [each["details"]["line"] for each in log if "line" in each["details"]]
    steps = [
        (each["details"]["section"], each["details"]["status"])
        for each in log
        if each["logType"] == "Info" and "section" in each["details"]
    ]
    assert told == bad
    assert steps == [
        *(("Models", "Started"), ("Models", "Succeeded")),
        *(("Twins", "Started"), ("Twins", "Failed")),
        *(("Relationships", "Started"), ("Relationships", "Failed")),
    ]


@pytest.mark.faults
@pytest.mark.timeout(120 + 20 * KILLS)
def test_a_server_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    data, count, bad = the_file(KILLS)
    rng, job, kills = random.Random(SEED), "/kastor/v1/jobs/imports/one", 0
    for number in range(KILLS):
        server = KastorServer(data_dir=tmp_path).start()
        if number == 0:
            request = urllib.request.Request(
                f"{server.url}/kastor/v1/jobs/imports",
                data,
                {"Content-Type": "application/x-ndjson", "operation-id": "one"},
            )
            urllib.request.urlopen(request, timeout=30).close()
        time.sleep(rng.uniform(0.0, LONGEST_SECONDS))
        kills += call("GET", server.url + job)["status"] in ("notstarted", "running")
        kill(server)
    with KastorServer(data_dir=tmp_path) as server:
        done = wait_for_end(server.url + job, 60 + KILLS)
        log = call("GET", f"{server.url}{job}/log", kind="text").splitlines()
        assert not list((tmp_path / "spool" / "default").iterdir())

    counts = (3, count, count, len(bad))
    names = ("models", "twins", "relationships", "errors")
    assert tuple(done["counts"][name] for name in names) == counts, SEED
    assert done["counts"]["replaced"] == 0, SEED
    require_log([json.loads(line) for line in log], bad)
    graph = apsw.Connection(str(tmp_path / "graphs" / "default.sqlite3"))
    with graph:
        rows = [
            graph.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in ("twins", "relationships", "twin_versions", "relationship_versions")
        ]
        changes = graph.execute("SELECT count(*), count(DISTINCT subject) FROM changes").fetchall()
    graph.close()
    assert rows == [count, count, 0, 0], SEED
    assert changes == [(3 + 2 * count, 3 + 2 * count)], SEED
    assert kills > KILLS // 6, "the import ended before it was killed; make its file longer"


@pytest.fixture
def pair(postgres_dsn: str, tmp_path: Path) -> Iterator[tuple[list[KastorServer], str, Path]]:
    """Two servers of one graph in PostgreSQL, its schema, and a folder that both may use."""
    schema, shared = f"i{uuid4().hex[:12]}", tmp_path / "shared"
    shared.mkdir()
    arguments: tuple[str, ...] = ("--db", postgres_dsn, "--graph-schema", schema, "--db-pool", "5")
    arguments += ("--job-location", shared.as_uri() + "/")
    with ExitStack() as stack:
        servers = [
            stack.enter_context(KastorServer(arguments, data_dir=tmp_path / name))
            for name in ("one", "two")
        ]
        yield servers, schema, shared
    asyncio.run(_query(postgres_dsn, f"DROP SCHEMA IF EXISTS {schema} CASCADE"))


@pytest.mark.faults
@pytest.mark.timeout(120 + 30 * WORKER_KILLS)
def test_another_process_goes_on_where_a_killed_one_was(
    pair: tuple[list[KastorServer], str, Path], postgres_dsn: str
) -> None:
    servers, schema, shared = pair
    data, count, bad = the_file(WORKER_KILLS)
    (shared / "in.ndjson").write_bytes(data)
    rng, job = random.Random(SEED), f"/jobs/imports/one?{VERSION}"
    uris = {
        "inputBlobUri": (shared / "in.ndjson").as_uri(),
        "outputBlobUri": (shared / "out.ndjson").as_uri(),
    }
    call("PUT", servers[0].url + job, json.dumps(uris).encode())
    for _ in range(WORKER_KILLS):
        time.sleep(rng.uniform(0.1, LONGEST_SECONDS))
        rows = asyncio.run(_query(postgres_dsn, f"SELECT owner FROM {schema}.jobs"))
        owner = rows[0]["owner"] or ""
        held = [each for each in servers if f"/{each.process.pid}/" in owner]
        victim = (held or servers)[0]
        kill(victim)
        victim.start()
    done = wait_for_end(servers[0].url + job, 60 + 15 * WORKER_KILLS)

    created = [done[name] for name in ("modelsCreated", "twinsCreated", "relationshipsCreated")]
    assert created == [3, count, count], (SEED, done)
    assert done["error"]["code"] == "ImportPartiallyFailed"
    log = (shared / "out.ndjson").read_text().splitlines()
    require_log([json.loads(line) for line in log], bad)
    (found,) = asyncio.run(
        _query(
            postgres_dsn,
            f"SELECT (SELECT count(*) FROM {schema}.twins) AS twins,"
            f" (SELECT count(*) FROM {schema}.relationships) AS relationships,"
            f" (SELECT count(*) FROM {schema}.twin_versions) AS versions,"
            f" (SELECT count(*) FROM {schema}.changes) AS changes,"
            f" (SELECT count(DISTINCT subject) FROM {schema}.changes) AS subjects",
        )
    )
    assert tuple(found) == (count, count, 0, 3 + 2 * count, 3 + 2 * count), SEED


async def _query(dsn: str, text: str) -> list[Any]:
    connection = await asyncpg.connect(direct(dsn))
    try:
        return list(await connection.fetch(text))
    finally:
        await connection.close()
