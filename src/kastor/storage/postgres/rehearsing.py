"""A state of the schema that rehearsals decide on: a repeatable read transaction.

The rows that the writes of a portion need come in two or three statements.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from kastor.records import C, Needs, RelationshipRow, TwinRow
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.faults import Fault, fault_of, gone, unavailable
from kastor.storage.postgres.reads import known, relationship_row, twin_row
from kastor.storage.rehearsal import LONGEST_SECONDS, NotLoadedError, Rehearsing, ended

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connection, Connections
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.statements import Qualified
    from kastor.storage.ticker import Ticker
    from kastor.types import RelationshipId, Ticks, TwinId

ATTEMPTS = 4
PAUSE_SECONDS = 0.02
APART_AT_ONCE = 2
"""Rehearsals that take their time; others wait for theirs."""
PORTION = 256
PORTION_BYTES = 16 * 2**20
"""Of a portion's twins, and of its relationships; documents that come after it are left out."""

_SIZE = """CASE WHEN pg_column_compression(doc) IS NULL THEN pg_column_size(doc)
                ELSE octet_length(doc::text) END"""

TWINS_OF = f"""
SELECT key, id, model_key, etag, version, CASE WHEN before < $2 THEN doc::text END AS doc,
       valid_from
FROM (
    SELECT t.*, sum({_SIZE}) OVER (ORDER BY w.n) - {_SIZE} AS before
    FROM unnest($1::text[]) WITH ORDINALITY AS w (id, n)
    JOIN {{graph}}.twins t ON t.id = w.id
) found
"""

RELATIONSHIPS_OF = f"""
SELECT f.key, f.source_key, f.id, n.name, f.target_key, f.etag, f.version,
       CASE WHEN f.before < $3 THEN f.doc::text END AS doc, f.valid_from
FROM (
    SELECT r.*, sum({_SIZE}) OVER (ORDER BY w.n) - {_SIZE} AS before
    FROM unnest($1::text[]::bigint[], $2::text[]) WITH ORDINALITY AS w (source_key, id, n)
    JOIN {{graph}}.relationships r ON r.source_key = w.source_key AND r.id = w.id
) f
JOIN {{graph}}.relationship_names n ON n.key = f.name_key
"""

COUNTS_AT = """
SELECT w.key,
       (SELECT count(*) FROM (SELECT 1 FROM {graph}.relationships
                              WHERE source_key = w.key LIMIT $2) leaving)
     + (SELECT count(*) FROM (SELECT 1 FROM {graph}.relationships
                              WHERE target_key = w.key AND source_key <> w.key LIMIT $2) entering)
FROM unnest($1::text[]::bigint[]) AS w (key)
"""

_Lease: TypeAlias = "Callable[[], contextlib.AbstractAsyncContextManager[Connection]]"

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class _LeftOut:
    """Stands for a row whose document was not loaded."""


_LEFT_OUT = _LeftOut()


