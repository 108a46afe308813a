"""The one thread that writes: takes jobs from a queue and commits them in groups.

Each job runs load -> decide -> apply. A decision that refuses has written nothing. One that fails
while it is applied takes back the transaction; then the group is decided again with a savepoint for
each job, so that the failing one rolls back alone: it is so rare that the others need not pay for
savepoints beforehand. Outcomes, refusals included, are released after COMMIT: nobody learns of a
state that might still vanish. When the whole transaction is lost (disk full, I/O error) the group
is decided again in the same way, once; then its jobs end as `Unavailable`.

SQLite's log is folded into the file after the outcomes are released: it costs syncs that no
acknowledgement needs, and a failure of it takes none back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

import apsw
from msgspec import Struct

from kastor.clock import new_stamp
from kastor.errors import KastorError, Unavailable
from kastor.logs import get_logger
from kastor.records import C
from kastor.storage.batches import NotHeldError, NothingAppliedError
from kastor.storage.load import GroupTally
from kastor.storage.sqlite import statements as sql
from kastor.storage.sqlite.batch import BatchJob, BatchRunner
from kastor.storage.sqlite.unit_of_work import Head, UnitOfWork
from kastor.types import override
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.records import Context, Decision, Needs
    from kastor.storage.batches import Decide, Write
    from kastor.storage.keeping import Rules
    from kastor.storage.ticker import Ticker
    from kastor.types import Ticks

GROUP_SIZE = 64
GROUP_SECONDS = 0.005
RETRY_AFTER_SECONDS = 2
STUCK_SECONDS = 60.0
"""Without a step of the engine for so long, the disk hangs; nothing more is queued then."""
ALIVE_STEPS = 1_000_000
"""Virtual machine steps of the engine after which a long statement counts as progress."""
FOLD_PAGES = 1_000
"""Pages in the log (4 MB) from which on it is folded into the file."""
BULK_FOLDS = 4
"""So many times later after a batch: pages that follow ones write again are folded once."""

_OF_ONE_STATEMENT = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.SQLError,
    apsw.TooBigError,
)
"""Errors that say nothing about the file: the job that met one fails, not its group."""

_log = get_logger("kastor.storage")


class _HalfAppliedError(Exception):
    """A job failed while it was applied; the transaction holds a part of it."""


class WriteJob(Struct, Generic[C], frozen=True):
    """A decision to be made and applied."""

    needs: Needs
    decide: Decide[C, Any]
    context: Context
    future: asyncio.Future[Any]


class UpkeepJob(Struct, Generic[C], frozen=True):
    """Work of the engine itself (pruning, emptying) in the writer's transaction."""

    work: Callable[[apsw.Connection, Head[C]], Any]
    future: asyncio.Future[Any]


