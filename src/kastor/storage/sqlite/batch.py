"""Many decisions as one job of the writer, in one savepoint of its group's transaction.

The writes of a batch have no savepoints of their own. Only where one fails while it is applied,
which is rare, the batch is taken back and done again with a savepoint for each.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from msgspec import Struct

from kastor.clock import new_stamp, stamp_maker
from kastor.errors import KastorError
from kastor.logs import get_logger
from kastor.records import C
from kastor.storage.batches import (
    ChangeOfModelsError,
    MakeNote,
    NothingAppliedError,
    Results,
    Write,
    require_rows,
)

if TYPE_CHECKING:
    import asyncio

    import apsw

    from kastor.clock import Stamp
    from kastor.records import Context, Decision
    from kastor.storage.sqlite.unit_of_work import UnitOfWork
    from kastor.types import Ticks

_log = get_logger("kastor.storage")

MakeStamp: TypeAlias = "Callable[[Ticks], Stamp]"
DecideWrite: TypeAlias = Callable[[Write[C, Any], MakeStamp], "Decision[C, Any]"]
RequireSoundFile: TypeAlias = Callable[[Exception], None]


class BatchJob(Struct, Generic[C], frozen=True):
    """Decisions to be made and applied together."""

    writes: Sequence[Write[C, Any]]
    context: Context
    atomic: bool
    note: MakeNote | None
    future: asyncio.Future[Any]


class _FailedWhileAppliedError(Exception):
    """A write of the batch failed, and something of it may have been written."""


class BatchRunner(Generic[C]):
    """Runs batches for the writer's thread.

    Args:
        connection: the writer's.
        unit: of its transaction.
        decide: loads and decides, as for a single write.
        require_sound_file: raises an error again that is trouble of the file.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        unit: UnitOfWork[C],
        decide: DecideWrite[C],
        require_sound_file: RequireSoundFile,
    ) -> None:
        self._connection, self._unit = connection, unit
        self._decide, self._require_sound_file = decide, require_sound_file

    def run(self, job: BatchJob[C]) -> Results:
        """Decide and apply, and write the note; the caller has a savepoint around it.

        Raises:
            NothingAppliedError: it is atomic, and a write was refused; the caller rolls back.
            NotHeldError: as the note's.
            TypeError: there is a change of models among the writes.
        """
        since = self._unit.counters.seq
        self._unit.look_for_graves()
        self._unit.know_ends(known=True)
        looks_for_garbage = gc.isenabled()
        gc.disable()  # what is made here is kept until the end: looking costs a tenth of the time
        try:
            outcomes = self._outcomes(job)
        finally:
            self._unit.know_ends(known=False)
            if looks_for_garbage:
                gc.enable()
        results = Results(outcomes, applied=True)
        if job.atomic and results.refused:
            raise NothingAppliedError(Results(outcomes, applied=False))
        if job.note is not None:
            self._unit.note(job.note(results), since)
        return results

    def _outcomes(self, job: BatchJob[C]) -> list[Any]:
        before = self._unit.counters.copy()
        self._connection.execute("SAVEPOINT batch").fetchall()
        try:
            stamp = stamp_maker(len(job.writes))
            outcomes = [self._run_bare(write, job.context, stamp) for write in job.writes]
        except _FailedWhileAppliedError:
            self._connection.execute("ROLLBACK TO batch").fetchall()
            self._unit.counters = before
            self._unit.forget_names()
            outcomes = [self._run_apart(write, job.context) for write in job.writes]
        self._connection.execute("RELEASE batch").fetchall()
        return outcomes

    def _run_bare(self, write: Write[C, Any], context: Context, stamp: MakeStamp) -> Any:
        try:
            decision = self._decide(write, stamp)
        except Exception as error:  # noqa: BLE001 - told as the outcome, or raised
            return self._failed(error)
        if decision.change is not None:
            rows = require_rows(decision.change)
            try:
                self._unit.apply(rows, context)
            except Exception as error:
                self._require_sound_file(error)
                raise _FailedWhileAppliedError from error
        return decision.outcome

    def _run_apart(self, write: Write[C, Any], context: Context) -> Any:
        before = self._unit.counters.copy()
        self._connection.execute("SAVEPOINT write_of_batch").fetchall()
        try:
            decision = self._decide(write, new_stamp)
            if decision.change is not None:
                self._unit.apply(require_rows(decision.change), context)
            outcome = decision.outcome
        except ChangeOfModelsError:
            raise
        except Exception as error:  # noqa: BLE001 - told as the outcome, or raised
            outcome = self._failed(error)
            self._connection.execute("ROLLBACK TO write_of_batch").fetchall()
            self._unit.counters = before
            self._unit.forget_names()
        self._connection.execute("RELEASE write_of_batch").fetchall()
        return outcome

    def _failed(self, error: Exception) -> Exception:
        self._require_sound_file(error)
        if not isinstance(error, KastorError):
            _log.exception("write of a batch failed", exc_info=error)
        return error
