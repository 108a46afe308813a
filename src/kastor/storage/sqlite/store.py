"""The embedded engine behind the storage protocol: who runs what on which thread.

Writes go to the writer's thread, point reads run on the event loop, queries on reader threads,
and what relay, feed and status read on threads that no query can occupy.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

import apsw

from kastor.clock import now_ticks
from kastor.records import (
    AsOf,
    C,
    Context,
    Degrees,
    IncomingRow,
    ModelRow,
    Needs,
    RelationshipPage,
    RelationshipRow,
    Since,
    T,
    TwinRow,
)
from kastor.storage.batches import require_few
from kastor.storage.keeping import Retention, rules_of
from kastor.storage.load import StoreLoad
from kastor.storage.protocol import Engine, StoreStatus
from kastor.storage.pulse import Pulse
from kastor.storage.seen_past import PastReads, SeenPast
from kastor.storage.snapshots import Snapshots
from kastor.storage.sqlite import files, past_statements, schema
from kastor.storage.sqlite import statements as sql
from kastor.storage.sqlite.batch import BatchJob
from kastor.storage.sqlite.connection import (
    keep_temporary_files_in,
    make_durable,
    open_reader,
    open_writer,
)
from kastor.storage.sqlite.event_tables import SqliteEventTables
from kastor.storage.sqlite.history import SqliteHistory
from kastor.storage.sqlite.index_tables import SqliteIndexes
from kastor.storage.sqlite.input_table import SqliteInputTable
from kastor.storage.sqlite.job_table import SqliteJobTable
from kastor.storage.sqlite.part_table import SqlitePartTable
from kastor.storage.sqlite.past import AwaitedPast, SqlitePastReads
from kastor.storage.sqlite.past_snapshot import past_snapshot_of
from kastor.storage.sqlite.pool import ReadPool, closed
from kastor.storage.sqlite.proposal_table import SqliteProposalTable
from kastor.storage.sqlite.reads import SqlitePointReads
from kastor.storage.sqlite.rehearsing import FileRehearsals
from kastor.storage.sqlite.retention import steps
from kastor.storage.sqlite.saved_table import SqliteSavedTable
from kastor.storage.sqlite.search_index import SqliteSearchIndex
from kastor.storage.sqlite.snapshot import clear as clear_snapshots
from kastor.storage.sqlite.snapshot import snapshot_of
from kastor.storage.sqlite.unit_of_work import Head
from kastor.storage.sqlite.vector_table import SqliteVectorTable
from kastor.storage.sqlite.version_retention import (
    MODEL_SIZE_SECONDS,
    SqliteVersionPruning,
    model_excess,
)
from kastor.storage.sqlite.writer import UpkeepJob, WriteJob, Writer
from kastor.storage.ticker import Ticker
from kastor.types import override
from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from kastor.storage.batches import Decide, MakeNote, Results, Write
    from kastor.storage.protocol import BuildCatalog, LookUp, Rehearsal
    from kastor.storage.transfer import Snapshot
    from kastor.types import Ticks

READER_THREADS = 2
TABLE_THREADS = 2
"""For what the server itself reads; queries may occupy every reader for a minute."""
HISTORY_THREADS = 1
"""For versions of single things and differences of states, which are read in portions."""


class SqliteStore(Generic[C]):
    """One graph in one file; implements `kastor.storage.protocol.Store`."""

    def __init__(
        self,
        path: Path,
        opened: _Opened[C],
        build_catalog: BuildCatalog[C],
        *,
        retention: Retention,
        clock: Callable[[], Ticks],
        vfs: str | None,
    ) -> None:
        pulse = Pulse()
        pulse.beat(opened.head.seq)
        self._path, self._vfs = path, vfs
        self._snapshots = Snapshots()
        self._loop_connection = open_reader(path, vfs=vfs)
        self._reads = SqlitePointReads(self._loop_connection)
        self._past = SqlitePastReads(self._loop_connection)
        self._pool = ReadPool(path, READER_THREADS, vfs=vfs, bounded=True)
        self._tables = ReadPool(path, TABLE_THREADS, vfs=vfs)
        self._history_pool = ReadPool(path, HISTORY_THREADS, vfs=vfs, sorts_on_disk=True)
        self._loop = asyncio.get_running_loop()
        self.ticker = Ticker(clock, last=opened.head.tick)
        self._connection = opened.connection
        self._writer = Writer(opened.connection, opened.head, self._loop, self.ticker, pulse.beat)
        self._build_catalog = build_catalog
        self._rehearsals = FileRehearsals(
            path, vfs, lambda: self.catalog, build_catalog, self.ticker
        )
        self._host_name, self._signing_key = opened.host_name, opened.signing_key
        self._retention = retention
        self._pruning, self._model_sizes_at = SqliteVersionPruning(), 0.0
        self.indexes = SqliteIndexes(self._tables.call, self._upkeep)
        self.events = SqliteEventTables(self._tables, self._upkeep, pulse)
        self.inputs = SqliteInputTable(self._tables, self._upkeep)
        self.jobs = SqliteJobTable(self._tables, self._upkeep)
        self.parts = SqlitePartTable(self._upkeep)
        self.saved = SqliteSavedTable(self._tables, self._upkeep)
        self.proposals = SqliteProposalTable(self._tables, self._upkeep)
        self.vectors = SqliteVectorTable(self._tables, self._upkeep)
        self.search = SqliteSearchIndex(path, self._tables.call)
        self.history: SqliteHistory[C] = SqliteHistory(
            *(self._loop_connection, self._history_pool, self._upkeep, self.settle),
            build_catalog,
            lambda: self.catalog,
            self.ticker,
            retention,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        build_catalog: BuildCatalog[C],
        *,
        retention: Retention | None = None,
        clock: Callable[[], Ticks] = now_ticks,
        vfs: str | None = None,
    ) -> SqliteStore[C]:
        """Open or create the graph at `path`.

        Raises:
            GraphRefusedError: see `schema.require_ours`, nothing was changed; or the file is
                not what it was.
            apsw.Error: the file cannot be opened.
        """
        keep_temporary_files_in(path.parent)
        await asyncio.to_thread(clear_snapshots, path)
        # In a thread: looking for damage takes its time, and other graphs are served meanwhile.
        kept = retention or Retention()
        opened = await asyncio.to_thread(_open_file, path, build_catalog, kept, vfs)
        store = cls(path, opened, build_catalog, retention=kept, clock=clock, vfs=vfs)
        store._writer.start()
        return store

    @property
    def catalog(self) -> C:
        """The published model catalog."""
        return self._writer.catalog

    @property
    def signing_key(self) -> bytes:
        """The key that signs continuation tokens."""
        return self._signing_key

    @property
    def engine(self) -> Engine:
        """SQLite; a file holds one graph, so no name needs a schema."""
        return Engine("sqlite")

    @property
    def host_name(self) -> str:
        """The name of this graph in its events' `source`."""
        return self._host_name

    def trouble(self) -> str | None:
        """Return why the writer's thread does not work; None if it does."""
        return self._writer.trouble()

    async def refresh(self) -> None:
        """Do nothing: no other process changes models."""

    async def write(self, needs: Needs, decide: Decide[C, T], context: Context) -> T:
        """Load, decide, apply; see the protocol."""
        context.require_writing()
        if self.ticker.reserved:
            await self.ticker.turn()
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.submit(WriteJob(needs, decide, context, future))
        return await future

    async def write_many(
        self,
        writes: Sequence[Write[C, Any]],
        context: Context,
        *,
        atomic: bool = False,
        note: MakeNote | None = None,
    ) -> Results:
        """Load, decide and apply one after the other, in one job of the writer."""
        context.require_writing()
        require_few(writes)
        if self.ticker.reserved:
            await self.ticker.turn()
        future: asyncio.Future[Results] = self._loop.create_future()
        self._writer.submit(BatchJob(writes, context, atomic, note, future))
        return await future

    def rehearsing(
        self, context: Context, *, long: bool = False
    ) -> AbstractAsyncContextManager[Rehearsal[C]]:
        """Return a block in which writes are decided and none applied."""
        context.require_plain()
        if long:
            copied = self._snapshots.opened(lambda: snapshot_of(self._path, vfs=self._vfs))
            return self._rehearsals.over(copied)
        return self._rehearsals.open()

    def snapshot(self, context: Context) -> AbstractAsyncContextManager[Snapshot]:
        """Return a block that reads one state, from a copy of the file's pages."""
        context.require_all()
        at = context.at
        if at is not None:
            return self._snapshots.opened(lambda: past_snapshot_of(self._path, at, vfs=self._vfs))
        return self._snapshots.opened(lambda: snapshot_of(self._path, vfs=self._vfs))

    async def twin(self, twin_id: str, context: Context) -> TwinRow | None:
        """Return a twin."""
        if context.at is not None:
            return await self._past_of(context).twin(twin_id, context.at)
        return self._reads_of(context).twin(twin_id)

    async def relationship(
        self, source_id: str, relationship_id: str, context: Context
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source exists, and the relationship."""
        if context.at is not None:
            return await self._past_of(context).relationship(source_id, relationship_id, context.at)
        return self._reads_of(context).relationship(source_id, relationship_id)

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, context: Context
    ) -> RelationshipPage | None:
        """Return a page of outgoing relationships."""
        if context.at is not None:
            return await self._past_of(context).outgoing(source_id, name, after, limit, context.at)
        sees = context.sees
        if (
            sees is not None
        ):  # each relationship has an end to look at, and each of those its way up
            return await self._pool.call(
                lambda c: (
                    SqlitePointReads(c).limited_to(sees).outgoing(source_id, name, after, limit)
                )
            )
        return self._reads.outgoing(source_id, name, after, limit)

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, context: Context
    ) -> list[IncomingRow] | None:
        """Return a page of incoming relationships."""
        if context.at is not None:
            return await self._past_of(context).incoming(target_id, after, limit, context.at)
        sees = context.sees
        if (
            sees is not None
        ):  # each relationship has an end to look at, and each of those its way up
            return await self._pool.call(
                lambda c: SqlitePointReads(c).limited_to(sees).incoming(target_id, after, limit)
            )
        return self._reads.incoming(target_id, after, limit)

    def _reads_of(self, context: Context) -> SqlitePointReads:
        return self._reads if context.sees is None else self._reads.limited_to(context.sees)

    def _past_of(self, context: Context) -> PastReads:
        reads = AwaitedPast(self._past)
        if context.sees is None:
            return reads
        return SeenPast(reads, partial(self._past.hidden, sees=context.sees))

    def since(self, at: AsOf) -> Since:
        """Return what became of the twins and relationships of a state until now."""
        return self._past.since(at)

    @property
    def look_up(self) -> LookUp:
        """Run a query that is one look-up as point reads are run."""
        return self._look_up

    def _look_up(
        self, statement: str, params: Sequence[object], context: Context
    ) -> tuple[Any, ...] | None:
        row = self._reads.look_up(statement, params, context)
        self._require_kept(context)
        return row

    def _require_kept(self, context: Context) -> None:
        """Refuse what was read of a state that was not whole any more; after the read."""
        if context.at is not None:
            self._past.require_kept(context.at)

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[Any, ...] | None:
        """Run a compiled query for its only row."""
        rows = await self.fetch_all(sql, params, context, timeout=timeout)
        return rows[0] if rows else None

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a compiled query for all its rows."""
        rows = await self._pool.fetch_all(sql, params, timeout)  # the statement knows the rest
        self._require_kept(context)
        return rows

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a compiled query for its first rows of `most` bytes; whether there are more."""
        found = await self._pool.fetch_some(sql, params, timeout, most)
        self._require_kept(context)
        return found

    async def degrees(self, twin_ids: Sequence[str], most: int, context: Context) -> list[Degrees]:
        """Return how many relationships twins have, each counted up to `most`."""
        context.require_all()
        text = sql.DEGREES
        values: tuple[object, ...] = (sql.as_list(twin_ids), most)
        if context.at is not None:
            text, values = past_statements.DEGREES, (*values, context.at.change)
        rows: list[tuple[Any, ...]] = await self._tables.call(
            lambda c: c.execute(text, values).fetchall()
        )
        self._require_kept(context)
        return [Degrees(*row) for row in rows]

    async def status(self, context: Context) -> StoreStatus:
        """Return counts and sizes."""
        context.require_plain()
        rows: list[tuple[Any, ...]] = await self._tables.call(
            lambda c: [*c.execute(sql.STATUS).fetchall(), (_disk_free(self._path),)]
        )
        return StoreStatus("sqlite", *rows[0], *rows[1])

    async def load(self) -> StoreLoad:
        """Return how busy threads and files are."""
        status = self._loop_connection.status
        sizes, free = await in_own_thread(_sizes, self._path)
        return StoreLoad(
            self._writer.groups,
            self._writer.waiting,
            (
                self._pool.load("queries"),
                self._tables.load("tables"),
                self._history_pool.load("history"),
            ),
            *sizes,
            status(apsw.SQLITE_DBSTATUS_CACHE_HIT)[0],
            status(apsw.SQLITE_DBSTATUS_CACHE_MISS)[0],
            free,
        )

    async def twin_ids(self, after: int, limit: int, context: Context) -> list[tuple[int, str]]:
        """Return keys and ids of twins by key."""
        return await self._keys(sql.TWIN_IDS, after, limit, context)

    async def relationship_ids(
        self, after: int, limit: int, context: Context
    ) -> list[tuple[int, str, str]]:
        """Return keys, sources and ids of relationships by key."""
        return await self._keys(sql.RELATIONSHIP_IDS, after, limit, context)

    async def _keys(self, text: str, after: int, limit: int, context: Context) -> list[Any]:
        context.require_plain()
        rows: list[Any] = await self._tables.call(
            lambda c: c.execute(text, (after, limit)).fetchall()
        )
        return rows

    async def escaped_slashes(self, limit: int, context: Context) -> tuple[int, list[str]]:
        """Return how many ids hold `%2F`, and the first of them."""
        context.require_plain()
        rows: list[tuple[Any, ...]] = await self._tables.call(
            lambda c: c.execute(sql.ESCAPED_SLASHES, (limit,)).fetchall()
        )
        return (rows[0][1] if rows else 0), [row[0] for row in rows]

    async def prune(self) -> int:
        """Remove what retention no longer keeps; each step is a job of its own."""
        removed = await self._prune_versions()
        for step in steps(self._retention):
            while count := await self._upkeep(partial(self._prune_step, step)):
                removed += count
        return removed

    async def reset(self, *, dry_run: bool = False) -> None:
        """Empty the graph in one transaction."""
        if dry_run:
            return
        await self._upkeep(self._empty)

    async def close(self) -> None:
        """Finish the queue, fold the log into the file and release it."""
        # Requests may be under way that find out only now.
        self._reads = _ClosedReads(self._loop_connection)
        self._past = _ClosedPast(self._loop_connection)
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.stop()
        self.search.close()
        self._rehearsals.close()
        self._pool.close()
        self._tables.close()
        self._history_pool.close()
        self._loop_connection.close()
        try:
            self._connection.execute("PRAGMA optimize").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except apsw.Error:
            pass  # the next start recovers from the log; nothing is lost
        finally:
            self._connection.close()

    async def settle(self) -> None:
        """Wait for the writes that are under way."""
        if self._writer.is_busy:
            await self._upkeep(lambda _connection, _head: None)

    async def _upkeep(self, work: Callable[[apsw.Connection, Head[C]], Any]) -> Any:
        future = self._loop.create_future()
        self._writer.submit(UpkeepJob(work, future))
        return await future

    async def _prune_versions(self) -> int:
        rules, keys = self._writer.rules, self.catalog.keys
        now = time.monotonic()
        excess: dict[int, int] = {}
        if now >= self._model_sizes_at and any(limit.bytes for limit in rules.models.values()):
            self._model_sizes_at = now + MODEL_SIZE_SECONDS
            excess = await self._tables.call(lambda c: model_excess(c, rules, keys))
        age_now = self.ticker.age_now()
        return await self._pruning.run(self._upkeep, rules, keys, excess, age_now)

    def _prune_step(
        self,
        step: Callable[[apsw.Connection, Head[C], Ticks], int],
        connection: apsw.Connection,
        counters: Head[C],
    ) -> int:
        return step(connection, counters, self.ticker.age_now())

    def _empty(self, connection: apsw.Connection, counters: Head[C]) -> None:
        for statement in sql.RESET:
            connection.execute(statement).fetchall()
        last: list[tuple[Any, ...]] = connection.execute(sql.LAST_SEQ).fetchall()
        counters.seq = last[0][0]
        counters.version_bytes = counters.log_bytes = counters.telemetry_bytes = 0
        counters.floor = counters.packed_to = counters.seq
        # Instants before it are of what is gone, also those after the last write.
        counters.tick = self.ticker.look(counters.tick)
        connection.execute(sql.BEGIN_AGAIN, (counters.seq, counters.tick)).fetchall()
        counters.epoch += 1
        counters.catalog = self._build_catalog((), (), counters.epoch)


@dataclass(frozen=True, slots=True)
class _Opened(Generic[C]):
    """A graph's file, open for writing, and what it says of itself."""

    connection: apsw.Connection
    head: Head[C]
    host_name: str
    signing_key: bytes


def _sizes(path: Path) -> tuple[tuple[int | None, int | None], int | None]:
    """Return bytes of the file and of SQLite's log, and of the room on the disk."""
    log = path.with_name(f"{path.name}-wal")
    return (_size(path), _size(log)), _disk_free(path)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _disk_free(path: Path) -> int | None:
    """Return the room where a file is; None where nobody can tell."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return None


def _open_file(
    path: Path, build_catalog: BuildCatalog[C], retention: Retention, vfs: str | None
) -> _Opened[C]:
    if vfs is None:  # else the file is not where the path says
        if not path.exists():
            files.make(path)
        files.require_whole(path)
    connection = open_writer(path, vfs=vfs)
    try:
        schema.require_ours(connection)
        make_durable(connection)
        if vfs is None:
            files.require_sound(connection, path)
        schema.prepare(connection)
        schema.require_tables(connection)
        opened = _load_state(connection, build_catalog, retention)
    except apsw.CorruptError as error:
        connection.close()
        raise files.damaged(path, error) from error
    except BaseException:
        connection.close()
        raise
    return opened


class _Refusing:
    """Stands for the reads of a graph that is closed; whatever is asked of it is refused."""

    @override
    def __getattribute__(self, _name: str) -> Any:
        """Refuse."""
        raise closed()


class _ClosedReads(_Refusing, SqlitePointReads):
    """Of the present."""


class _ClosedPast(_Refusing, SqlitePastReads):
    """Of the past."""


def _load_state(
    connection: apsw.Connection, build_catalog: BuildCatalog[C], retention: Retention
) -> _Opened[C]:
    execute: Callable[..., Any] = connection.execute
    meta = execute(sql.META).fetchall()[0]
    epoch, tick, *numbers, history, host_name, signing_key = meta
    seq = execute(sql.LAST_SEQ).fetchall()[0][0]
    models = [
        ModelRow(key, model_id, text, uploaded, bool(decommissioned))
        for key, model_id, text, uploaded, decommissioned in execute(sql.STORED_MODELS).fetchall()
    ]
    keys = execute(sql.MODEL_KEYS).fetchall()
    catalog = build_catalog(models, keys, epoch)
    known: list[Any] = [seq, tick, *numbers, epoch, rules_of(retention, history), catalog]
    head: Head[C] = Head(*known)
    return _Opened(connection, head, host_name, signing_key)