class PortionFacts:
    """The rows that a portion needs.

    Attributes:
        newest: the latest time of the rows.
    """

    def __init__(self, newest: Ticks) -> None:
        self.newest = newest
        self._keys: dict[str, int] = {}
        self._twins: dict[str, TwinRow | _LeftOut | None] = {}
        self._relationships: dict[tuple[int, str], RelationshipRow | _LeftOut | None] = {}
        self._counts: dict[int, int] = {}

    def twin(self, twin_id: TwinId) -> TwinRow | None:
        """Return a twin."""
        return _loaded(self._twins, known(twin_id))

    def relationship(
        self, source: TwinRow, relationship_id: RelationshipId
    ) -> RelationshipRow | None:
        """Return a relationship."""
        return _loaded(self._relationships, (source.key, known(relationship_id)))

    def relationships_at(self, twin: TwinRow, most: int) -> int:
        """Return how many relationships leave or enter a twin."""
        del most  # they were counted as far as any write of the portion may want
        return self._counts[twin.key]

    def take_twins(self, rows: Sequence[Any]) -> None:
        """Take over rows of TWINS_OF."""
        for row in rows:
            self.newest = max(self.newest, row["valid_from"])
            self._keys[row["id"]] = row["key"]
            self._twins[row["id"]] = _LEFT_OUT if row["doc"] is None else twin_row(row)

    def take_relationships(self, rows: Sequence[Any]) -> None:
        """Take over rows of RELATIONSHIPS_OF."""
        for row in rows:
            self.newest = max(self.newest, row["valid_from"])
            found = _LEFT_OUT if row["doc"] is None else relationship_row(row)
            self._relationships[row["source_key"], row["id"]] = found

    def take_counts(self, rows: Sequence[Any]) -> None:
        """Take over rows of COUNTS_AT."""
        self._counts.update((row[0], row[1]) for row in rows)

    def key_of(self, twin_id: TwinId) -> int | None:
        """Return the key of a twin that the graph has."""
        return self._keys.get(known(twin_id))


def _loaded(rows: dict[K, R | _LeftOut | None], key: K) -> R | None:
    row = rows.get(key)
    if isinstance(row, _LeftOut):
        raise NotLoadedError
    return row


class SchemaBase(Generic[C]):
    """A state of one schema, in a transaction of a connection that is nobody else's."""

    portion = PORTION

    def __init__(self, connection: Connection, texts: Qualified, catalog: C, newest: Ticks) -> None:
        self.catalog, self.newest = catalog, newest
        self._connection, self._texts = connection, texts
        self._over = False

    def end(self) -> None:
        """Hold the state no longer: its time is over."""
        self._over = True
        self._connection.terminate()

    async def facts(self, needs: Sequence[Needs], based: Callable[[int], int]) -> PortionFacts:
        """Return the rows that are needed, and those counts of relationships."""
        try:
            return await self._load(needs, based)
        except Exception as error:
            if self._over:
                raise ended() from error
            raise _told(error) from error

    async def _load(self, needs: Sequence[Needs], based: Callable[[int], int]) -> PortionFacts:
        facts = PortionFacts(self.newest)
        ids = [each for need in needs for each in (need.twin_id, need.target_id)]
        wanted = list(dict.fromkeys(known(each) for each in ids if each is not None))
        if wanted:
            facts.take_twins(await self._fetch(TWINS_OF, wanted, PORTION_BYTES))
        pairs = dict.fromkeys(_pairs(needs, facts))
        if pairs:
            keys, names = zip(*pairs, strict=True)
            facts.take_relationships(
                await self._fetch(RELATIONSHIPS_OF, keys, names, PORTION_BYTES)
            )
        if ends := set(_twins_to_be_counted_at(needs, facts)):
            # What the portion itself lays hold of comes on top of what is known before it.
            most = max(based(key) for key in ends) + len(needs) + 1
            facts.take_counts(await self._fetch(COUNTS_AT, [str(each) for each in ends], most))
        return facts

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(self._texts[text], *values)
        return rows


def _pairs(needs: Sequence[Needs], facts: PortionFacts) -> Iterator[tuple[str, str]]:
    """Yield (source key, id) of the relationships that are needed."""
    for each in needs:
        if each.twin_id is None or each.relationship_id is None:
            continue
        key = facts.key_of(each.twin_id)
        if key is not None:
            yield str(key), known(each.relationship_id)


def _twins_to_be_counted_at(needs: Sequence[Needs], facts: PortionFacts) -> Iterator[int]:
    for each in needs:
        if each.relationships_of_twin and each.twin_id is not None:
            key = facts.key_of(each.twin_id)
            if key is not None:
                yield key


