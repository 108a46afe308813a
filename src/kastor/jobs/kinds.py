"""What a kind of job is, and what one that runs works with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from kastor.errors import Detail

if TYPE_CHECKING:
    from kastor.records import Context
    from kastor.storage.batches import MakeNote
    from kastor.storage.jobs import JobRow

Progress = Mapping[str, Any]
"""Where the work goes on after a crash, and for people `done`, `of`, `unit`, `counts`; JSON."""


class JobFailedError(Exception):
    """Ends a job as `failed`; code, message and details become its error (rest-api B.6).

    A root of its own: it is told in the job, and never as an answer.
    """

    default_code: ClassVar[str] = "JobFailed"

    def __init__(
        self, message: str, *, code: str | None = None, details: tuple[Detail, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message, self.details = message, details


class JobCancelledError(Exception):
    """Ends a job as `cancelled`: somebody asked for it. Raised by `Run.check`."""


class Run(Protocol):
    """A job at work, in the process that holds it.

    Attributes:
        row: as it was when the work began, or went on.
        request: what was asked, decoded.
        progress: where to go on, decoded; empty at the first start.
        context: of the job's writes and reads: the actor is who asked for it.
    """

    row: JobRow
    request: Mapping[str, Any]
    progress: Progress
    context: Context

    def check(self) -> None:
        """Called between steps, several times a second.

        Raises:
            JobCancelledError: the job is to be cancelled.
            NotHeldError: another process may have it by now, or it was deleted.
        """

    def note(self, progress: Progress, lines: Sequence[bytes] = ()) -> MakeNote:
        """Return what writes progress and lines of the log in the transaction of a batch."""

    async def save(self, progress: Progress, lines: Sequence[bytes] = ()) -> None:
        """Write progress and lines of the log, where nothing else is written.

        Raises:
            NotHeldError: another process has it, or it was deleted.
        """


def holding(run: Run) -> Callable[[], None]:
    """Return the `permit` of a write that goes without the job's progress, as those of models do.

    It raises NotHeldError where another process may have the job; a cancelled job ends elsewhere.
    """

    def permit() -> None:
        with contextlib.suppress(JobCancelledError):
            run.check()

    return permit


class JobKind(Protocol):
    """One kind of job; registered by its name, which stands in the table of jobs."""

    name: str

    async def run(self, run: Run) -> None:
        """Do the work, from `run.progress` on; returning ends the job as `succeeded`.

        Raises:
            JobFailedError: it ends as `failed`.
            JobCancelledError: it ends as `cancelled`.
            NotHeldError: another process goes on.
            Unavailable: it is tried again after a while, from what was noted last.
        """
