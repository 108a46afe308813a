"""What states a job goes through, and when; on both engines."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from kastor.clock import TICKS_PER_SECOND
from kastor.errors import (
    Detail,
    InvalidArgument,
    LimitExceeded,
    PayloadTooLarge,
    Unavailable,
    ValidationFailed,
)
from kastor.jobs.kinds import JobFailedError, Run
from kastor.jobs.refusals import AnotherJobRuns, JobConflict, JobNotFound
from kastor.jobs.runner import FIRST
from kastor.records import Context
from kastor.storage.jobs import JobStatus
from tests.store.engines import Engine

from .service import ANN, Scripted, Steps, ended, forever, reaching, serving, until

pytestmark = pytest.mark.anyio
THIRTY_DAYS = 30 * 86_400 * TICKS_PER_SECOND


async def test_a_job_runs_to_its_end_and_says_when(engine: Engine) -> None:
    store = await engine.open()
    kind = Steps(stop_at=0)
    async with serving(store, kind) as service:
        made = await service.add("tests", "one", {"of": 3}, ANN)
        assert (made.status, made.created) == (JobStatus.NOT_STARTED, made.last_action)
        assert made.purge == made.created + THIRTY_DAYS
        await kind.reached.wait()
        running = await service.job("tests", "one", ANN)
        assert running.status is JobStatus.RUNNING
        assert running.last_action > made.last_action
        assert running.finished is None
        kind.go_on.set()
        done = await ended(service, "one")
        lines = await service.lines("tests", "one", 0, 100, ANN)
    assert done.status is JobStatus.SUCCEEDED
    assert done.finished == done.last_action > running.last_action
    assert (done.created, done.purge, done.actor) == (made.created, made.purge, "ann")
    assert msgspec.json.decode(done.progress) == {"done": 3, "of": 3, "unit": "steps"}
    assert lines == [(1, b'{"step":1}'), (2, b'{"step":2}'), (3, b'{"step":3}')]


async def test_an_error_of_the_kind_becomes_the_jobs_error(engine: Engine) -> None:
    async def fail(_: Run) -> None:
        raise JobFailedError(code="Broken", message="No.", details=(Detail("A", "b", {"line": 3}),))

    async with serving(await engine.open(), Scripted(fail)) as service:
        await service.add("tests", "one", {}, ANN)
        row = await ended(service, "one")
    assert row.status is JobStatus.FAILED
    assert row.finished == row.last_action
    assert row.error is not None
    assert msgspec.json.decode(row.error) == {
        "code": "Broken",
        "message": "No.",
        "details": [{"code": "A", "message": "b", "line": 3}],
    }


async def test_what_nobody_foresaw_fails_the_job_and_others_go_on(engine: Engine) -> None:
    async def fail(run: Run) -> None:
        if run.row.id == "wrong":
            raise RuntimeError("secret")
        if run.row.id == "broken-off":  # by something that it waited for
            raise asyncio.CancelledError

    async with serving(await engine.open(), Scripted(fail)) as service:
        for job_id in ("wrong", "broken-off", "right"):
            await service.add("tests", job_id, {}, ANN)
        rows = [await ended(service, each) for each in ("wrong", "broken-off", "right")]
    states = [JobStatus.FAILED, JobStatus.FAILED, JobStatus.SUCCEEDED]
    assert [row.status for row in rows] == states
    assert b"secret" not in (rows[0].error or b"")
    assert b"log has the details" in (rows[0].error or b"")


async def test_work_that_cannot_be_stored_now_is_done_again_from_what_was_noted(
    engine: Engine,
) -> None:
    async def work(run: Run) -> None:
        done = run.progress.get("done", 0)
        seen.append(done)
        if done < 2:
            await run.save({"done": done + 1})
            raise Unavailable("The disk is full.")

    seen: list[int] = []
    async with serving(await engine.open(), Scripted(work)) as service:
        await service.add("tests", "one", {}, ANN)
        row = await ended(service, "one")
    assert row.status is JobStatus.SUCCEEDED
    assert seen == [0, 1, 2]


async def test_cancel_answers_the_job_as_it_was_and_ends_it(engine: Engine) -> None:
    kind = Steps(stop_at=2)
    async with serving(await engine.open(), kind) as service:
        await service.add("tests", "one", {}, ANN)
        await kind.reached.wait()
        before = await service.cancel("tests", "one", ANN)
        assert before.status is JobStatus.RUNNING
        row = await reaching(service, "one", [JobStatus.CANCELLED])
        assert row.last_action > before.last_action
        assert (row.finished, row.error) == (None, None)
        assert msgspec.json.decode(row.progress)["done"] == 2
        assert await service.cancel("tests", "one", ANN) == row
        assert await service.job("tests", "one", ANN) == row


async def test_a_job_that_had_not_begun_is_cancelled_at_once(engine: Engine) -> None:
    kind, waiting = Steps(stop_at=0), Steps("others")
    async with serving(await engine.open(), kind, waiting, at_once=1) as service:
        await service.add("tests", "first", {}, ANN)
        await kind.reached.wait()
        await service.add("others", "second", {}, ANN)
        before = await service.cancel("others", "second", ANN)
        assert before.status is JobStatus.NOT_STARTED
        row = await service.job("others", "second", ANN)
        assert (row.status, row.finished) == (JobStatus.CANCELLED, None)
        kind.go_on.set()
        await ended(service, "first")
        await service.add("others", "third", {}, ANN)
        await ended(service, "third", "others")
    assert waiting.seen == [1, 2, 3, 4, 5]  # of the third alone


async def test_a_cancel_at_the_last_moment_ends_as_cancelled(engine: Engine) -> None:
    async def work(_: Run) -> None:
        begun.set()
        await leave.wait()

    begun, leave = asyncio.Event(), asyncio.Event()
    async with serving(await engine.open(), Scripted(work)) as service:
        await service.add("tests", "one", {}, ANN)
        await begun.wait()
        await service.cancel("tests", "one", ANN)
        assert (await service.job("tests", "one", ANN)).status is JobStatus.CANCELLING
        leave.set()
        row = await ended(service, "one")
    assert (row.status, row.finished) == (JobStatus.CANCELLED, None)


async def test_cancels_and_ends_at_the_same_moment_leave_one_end(engine: Engine) -> None:
    async def work(run: Run) -> None:
        await run.save({"done": 1})

    async with serving(await engine.open(), Scripted(work), at_once=2) as service:
        for turn in range(20):
            job_id = f"job-{turn}"
            await service.add("tests", job_id, {}, ANN)
            await asyncio.sleep(turn / 4_000)
            await asyncio.gather(*(service.cancel("tests", job_id, ANN) for _ in range(3)))
            row = await ended(service, job_id)
            assert row.status in (JobStatus.CANCELLED, JobStatus.SUCCEEDED)
            assert (row.finished is None) == (row.status is JobStatus.CANCELLED)


async def test_jobs_that_have_the_graph_to_themselves_exclude_each_other(engine: Engine) -> None:
    imports, deletions, others = Steps("imports", stop_at=0), Steps("deletions"), Steps("tests")
    async with serving(await engine.open(), imports, deletions, others) as service:
        await service.add("imports", "a", {}, ANN)
        for kind, job_id in (("imports", "b"), ("imports", "a"), ("deletions", "a")):
            with pytest.raises(AnotherJobRuns):
                await service.add(kind, job_id, {}, ANN)
        await service.add("tests", "a", {}, ANN)
        imports.go_on.set()
        await ended(service, "a", "imports")
        with pytest.raises(JobConflict) as raised:
            await service.add("imports", "a", {}, ANN)
        await service.add("deletions", "a", {}, ANN)
        await ended(service, "a", "deletions")
    assert raised.value.code == "JobIdAlreadyExists"


async def test_a_failed_job_is_resumed_from_what_was_noted(engine: Engine) -> None:
    async def work(run: Run) -> None:
        done = run.progress.get("done", 0)
        await run.save({"done": done + 1}, [b"{}"])
        if done == 0:
            raise JobFailedError(code="Broken", message="No.")

    async with serving(await engine.open(), Scripted(work, "imports")) as service:
        await service.add("imports", "one", {}, ANN)
        failed = await ended(service, "one", "imports")
        assert failed.status is JobStatus.FAILED
        again = await service.resume("imports", "one", ANN)
        assert (again.status, again.finished, again.error) == (JobStatus.NOT_STARTED, None, None)
        row = await ended(service, "one", "imports")
        assert row.status is JobStatus.SUCCEEDED
        assert (msgspec.json.decode(row.progress)["done"], row.error) == (2, None)
        assert len(await service.lines("imports", "one", 0, 10, ANN)) == 2
        with pytest.raises(JobConflict, match="has succeeded"):
            await service.resume("imports", "one", ANN)


async def test_a_job_is_not_resumed_while_it_or_another_runs(engine: Engine) -> None:
    kind = Steps("imports", stop_at=1)
    async with serving(await engine.open(), kind) as service:
        await service.add("imports", "one", {}, ANN)
        await kind.reached.wait()
        with pytest.raises(JobConflict, match="is running"):
            await service.resume("imports", "one", ANN)
        await service.cancel("imports", "one", ANN)
        await ended(service, "one", "imports")
        kind.reached.clear()
        await service.add("imports", "two", {}, ANN)
        await kind.reached.wait()
        with pytest.raises(AnotherJobRuns):
            await service.resume("imports", "one", ANN)
        kind.go_on.set()
        await ended(service, "two", "imports")
        await service.resume("imports", "one", ANN)
        row = await ended(service, "one", "imports")
    assert row.status is JobStatus.SUCCEEDED
    assert kind.seen == [1, 1, 2, 3, 4, 5, 2, 3, 4, 5]


async def test_a_job_that_ended_is_deleted_with_its_log(engine: Engine) -> None:
    kind = Steps(stop_at=2)
    async with serving(await engine.open(), kind) as service:
        await service.add("tests", "one", {}, ANN)
        await kind.reached.wait()
        with pytest.raises(ValidationFailed, match="cancel it first"):
            await service.delete("tests", "one", ANN)
        kind.go_on.set()
        await ended(service, "one")
        await service.delete("tests", "one", ANN)
        for call in (service.job, service.delete, service.cancel, service.resume):
            with pytest.raises(JobNotFound):
                await call("tests", "one", ANN)
        await service.add("tests", "one", {"of": 1}, ANN)
        await ended(service, "one")
        assert await service.lines("tests", "one", 0, 10, ANN) == [(1, b'{"step":1}')]


async def test_a_job_that_is_being_cancelled_may_be_deleted_and_made_anew(engine: Engine) -> None:
    async def work(run: Run) -> None:
        if run.request.get("quick"):
            await run.save({"done": 1})
            return
        begun.set()
        await asyncio.sleep(60)

    begun = asyncio.Event()
    async with serving(await engine.open(), Scripted(work)) as service:
        await service.add("tests", "one", {}, ANN)
        await begun.wait()
        await service.cancel("tests", "one", ANN)
        await service.delete("tests", "one", ANN)
        await service.add("tests", "one", {"quick": True}, ANN)
        row = await ended(service, "one")
    assert row.status is JobStatus.SUCCEEDED
    assert msgspec.json.decode(row.progress) == {"done": 1}


async def test_jobs_are_listed_oldest_first_in_pages(engine: Engine) -> None:
    async with serving(await engine.open(), Steps(), Steps("others")) as service:
        made = []
        for kind in ("tests", "others", "tests", "tests"):
            made.append((await service.add(kind, None, {"of": 0}, ANN)).id)
            await ended(service, made[-1], kind)
        found, after = [], FIRST
        while rows := await service.jobs(["tests", "others"], after, 3, ANN):
            found += rows
            after = (rows[-1].created, rows[-1].id, rows[-1].kind)
        assert [row.id for row in found] == made
        one_kind = await service.jobs(["others"], FIRST, 10, ANN)
        assert [row.id for row in one_kind] == [made[1]]
        assert len(set(made)) == 4


async def test_ids_requests_and_jobs_are_bounded(engine: Engine) -> None:
    async with serving(await engine.open(), Scripted(forever), most=2) as service:
        for wrong in ("", "a" * 129, "a/b", "a b", "a\x00", "a\n"):
            with pytest.raises(InvalidArgument, match="128 characters"):
                await service.add("tests", wrong, {}, ANN)
            with pytest.raises(JobNotFound):
                await service.job("tests", wrong, ANN)
        with pytest.raises(PayloadTooLarge):
            await service.add("tests", "one", {"text": "x" * 70_000}, ANN)
        assert await service.jobs(["tests"], FIRST, 10, ANN) == []
        for job_id in ("a" * 128, "é:;$"):
            await service.add("tests", job_id, {}, ANN)
        with pytest.raises(LimitExceeded, match="max_jobs allows 2"):
            await service.add("tests", "three", {}, ANN)


async def test_no_more_run_at_once_than_may_and_all_have_their_turn(engine: Engine) -> None:
    async def work(run: Run) -> None:
        now.add(run.row.id)
        most.append(len(now))
        await asyncio.sleep(0.02)
        now.discard(run.row.id)

    now: set[str] = set()
    most: list[int] = []
    async with serving(await engine.open(), Scripted(work), at_once=2) as service:
        for turn in range(6):
            await service.add("tests", f"job-{turn}", {}, ANN)
        for turn in range(6):
            await ended(service, f"job-{turn}")
    assert max(most) == 2


async def test_a_dry_runs_job_writes_in_a_dry_run(engine: Engine) -> None:
    async def work(run: Run) -> None:
        seen.append(run.context)

    seen: list[Context] = []
    async with serving(await engine.open(), Scripted(work)) as service:
        await service.add("tests", "one", {}, Context("bob", dry_run=True))
        await service.add("tests", "two", {}, ANN)
        await ended(service, "one")
        await ended(service, "two")
    assert sorted((each.actor, each.dry_run) for each in seen) == [("ann", False), ("bob", True)]


async def test_kinds_that_nobody_knows_are_left_alone(engine: Engine) -> None:
    async with serving(await engine.open(), Steps()) as service:
        await service.add("later", "one", {}, ANN)
        await service.add("tests", "two", {}, ANN)
        await ended(service, "two")
        assert (await service.job("later", "one", ANN)).status is JobStatus.NOT_STARTED
        await until(lambda: True)