class SchemaRehearsals(Generic[C]):
    """The rehearsals of one schema in this process."""

    def __init__(
        self,
        connections: Connections,
        texts: Qualified,
        catalogs: Catalogs[C],
        ticker: Ticker,
        last: Callable[[], Ticks],
    ) -> None:
        """Prepare.

        Args:
            connections: the pool.
            texts: the statements of the graph.
            catalogs: of the graph.
            ticker: of the graph.
            last: returns the time of the newest write of this process.
        """
        self._connections = connections
        self._texts = texts
        self._catalogs = catalogs
        self._ticker = ticker
        self._last = last
        self._apart = asyncio.Semaphore(APART_AT_ONCE)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Rehearsing[C]]:
        """Enter a block in which writes are decided on the state that the schema has now.

        Raises:
            Unavailable: no server answers, or no connection is free.
        """
        async with self._connections.scans, contextlib.AsyncExitStack() as stack:
            base = await self._begin(stack, self._connections.lease)
            timer = asyncio.get_running_loop().call_later(LONGEST_SECONDS, base.end)
            stack.callback(timer.cancel)
            with self._on(base) as rehearsal:
                yield rehearsal

    @contextlib.asynccontextmanager
    async def open_apart(self) -> AsyncIterator[Rehearsing[C]]:
        """Enter such a block for as long as it takes, on a connection of its own.

        Raises:
            Unavailable: no server answers.
        """
        async with self._apart, contextlib.AsyncExitStack() as stack:
            base = await self._begin(stack, self._connected)
            with self._on(base) as rehearsal:
                yield rehearsal

    @contextlib.contextmanager
    def _on(self, base: SchemaBase[C]) -> Iterator[Rehearsing[C]]:
        rehearsal = Rehearsing(base, self._ticker, base.newest)
        try:
            yield rehearsal
        finally:
            rehearsal.close()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        connection = await self._connections.apart()
        try:
            yield connection
        finally:
            connection.terminate()  # it only ever reads

    async def _begin(self, stack: contextlib.AsyncExitStack, lease: _Lease) -> SchemaBase[C]:
        """Return the present state; its connection goes back with the stack."""
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                await asyncio.sleep(PAUSE_SECONDS * attempt)
            async with contextlib.AsyncExitStack() as tried:
                try:
                    base = await self._try(tried, lease)
                except Exception as error:  # noqa: BLE001 - what is not understood is raised again
                    self._look_at(error, attempt)
                    continue
                if base is not None:
                    stack.push_async_exit(tried.pop_all())
                    return base
        raise unavailable("models change all the time")

    async def _try(self, stack: contextlib.AsyncExitStack, lease: _Lease) -> SchemaBase[C] | None:
        """Return the present state, or None where its models became known only now."""
        connection = await stack.enter_async_context(lease())
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        await transaction.start()
        stack.push_async_callback(_roll_back, transaction, connection)
        epoch, newest = await connection.fetchrow(self._texts[sql.LOAD_META])
        if (catalog := self._catalogs.known_at(epoch)) is not None:
            return SchemaBase(connection, self._texts, catalog, max(newest, self._last()))
        await transaction.rollback()  # else it would be the catalog of a state that may be older
        epoch, _ = await connection.fetchrow(self._texts[sql.LOAD_META])
        await self._catalogs.at(connection, epoch)
        return None

    def _look_at(self, error: Exception, attempt: int) -> None:
        """Raise what another attempt does not help with."""
        fault = fault_of(error)
        if fault in (Fault.LOST, Fault.ELSEWHERE):
            self._connections.expire(error)
        if fault in (Fault.OTHER, Fault.GONE) or attempt == ATTEMPTS:
            raise _told(error) from error


async def _roll_back(transaction: Any, connection: Connection) -> None:
    if not connection.is_closed() and connection.is_in_transaction():
        with contextlib.suppress(Exception):  # the connection is given up then
            await transaction.rollback()


def _told(error: Exception) -> Exception:
    """Return what is told of an error of the engine; it may be one already."""
    fault = fault_of(error)
    if fault is Fault.OTHER:
        return error
    return gone() if fault is Fault.GONE else unavailable(error)
