"""The search index of a graph, in tables of its schema that can be made anew at any time."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from kastor.errors import GraphMoved
from kastor.storage.postgres import search_statements as sql
from kastor.storage.postgres.index_tables import BUILD_SECONDS
from kastor.storage.postgres.search_finding import find
from kastor.storage.postgres.search_writing import WRITE_SECONDS, IndexLostError, IndexWrites
from kastor.storage.search import (
    KINDS,
    NUMBERS,
    PORTION_BYTES,
    Candidates,
    IndexBatch,
    IndexDamagedError,
    IndexedKind,
    IndexQuestion,
    IndexState,
    NameCounts,
    Shares,
    SourceRow,
)
from kastor.storage.search_rows import shares_in, spread, state_of, state_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified


T = TypeVar("T")


class PostgresSearchIndex:
    """Implements `SearchStore` for one schema, which several processes may serve."""

    shared = True

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep, self._texts = upkeep, texts
        self._writes = IndexWrites(texts)
        self._shares = Shares()

    async def prepare(self) -> None:
        """Make the tables where they are missing or of another format."""
        await self._upkeep(self._prepare)

    async def clear(self) -> None:
        """Make the tables anew."""
        await self._upkeep(self._make)

    async def hold(self, owner: str, seconds: float) -> bool:
        """Claim the index."""
        return bool(await self._fetch(sql.HOLD, 1, owner, seconds))

    async def keep(self, owner: str, seconds: float) -> bool:
        """Renew the claim."""
        return bool(await self._fetch(sql.KEEP, 1, owner, seconds))

    async def let_go(self, owner: str) -> None:
        """Give it up."""
        await self._fetch(sql.LET_GO, 1, owner)

    async def holder(self) -> str | None:
        """Return who has the index now."""
        rows = await self._fetch(sql.HOLDER)
        return rows[0][0] if rows else None

    async def state(self) -> IndexState:
        """Return where it stands."""
        rows = await self._fetch(sql.STATE)
        return (state_of(rows[0][0]) if rows else None) or IndexState()

    async def write(self, owner: str, batch: IndexBatch) -> bool:
        """Write a batch; return whether `owner` has the index."""

        async def write(connection: Connection) -> bool:
            try:
                if batch.sweep:
                    for statement in sql.INDEX_GRAMS:
                        await connection.execute(self._texts[statement], timeout=BUILD_SECONDS)
                    await self._writes.sweep(connection, owner, batch)
                else:
                    await self._writes.write(connection, owner, batch)
            except IndexLostError:
                return False
            return True

        return await self._run(write)

    async def twins(self, ids: list[str]) -> list[SourceRow]:
        """Return those of these twins that exist."""
        return _rows(await self._fetch(sql.TWINS, ids))

    async def models(self, ids: list[str]) -> list[SourceRow]:
        """Return those of these models that are stored."""
        return _rows(await self._fetch(sql.MODELS, ids))

    async def next_rows(self, kind: IndexedKind, after: int, limit: int) -> list[SourceRow]:
        """Return rows in order of keys."""
        return _rows(await self._fetch(sql.NEXT_ROWS[kind], after, limit, PORTION_BYTES))

    async def count_names(self) -> NameCounts:
        """Count relationships by name."""

        async def count(connection: Connection) -> Any:
            return await connection.fetchrow(self._texts[sql.COUNTED], timeout=BUILD_SECONDS)

        position, unplaced, counts = await self._run(count)
        return NameCounts(position, tuple(unplaced), orjson.loads(counts))

    async def find(self, asked: IndexQuestion) -> Candidates:
        """Return rows that answer a question."""

        async def ask(connection: Connection) -> Candidates:
            return await find(connection, self._texts, asked, self._shares)

        return await self._run(ask)

    async def sample(self) -> None:
        """Look anew at how frequent trigrams are."""
        rows: list[tuple[str, int]] = []
        for kind in KINDS.values():
            first, last = (await self._fetch(sql.ENDS, kind * NUMBERS, (kind + 1) * NUMBERS))[0]
            if first is not None:
                numbers = [str(each) for each in spread(first, last)]
                rows += [tuple(row) for row in await self._fetch(sql.SAMPLE, numbers)]
        self._shares = await asyncio.to_thread(shares_in, rows)

    async def names(self, limit: int) -> list[tuple[str, int]]:
        """Return names of relationships with their counts."""
        return [(name, count) for name, count in await self._fetch(sql.NAMES, limit)]

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            found: T = await self._upkeep(work)
        except GraphMoved as error:  # a table is missing; `prepare` finds out which
            raise IndexDamagedError(
                "The search index is being made. Nothing else is touched by it; try again soon."
            ) from error
        return found

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values, timeout=WRITE_SECONDS)

        rows: list[Any] = await self._run(fetch)
        return rows

    async def _prepare(self, connection: Connection) -> None:
        table = self._texts["{graph}.search_state"]
        known = await connection.fetchval(sql.FOUND, table)
        text = await connection.fetchval(self._texts[sql.STATE]) if known else None
        if state_of(text) is None:
            await self._make(connection, anyway=False)
        self._writes.words = int(await connection.fetchval(self._texts[sql.WORDS]))

    async def _make(self, connection: Connection, *, anyway: bool = True) -> None:
        """Make all tables anew, one process at a time.

        Args:
            connection: to the server that takes writes.
            anyway: also where another process has done it meanwhile.

        Raises:
            asyncpg.UndefinedTableError: the graph has gone; its schema may be somebody else's.
        """
        table = self._texts["{graph}.search_state"]
        async with connection.transaction():
            await connection.execute(self._texts[sql.IS_HERE])
            await connection.execute(sql.LOCK, zlib.crc32(table.encode()))
            if not anyway and await connection.fetchval(sql.FOUND, table):
                text = await connection.fetchval(self._texts[sql.STATE])
                if state_of(text) is not None:
                    return
            await connection.execute(self._texts[sql.DROP], timeout=WRITE_SECONDS)
            for statement in sql.MAKE:
                values = (state_text(IndexState()),) if "$1" in statement else ()
                await connection.execute(self._texts[statement], *values, timeout=WRITE_SECONDS)
        self._writes.words = 0


def _rows(rows: list[Any]) -> list[SourceRow]:
    return [SourceRow(key, name, doc.encode()) for key, name, doc in rows]
