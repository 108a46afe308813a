"""Point reads: one statement, one round trip, done again once if the connection was lost."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from kastor.records import IncomingRow, RelationshipPage, RelationshipRow, TwinRow
from kastor.storage.limits import PAGE_BYTES
from kastor.storage.parts import limited
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.documents import from_jsonb
from kastor.storage.postgres.faults import Fault, fault_of, gone, unavailable
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import ReadFrom, Sees
    from kastor.storage.postgres.connections import Connections
    from kastor.storage.postgres.replicas import Replicas
    from kastor.storage.postgres.statements import Qualified

ATTEMPTS = 3
PAUSE_SECONDS = 0.02


class PostgresPointReads:
    """Reads of single rows and of short listings."""

    def __init__(self, connections: Connections, texts: Qualified, replicas: Replicas) -> None:
        self._connections = connections
        self._texts = texts
        self._replicas = replicas

    def limited_to(self, sees: Sees) -> PostgresPointReads:
        """Return the same reads of what can be seen alone."""
        return _LimitedReads(self._connections, self._texts.again(), self._replicas, sees)

    async def twin(self, twin_id: str, source: ReadFrom) -> TwinRow | None:
        """Return a twin."""
        rows = await self._read(sql.TWIN, (known(twin_id),), source)
        return twin_row(rows[0]) if rows else None

    async def relationship(
        self, source_id: str, relationship_id: str, source: ReadFrom
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source twin exists, and the relationship."""
        values = (known(source_id), known(relationship_id))
        rows = await self._read(sql.RELATIONSHIP_OF, values, source)
        return bool(rows), relationship_row(rows[0]) if rows else None

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, source: ReadFrom
    ) -> RelationshipPage | None:
        """Return a page of the relationships that leave a twin; None if it does not exist."""
        values = (known(source_id), known(after), limit + 1, PAGE_BYTES)
        if name is None:
            rows = await self._read(sql.OUTGOING, values, source)
        else:
            rows = await self._read(sql.OUTGOING_NAMED, (*values, known(name)), source)
        if not rows:
            return None
        found = [relationship_row(row) for row in rows[:limit]]
        page = [row for row in found if row is not None]
        return RelationshipPage(page, more=bool(page) and rows[0]["ahead"] > len(page))

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, source: ReadFrom
    ) -> list[IncomingRow] | None:
        """Return a page of the relationships that enter a twin; None if it does not exist."""
        rows = await self._read(sql.INCOMING, (known(target_id), *after, limit), source)
        if not rows:
            return None
        return [IncomingRow(*row) for row in rows if row[0] is not None]

    async def _read(self, text: str, values: Sequence[object], source: ReadFrom) -> list[Any]:
        """Run one reading statement where the request wants it read."""

        async def ask(replica: Connections) -> list[Any]:
            async with replica.lease() as connection:
                rows: list[Any] = await connection.fetch(self._texts[text], *values)
                return rows

        return await self._replicas.read(source, ask, partial(self.fetch, text, values))

    async def fetch(self, text: str, values: Sequence[object]) -> list[Any]:
        """Run one reading statement on the primary.

        Raises:
            Unavailable: no server answers.
        """
        statement = self._texts[text]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._connections.lease() as connection:
                    rows: list[Any] = await connection.fetch(statement, *values)
                    return rows
            except Exception as error:
                fault = fault_of(error)
                if fault is Fault.OTHER:
                    raise
                if fault is Fault.GONE:
                    raise gone() from error
                if fault in (Fault.LOST, Fault.ELSEWHERE):
                    self._connections.expire(error)
                if attempt == ATTEMPTS or isinstance(error, TimeoutError):
                    raise unavailable(error) from error
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError


class _LimitedReads(PostgresPointReads):
    def __init__(
        self, connections: Connections, texts: Qualified, replicas: Replicas, sees: Sees
    ) -> None:
        super().__init__(connections, texts, replicas)
        self._sees = sees

    @override
    async def _read(self, text: str, values: Sequence[object], source: ReadFrom) -> list[Any]:
        return await super()._read(limited(text, self._sees), values, source)


def known(text: str) -> str:
    """Return an id to look for; PostgreSQL has no U+0000, and nothing is called the empty text."""
    return "" if "\0" in text else text


def twin_row(row: Sequence[Any], first: int = 0) -> TwinRow | None:
    """Return the twin whose columns begin at `first`."""
    if row[first] is None:
        return None
    key, twin_id, model_key, etag, version, doc = (row[first + n] for n in range(6))
    return TwinRow(key, twin_id, model_key, etag, version, from_jsonb(doc))


def relationship_row(row: Sequence[Any], first: int = 0) -> RelationshipRow | None:
    """Return the relationship whose columns begin at `first`."""
    if row[first] is None:
        return None
    key, source, relationship_id, name, target, etag, version, doc = (
        row[first + n] for n in range(8)
    )
    return RelationshipRow(
        key, source, relationship_id, name, target, etag, version, from_jsonb(doc)
    )
