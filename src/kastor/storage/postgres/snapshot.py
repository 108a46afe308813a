"""One state of a graph's schema: a read-only transaction on a connection of its own.

Entries of the change log get their positions from whoever reads the log first. Those that were
written just before the snapshot may have none in it, although their rows are there; they follow
all others here, in the order in which they were numbered at their insertion.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from kastor.storage.indexes import PREFIX
from kastor.storage.limits import impossible, too_long
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.connections import CLOSE_SECONDS
from kastor.storage.postgres.documents import from_jsonb
from kastor.storage.postgres.faults import Fault, fault_of, gone, unavailable
from kastor.storage.postgres.graph_reader import PostgresGraphReader, from_clause
from kastor.storage.postgres.index_tables import LIST_INDEXES
from kastor.storage.postgres.queries import IMPOSSIBLE, some_rows, storable
from kastor.storage.postgres.snapshot_statements import PRESENT, SnapshotStatements
from kastor.storage.postgres.vector_table import packed_of
from kastor.storage.tables import Table
from kastor.storage.transfer import (
    PORTION_BYTES,
    DeletedKind,
    DocumentRow,
    Identification,
    Identity,
    Instant,
    Row,
)
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import ModelId, RelationshipId, TwinId

T = TypeVar("T")

MOST_UNPLACED = 10_000
"""Entries of the log without position; with more of them the snapshot is taken once more."""
ATTEMPTS = 5
_MODELS_AT_ONCE = 100

_BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off;
SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0;
"""
# In order of a key and a few rows at a time: never by sorting all that there are.
BY_INDEX = """
SET LOCAL enable_sort = {0}; SET LOCAL enable_seqscan = {0};
SET LOCAL enable_hashjoin = {0}; SET LOCAL enable_mergejoin = {0}
"""
_BEGIN_QUERY = "SAVEPOINT query;" + BY_INDEX.format("on")
_END_QUERY = "ROLLBACK TO SAVEPOINT query; RELEASE SAVEPOINT query"  # settings and cursor too
_UNPLACED = """
SELECT seq FROM {graph}.changes WHERE pos IS NULL ORDER BY time, seq LIMIT $1
"""
# As they are numbered here; only the first one of a change of models has rows.
_UNPLACED_CHANGES = """
SELECT LAST + nth AS pos, time, xid, kind, twin_key,
       CASE WHEN kind IN ('Twin.Create', 'Relationship.Create') THEN subject END AS subject
FROM (SELECT *, row_number() OVER (ORDER BY time, seq) AS nth FROM {graph}.changes
      WHERE pos IS NULL) c
WHERE kind <> 'Telemetry'
"""
_INSTANT = """
SELECT position, greatest(last_tick, (SELECT coalesce(max(time), 0) FROM {graph}.changes))
FROM {graph}.log_head, {graph}.meta
"""
_VECTORS = """
SELECT t.id, array_send(v.vector)
FROM {graph}.twins t JOIN {graph}.vectors v ON v.twin_key = t.key AND v.index_name = $1
WHERE t.id > $2 AND v.vector IS NOT NULL ORDER BY t.id LIMIT $3
"""
_OLDEST = "SELECT coalesce(min(pos), 0) FROM {graph}.changes"

_FIRST_ROWS, _MOST_ROWS = 4, 500
"""Fetched at once, before it is known how large they are and afterwards."""


