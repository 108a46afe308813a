"""Brings one graph's tables into step with another's, whatever their engines.

Both sides are read in the order of their identities and compared by revision; what is missing or
older is written, what is gone is dropped. So a copy that was interrupted goes on where it stopped
when it is started again, and a copy of a graph in use can be followed by a short second pass.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import orjson

from kastor.storage.indexes import IndexStore
from kastor.storage.tables import TABLES, Table
from kastor.types import Etag, ModelId, RelationshipId, Ticks, TwinId

Identity: TypeAlias = tuple[Any, ...]
Row: TypeAlias = tuple[Any, ...]
Progress: TypeAlias = Callable[[str, int, int], None]
"""Table, rows looked at so far, rows of the source in all."""

CHUNK_ROWS = 2_000
PORTION_BYTES = 16 * 2**20
"""Of documents, models and events that are in memory at once; a larger one comes alone."""


@dataclass(frozen=True, slots=True)
class Identification:
    """What makes a graph itself beside its rows; carried over by a copy."""

    host_name: str
    signing_key: bytes
    model_epoch: int
    last_tick: int
    log_position: int
    """Of the newest entry there ever was in the change log; the log may be empty by now."""
    history_from: int
    """The position of the oldest state that is kept."""
    history: str | None
    """How much is kept, as JSON; None where the graph says nothing of it."""


@dataclass(frozen=True, slots=True)
class Active:
    """How many routes and inputs are not paused."""

    routes: int
    inputs: int


class GraphReader(Protocol):
    """A graph that is read as tables."""

    async def count(self, table: Table) -> int:
        """Return the number of rows."""

    async def revisions(
        self, table: Table, after: Identity | None, limit: int
    ) -> list[tuple[Identity, Row]]:
        """Return (identity, revision) pairs in order of identity, strictly after `after`."""

    async def rows(self, table: Table, identities: Sequence[Identity]) -> list[Row]:
        """Return whole rows in the order of `table.columns`; what is gone is left out."""

    async def sizes(self, table: Table, identities: Sequence[Identity]) -> list[int]:
        """Return the bytes of the rows' `bulk`, in order; 0 for what is gone."""

    async def identification(self) -> Identification:
        """Return what makes the graph itself."""

    async def active(self) -> Active:
        """Return what a server would begin to work on that opened the graph."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Which state a snapshot shows.

    Attributes:
        position: of the newest entry of the change log that is in it.
        time: of the newest change, in ticks.
    """

    position: int
    time: Ticks