Job: TypeAlias = WriteJob[C] | UpkeepJob[C] | BatchJob[C]
Result: TypeAlias = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Writer(threading.Thread, Generic[C]):
    """Owns the writing connection from `start` to `stop`."""

    def __init__(
        self,
        connection: apsw.Connection,
        counters: Head[C],
        loop: asyncio.AbstractEventLoop,
        ticker: Ticker,
        on_commit: Callable[[int], None],
    ) -> None:
        super().__init__(name="kastor-writer", daemon=True)
        self.catalog = counters.catalog
        self._connection = connection
        self._loop = loop
        self._ticker = ticker
        self._on_commit = on_commit
        self._unit = UnitOfWork(connection, counters)
        self._batches = BatchRunner(connection, self._unit, self._decide, _require_sound_file)
        self._queue: SimpleQueue[Job[C] | None] = SimpleQueue()
        self._accepting = True
        self._gate = threading.Lock()
        self._log_pages, self._fold_at = 0, FOLD_PAGES
        self._taken: list[Job[C] | None] = []
        self._busy_since: float | None = None
        self._dead: str | None = None
        self.groups = GroupTally()
        connection.set_progress_handler(self._note_progress, ALIVE_STEPS)
        connection.set_wal_hook(self._note_log_pages)  # in place of SQLite's own folding

    @property
    def rules(self) -> Rules:
        """How much of the past is kept."""
        return self._unit.counters.rules

    def submit(self, job: Job[C]) -> None:
        """Queue a job.

        Raises:
            Unavailable: the server is shutting down, or the thread is dead or stuck.
        """
        since = self._busy_since
        if (self._dead or since) and (trouble := self.trouble()) is not None:
            raise _unavailable(f"the writer does not work: {trouble}")
        with self._gate:  # nothing may come after the end mark of `stop`
            if not self._accepting:
                raise Unavailable("Kastor is shutting down; nothing was written.")
            self._queue.put(job)

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return self._queue.qsize()

    @property
    def is_busy(self) -> bool:
        """Whether it works on jobs; some may have their times and be uncommitted yet."""
        return self._busy_since is not None

    def trouble(self) -> str | None:
        """Return why nothing can be written by this thread; None while it works or waits."""
        if self._dead is not None:
            return self._dead
        since = self._busy_since
        if since is None or (stuck := time.monotonic() - since) < STUCK_SECONDS:
            return None
        return f"no progress for {counted(round(stuck), 'second')}; the disk does not answer"

    def stop(self) -> None:
        """Take no more jobs; the queued ones are still done. Blocks until the thread ends."""
        with self._gate:
            self._accepting = False
            self._queue.put(None)
        self.join()

    @override
    def run(self) -> None:
        """Serve the queue until `stop`; whatever ends this leaves nobody waiting."""
        fault = "its thread has ended"
        try:
            while not self._serve_group():
                pass
        except BaseException as error:  # noqa: BLE001 - it is told, here and to all who wait
            fault = f"its thread was ended by {type(error).__name__}"
            _log.exception("the writer has ended", exc_info=error)
        finally:
            self._end(fault)

    def _serve_group(self) -> bool:
        """Do what is queued; return whether the end mark was among it."""
        try:
            self._take_group()
            self._busy_since = time.monotonic()
            if jobs := self._jobs():
                begun = time.perf_counter()
                results = self._run_group(jobs)
                self.groups.note(sum(map(_writes_of, jobs)), time.perf_counter() - begun)
                self._release(results)
                self._fold_log()
        except Exception as error:  # noqa: BLE001 - the last line of defence of all writes
            _log.exception("a write group broke off", exc_info=error)
            self._release(_refuse(self._jobs(), _unavailable(_describe(error))))
        ended = None in self._taken
        self._taken, self._busy_since = [], None
        return ended

    def _jobs(self) -> list[Job[C]]:
        return [job for job in self._taken if job is not None]

    def _end(self, fault: str) -> None:
        """Take nothing more, and tell those who still wait."""
        with self._gate:
            self._dead = fault if self._accepting else "Kastor is shutting down"
            self._accepting = False
        with contextlib.suppress(Empty):
            while True:
                self._taken.append(self._queue.get_nowait())
        if left := self._jobs():
            self._release(_refuse(left, _unavailable(f"the writer does not work: {fault}")))

    def _take_group(self) -> None:
        # Kept here, so that whatever happens, somebody knows who waits.
        self._taken.append(self._queue.get())
        deadline = time.monotonic() + GROUP_SECONDS
        try:
            while (last := self._taken[-1]) is not None and len(self._taken) < GROUP_SIZE:
                if isinstance(last, BatchJob):
                    break  # it is a group already
                self._taken.append(self._queue.get_nowait())
                if time.monotonic() > deadline:
                    break
        except Empty:
            pass

    def _note_progress(self) -> bool:
        if self._busy_since is not None:
            self._busy_since = time.monotonic()
        return False

    def _run_group(self, jobs: list[Job[C]]) -> list[Result]:
        try:
            return self._transact(jobs, self._run_bare)
        except _HalfAppliedError:
            pass  # its cause is told when it comes again
        except Exception as first:  # noqa: BLE001 - the writer outlives whatever befalls a group
            _log.warning("write group lost, trying once more", error=str(first))
        try:
            return self._transact(jobs, self._run_apart)
        except Exception as second:  # noqa: BLE001
            unforeseen = not isinstance(second, apsw.Error)
            _log.error("write group refused", error=str(second), exc_info=unforeseen)
            reason = _describe(second)
            return _refuse(jobs, _unavailable(reason))

    def _transact(self, jobs: list[Job[C]], run: Callable[[Job[C]], Result]) -> list[Result]:
        before = self._unit.counters.copy()
        try:
            self._connection.execute("BEGIN IMMEDIATE").fetchall()
            results = [run(job) for job in jobs]
            counters = self._unit.counters
            if counters != before:
                if counters.rules.graph.is_off:
                    counters.floor = counters.seq
                self._connection.execute(sql.SAVE_META, counters.saved()).fetchall()
            self._connection.execute("COMMIT").fetchall()
        except BaseException:
            self._unit.counters = before
            self._unit.forget_names()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK").fetchall()
            raise
        # Published before the outcomes: who sees an answer sees its models enforced.
        self.catalog = self._unit.counters.catalog
        return results

    def _run_bare(self, job: Job[C]) -> Result:
        """Run a job among others that have no savepoints either.

        Raises:
            _HalfAppliedError: it failed, and something of it may have been written.
            apsw.Error: the file is in trouble.
        """
        if isinstance(job, UpkeepJob | BatchJob):
            return self._run_apart(job)  # nobody knows when it writes
        try:
            decision = self._decide(job)
        except Exception as error:  # noqa: BLE001 - told to who waits, or raised
            return _failed(job, error)
        if decision.change is not None:
            try:
                self._unit.apply(decision.change, job.context)
            except Exception as error:
                _require_sound_file(error)
                raise _HalfAppliedError from error
        return job.future, decision.outcome, None

    def _run_apart(self, job: Job[C]) -> Result:
        """Run a job in a savepoint of its own."""
        before = self._unit.counters.copy()
        self._connection.execute("SAVEPOINT job").fetchall()
        try:
            outcome = self._do(job)
        except Exception as error:  # noqa: BLE001 - told to who waits, or raised
            failed = _failed(job, error)
            self._connection.execute("ROLLBACK TO job").fetchall()
            self._connection.execute("RELEASE job").fetchall()
            self._unit.counters = before
            self._unit.forget_names()
            return failed
        self._connection.execute("RELEASE job").fetchall()
        return job.future, outcome, None

    def _do(self, job: Job[C]) -> Any:
        if isinstance(job, UpkeepJob):
            self._unit.forget_names()  # it may empty the tables
            return job.work(self._connection, self._unit.counters)
        if isinstance(job, BatchJob):
            return self._batches.run(job)
        decision = self._decide(job)
        if decision.change is not None:
            self._unit.apply(decision.change, job.context)
        return decision.outcome

    def _decide(
        self, job: WriteJob[C] | Write[C, Any], make_stamp: Callable[[Ticks], Stamp] = new_stamp
    ) -> Decision[C, Any]:
        """Load and decide; moves the time where there is something to be applied, and only then."""
        current = self._unit.load(job.needs)
        counters = self._unit.counters
        # After the row is read, so that time goes on within a graph.
        stamp = make_stamp(self._ticker.after(counters.tick))
        decision = job.decide(current, stamp)
        if decision.change is not None:
            if stamp.now <= counters.tick:
                self._unit.note_setback(stamp.now)
            counters.tick = stamp.now  # else nothing changes, and nothing is to be saved
        return decision

    def _note_log_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _fold_log(self) -> None:
        is_bulk = any(isinstance(each, BatchJob) for each in self._taken)
        if self._log_pages < self._fold_at * (BULK_FOLDS if is_bulk else 1):
            return
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._fold_at = FOLD_PAGES
        except Exception as error:  # noqa: BLE001 - what was acknowledged is safe in the log
            _log.warning("log not folded into the file, later again", error=str(error))
            self._fold_at = self._log_pages + FOLD_PAGES

    def _release(self, results: list[Result]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, results, self._unit.counters.seq)
        except RuntimeError:  # the loop has ended, and all who waited with it
            return

    def _deliver(self, results: list[Result], position: int) -> None:
        _settle(results)
        self._on_commit(position)


def _writes_of(job: Job[C]) -> int:
    return len(job.writes) if isinstance(job, BatchJob) else 1


def _failed(job: Job[C], error: Exception) -> Result:
    """Return the end of a job that failed; raises what is trouble of the file."""
    if isinstance(error, NothingAppliedError):
        return job.future, error.results, None
    _require_sound_file(error)
    if not isinstance(error, KastorError | NotHeldError):
        _log.exception("write failed", exc_info=error)
    return job.future, None, error


def _require_sound_file(error: Exception) -> None:
    if isinstance(error, apsw.Error) and not isinstance(error, _OF_ONE_STATEMENT):
        raise error


def _settle(results: list[Result]) -> None:
    for future, outcome, error in results:
        if future.done():  # the client went away
            continue
        if error is None:
            future.set_result(outcome)
        else:
            future.set_exception(error)


def _refuse(jobs: list[Job[C]], error: Unavailable) -> list[Result]:
    return [(job.future, None, error) for job in jobs]


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        f"The write could not be stored ({reason}). Nothing was changed; try again later.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _describe(error: BaseException) -> str:
    if isinstance(error, apsw.FullError):
        return "the disk is full"
    return f"the database answered: {error}"
