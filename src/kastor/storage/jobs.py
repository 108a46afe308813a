"""What jobs need of a store: their table, their logs, and the answers that are kept for repeats."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kastor.storage.batches import KeptAnswer
from kastor.types import Ticks


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


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as it is stored.

    Attributes:
        kind: import, delete, export ...
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
        self, kinds: Collection[str], after: tuple[Ticks, str], limit: int
    ) -> list[JobRow]:
        """Return jobs of some kinds, oldest first, after (created, id)."""

    async def job(self, kind: str, job_id: str) -> JobRow | None:
        """Return a job."""

    async def unfinished(self) -> list[JobRow]:
        """Return the jobs that have work to be done: not started, running, or to be cancelled."""

    async def add_job(self, row: JobRow, alone: Collection[str]) -> JobRow | None:
        """Store a new job, unless one is in its way; return that one.

        Args:
            row: the job.
            alone: kinds of which no unfinished job may be there; looked at before the id.
        """

    async def change_job(self, row: JobRow, expected: Collection[JobStatus]) -> bool:
        """Write status, times, progress and error of a job in one of the expected states.

        Returns:
            Whether it was; False where it has another state, or is gone.
        """

    async def note_progress(
        self, kind: str, job_id: str, owner: str, progress: bytes, lines: Sequence[bytes]
    ) -> bool:
        """Write progress and lines of the log for who holds the job; whether it still does."""

    async def delete_job(self, kind: str, job_id: str) -> bool:
        """Delete a job with its log; return whether there was one."""

    async def log_lines(
        self, kind: str, job_id: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log with their numbers, which grow, after `after`."""

    async def hold_job(self, kind: str, job_id: str, owner: str, seconds: float) -> bool:
        """Claim a job for a while, or keep it; return whether `owner` has it."""

    async def let_job_go(self, kind: str, job_id: str, owner: str) -> None:
        """Give a job up before its time is over."""

    async def kept_answer(self, operation_id: str) -> KeptAnswer | None:
        """Return what a request with this `operation-id` was answered."""

    async def kept_bytes(self) -> int:
        """Return what all kept answers take, roughly."""

    async def purge(self, jobs_before: Ticks, answers_before: Ticks) -> int:
        """Delete ended jobs whose `purge` is past, and answers made before; return how many."""
