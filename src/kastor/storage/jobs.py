"""What jobs need of a store: their table, their logs, and the answers that are kept for repeats."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kastor.storage.batches import KeptAnswer
from kastor.storage.limits import require_room
from kastor.types import Ticks
from kastor.words import counted


class JobStatus(StrEnum):
    """States of a job, as the contract names them (rest-api B.6)."""

    NOT_STARTED = "notstarted"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


LIVING = frozenset({JobStatus.NOT_STARTED, JobStatus.RUNNING, JobStatus.CANCELLING})
ENDED = frozenset({JobStatus.CANCELLED, JobStatus.FAILED, JobStatus.SUCCEEDED})
REVIVABLE = frozenset({JobStatus.CANCELLED, JobStatus.FAILED})
MOST_UNFINISHED = 1_000
"""Jobs that are looked at for work, the oldest; later ones wait until these have ended."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as it is stored.

    Attributes:
        kind: imports, deletions, exports ...
        id: as the caller named it; unique within a kind.
        created, last_action, finished, purge: ticks; `purge` is when it is forgotten.
        actor: who asked for it; its writes are kept under that name.
        request: JSON text: what was asked, and what the caller was allowed.
        progress: JSON text: where the work goes on after a crash, and counts for people.
        error: JSON text of the contract's error object; None without one.
    """

    kind: str
    id: str
    status: JobStatus
    created: Ticks
    last_action: Ticks
    purge: Ticks
    actor: str
    request: bytes
    progress: bytes = b"{}"
    finished: Ticks | None = None
    error: bytes | None = None


class JobStore(Protocol):
    """One graph's jobs.

    Attributes:
        shared: other processes may serve the graph too, so a job has to be held by one.
    """

    shared: bool

    async def jobs(
        self, kinds: Collection[str], after: tuple[Ticks, str, str], limit: int
    ) -> list[JobRow]:
        """Return jobs of some kinds, oldest first, after (created, id, kind)."""

    async def job(self, kind: str, job_id: str) -> JobRow | None:
        """Return a job."""

    async def unfinished(self) -> list[tuple[str, str, JobStatus]]:
        """Return kind, id and state of the jobs that have work to be done, oldest first.

        MOST_UNFINISHED of them at most.
        """

    async def count_jobs(self) -> list[tuple[str, JobStatus, int]]:
        """Return how many jobs of each kind are in each state."""

    async def add_job(self, row: JobRow, alone: Collection[str], most: int) -> JobRow | None:
        """Store a new job, unless one is in its way; return that one.

        Args:
            row: the job.
            alone: kinds of which no unfinished job may be there; looked at before the id.
            most: jobs that may be stored, this one included.

        Raises:
            LimitExceeded: there are as many.
        """

    async def revive_job(self, row: JobRow, alone: Collection[str]) -> JobRow | None:
        """Let a failed or cancelled job go on from its progress; return the one in its way.

        Args:
            row: the job, with its new state and times; its progress stays as it is stored.
            alone: as for `add_job`.

        Returns:
            Another job that is unfinished, or this one where it is in another state; None where it
            goes on now, or is gone.
        """

    async def change_job(
        self, row: JobRow, expected: Collection[JobStatus], owner: str | None = None
    ) -> bool:
        """Write state, times and error of a job in one of the expected states.

        Args:
            row: the job; its progress stays as it is stored, since its holder writes that.
            expected: the states.
            owner: who has to hold it; None for whoever holds it.

        Returns:
            Whether it was; False where it has another state, is held by another, or is gone.
        """

    async def note_progress(
        self, kind: str, job_id: str, owner: str, progress: bytes, lines: Sequence[bytes]
    ) -> bool:
        """Write progress and lines of the log for who holds the job; whether it still does."""

    async def delete_job(self, kind: str, job_id: str, expected: Collection[JobStatus]) -> bool:
        """Delete a job in one of the expected states, with its log; return whether there was one.

        The log goes first, a step at a time, so that nobody's writes wait for a long one.
        """

    async def log_lines(
        self, kind: str, job_id: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log with their numbers, which grow, after `after`."""

    async def log_size(self, kind: str, job_id: str) -> tuple[int, int]:
        """Return how many lines a job's log has, and their bytes."""

    async def hold_job(self, kind: str, job_id: str, owner: str, seconds: float) -> bool:
        """Claim a job for a while; return whether `owner` has it."""

    async def keep_job(
        self, kind: str, job_id: str, owner: str, seconds: float
    ) -> JobStatus | None:
        """Renew a claim; return the job's state, None where the claim was lost or the job is gone.

        A job that was deleted and made anew is not claimed by this.
        """

    async def begin_job(self, kind: str, job_id: str, owner: str) -> int:
        """Count that work on a job begins; return how often it began since it last got on.

        0 where it is held by another, or gone.
        """

    async def let_job_go(self, kind: str, job_id: str, owner: str) -> None:
        """Give a job up before its time is over; that start counts no more."""

    async def kept_answer(self, operation_id: str) -> KeptAnswer | None:
        """Return what a request with this `operation-id` was answered."""

    async def kept_bytes(self) -> int:
        """Return what all kept answers take, roughly."""

    async def purge(self, jobs_before: Ticks, answers_before: Ticks) -> int:
        """Delete ended jobs whose `purge` is past, and answers made before; return how many."""


def require_room_for_job(present: int, most: int) -> None:
    """Refuse a job that would be one too many; raises LimitExceeded."""
    require_room(present, most, f"The graph keeps {counted(present, 'job')}", "max_jobs")
