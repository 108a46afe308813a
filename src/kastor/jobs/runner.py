"""Jobs of one graph as people ask for them: stored, worked on, cancelled, forgotten.

What works on them is `worker`; what a job does is its kind's (`kinds`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from kastor.clock import TICKS_PER_SECOND, new_guid
from kastor.config import DAY_SECONDS
from kastor.errors import InvalidArgument, PayloadTooLarge, ValidationFailed
from kastor.jobs.refusals import JobConflict, another_job_runs, id_is_taken, job_not_found
from kastor.jobs.slots import Slots
from kastor.jobs.tally import JobTally
from kastor.jobs.worker import Worker
from kastor.storage.jobs import ENDED, LIVING, REVIVABLE, JobRow, JobStatus
from kastor.vital import Vitals

if TYPE_CHECKING:
    from kastor.jobs.kinds import JobKind
    from kastor.jobs.tally import KindTally
    from kastor.records import Context
    from kastor.storage.jobs import JobStore
    from kastor.storage.ticker import Ticker
    from kastor.types import Ticks

MOST_ID = 128
MOST_REQUEST_BYTES = 65_536
MOST_LISTED = 1_000
"""Jobs, or lines of a log, that are read at a time."""
_KEPT: Ticks = int(30 * DAY_SECONDS) * TICKS_PER_SECOND
_ANSWERS_KEPT: Ticks = int(DAY_SECONDS) * TICKS_PER_SECOND
_ALONE = frozenset({"imports", "deletions"})
"""Kinds of the contract: of them one job at a time is unfinished (decisions 5)."""
FIRST = (0, "", "")
"""Before the first job of a list."""


class JobService:
    """Jobs of one graph.

    Args:
        store: of the jobs.
        kinds: what can be done.
        ticker: gives times.
        vitals: where its tasks are watched.
        slots: for jobs at work in this process.
        most: jobs that are stored.
    """

    def __init__(
        self,
        store: JobStore,
        kinds: Sequence[JobKind],
        ticker: Ticker,
        vitals: Vitals | None = None,
        slots: Slots | None = None,
        most: int = 10_000,
    ) -> None:
        self._store, self._ticker, self._most = store, ticker, most
        self._tally = JobTally()
        self._kinds = {kind.name: kind for kind in kinds}
        self._worker = Worker(
            *(store, self._kinds, ticker, vitals or Vitals()), slots or Slots(4), self._tally
        )

    async def start(self) -> None:
        """Begin to work on what is unfinished."""
        self._worker.start()

    async def stop(self) -> None:
        """Let go what is at work; it goes on at the next start, or in another process."""
        await self._worker.stop()

    async def add(
        self, kind: str, job_id: str | None, request: Mapping[str, Any], context: Context
    ) -> JobRow:
        """Store a job, and let it begin as soon as there is room.

        Args:
            kind: of the job; its name stands in the table.
            job_id: as the caller names it; None makes a guid.
            request: JSON: what the kind has to know, `permissions` of the caller included where it
                asks for them. A dry run's is kept as one.
            context: who asks; the job's writes are made in that name.

        Raises:
            InvalidArgument: the id.
            PayloadTooLarge: the request takes more than MOST_REQUEST_BYTES.
            AnotherJobRuns: one that has the graph to itself is unfinished, and so would this.
            JobConflict: the id is taken.
            LimitExceeded: there are as many jobs as may be.
        """
        if job_id is not None:
            require_job_id(job_id)
        asked = {**request, "dryRun": True} if context.dry_run else dict(request)
        text = msgspec.json.encode(asked)
        if len(text) > MOST_REQUEST_BYTES:
            raise PayloadTooLarge(
                f"What is asked of the job takes {len(text)} bytes; the limit is"
                f" {MOST_REQUEST_BYTES}."
            )
        now = self._ticker.after()
        status, times = JobStatus.NOT_STARTED, (now, now, now + _KEPT)
        row = JobRow(kind, job_id or new_guid(), status, *times, context.actor, text)
        found = await self._store.add_job(row, _alone(kind), self._most)
        if found is not None:
            if found.kind in _alone(kind) and found.status in LIVING:
                raise another_job_runs()
            raise id_is_taken(row.id)
        self._worker.wake()
        return row

    async def job(self, kind: str, job_id: str, context: Context) -> JobRow:
        """Return a job; raises JobNotFound."""
        context.require_plain()
        row = await self._store.job(kind, job_id) if _may_be_id(job_id) else None
        if row is None:
            raise job_not_found(kind, job_id)
        return row

    async def jobs(
        self,
        kinds: Collection[str],
        after: tuple[Ticks, str, str],
        limit: int,
        context: Context,
    ) -> list[JobRow]:
        """Return jobs of some kinds, oldest first.

        Args:
            kinds: their names.
            after: (created, id, kind) of the last one before; FIRST for the beginning.
            limit: at most MOST_LISTED.
            context: who asks.
        """
        context.require_plain()
        return await self._store.jobs(kinds, after, min(limit, MOST_LISTED))

    async def cancel(self, kind: str, job_id: str, context: Context) -> JobRow:
        """Let a job end soon; return it as it was before (decisions 6.5). Raises JobNotFound."""
        while True:
            row = await self.job(kind, job_id, context)
            begun = row.status is not JobStatus.NOT_STARTED
            if row.status not in (JobStatus.NOT_STARTED, JobStatus.RUNNING):
                return row
            status = JobStatus.CANCELLING if begun else JobStatus.CANCELLED
            now = self._ticker.after(row.last_action)
            changed = replace(row, status=status, last_action=now)
            if await self._store.change_job(changed, {row.status}):
                self._worker.cancel(kind, job_id)
                return row

    async def resume(self, kind: str, job_id: str, context: Context) -> JobRow:
        """Let a failed or cancelled job go on from what was noted last; return it as it is then.

        Raises:
            JobNotFound: there is none.
            JobConflict: it is unfinished, or has succeeded.
            AnotherJobRuns: as for `add`.
        """
        row = await self.job(kind, job_id, context)
        if row.status not in REVIVABLE:
            raise _not_revivable(row)
        now, status = self._ticker.after(row.last_action), JobStatus.NOT_STARTED
        revived = replace(row, status=status, last_action=now, finished=None, error=None)
        found = await self._store.revive_job(revived, _alone(kind))
        if found is not None:
            raise _not_revivable(found) if found.id == job_id else another_job_runs()
        self._worker.wake()
        return revived

    async def delete(self, kind: str, job_id: str, context: Context) -> None:
        """Forget a job that does not run, or is to be cancelled anyhow, with its log.

        Raises:
            JobNotFound: there is none.
            ValidationFailed: it runs.
        """
        free = ENDED | {JobStatus.NOT_STARTED, JobStatus.CANCELLING}
        row = await self.job(kind, job_id, context)
        if row.status in free:
            await self._worker.drop(kind, job_id)
            if await self._store.delete_job(kind, job_id, free):
                return
            row = await self.job(kind, job_id, context)
        raise ValidationFailed(
            f"The job {job_id} is {row.status}; cancel it first, then delete it. Nothing was"
            " deleted."
        )

    async def lines(
        self, kind: str, job_id: str, after: int, limit: int, context: Context
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log, JSON texts, with their numbers, which grow.

        Args:
            kind: of the job.
            job_id: of the job.
            after: number of the last one before; 0 for the beginning.
            limit: at most MOST_LISTED.
            context: who asks.

        Raises:
            JobNotFound: there is no such job.
        """
        await self.job(kind, job_id, context)
        return await self._store.log_lines(kind, job_id, after, min(limit, MOST_LISTED))

    async def purge(self) -> int:
        """Forget ended jobs that are past their time, and kept answers; return how many.

        Raises:
            Unavailable: the store cannot write now.
        """
        now = self._ticker.age_now()
        return await self._store.purge(now, now - _ANSWERS_KEPT)

    async def counts(self) -> list[tuple[str, JobStatus, int]]:
        """Return how many jobs of each kind are in each state."""
        return await self._store.count_jobs()

    def tallies(self) -> list[KindTally]:
        """Return what was done in this process, by kind."""
        return self._tally.kinds()


def require_job_id(job_id: str) -> None:
    """Raise InvalidArgument for what cannot name a job."""
    if not _may_be_id(job_id):
        raise InvalidArgument(
            f"The id of a job has 1 to {MOST_ID} characters, none of them a slash, a blank or a"
            " control character."
        )


def _may_be_id(job_id: str) -> bool:
    return (
        0 < len(job_id) <= MOST_ID
        and job_id.isprintable()
        and not any(each.isspace() or each == "/" for each in job_id)
    )


def _alone(kind: str) -> frozenset[str]:
    return _ALONE if kind in _ALONE else frozenset()


def _not_revivable(row: JobRow) -> JobConflict:
    what = "has succeeded" if row.status is JobStatus.SUCCEEDED else f"is {row.status}"
    return JobConflict(
        f"The job {row.id} {what}; only one that failed or was cancelled can be resumed.",
        code="JobNotResumable",
    )
