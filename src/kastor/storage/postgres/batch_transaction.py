"""One attempt of a batch: chunks of its writes, each loaded, decided and written as a whole.

Of a chunk all is loaded at once (`batch_loading`), decided over what the writes before made of it
(`chunk_rows`), and written with a statement for each kind of change (`batch_apply`). The epoch
of the models is compared by the last statement of every chunk, and is the same in all of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic

from msgspec import Struct

from kastor.clock import stamp_maker
from kastor.errors import KastorError, SlowDecisionError
from kastor.logs import get_logger
from kastor.records import C, Context
from kastor.storage.batches import (
    AppliedProposal,
    JobProgress,
    KeptAnswer,
    MakeNote,
    Note,
    NothingAppliedError,
    Results,
    Write,
)
from kastor.storage.postgres import batch_statements as sql
from kastor.storage.postgres.batch_apply import ChunkWriter, LostRaceError
from kastor.storage.postgres.batch_loading import CHUNK_SECONDS, load_chunk
from kastor.storage.postgres.chunk_rows import ChunkFullError, ChunkRows
from kastor.storage.postgres.faults import Fault, fault_of
from kastor.storage.postgres.job_table import write_note
from kastor.storage.postgres.outcomes import Trace
from kastor.storage.postgres.statements import HAPPENED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.clock import Stamp
    from kastor.storage.keeping import Rules
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

CHUNK_WRITES = 500
FEWEST_WRITES = 16
"""Of the chunk after one that ended early; those after it grow again."""
CHUNK_BYTES = 16_777_216
"""Documents and bodies of events that a chunk writes; the write that takes it over ends it."""
INLINE_WRITES, INLINE_BYTES = 8, 65_536
"""So many writes, of a request so large, are decided on the event loop; more in a thread."""

_log = get_logger("kastor.storage")


class Batch(Struct, Generic[C], frozen=True):
    """What goes together; see `Store.write_many`."""

    writes: Sequence[Write[C, Any]]
    context: Context
    atomic: bool = False
    note: MakeNote | None = None


class Means(Struct, Generic[C], frozen=True):
    """What all batches of a graph share; see `Batches`. One at a time compiles models."""

    texts: Qualified
    catalogs: Catalogs[C]
    reserve: Callable[[Ticks, int], Ticks]
    compiling: asyncio.Lock
    rules: Callable[[], Rules]


class CannotBeWrittenError(Exception):
    """The server refuses what one of the writes made."""


class BatchTransaction(Generic[C]):
    """A batch within a transaction that is open.

    Args:
        means: of the graph.
        connection: in the transaction.
        batch: the writes.
        lock: whether to keep others from changing what is loaded.
        apart: whether to look for a write that cannot be written: chunks get savepoints, and one
            that fails is taken back and halved, until the write is alone.

    Attributes:
        trace: by which what was written is found again; None where nothing was.
    """

    def __init__(
        self,
        means: Means[C],
        connection: Connection,
        batch: Batch[C],
        *,
        lock: bool,
        apart: bool,
    ) -> None:
        self._means, self._connection, self._batch = means, connection, batch
        self._lock, self._apart = lock, apart
        self._outcomes: list[Any] = []
        self._catalog: C | None = None
        self._limit = CHUNK_WRITES
        self._names: dict[str, int] = {}
        self._times: list[Ticks] = []
        self._writer = ChunkWriter(
            *(connection, means.texts, batch.context, self._names),
            keeps_telemetry=not means.rules().telemetry.is_off,
        )
        self.trace: Trace | None = None

    async def write(self) -> Results:
        """Decide and write everything but the end of the transaction.

        Raises:
            LostRaceError: others changed what was decided on.
            NothingAppliedError: it is atomic, and a write was refused.
            CannotBeWrittenError: the server refuses a write; it is to be tried with `apart`.
            NotHeldError: as the note's.
        """
        batch, outcomes = self._batch, self._outcomes
        while len(outcomes) < len(batch.writes) or self._catalog is None:
            begin, limit = len(outcomes), self._limit
            await self._run_chunk(batch.writes[begin : begin + limit])
            if done := len(outcomes) - begin:
                fitting = 2 * limit if done == limit else max(FEWEST_WRITES, 2 * done)
                self._limit = min(CHUNK_WRITES, fitting)
        results = Results(outcomes, applied=True)
        if batch.atomic and results.refused:
            raise NothingAppliedError(Results(outcomes, applied=False))
        if batch.note is not None:
            note = batch.note(results)
            self.trace = self.trace or _trace_of(note)
            await write_note(self._connection, self._means.texts, note, self._times)
        return results

    def publish_names(self) -> None:
        """Let others use the keys of names that are new, once the transaction is committed."""
        catalogs = self._means.catalogs
        if self._catalog is not None and catalogs.current.epoch == self._catalog.epoch:
            catalogs.names.update(self._names)

    async def _run_chunk(self, writes: Sequence[Write[C, Any]]) -> None:
        """Run as many writes as go together, at least one."""
        overlay = await load_chunk(self._connection, self._means.texts, writes, lock=self._lock)
        catalog = await self._means.catalogs.at(self._connection, overlay.epoch)
        if self._catalog is None:
            self._catalog = catalog
        elif catalog.epoch != self._catalog.epoch:
            raise LostRaceError  # what was decided before was decided on other models
        if not writes:
            return
        first = self._means.reserve(overlay.since, len(writes))
        stamp = stamp_maker(len(writes) + 1)  # one is asked twice, where a thread has to go on
        chunk = _Chunk(overlay, self._catalog, writes, first, self._outcomes, stamp)
        await self._decide(chunk)
        if not overlay.log:
            return
        await self._learn_names(overlay)
        if self._apart:
            await self._write_apart(overlay, chunk.decided)
        else:
            await self._write(overlay)

    async def _decide(self, chunk: _Chunk[C]) -> None:
        if len(chunk.writes) <= INLINE_WRITES and self._batch.context.size <= INLINE_BYTES:
            try:
                chunk.decide()
            except SlowDecisionError:
                async with self._means.compiling:  # who waits here finds the model compiled
                    await asyncio.to_thread(chunk.decide)
        else:
            await asyncio.to_thread(chunk.decide)

    async def _write(self, overlay: ChunkRows[C]) -> None:
        try:
            await self._writer.write(overlay, self._epoch)
        except LostRaceError:
            raise
        except Exception as error:
            if fault_of(error) is Fault.OTHER:
                raise CannotBeWrittenError from error
            raise
        self._note_written(overlay)

    async def _write_apart(self, overlay: ChunkRows[C], decided: int) -> None:
        await self._connection.execute(sql.SAVE)
        try:
            await self._writer.write(overlay, self._epoch)
        except LostRaceError:
            raise
        except Exception as error:
            if fault_of(error) is not Fault.OTHER:
                raise
            await self._connection.execute(sql.GO_BACK)
            if decided == 1:
                self._outcomes[-1] = _failed(error)
            else:
                del self._outcomes[-decided:]
                self._limit = decided // 2
            return
        await self._connection.execute(sql.KEEP_ON)
        self._note_written(overlay)

    @property
    def _epoch(self) -> int:
        assert self._catalog is not None  # noqa: S101 - there was a chunk
        return self._catalog.epoch

    def _note_written(self, overlay: ChunkRows[C]) -> None:
        first = overlay.log[0]
        if self.trace is None:
            self.trace = Trace(HAPPENED, (first.time, first.entry.event_id))
        if self._batch.note is not None:
            self._times += [each.time for each in overlay.log]

    async def _learn_names(self, overlay: ChunkRows[C]) -> None:
        """Find the keys of all names of the chunk, and make those that there are not."""
        wanted = {
            step.row.name
            for held in overlay.changed_relationships
            for step in held.steps
            if step.row is not None
        }
        known = self._means.catalogs.names
        self._names.update({name: known[name] for name in wanted if name in known})
        for text in (sql.NAME_KEYS, sql.ADD_NAMES):
            if missing := sorted(wanted - self._names.keys()):
                rows = await self._connection.fetch(
                    self._means.texts[text], missing, timeout=CHUNK_SECONDS
                )
                self._names.update((row[0], row[1]) for row in rows)


class _Chunk(Struct, Generic[C]):
    """Writes that are decided on one overlay, from the one that was not decided yet."""

    overlay: ChunkRows[C]
    catalog: C
    writes: Sequence[Write[C, Any]]
    first: Ticks
    outcomes: list[Any]
    stamp: Callable[[Ticks], Stamp]
    decided: int = 0

    def decide(self) -> None:
        """Decide one write after another, until the chunk has to be written.

        Raises:
            SlowDecisionError: called on the event loop, and a thread is to go on.
            TypeError: there is a change of models.
        """
        while self.decided < len(self.writes) and self.overlay.size < CHUNK_BYTES:
            try:
                self.outcomes.append(self._outcome(self.writes[self.decided]))
            except ChunkFullError:
                if not self.decided:
                    raise
                return
            self.decided += 1

    def _outcome(self, write: Write[C, Any]) -> Any:
        current = self.overlay.current(write.needs, self.catalog)
        now = self.first + self.decided
        try:
            decision = write.decide(current, self.stamp(now))
        except SlowDecisionError:
            raise
        except Exception as error:  # noqa: BLE001 - told as the outcome
            return _failed(error)
        if decision.change is not None:
            self.overlay.apply(decision.change, now)
        return decision.outcome


def _failed(error: Exception) -> Exception:
    if not isinstance(error, KastorError):
        _log.exception("write of a batch failed", exc_info=error)
    return error


def _trace_of(note: Note) -> Trace:
    """Return the trace of a batch that wrote nothing but a note."""
    match note:
        case JobProgress(kind, job_id, owner, progress):
            return Trace(sql.NOTED_PROGRESS, (kind, job_id, owner, progress.decode()))
        case KeptAnswer(operation_id, _, answer):
            return Trace(sql.KEPT_ANSWER, (operation_id, answer.decode()))
        case AppliedProposal(id=proposal_id, now=now):
            return Trace(sql.APPLIED_PROPOSAL, (proposal_id, now))