class PostgresSnapshot(PostgresGraphReader):
    """Implements `Snapshot` over a transaction that has begun."""

    statements: SnapshotStatements = PRESENT

    def __init__(
        self,
        connection: Connection,
        texts: Qualified,
        instant: Instant,
        unplaced: Sequence[int],
    ) -> None:
        super().__init__(connection, texts)
        self.instant = instant
        self._unplaced = unplaced
        self._placed = instant.position - len(unplaced)

    # The log, with positions for all

    @override
    async def count(self, table: Table) -> int:
        """Return the number of rows."""
        more = len(self._unplaced) if table.name == "changes" else 0
        return await super().count(table) + more

    @override
    async def revisions(
        self, table: Table, after: Identity | None, limit: int
    ) -> list[tuple[Identity, Row]]:
        """Return (identity, revision) pairs after `after`."""
        found = await super().revisions(table, after, limit)
        if table.name != "changes" or len(found) == limit:
            return found
        last = int(found[-1][0][0]) if found else max(self._placed, int((after or (0,))[0]))
        begin = max(0, last - self._placed)
        following = range(begin, min(len(self._unplaced), begin + limit - len(found)))
        wanted = [(self._placed + 1 + each,) for each in following]
        return found + list(
            zip(wanted, await self._of_unplaced(wanted, table.revision), strict=True)
        )

    @override
    async def rows(self, table: Table, identities: Sequence[Identity]) -> list[Row]:
        """Return whole rows, documents as text."""
        if table.name != "changes":
            return await super().rows(table, identities)
        placed, others = self._apart(identities)
        found = await super().rows(table, placed) if placed else []
        columns = [name for name in table.columns if name != "seq"]
        place = table.columns.index("seq")
        for (position,), row in zip(others, await self._of_unplaced(others, columns), strict=True):
            found.append((*row[:place], position, *row[place:]))
        return found

    @override
    async def sizes(self, table: Table, identities: Sequence[Identity]) -> list[int]:
        """Return the bytes of the rows' `bulk`."""
        if table.name != "changes":
            return await super().sizes(table, identities)
        placed, others = self._apart(identities)
        found = await super().sizes(table, placed) if placed else []
        return found + [size for (size,) in await self._of_unplaced(others, ["octet_length(data)"])]

    @override
    async def identification(self) -> Identification:
        """Return host name, key, epoch and time."""
        found = await super().identification()
        return replace(found, log_position=self.instant.position)

    @override
    def _source(self, table: Table) -> str:
        return from_clause(table, _UNPLACED_CHANGES.replace("LAST", str(int(self._placed))))

    def _apart(self, identities: Sequence[Identity]) -> tuple[list[Identity], list[Identity]]:
        placed = [each for each in identities if each[0] <= self._placed]
        return placed, list(identities[len(placed) :])

    async def _of_unplaced(self, wanted: Sequence[Identity], columns: Sequence[str]) -> list[Row]:
        """Return columns of entries without position, in order of the positions given here."""
        if not wanted or not columns:
            return [() for _ in wanted]
        numbers = [str(self._unplaced[position - self._placed - 1]) for (position,) in wanted]
        text = (
            f"SELECT {', '.join(columns)} FROM unnest($1::text[]::bigint[])"
            " WITH ORDINALITY AS w (n, nth) JOIN {graph}.changes ON seq = w.n ORDER BY w.nth"
        )
        return [tuple(row) for row in await self.fetch(text, numbers)]

    # Documents

    async def oldest_change(self) -> int:
        """Return the position of the oldest entry of the change log."""
        oldest = int((await self.fetch(_OLDEST))[0][0])
        return oldest or (self._placed + 1 if self._unplaced else 0)

    async def models(self, *, since: int | None = None) -> AsyncIterator[tuple[ModelId, bytes]]:
        """Yield the stored models."""
        after = ""
        while portion := await self._portion(
            self.statements.models, (after, since, _MODELS_AT_ONCE)
        ):
            for model_id, text in portion:
                yield model_id, text.encode()
            after = portion[-1][0]

    async def twins(
        self, after: TwinId, limit: int, *, since: int | None = None
    ) -> list[DocumentRow]:
        """Return twins in order of id."""
        return [
            _document_row(row)
            for row in await self._portion(self.statements.twins, (after, since, limit))
        ]

    async def relationships(
        self, after: tuple[TwinId, RelationshipId], limit: int, *, since: int | None = None
    ) -> list[DocumentRow]:
        """Return relationships in order of (source id, id)."""
        source, last = after
        found = []
        if source:
            found = await self._portion(self.statements.of_source, (source, since, limit, last))
        size = sum(len(row[1]) for row in found)
        if len(found) < limit and size < PORTION_BYTES:
            values = (source, since, limit - len(found))
            found += await self._portion(self.statements.of_next_sources, values, size)
        return [_document_row(row) for row in found]

    async def deleted(
        self, kind: DeletedKind, after: Identity, limit: int, since: int
    ) -> list[Identity]:
        """Return the identities of what was deleted."""
        first, second = (*after, "", "")[:2]
        values = (first, since, limit, *([second] if kind == "relationship" else []))
        return [tuple(row) for row in await self.fetch(self.statements.deleted[kind], *values)]

    async def indexes(self) -> list[str]:
        """Return the paths of the property indexes."""
        rows = await self.fetch(LIST_INDEXES, len(PREFIX), PREFIX)
        return [name.removeprefix(PREFIX) for (name,) in rows]

    async def vectors(self, index: str, after: TwinId, limit: int) -> list[tuple[TwinId, bytes]]:
        """Return what stands beside twins for an index."""
        rows = await self.fetch(_VECTORS, index, after, limit)
        return [(twin_id, packed_of(sent)) for twin_id, sent in rows]

    async def fetch_all(
        self, sql: str, params: Sequence[object], *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a compiled query for all its rows."""

        async def fetch(values: list[object]) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await self._connection.fetch(sql, *values)]

        return await self._query(fetch, params, timeout)

    async def fetch_some(
        self, sql: str, params: Sequence[object], *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a compiled query for its first rows of `most` bytes; whether there are more."""

        async def fetch(values: list[object]) -> tuple[list[tuple[Any, ...]], bool]:
            return await some_rows(self._connection, sql, values, most)

        return await self._query(fetch, params, timeout)

    async def _query(
        self,
        fetch: Callable[[list[object]], Awaitable[T]],
        params: Sequence[object],
        timeout: float,
    ) -> T:
        """Run what a client asked, planned as elsewhere; what fails leaves the state whole."""
        await self._connection.execute(_BEGIN_QUERY)
        try:
            async with asyncio.timeout(timeout):
                return await fetch([storable(each) for each in self._settled(params)])
        except TimeoutError:
            raise too_long(timeout) from None
        except asyncpg.PostgresError as error:
            if str(error.sqlstate).startswith(IMPOSSIBLE):
                raise impossible(error) from error
            raise
        finally:
            await self._connection.execute(_END_QUERY)

    def _settled(self, params: Sequence[object]) -> Sequence[object]:
        """Return a query's parameters, with what is known of this state alone."""
        return params

    async def _portion(self, text: str, values: Sequence[object], taken: int = 0) -> list[Row]:
        """Return rows until their second columns, which are texts, have PORTION_BYTES together.

        `taken` of them are there already.
        """
        cursor = await self._connection.cursor(self._texts[text], *values)
        rows: list[Row] = []
        left, wanted = PORTION_BYTES - taken, _FIRST_ROWS
        while left > 0 and (step := await cursor.fetch(wanted)):
            rows += [tuple(row) for row in step]
            size = sum(len(row[1]) for row in step)
            left -= size
            wanted = max(1, min(_MOST_ROWS, left * len(step) // max(size, 1)))
        return rows


@asynccontextmanager
async def snapshot_of(
    connect: Callable[[], Awaitable[Connection]],
    number_log: Callable[[], Awaitable[object]],
    texts: Qualified,
) -> AsyncIterator[PostgresSnapshot]:
    """Read one state of a schema in a block; servers may go on writing to it.

    Args:
        connect: makes the connection, which is closed at the end.
        number_log: gives positions to what is committed by now.
        texts: of the graph.

    Raises:
        Unavailable: the server does not answer, or the graph is no longer there.
    """
    async with begun_on(connect, lambda made: _begin(made, number_log, texts)) as snapshot:
        yield snapshot


@asynccontextmanager
async def begun_on(
    connect: Callable[[], Awaitable[Connection]],
    begin: Callable[[Connection], Awaitable[PostgresSnapshot]],
) -> AsyncIterator[PostgresSnapshot]:
    """Read the state that `begin` fixes in a block; the connection is closed at the end.

    Raises:
        Unavailable: as `snapshot_of`.
    """
    connection = await connect()
    try:
        yield await begin(connection)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        fault = fault_of(error)
        if fault is Fault.GONE:
            raise gone() from error
        if fault is Fault.OTHER:
            raise
        raise unavailable(error) from error
    finally:
        await asyncio.shield(_end(connection))


async def _begin(
    connection: Connection,
    number_log: Callable[[], Awaitable[object]],
    texts: Qualified,
) -> PostgresSnapshot:
    for _ in range(ATTEMPTS):
        await number_log()
        await connection.execute(_BEGIN + BY_INDEX.format("off"))
        unplaced = [row[0] for row in await connection.fetch(texts[_UNPLACED], MOST_UNPLACED + 1)]
        if len(unplaced) <= MOST_UNPLACED:
            position, time = await connection.fetchrow(texts[_INSTANT])
            instant = Instant(position + len(unplaced), time)
            return PostgresSnapshot(connection, texts, instant, unplaced)
        await connection.execute(sql.END_QUERY)
    raise unavailable("so much is written that the change log cannot be numbered")


async def _end(connection: Connection) -> None:
    # It is in a transaction, or in the middle of a statement whose reader has gone.
    with contextlib.suppress(Exception):
        await connection.close(timeout=CLOSE_SECONDS)
    connection.terminate()


def _document_row(row: Row) -> DocumentRow:
    etag, doc, *identity = row
    return DocumentRow(tuple(identity), etag, from_jsonb(doc))
