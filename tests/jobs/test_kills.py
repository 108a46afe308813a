"""Processes that are killed in the middle of a job: no step is done twice, and none is missing.

Three kills by default; `KASTOR_JOB_KILLS=50 python3 dev test tests/jobs/test_kills.py` makes more.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from kastor.jobs.runner import JobService
from kastor.storage.jobs import ENDED, JobRow, JobStatus
from tests.postgres.server import POOLER
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph
from tests.store.postgres_engine import PostgresEngine
from tests.store.sqlite_engine import SqliteEngine, SqliteHistory

from .service import ANN

pytestmark = pytest.mark.anyio
KILLS = int(os.environ.get("KASTOR_JOB_KILLS", "3"))
STEPS = 60 * (KILLS + 1)


@contextmanager
def worker(*place: str) -> Iterator[subprocess.Popen[str]]:
    """A process that works on the jobs of a graph; killed at the end."""
    command = [sys.executable, "-m", "tests.jobs.process", *place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


async def prepared(engine: Engine) -> Graph:
    graph = Graph(await engine.open(), engine.history())
    await graph.upload(HALL_MODEL)
    service = JobService(graph.store.jobs, (), graph.store.ticker)  # it only stores the job
    await service.add("tests", "one", {"of": STEPS}, ANN)
    return graph


def require_each_step_once(graph: Graph, row: JobRow, lines: list[tuple[int, bytes]]) -> None:
    assert row.status is JobStatus.SUCCEEDED, row
    assert msgspec.json.decode(row.progress) == {"done": STEPS}
    steps = [msgspec.json.decode(line)["step"] for _, line in lines]
    assert steps == list(range(STEPS))
    assert [n for n, _ in lines] == list(range(1, STEPS + 1))
    written = Counter(entry.subject for entry in graph.history.log() if entry.version is not None)
    assert written == Counter(f"t-{n}" for n in range(STEPS))


async def test_two_processes_over_postgres_of_which_the_holder_is_killed(
    anyio_backend: str, postgres_dsn: str
) -> None:
    if POOLER:
        pytest.skip("the processes open the database without a pooler's settings")
    engine = PostgresEngine(postgres_dsn)
    try:
        graph = await prepared(engine)
        place = ("postgres", postgres_dsn, engine.schema())
        await kill_holders(engine, place, graph)
        row = await graph.store.jobs.job("tests", "one")
        assert row is not None
        lines = await graph.store.jobs.log_lines("tests", "one", 0, STEPS + 1)
        require_each_step_once(graph, row, lines)
    finally:
        await engine.close()


async def kill_holders(engine: PostgresEngine, place: tuple[str, ...], graph: Graph) -> None:
    """Kill the process that holds the job, again and again, with another one beside it."""
    workers = [worker(*place), worker(*place)]
    processes = [each.__enter__() for each in workers]
    killed = 0
    try:
        while killed < KILLS:
            before = await progress(graph)
            await advanced(graph, before + random.randint(1, 30))
            owner = await holder(engine)
            index = next((i for i, each in enumerate(processes) if each.pid == owner), None)
            if index is None:
                continue
            workers[index].__exit__(None, None, None)
            killed += 1
            workers[index] = worker(*place)
            processes[index] = workers[index].__enter__()
        await advanced(graph, STEPS + 1)
    finally:
        for each in workers:
            each.__exit__(None, None, None)


async def holder(engine: PostgresEngine) -> int | None:
    history = engine.history()
    rows = await asyncio.to_thread(history.rows, "SELECT owner FROM {graph}.jobs")
    return int(rows[0][0].split("/")[1]) if rows[0][0] else None


async def progress(graph: Graph) -> int:
    return done_of(await graph.store.jobs.job("tests", "one"))


def done_of(row: JobRow | None) -> int:
    assert row is not None
    done: int = msgspec.json.decode(row.progress).get("done", 0)
    return STEPS + 1 if row.status in ENDED else done


async def advanced(graph: Graph, to: int) -> None:
    """Wait until a job came so far, or ended."""
    deadline = time.monotonic() + 60
    while await progress(graph) < to:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_process_over_sqlite_that_is_killed_and_started_again(
    sqlite_folder: SqliteEngine,
) -> None:
    graph = await prepared(sqlite_folder)
    await graph.store.close()
    place = ("sqlite", str(sqlite_folder.path()))
    reader = sqlite_folder.history()  # beside the process, as the file's locks allow
    for _ in range(KILLS):
        with worker(*place):
            await read_until(reader, read(reader)[0] + random.randint(1, 30))
    with worker(*place):
        await read_until(reader, STEPS, "succeeded")
    graph = Graph(await sqlite_folder.open(), sqlite_folder.history())
    row = await graph.store.jobs.job("tests", "one")
    assert row is not None
    lines = await graph.store.jobs.log_lines("tests", "one", 0, STEPS + 1)
    require_each_step_once(graph, row, lines)


def read(history: SqliteHistory) -> tuple[int, str]:
    """How far the job is, and its state."""
    rows = history.connection.execute("SELECT progress, status FROM jobs").fetchall()
    return msgspec.json.decode(str(rows[0][0])).get("done", 0), str(rows[0][1])


async def read_until(history: SqliteHistory, done: int, status: str = "") -> None:
    """Wait until a job came so far, and is in a state where one is named."""
    deadline = time.monotonic() + 60
    while (found := read(history))[0] < min(done, STEPS) or status not in found[1]:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
