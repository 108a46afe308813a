"""One job at work: what its kind is given, and what becomes of the job when that ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace as replaced

from kastor.clock import job_time
from kastor.errors import KastorError, Unavailable
from kastor.jobs.kinds import JobCancelledError, JobFailedError, JobKind, Progress
from kastor.jobs.log_lines import MOST_LINE_BYTES
from kastor.logs import get_logger
from kastor.outside.lease import LEASE_SECONDS, Lease
from kastor.records import Context
from kastor.storage.batches import JobProgress, NotHeldError
from kastor.storage.jobs import ENDED, JobRow, JobStatus
from kastor.tracing import root_span

if TYPE_CHECKING:
    from kastor.jobs.tally import JobTally
    from kastor.storage.batches import MakeNote, Results
    from kastor.storage.jobs import JobStore
    from kastor.storage.ticker import Ticker
    from kastor.tracing import FollowedWork

T = TypeVar("T")
Ending: TypeAlias = JobFailedError | KastorError

MOST_PROGRESS_BYTES = 65_536
MOST_LINES = 1_000_000
"""Of a job's log."""
MOST_STARTS = 50
"""So often a job is begun without getting on; one that ends its process would end it for ever."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_LONGEST_MESSAGE, _MOST_DETAILS = 8_000, 100

_log = get_logger("kastor.jobs")


class JobRun:
    """Implements `kinds.Run`; used by one task.

    Args:
        row: the job, as it was when this process got hold of it.
        kind: what does the work.
        store: of the graph's jobs.
        ticker: gives times.
        owner: under which it is held; no other run has the same.
        lease: what is known of that hold.
        tally: counts what is done.
    """

    def __init__(
        self,
        row: JobRow,
        kind: JobKind,
        store: JobStore,
        ticker: Ticker,
        owner: str,
        lease: Lease,
        tally: JobTally,
    ) -> None:
        self._kind, self._store, self._ticker, self._tally = kind, store, ticker, tally
        self.owner, self.lease = owner, lease
        self._cancelling = asyncio.Event()
        self._lines = 0
        self._starts = 0
        self._traceparent: str | None = None
        self._take(row)

    def _take(self, row: JobRow) -> None:
        self.row = row
        self.request: Mapping[str, Any] = msgspec.json.decode(row.request)
        self.progress: Progress = msgspec.json.decode(row.progress)
        self._done = _done(self.progress)
        self.context = Context(row.actor, dry_run=self.request.get("dryRun") is True)
        if row.status is JobStatus.CANCELLING:
            self._cancelling.set()

    def cancel(self) -> None:
        """Let the work end at its next step."""
        self._cancelling.set()

    def check(self) -> None:
        """See `kinds.Run`."""
        if not self.lease.held:
            raise NotHeldError(f"The {self.row.kind} job {self.row.id} is not held any more.")
        if self._cancelling.is_set():
            raise JobCancelledError

    def note(self, progress: Progress, lines: Sequence[bytes] = ()) -> MakeNote:
        """See `kinds.Run`; raises ValueError for what is too large to be kept."""
        text = _encoded(progress)
        kept = self._bounded(lines)
        done = _done(progress)

        def make(_: Results) -> JobProgress:
            self._count(done, len(kept))
            return JobProgress(self.row.kind, self.row.id, self.owner, text, kept)

        return make

    async def save(self, progress: Progress, lines: Sequence[bytes] = ()) -> None:
        """See `kinds.Run`; raises ValueError for what is too large to be kept."""
        text, kept = _encoded(progress), self._bounded(lines)
        await self._write(text, kept)
        self._count(_done(progress), len(kept))

    async def _write(self, text: bytes, lines: Sequence[bytes] = ()) -> None:
        key = self.row.kind, self.row.id
        if not await self._store.note_progress(*key, self.owner, text, lines):
            raise NotHeldError(f"The {key[0]} job {key[1]} is held by another process, or gone.")

    def _count(self, done: int, lines: int) -> None:
        self._lines += lines
        self._tally.progress(self.row.kind, self.row.id, done - self._done)
        self._done = max(done, self._done)

    def _bounded(self, lines: Sequence[bytes]) -> tuple[bytes, ...]:
        for line in lines:
            if len(line) > MOST_LINE_BYTES or b"\n" in line:
                raise ValueError(f"a line of {len(line)} bytes in the log of a job")
        if self._lines + len(lines) <= MOST_LINES:
            return tuple(lines)
        kept = lines[: max(0, MOST_LINES - self._lines)]
        return (*kept, self._last_line()) if self._lines <= MOST_LINES else ()

    def _last_line(self) -> bytes:
        message = f"The log has {MOST_LINES} lines; no more are kept. The work goes on."
        return msgspec.json.encode(
            {
                "timestamp": job_time(self._ticker.after(self.row.last_action)),
                "jobId": self.row.id,
                "jobType": self.row.kind,
                "logType": "Warning",
                "details": {"message": message},
            }
        )

    async def go(self) -> None:
        """Do the work to its end; return early where another process goes on, or it was deleted."""
        key = {"kastor.job.kind": self.row.kind, "kastor.job.id": self.row.id}
        with root_span("job", **key) as followed:
            self._traceparent = followed.traceparent
            await self._go(followed)

    async def _go(self, followed: FollowedWork) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                self.context = replaced(self.context, traceparent=self._traceparent)
                await self._begin()
                ended, error = await self._outcome()
                await self._finish(ended, error)
                followed.set("kastor.job.status", str(ended))
                if error is not None:
                    followed.fail(error.code)
            except NotHeldError:
                return
            except Unavailable as fault:
                before = self.row.progress
                _log.warning("a job waits", **self._named(), reason=fault.message, seconds=pause)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wait_for_cancel()
                await self._reread(pause)
                pause = FIRST_PAUSE if self.row.progress != before else _longer(pause)
            else:
                return

    async def let_go(self) -> None:
        """Leave the job to whoever comes next, as far as the store can be told."""
        with contextlib.suppress(KastorError):
            await self._store.let_job_go(self.row.kind, self.row.id, self.owner)

    async def _wait_for_cancel(self) -> None:
        if self._cancelling.is_set():  # it was tried already, and the store has to come back
            await asyncio.sleep(LONGEST_PAUSE)
        await self._cancelling.wait()

    async def _reread(self, pause: float) -> None:
        """Go on from what was noted last, as soon as the store can be read again.

        A transaction that nobody knows the end of may be committed yet. It has the job's row, and
        so has to end before the claim is renewed: what is read then is what became of it.
        """
        key = self.row.kind, self.row.id
        held = (*key, self.owner, LEASE_SECONDS)
        status = await _patiently(lambda: self._store.keep_job(*held), pause)
        row = await _patiently(lambda: self._store.job(*key), pause)
        if status is None or row is None or row.status in ENDED:
            self.lease.end()
        else:
            self._take(row)

    async def _begin(self) -> None:
        """Note that the job runs.

        Raises:
            NotHeldError: it is no longer to be done here.
            Unavailable: the store cannot write now.
        """
        if not self.lease.held:
            raise NotHeldError(f"The {self.row.kind} job {self.row.id} is not held any more.")
        if self.row.status is JobStatus.NOT_STARTED:
            now = self._ticker.after(self.row.last_action)
            row = replace(self.row, status=JobStatus.RUNNING, last_action=now)
            if not await self._store.change_job(row, {JobStatus.NOT_STARTED}, self.owner):
                raise NotHeldError(f"The {row.kind} job {row.id} was cancelled, or is gone.")
            self.row = row
        self._lines = (await self._store.log_size(self.row.kind, self.row.id))[0]
        if self._starts == 0:  # once, however often the store cannot be written
            self._starts = await self._store.begin_job(self.row.kind, self.row.id, self.owner)

    async def _outcome(self) -> tuple[JobStatus, Ending | None]:
        # Branches because every way in which work ends is told apart here, and nowhere else.
        if self._starts > MOST_STARTS:
            return JobStatus.FAILED, JobFailedError(
                code="JobFailed",
                message=f"The job was begun {MOST_STARTS} times and never got on; the server's log"
                " may say why. Ask for smaller pieces, or give the server more memory.",
            )
        try:
            await self._kind.run(self)
        except JobCancelledError:
            return JobStatus.CANCELLED, None
        except (NotHeldError, Unavailable):
            raise
        except (JobFailedError, KastorError) as error:
            return JobStatus.FAILED, error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            fault: BaseException = error  # of something that it waited for
        except Exception as error:  # noqa: BLE001 - whatever a kind does, its job has to end
            fault = error
        else:
            return JobStatus.SUCCEEDED, None
        _log.error("a job failed", **self._named(), exc_info=fault)
        return JobStatus.FAILED, JobFailedError(
            code="JobFailed",
            message="Something went wrong inside Kastor; its log has the details. What was done"
            " until then stays.",
        )

    async def _finish(self, ended: JobStatus, error: Ending | None) -> None:
        now = self._ticker.after(self.row.last_action)
        told = None if error is None else _error(error)
        finished = None if ended is JobStatus.CANCELLED else now
        row = replace(self.row, status=ended, last_action=now, finished=finished, error=told)
        cancelled = replace(row, status=JobStatus.CANCELLED, finished=None)
        living = {JobStatus.RUNNING, JobStatus.CANCELLING}
        expected = {JobStatus.RUNNING} if ended is JobStatus.SUCCEEDED else living
        if not await self._patiently_change(row, expected):
            # Who asked to cancel at the last moment waits for that state.
            await self._patiently_change(cancelled, {JobStatus.CANCELLING})
        _log.info("a job ended", **self._named(), status=str(ended))

    async def _patiently_change(self, row: JobRow, expected: set[JobStatus]) -> bool:
        return await _patiently(
            lambda: self._store.change_job(row, expected, self.owner), FIRST_PAUSE
        )

    def _named(self) -> dict[str, str]:
        return {"kind": self.row.kind, "job": self.row.id}


def _encoded(progress: Progress) -> bytes:
    text = msgspec.json.encode(progress)
    if len(text) > MOST_PROGRESS_BYTES:
        raise ValueError(f"progress of {len(text)} bytes")
    return text


def _done(progress: Progress) -> int:
    done = progress.get("done", 0)
    return done if isinstance(done, int) else 0


def _error(error: Ending) -> bytes:
    """Return the contract's error object (rest-api C.5)."""
    told: dict[str, Any] = {"code": error.code, "message": error.message[:_LONGEST_MESSAGE]}
    if error.details:
        told["details"] = [
            {"code": each.code, "message": each.message[:_LONGEST_MESSAGE], **each.place}
            for each in error.details[:_MOST_DETAILS]
        ]
    return msgspec.json.encode(told)


async def _patiently(step: Callable[[], Awaitable[T]], pause: float) -> T:
    """Do a step until the store can; whoever ends the task ends this."""
    while True:
        try:
            return await step()
        except Unavailable:
            await asyncio.sleep(pause)
            pause = _longer(pause)


def _longer(pause: float) -> float:
    return min(pause * 2, LONGEST_PAUSE)
