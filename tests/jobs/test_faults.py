"""What happens to jobs when leases, stores and kinds fail, and when there is too much of something."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import asyncpg
import msgspec
import pytest

import kastor.jobs.run as jobs_run
import kastor.jobs.worker as jobs_worker
from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import Unavailable
from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.jobs.kinds import Run
from kastor.jobs.refusals import JobNotFound
from kastor.jobs.runner import JobService
from kastor.jobs.slots import Slots
from kastor.records import Context, Sees
from kastor.storage.batches import NotHeldError
from kastor.storage.jobs import JobStatus
from kastor.vital import Vitals
from tests.postgres.server import direct
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph, hall
from tests.store.postgres_engine import PostgresEngine

from .service import ANN, Faulty, Scripted, Steps, ended, forever, reaching, serving, until

pytestmark = pytest.mark.anyio
DAYS_31 = 31 * 86_400 * TICKS_PER_SECOND


async def test_a_process_that_lost_its_lease_stops_and_what_it_writes_is_refused(
    anyio_backend: str, postgres_dsn: str
) -> None:
    engine = PostgresEngine(postgres_dsn)
    try:
        graph = Graph(await engine.open(), engine.history())
        other = await engine.open()
        await graph.upload(HALL_MODEL)
        service = GraphService(graph.store)
        late: list[Exception] = []
        took_over = asyncio.Event()

        async def stubborn(run: Run) -> None:
            """Writes on without a look whether it may, as one that was paused would."""
            begun.set()
            try:
                await took_over.wait()
            except asyncio.CancelledError:
                await took_over.wait()
                try:
                    note = run.note({"done": 99})
                    await service.execute_many([c.PutTwin("late", hall())], ANN, note=note)
                except NotHeldError as error:
                    late.append(error)
                raise

        begun = asyncio.Event()
        here: Any = Faulty(graph.store.jobs, "keep_job", "let_job_go")
        first = JobService(here, [Scripted(stubborn)], graph.store.ticker)
        await first.start()
        await first.add("tests", "one", {"of": 3}, ANN)
        await begun.wait()
        here.failing = True  # it cannot renew any more
        async with serving(other, Steps()) as second:
            row = await ended(second, "one")
            took_over.set()
            await until(lambda: late)
            here.failing = False
            await first.stop()
            assert await second.job("tests", "one", ANN) == row
        assert row.status is JobStatus.SUCCEEDED
        assert msgspec.json.decode(row.progress)["done"] == 3
        assert await graph.store.twin("late", ANN) is None
    finally:
        await engine.close()


async def test_several_services_share_the_work_and_no_job_is_done_twice(
    anyio_backend: str, postgres_dsn: str
) -> None:
    engine = PostgresEngine(postgres_dsn)
    try:
        stores = [await engine.open() for _ in range(3)]
        kinds = [Scripted(_a_little) for _ in stores]
        services = [
            JobService(store.jobs, [kind], store.ticker, None, Slots(2))
            for store, kind in zip(stores, kinds, strict=True)
        ]
        for service in services:
            await service.start()
        for n in range(12):
            await services[0].add("tests", f"job-{n}", {}, ANN)
        rows = [await ended(services[1], f"job-{n}") for n in range(12)]
        for service in services:
            await service.stop()
        assert {row.status for row in rows} == {JobStatus.SUCCEEDED}
        assert sum(kind.begun for kind in kinds) == 12
        # Asked of another process than the one that works on it.
        await services[2].start()
    finally:
        for service in services:
            await service.stop()
        await engine.close()


async def _a_little(run: Run) -> None:
    await run.save({"done": 1})
    await asyncio.sleep(0.01)


async def test_a_job_is_cancelled_from_another_process(
    anyio_backend: str, postgres_dsn: str
) -> None:
    engine = PostgresEngine(postgres_dsn)
    try:
        store, other = await engine.open(), await engine.open()
        async with serving(store, Scripted(forever)) as here, serving(other) as there:
            await here.add("tests", "one", {}, ANN)
            await reaching(here, "one", [JobStatus.RUNNING])
            assert (await there.cancel("tests", "one", ANN)).status is JobStatus.RUNNING
            row = await reaching(there, "one", [JobStatus.CANCELLED])
        assert row.finished is None
    finally:
        await engine.close()


async def test_the_end_of_a_job_waits_for_a_store_that_cannot_write(engine: Engine) -> None:
    async def work(_: Run) -> None:
        faulty.failing = True

    store = await engine.open()
    faulty: Any = Faulty(store.jobs, "change_job")
    kind = Scripted(work)
    service = JobService(faulty, [kind], store.ticker)
    await service.start()
    await service.add("tests", "one", {}, ANN)
    await until(lambda: kind.begun)
    await asyncio.sleep(0.1)
    assert (await service.job("tests", "one", ANN)).status is JobStatus.RUNNING
    faulty.failing = False
    row = await ended(service, "one")
    await service.stop()
    assert (row.status, kind.begun) == (JobStatus.SUCCEEDED, 1)


async def test_a_job_that_never_gets_on_ends(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_run, "MOST_STARTS", 3)
    store = await engine.open()
    async with serving(store) as service:  # it knows no kind, and so begins nothing
        await service.add("tests", "one", {}, ANN)
    for _ in range(3):  # as by processes that were killed
        assert await store.jobs.hold_job("tests", "one", "gone", 60)
        assert await store.jobs.begin_job("tests", "one", "gone") > 0
    await store.jobs.let_job_go("tests", "one", "gone")
    await store.jobs.hold_job("tests", "one", "gone", 60)
    await store.jobs.begin_job("tests", "one", "gone")
    kind = Steps()
    if store.jobs.shared:
        async with serving(store, kind) as service:
            assert (await service.job("tests", "one", ANN)).status is JobStatus.NOT_STARTED
        await store.jobs.let_job_go("tests", "one", "gone")
        await store.jobs.hold_job("tests", "one", "gone", 0)
        await store.jobs.begin_job("tests", "one", "gone")
        await asyncio.sleep(0.05)
    async with serving(store, kind) as service:
        row = await ended(service, "one")
    assert row.status is JobStatus.FAILED
    assert b"never got on" in (row.error or b"")
    assert kind.seen == []


async def test_restarts_that_are_told_count_no_start(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_run, "MOST_STARTS", 2)
    store = await engine.open()
    for turn in range(4):
        kind = Scripted(forever)
        async with serving(store, kind) as service:
            if turn == 0:
                await service.add("tests", "one", {}, ANN)
            await until(partial(getattr, kind, "begun"))
    async with serving(store, Steps()) as service:
        assert (await ended(service, "one")).status is JobStatus.SUCCEEDED


async def test_a_log_ends_at_its_bound_and_says_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(run: Run) -> None:
        for turn in range(4):
            await run.save({"done": turn}, [b'{"n":%d}' % n for n in range(3)])

    monkeypatch.setattr(jobs_run, "MOST_LINES", 7)
    async with serving(await engine.open(), Scripted(work)) as service:
        await service.add("tests", "one", {}, ANN)
        row = await ended(service, "one")
        lines = await service.lines("tests", "one", 0, 100, ANN)
    assert row.status is JobStatus.SUCCEEDED
    assert len(lines) == 8
    last = msgspec.json.decode(lines[-1][1])
    assert last["details"]["message"].startswith("The log has 7 lines")
    assert (last["jobId"], last["logType"]) == ("one", "Warning")


@pytest.mark.parametrize(
    ("progress", "lines"),
    [({"x": "y" * 70_000}, []), ({}, [b"x" * 17_000]), ({}, [b"{}\n{}"])],
)
async def test_what_is_too_large_to_be_noted_fails_the_job(
    engine: Engine, progress: dict[str, str], lines: list[bytes]
) -> None:
    async def work(run: Run) -> None:
        await run.save(progress, lines)

    async with serving(await engine.open(), Scripted(work)) as service:
        await service.add("tests", "one", {}, ANN)
        row = await ended(service, "one")
        assert await service.lines("tests", "one", 0, 10, ANN) == []
    assert row.status is JobStatus.FAILED


async def test_ended_jobs_are_forgotten_after_their_time_with_long_logs(engine: Engine) -> None:
    async def work(run: Run) -> None:
        for turn in range(5):
            await run.save({"done": turn}, [b"{}"] * 1_000)

    ahead = 0
    store = await engine.open(clock=lambda: now_ticks() + ahead)
    async with serving(store, Scripted(work)) as service:
        await service.add("tests", "one", {}, ANN)
        await service.add("later", "two", {}, ANN)  # of a kind that nobody knows
        await ended(service, "one")
        assert await service.purge() == 0
        ahead = DAYS_31
        assert await service.purge() == 1
        with pytest.raises(JobNotFound):
            await service.job("tests", "one", ANN)
        assert await service.job("later", "two", ANN)
    assert await store.jobs.log_size("tests", "one") == (0, 0)


async def test_reads_of_jobs_keep_rules_or_refuse(engine: Engine) -> None:
    context = Context("ann", sees=Sees())
    async with serving(await engine.open()) as service:
        with pytest.raises(NotImplementedError):
            await service.job("tests", "one", context)
        with pytest.raises(NotImplementedError):
            await service.jobs(["tests"], (0, "", ""), 1, context)


async def test_parts_are_watched_and_work_is_counted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_worker, "LOOK_SECONDS_ALONE", 0.05)
    store, kind, vitals = await engine.open(), Steps(stop_at=2), Vitals("g")
    service = JobService(store.jobs, [kind], store.ticker, vitals)
    await service.start()
    await service.add("tests", "one", {}, ANN)
    await kind.reached.wait()
    names = {part.name: part.trouble for part in vitals.states()}
    assert names == dict.fromkeys(["job leases", "jobs"] if store.jobs.shared else ["jobs"])
    (tally,) = service.tallies()
    assert (tally.kind, tally.done, tally.at_work) == ("tests", 2, 1)
    assert tally.seconds_since_progress is not None
    assert await service.counts() == [("tests", JobStatus.RUNNING, 1)]
    kind.go_on.set()
    await ended(service, "one")
    await until(lambda: service.tallies()[0].at_work == 0)
    assert service.tallies()[0].done == 5
    await service.stop()
    assert vitals.states() == []


async def test_work_goes_on_behind_a_commit_that_comes_late(
    anyio_backend: str, postgres_dsn: str
) -> None:
    """A transaction whose end nobody heard of may yet be committed, with its progress."""
    engine = PostgresEngine(postgres_dsn)
    try:
        store = await engine.open()
        connection = await asyncpg.connect(direct(postgres_dsn))
        schema = engine.history().rows("SELECT '{graph}'")[0][0]
        transaction = connection.transaction()
        seen: list[int] = []

        async def commit() -> None:
            await asyncio.sleep(jobs_run.FIRST_PAUSE + 0.4)
            await transaction.commit()

        async def work(run: Run) -> None:
            seen.append(run.progress.get("done", 0))
            if len(seen) == 1:
                await transaction.start()
                text = f"UPDATE {schema}.jobs SET progress = $1 WHERE id = $2"
                await connection.execute(text, '{"done":7}', run.row.id)
                late.append(asyncio.create_task(commit()))
                raise Unavailable("Nobody knows what became of it.")

        late: list[asyncio.Task[None]] = []
        async with serving(store, Scripted(work)) as service:
            await service.add("tests", "one", {}, ANN)
            row = await ended(service, "one")
        await connection.close()
        assert row.status is JobStatus.SUCCEEDED
        assert seen == [0, 7]
    finally:
        await engine.close()