DeletedKind: TypeAlias = Literal["twin", "relationship", "model"]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A twin or a relationship as it is stored.

    Attributes:
        identity: (id,) of a twin, (source id, id) of a relationship.
        etag: the guid inside W/"...".
        doc: the JSON text, without `$etag`.
    """

    identity: tuple[str, ...]
    etag: Etag
    doc: bytes


class Snapshot(GraphReader, Protocol):
    """One state of a graph; nothing that happens meanwhile is seen. For one reader at a time."""

    @property
    def instant(self) -> Instant:
        """Which state it is."""

    async def oldest_change(self) -> int:
        """Return the position of the oldest entry of the change log; 0 where it holds none."""

    def models(self, *, since: int | None = None) -> AsyncIterator[tuple[ModelId, bytes]]:
        """Yield the stored models with their texts as uploaded, in order of id.

        Args:
            since: only those that were uploaded by a change after this position.
        """

    async def twins(
        self, after: TwinId, limit: int, *, since: int | None = None
    ) -> list[DocumentRow]:
        """Return twins in order of id, strictly after `after`.

        Up to `limit` of them; fewer where they have more than PORTION_BYTES together.

        Args:
            after: an id, which nobody has to have; empty at the start.
            limit: how many at most.
            since: only those that a change after this position wrote.
        """

    async def relationships(
        self, after: tuple[TwinId, RelationshipId], limit: int, *, since: int | None = None
    ) -> list[DocumentRow]:
        """Return relationships in order of (source id, id), strictly after `after`; as `twins`."""

    async def deleted(
        self, kind: DeletedKind, after: Identity, limit: int, since: int
    ) -> list[Identity]:
        """Return the identities of what was deleted after a position and is not there now.

        In order, strictly after `after`, up to `limit`: (id,) of twins and models, (source id, id)
        of relationships.
        """

    async def indexes(self) -> list[str]:
        """Return the paths of the property indexes, in order."""

    async def vectors(self, index: str, after: TwinId, limit: int) -> list[tuple[TwinId, bytes]]:
        """Return what stands beside twins for an index, in order of id, strictly after `after`.

        Ids of twins with vectors as `distances.packed`, up to `limit` of them.
        """

    async def fetch_all(
        self, sql: str, params: Sequence[object], *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a compiled query on this state, as `Store.fetch_all` does on the present one."""

    async def fetch_some(
        self, sql: str, params: Sequence[object], *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a compiled query on this state, as `Store.fetch_some` does on the present one."""


class GraphFile(GraphReader, Protocol):
    """A graph that is read or written as tables, not served meanwhile by the writing side."""

    @property
    def indexes(self) -> IndexStore:
        """The property indexes, which no row tells of."""

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """Return a block in which all reads see one and the same state."""

    async def put(self, table: Table, rows: Sequence[Row], *, fresh: bool) -> None:
        """Write rows in one transaction, replacing those of the same identity.

        Args:
            table: where to.
            rows: in the order of `table.columns`.
            fresh: whether there is certainly none to replace.
        """

    async def drop(self, table: Table, identities: Sequence[Identity]) -> None:
        """Delete rows, in one transaction."""

    async def identify(self, identification: Identification) -> None:
        """Take over what makes another graph itself, and put the sizes and sequences right."""

    async def pause(self) -> None:
        """Pause all routes and inputs."""

    async def finish(self) -> None:
        """Say that what was written is whole, so that a server may open it."""

    async def close(self) -> None:
        """Release the connection."""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """Rows of a table, and a hash of them that no order of members changes."""

    rows: int
    sha256: str


NO_ROWS = TableDigest(0, hashlib.sha256().hexdigest())
"""Of a table that is empty."""


async def synchronise(
    source: GraphReader,
    target: GraphFile,
    progress: Progress | None = None,
    *,
    tables: Sequence[Table] = TABLES,
) -> int:
    """Make the target's tables equal to the source's; return the rows that were written.

    The source shows one state for as long as it is read: a snapshot, or a block of one.
    """
    stale: list[tuple[Table, list[Identity]]] = []
    written = 0
    for table in tables:
        count, gone = await _bring_over(source, target, table, progress)
        written += count
        stale.append((table, gone))
    identification = await source.identification()
    await drop_all(target, stale)
    await target.identify(identification)
    return written


async def drop_all(target: GraphFile, stale: Sequence[tuple[Table, Sequence[Identity]]]) -> None:
    """Delete rows of several tables, given in the order of `TABLES`."""
    for table, gone in reversed(stale):
        for start in range(0, len(gone), CHUNK_ROWS):
            await target.drop(table, gone[start : start + CHUNK_ROWS])


async def digest(graph: GraphReader, tables: Sequence[Table] = TABLES) -> dict[str, TableDigest]:
    """Return a digest of each table, equal on every engine for equal contents."""
    found = {}
    for table in tables:
        hashed, rows = hashlib.sha256(), 0
        async for identities in _chunks(graph, table):
            async for portion in portions(graph, table, [identity for identity, _ in identities]):
                for row in portion:
                    hashed.update(canonical(table, row))
                rows += len(portion)
        found[table.name] = TableDigest(rows, hashed.hexdigest())
    return found


async def portions(
    graph: GraphReader, table: Table, identities: Sequence[Identity]
) -> AsyncIterator[list[Row]]:
    """Yield whole rows, so many at a time that they have PORTION_BYTES together."""
    if table.bulk is None:
        yield await graph.rows(table, identities)
        return
    start = size = 0
    for at, each in enumerate(await graph.sizes(table, identities)):
        if at > start and size + each > PORTION_BYTES:
            yield await graph.rows(table, identities[start:at])
            start, size = at, 0
        size += each
    yield await graph.rows(table, identities[start:])


async def _bring_over(
    source: GraphReader, target: GraphFile, table: Table, progress: Progress | None
) -> tuple[int, list[Identity]]:
    """Write what differs; return how many rows, and the identities that only the target has."""
    total = await source.count(table)
    known = _Stream(target, table)
    seen = written = 0
    gone: list[Identity] = []
    async for chunk in _chunks(source, table):
        wanted: list[Identity] = []
        fresh = True
        for identity, revision in chunk:
            gone += await known.skip_below(identity)
            there = await known.take(identity)
            fresh = fresh and there is None
            if there != revision:
                wanted.append(identity)
        if wanted:
            async for rows in portions(source, table, wanted):
                await target.put(table, rows, fresh=fresh)
                written += len(rows)
        seen += len(chunk)
        if progress is not None:
            progress(table.name, seen, max(total, seen))
    gone += await known.rest()
    return written, gone


class _Stream:
    """The target's revisions in order, read a chunk at a time beside the source's."""

    def __init__(self, graph: GraphReader, table: Table) -> None:
        self._chunks = _chunks(graph, table)
        self._pending: deque[tuple[Identity, Row]] = deque()

    async def skip_below(self, identity: Identity) -> list[Identity]:
        """Pass what comes before `identity` and return it."""
        passed = []
        while await self._filled() and self._pending[0][0] < identity:
            passed.append(self._pending.popleft()[0])
        return passed

    async def take(self, identity: Identity) -> Row | None:
        """Return the revision of `identity`, or None where the target lacks it."""
        if await self._filled() and self._pending[0][0] == identity:
            return self._pending.popleft()[1]
        return None

    async def rest(self) -> list[Identity]:
        """Return what is left."""
        left = []
        while await self._filled():
            left.append(self._pending.popleft()[0])
        return left

    async def _filled(self) -> bool:
        if not self._pending:
            self._pending.extend(await anext(self._chunks, []))
        return bool(self._pending)


async def _chunks(graph: GraphReader, table: Table) -> AsyncIterator[list[tuple[Identity, Row]]]:
    after: Identity | None = None
    while True:
        # Read anew from the last identity each time: the target is written to meanwhile, behind it.
        chunk = await graph.revisions(table, after, CHUNK_ROWS)
        if not chunk:
            return
        yield chunk
        after = chunk[-1][0]


def canonical(table: Table, row: Row) -> bytes:
    """Return what a row adds to the digest of its table."""
    values: list[Any] = []
    for column, value in zip(table.columns, row, strict=True):
        if column == table.document:
            text = orjson.dumps(orjson.loads(value), option=orjson.OPT_SORT_KEYS)
            values.append(text.decode())
        elif isinstance(value, bytes):
            values.append(hashlib.sha256(value).hexdigest())
        else:
            values.append(int(value) if isinstance(value, bool) else value)
    return orjson.dumps(values)
