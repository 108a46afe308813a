"""The PostgreSQL engine behind the storage protocol.

Any number of processes may have the same graph open. What one of them keeps beside the database is
its model catalog, which every write and every query compares with the database by its epoch.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from kastor.clock import now_ticks
from kastor.errors import Conflict
from kastor.records import (
    AsOf,
    C,
    Context,
    Degrees,
    IncomingRow,
    Needs,
    RelationshipPage,
    RelationshipRow,
    Since,
    T,
    TwinRow,
)
from kastor.storage.batches import require_few
from kastor.storage.keeping import Retention
from kastor.storage.load import GroupTally, StoreLoad
from kastor.storage.postgres import ownership, schema
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.batch import Batches
from kastor.storage.postgres.batch_transaction import Batch
from kastor.storage.postgres.connections import Connections
from kastor.storage.postgres.event_tables import PostgresEventTables
from kastor.storage.postgres.faults import Fault, fault_of, gone, unavailable
from kastor.storage.postgres.history import PostgresHistory
from kastor.storage.postgres.index_tables import PostgresIndexes
from kastor.storage.postgres.input_table import PostgresInputTable
from kastor.storage.postgres.job_table import PostgresJobTable
from kastor.storage.postgres.keeping import PostgresKeeping
from kastor.storage.postgres.models import Catalogs
from kastor.storage.postgres.part_table import PostgresPartTable
from kastor.storage.postgres.past_reads import PostgresPastReads
from kastor.storage.postgres.past_snapshot import past_snapshot_of
from kastor.storage.postgres.proposal_table import PostgresProposalTable
from kastor.storage.postgres.queries import Queries
from kastor.storage.postgres.reads import PostgresPointReads, known
from kastor.storage.postgres.rehearsing import SchemaRehearsals
from kastor.storage.postgres.replicas import Replicas
from kastor.storage.postgres.retention import prune
from kastor.storage.postgres.saved_table import PostgresSavedTable
from kastor.storage.postgres.search_index import PostgresSearchIndex
from kastor.storage.postgres.snapshot import snapshot_of
from kastor.storage.postgres.statements import Qualified
from kastor.storage.postgres.vector_table import PostgresVectorTable
from kastor.storage.postgres.writes import Writes
from kastor.storage.protocol import Engine, StoreStatus
from kastor.storage.seen_past import PastReads, SeenPast
from kastor.storage.snapshots import Snapshots
from kastor.storage.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from kastor.storage.batches import Decide, MakeNote, Results, Write
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.protocol import BuildCatalog, Rehearsal
    from kastor.storage.transfer import Snapshot
    from kastor.types import Ticks

UPKEEP_SECONDS = 600.0
UPKEEP_ATTEMPTS = 10
RESET_LOCK = "SET LOCAL lock_timeout = 500"
"""Less than the server waits before it looks for a deadlock: emptying gives way to writes."""


@dataclass(frozen=True, slots=True)
class _Meta:
    """What a graph says of itself."""

    host_name: str
    signing_key: bytes
    last_tick: Ticks


class PostgresStore(Generic[C]):
    """One graph in one schema; implements `kastor.storage.protocol.Store`."""

    def __init__(
        self,
        name: str,
        connections: Connections,
        texts: Qualified,
        catalogs: Catalogs[C],
        meta: _Meta,
        build_catalog: BuildCatalog[C],
        *,
        retention: Retention,
        clock: Callable[[], Ticks],
        replicas: Sequence[Connections],
        owns_connections: bool,
    ) -> None:
        self._name = name
        self._connections = connections
        self._texts = texts
        self._catalogs = catalogs
        standbys = Replicas(connections, replicas)
        self._reads = PostgresPointReads(connections, self._texts, standbys)
        self._queries = Queries(connections, self._texts, self._catalogs, standbys)
        self._keeping: PostgresKeeping[C] = PostgresKeeping(
            self._upkeep, self._texts, catalogs, retention
        )
        means = (connections, self._texts, self._catalogs)
        self._writes = Writes(*means, self._next_tick, lambda: self._keeping.rules)
        self._batches = Batches(*means, self._reserve_ticks, lambda: self._keeping.rules)
        self.events = PostgresEventTables(self._upkeep, self._texts)
        self.indexes = PostgresIndexes(self._upkeep, self._texts)
        self.inputs = PostgresInputTable(self._upkeep, self._texts)
        self.jobs = PostgresJobTable(self._upkeep, self._texts)
        self.parts = PostgresPartTable(self._upkeep, self._texts)
        self.saved = PostgresSavedTable(self._upkeep, self._texts)
        self.proposals = PostgresProposalTable(self._upkeep, self._texts)
        self.vectors = PostgresVectorTable(self._upkeep, self._texts)
        self.search = PostgresSearchIndex(self._upkeep, self._texts)
        self._past = PostgresPastReads(self._reads.fetch)
        self._snapshots = Snapshots()
        self._retention = retention
        self.ticker = Ticker(clock)
        self.history: PostgresHistory[C] = PostgresHistory(
            *(self._upkeep, connections.scans, self._texts),
            catalogs,
            build_catalog,
            self.ticker,
            self._keeping,
        )
        self._last_tick: Ticks = meta.last_tick
        self._rehearsals = SchemaRehearsals(
            connections, self._texts, self._catalogs, self.ticker, lambda: self._last_tick
        )
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._groups = GroupTally()
        self._owns_connections = owns_connections
        self._host_name, self._signing_key = meta.host_name, meta.signing_key

    @classmethod
    async def open(
        cls,
        database: str | Connections,
        name: str,
        build_catalog: BuildCatalog[C],
        *,
        create: bool = True,
        claim: str | None = None,
        retention: Retention | None = None,
        clock: Callable[[], Ticks] = now_ticks,
        pool: int = 10,
        pooler: bool = False,
        replicas: Sequence[Connections] = (),
    ) -> PostgresStore[C]:
        """Open or create the graph in the schema `name` of a database.

        Args:
            database: a pool, which the caller closes after the store; or a DSN.
            name: of the schema.
            build_catalog: makes the model catalog.
            create: whether to make a graph where there is none.
            claim: of the placement that leads here; None looks at no claim.
            retention: what is kept.
            clock: tells the time.
            pool: connections at most, where a DSN is given.
            pooler: whether a DSN's server is a pooler that gives out connections by transaction.
            replicas: pools of standby servers, which the caller closes.

        Raises:
            GraphRefusedError: see `schema.prepare`.
            UnfinishedGraphError, Conflict: see `ownership.take`.
            Unavailable: the server cannot be reached.
            asyncpg.PostgresError: it refuses us, or what we do.
        """
        connections = (
            Connections(database, pool, pooler=pooler) if isinstance(database, str) else database
        )
        is_ours = isinstance(database, str)
        try:
            texts = Qualified(schema.quoted(name))
            catalogs = Catalogs(texts, build_catalog)
            async with connections.lease() as connection:
                await schema.prepare(connection, name, create=create, claim=claim)
                await ownership.take(connection, name, claim)
                meta = _Meta(*await connection.fetchrow(texts[sql.META]))
                await catalogs.load(connection)
        except BaseException:
            if is_ours:
                await connections.close()
            raise
        store = cls(
            name,
            connections,
            texts,
            catalogs,
            meta,
            build_catalog,
            retention=retention or Retention(),
            clock=clock,
            replicas=replicas,
            owns_connections=is_ours,
        )
        try:
            await store._keeping.refresh()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def catalog(self) -> C:
        """The published model catalog."""
        return self._catalogs.current

    @property
    def signing_key(self) -> bytes:
        """The key that signs continuation tokens."""
        return self._signing_key

    @property
    def engine(self) -> Engine:
        """PostgreSQL, with the schema of the graph."""
        return Engine("postgres", self._name)

    @property
    def host_name(self) -> str:
        """The name of this graph in its events' `source`."""
        return self._host_name

    def trouble(self) -> str | None:
        """None: no thread or task of this process has to live for writes."""
        return None

    async def refresh(self) -> None:
        """Bring the catalog up to the last change of models that anybody made."""
        rows = await self._reads.fetch(sql.EPOCH, ())
        if rows[0][0] != self.catalog.epoch:
            await self._upkeep(self._catalogs.load)

    async def write(self, needs: Needs, decide: Decide[C, T], context: Context) -> T:
        """Load, decide, apply; see the protocol.

        Once begun it goes on when its caller goes away, so that nothing is left half known.
        """
        context.require_writing()
        if self.ticker.reserved:
            await self.ticker.turn()
        return await self._counted(1, self._writes.run(needs, decide, context))

    async def write_many(
        self,
        writes: Sequence[Write[C, Any]],
        context: Context,
        *,
        atomic: bool = False,
        note: MakeNote | None = None,
    ) -> Results:
        """Load, decide and apply in one transaction, with a few statements for all.

        Once begun it goes on when its caller goes away, as a single write does.
        """
        context.require_writing()
        require_few(writes)
        if self.ticker.reserved:
            await self.ticker.turn()
        work = self._batches.run(Batch(writes, context, atomic, note))
        return await self._counted(len(writes), work)

    async def _counted(self, writes: int, work: Coroutine[Any, Any, T]) -> T:
        begun = time.perf_counter()
        try:
            return await self._to_the_end(work)
        finally:
            self._groups.note(writes, time.perf_counter() - begun)

    async def load(self) -> StoreLoad:
        """Return how busy connections are; several graphs may share them."""
        pools = (self._connections.load("database"),)
        return StoreLoad(self._groups, self._writes.waiting, pools)

    def rehearsing(
        self, context: Context, *, long: bool = False
    ) -> AbstractAsyncContextManager[Rehearsal[C]]:
        """Return a block in which writes are decided and none applied."""
        context.require_plain()
        if self._closed:
            raise unavailable("Kastor is shutting down")
        return self._rehearsals.open_apart() if long else self._rehearsals.open()

    def snapshot(self, context: Context) -> AbstractAsyncContextManager[Snapshot]:
        """Return a block that reads one state, in a transaction of the primary."""
        context.require_all()
        at = context.at
        if at is not None:
            return self._snapshots.opened(
                lambda: past_snapshot_of(
                    self._connections.apart, self._texts, at, self._queries.became
                )
            )
        return self._snapshots.opened(
            lambda: snapshot_of(self._connections.apart, self.events.log_bounds, self._texts)
        )

    async def twin(self, twin_id: str, context: Context) -> TwinRow | None:
        """Return a twin."""
        if context.at is not None:
            return await self._past_of(context).twin(twin_id, context.at)
        return await self._reads_of(context).twin(twin_id, context.source)

    async def relationship(
        self, source_id: str, relationship_id: str, context: Context
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source exists, and the relationship."""
        if context.at is not None:
            return await self._past_of(context).relationship(source_id, relationship_id, context.at)
        return await self._reads_of(context).relationship(
            source_id, relationship_id, context.source
        )

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, context: Context
    ) -> RelationshipPage | None:
        """Return a page of outgoing relationships."""
        if context.at is not None:
            return await self._past_of(context).outgoing(source_id, name, after, limit, context.at)
        return await self._reads_of(context).outgoing(source_id, name, after, limit, context.source)

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, context: Context
    ) -> list[IncomingRow] | None:
        """Return a page of incoming relationships."""
        if context.at is not None:
            return await self._past_of(context).incoming(target_id, after, limit, context.at)
        return await self._reads_of(context).incoming(target_id, after, limit, context.source)

    def _reads_of(self, context: Context) -> PostgresPointReads:
        return self._reads if context.sees is None else self._reads.limited_to(context.sees)

    def _past_of(self, context: Context) -> PastReads:
        if context.sees is None:
            return self._past
        # Texts that are this caller's own are not kept.
        reads = PostgresPastReads(self._reads.limited_to(context.sees).fetch)
        return SeenPast(self._past, partial(reads.hidden, sees=context.sees))

    def since(self, at: AsOf) -> Since:
        """Return what is known of it so far; a query of it notes more in its own snapshot."""
        return self._queries.became.since(at)

    @property
    def look_up(self) -> None:
        """None: whatever is asked of a server has to be waited for."""
        return None

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[Any, ...] | None:
        """Run a compiled query for its only row."""
        rows = await self._queries.fetch_all(sql, params, context, timeout)
        return rows[0] if rows else None

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a compiled query for all its rows."""
        return await self._queries.fetch_all(sql, params, context, timeout)

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a compiled query for its first rows of `most` bytes; whether there are more."""
        return await self._queries.fetch_some(sql, params, context, timeout, most)

    async def degrees(self, twin_ids: Sequence[str], most: int, context: Context) -> list[Degrees]:
        """Return how many relationships twins have, each counted up to `most`."""
        context.require_all()
        wanted = [each for each in map(known, twin_ids) if each]
        if context.at is not None:
            return await self._past.degrees(wanted, most, context.at)
        rows = await self._reads.fetch(sql.DEGREES, (wanted, most))
        return [Degrees(*row) for row in rows]

    async def status(self, context: Context) -> StoreStatus:
        """Return counts and sizes."""
        context.require_plain()

        async def count(connection: Connection) -> Any:
            return await connection.fetchrow(
                self._texts[sql.STATUS], self._name, timeout=UPKEEP_SECONDS
            )

        values = [None if each is None else int(each) for each in await self._upkeep(count)]
        return StoreStatus(self.engine.name, *values)  # type: ignore[arg-type]

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

        async def find(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], after, limit, timeout=UPKEEP_SECONDS)

        return [tuple(row) for row in await self._upkeep(find)]

    async def escaped_slashes(self, limit: int, context: Context) -> tuple[int, list[str]]:
        """Return how many ids hold `%2F`, and the first of them."""
        context.require_plain()

        async def find(connection: Connection) -> Any:
            return await connection.fetch(
                self._texts[sql.ESCAPED_SLASHES], limit, timeout=UPKEEP_SECONDS
            )

        rows = await self._upkeep(find)
        return (rows[0][1] if rows else 0), [row[0] for row in rows]

    async def prune(self) -> int:
        """Remove what retention no longer keeps; each step is a transaction of its own."""

        async def fetch(text: str, values: Sequence[object]) -> list[Any]:
            async def run(connection: Connection) -> Any:
                return await connection.fetch(self._texts[text], *values, timeout=UPKEEP_SECONDS)

            rows: list[Any] = await self._upkeep(run)
            return rows

        await self._keeping.refresh()
        if not await fetch(sql.BEGIN_PRUNING, ()):  # another process does it
            return 0
        try:
            await self.events.log_bounds()  # gives every entry its position
            now = self.ticker.age_now()
            versions = await self._keeping.prune(self._state_at, now)
            telemetry = self._keeping.rules.telemetry
            return versions + await prune(fetch, self._retention, telemetry, now)
        finally:
            await fetch(sql.END_PRUNING, ())

    async def _state_at(self, time: Ticks) -> AsOf:
        # Rules may be such that what is yet to come is too old already.
        return await self.history.resolve(time=min(time, self.ticker.now()), kept=False)

    async def reset(self, *, dry_run: bool = False) -> None:
        """Empty the graph in one transaction."""
        await self._upkeep(self._require_no_keys if dry_run else self._empty)

    async def close(self) -> None:
        """Finish the writes that have begun and end all connections."""
        self._closed = True
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._queries.close()
        await self._let_go()

    async def _let_go(self) -> None:
        if self._owns_connections:
            await self._connections.close()

    async def settle(self) -> None:
        """Wait for the writes of this process that are under way."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            work.close()
            raise unavailable("Kastor is shutting down")
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._note_end)
        return await asyncio.shield(task)

    def _next_tick(self, since: Ticks) -> Ticks:
        """Return the time of a write: after that of the row, and after all of this process."""
        return self._reserve_ticks(since, 1)

    def _reserve_ticks(self, since: Ticks, count: int) -> Ticks:
        """Return the first of so many times that nobody else of this process gets."""
        first = self.ticker.after(self._last_tick, since)
        self._last_tick = first + count - 1
        return first

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is None:  # seen: the caller may be gone
            self.events.pulse.beat()

    async def _require_no_keys(self, connection: Connection) -> None:
        keys = await ownership.dependents(connection, self._name, keys_only=True)
        if keys:  # whatever they say is to happen, it would happen to rows that are not ours
            raise Conflict(
                f"The graph was not emptied, since foreign keys of other tables lead to it: "
                f"{ownership.named(keys)}. Drop them first.",
                code="GraphInUse",
            )

    async def _empty(self, connection: Connection) -> None:
        texts = self._texts
        async with connection.transaction():
            await self._require_no_keys(connection)
            await connection.execute(RESET_LOCK)
            await connection.execute(texts[sql.STOP_WRITES])
            _, last_tick = await connection.fetchrow(texts[sql.LOCK_META])
            for statement in sql.RESET:
                await connection.execute(texts[statement], timeout=UPKEEP_SECONDS)
            now = self._next_tick(last_tick)
            await connection.execute(texts[sql.BEGIN_AGAIN], now)
            await connection.execute(texts[sql.RAISE_EPOCH], now)
        await self._catalogs.load(connection)

    async def _upkeep(self, work: Callable[[Connection], Any]) -> Any:
        """Run work that may be repeated as long as the server says that it was rolled back."""
        for attempt in range(1, UPKEEP_ATTEMPTS + 1):
            try:
                async with self._connections.lease() as connection:
                    return await work(connection)
            except Exception as error:
                fault = fault_of(error)
                if fault is Fault.OTHER:
                    raise
                if fault is Fault.GONE:
                    raise gone() from error
                if fault in (Fault.LOST, Fault.ELSEWHERE):
                    self._connections.expire(error)
                if fault is not Fault.AGAIN or attempt == UPKEEP_ATTEMPTS:
                    raise unavailable(error) from error
                await asyncio.sleep(0.1 * attempt)
        raise AssertionError
