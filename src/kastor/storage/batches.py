"""Writes that go together: many decisions in one message to the store, and what is noted with them.

What has to be known again after a crash (how far a job has come, what a batch was answered) is
written in the transaction of what it tells of, so that neither can be without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias

from msgspec import Struct

from kastor.clock import Stamp
from kastor.records import (
    C,
    Change,
    ChangeModels,
    Current,
    Decision,
    EraseRelationship,
    EraseTwin,
    LogTelemetry,
    Needs,
    T,
    WriteRelationship,
    WriteTwin,
)
from kastor.types import Ticks

MOST_TOGETHER = 10_000
"""Writes of one message; who has more sends them in turns, between which others write."""

Decide: TypeAlias = Callable[[Current[C], Stamp], Decision[C, T]]


class Write(Struct, Generic[C, T], frozen=True):
    """One decision of several: what it has to see, and how it is decided."""

    needs: Needs
    decide: Decide[C, T]


class Results(Struct, frozen=True):
    """What became of writes that went together.

    Attributes:
        outcomes: of each write, in order, what its decision says, or the error that refused it.
        applied: whether they are durable, the refused ones aside; False where all or none were
            asked for and one was refused, or for a rehearsal.
    """

    outcomes: Sequence[Any]
    applied: bool

    @property
    def refused(self) -> int:
        """How many were refused."""
        return sum(isinstance(each, Exception) for each in self.outcomes)

    def without_frames(self) -> Results:
        """Let refusals go without the frames that they came through, which hold whole documents.

        Frames and what was raised in them hold each other, and there may be ten thousand.
        """
        for each in self.outcomes:
            if isinstance(each, Exception):
                each.__traceback__ = each.__context__ = each.__cause__ = None
        return self


class ChangeOfModelsError(TypeError):
    """Models are changed alone: a fault of who put the batch together."""


def require_few(writes: Sequence[object]) -> None:
    """Raise ValueError for more writes than may go together."""
    if len(writes) > MOST_TOGETHER:
        raise ValueError(f"{len(writes)} writes in one message")


RowChange: TypeAlias = WriteTwin | EraseTwin | WriteRelationship | EraseRelationship | LogTelemetry
"""What may go together."""


def require_rows(change: Change[C]) -> RowChange:
    """Return a change of twins or relationships.

    Raises:
        ChangeOfModelsError: it is one of models; what comes after it would be decided on others.
    """
    if isinstance(change, ChangeModels):
        raise ChangeOfModelsError("a change of models goes alone, not with other writes")
    return change


class JobProgress(Struct, frozen=True):
    """How far a job has come.

    Attributes:
        kind, id: of the job.
        owner: who holds it; where another has it by now, nothing of the transaction is written.
        progress: JSON text, see `storage.jobs.JobRow`.
        lines: of the job's log, JSON texts without an end of line.
    """

    kind: str
    id: str
    owner: str
    progress: bytes
    lines: tuple[bytes, ...] = ()


class KeptAnswer(Struct, frozen=True):
    """What a request with an `operation-id` was answered, for whoever repeats it.

    Attributes:
        id: the operation's, as the client named it.
        digest: of the request.
        answer: JSON text: the answer, or what of it is there yet.
        done: whether it is the whole answer.
        created: when the first request came.
        known: bytes of the answer that whoever goes on with it has read, 0 for the first part;
            where another one is kept by now, nothing of the transaction is written.
    """

    id: str
    digest: bytes
    answer: bytes
    done: bool
    created: Ticks
    known: int = 0


class AppliedProposal(Struct, frozen=True):
    """That a proposal was applied, by which way, and what its caller was answered.

    Where it is not open any more, or is not approved and has to be, nothing of the transaction is
    written.

    Attributes:
        id: of the proposal.
        caller: the principal that applies it.
        answer: JSON text.
        now: when.
        via: by which way its changes came, JSON text; kept beside each of them.
    """

    id: str
    caller: str
    answer: bytes
    now: Ticks
    via: bytes


Note: TypeAlias = JobProgress | KeptAnswer | AppliedProposal
MakeNote: TypeAlias = Callable[[Results], Note]
"""Called in the transaction, once it is known what becomes of each write."""


class NotHeldError(Exception):
    """Another process holds the job, or goes on with the answer, or job or proposal are gone.

    Nothing was written.
    """


class NothingAppliedError(Exception):
    """A batch of which all or none is to be applied, and one write was refused.

    Attributes:
        results: of all writes, as if those before had been applied.
    """

    def __init__(self, results: Results) -> None:
        super().__init__("a batch was refused")
        self.results = results
