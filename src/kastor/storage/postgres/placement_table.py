"""The table of placements: which graph lives in which schema of which database.

It stands in a schema of its own in the server's own database, made when the first graph beside the
default one is. Servers with other default graphs may share it: `home` keeps them apart.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kastor.clock import now_ticks
from kastor.storage.postgres.connections import Connections
from kastor.storage.postgres.schema import exists

CONTROL = "kastor_control"
_MADE, _ADOPTED = "being made", "being taken over"
"""What the row of a graph says that is not there yet."""

_LOCK = "SELECT pg_advisory_xact_lock($1)"
_EXISTS = """
SELECT count(*) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = $1 AND c.relname = 'graphs'
  AND has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
"""
_MAKE_SCHEMA = "CREATE SCHEMA kastor_control"
_MAKE_TABLE = """
CREATE TABLE kastor_control.graphs (
    home           text COLLATE "C" NOT NULL,  -- schema of the server's default graph
    name           text COLLATE "C" NOT NULL,
    database       text NOT NULL,              -- by its name in the settings; '' is our own
    schema         text NOT NULL,
    created        bigint NOT NULL,
    next_database  text,                       -- where it is moving to
    next_schema    text,
    mover          text,                       -- the process that moves or deletes it
    mover_until    timestamptz,
    progress       text,
    error          text,                       -- why the last move did not happen
    PRIMARY KEY (home, name)
)
"""
_ROWS = """
SELECT name, database, schema, created, next_database, next_schema, progress, error
FROM kastor_control.graphs WHERE home = $1 AND ($2::text IS NULL OR name = $2) ORDER BY name
"""
_TAKEN = """
SELECT count(*) FROM kastor_control.graphs
WHERE (database = $1 AND schema = $2) OR (next_database = $1 AND next_schema = $2)
"""
_INSERT = """
INSERT INTO kastor_control.graphs
    (home, name, database, schema, created, mover, mover_until, progress)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), $8)
ON CONFLICT DO NOTHING RETURNING 1
"""
_DELETE = """
DELETE FROM kastor_control.graphs WHERE home = $1 AND name = $2 AND mover = $3 RETURNING 1
"""
_CLAIM = """
UPDATE kastor_control.graphs SET next_database = $3, next_schema = $4, mover = $5,
    mover_until = now() + make_interval(secs => $6), progress = $7, error = NULL
WHERE home = $1 AND name = $2 AND mover IS NULL RETURNING 1
"""
_KEEP = """
UPDATE kastor_control.graphs
SET mover_until = now() + make_interval(secs => $4), progress = coalesce($5, progress)
WHERE home = $1 AND name = $2 AND mover = $3 RETURNING 1
"""
_END_MOVE = """
UPDATE kastor_control.graphs SET
    database = CASE WHEN $4 THEN next_database ELSE database END,
    schema = CASE WHEN $4 THEN next_schema ELSE schema END,
    next_database = NULL, next_schema = NULL, mover = NULL, mover_until = NULL, progress = NULL,
    error = $5
WHERE home = $1 AND name = $2 AND mover = $3 RETURNING 1
"""
_TAKE_OVER = """
UPDATE kastor_control.graphs
SET mover = $2, mover_until = now() + make_interval(secs => $3)
WHERE home = $1 AND (mover_until < now() OR mover_until > now() + interval '5 minutes')
RETURNING name
"""


@dataclass(frozen=True, slots=True)
class PlacedGraph:
    """One row.

    Attributes:
        created: when the row was made, in ticks.
        target: database and schema that the graph is moving to.
        progress: None unless it is being moved or deleted.
    """

    name: str
    database: str
    schema: str
    created: int
    target: tuple[str, str] | None = None
    progress: str | None = None
    error: str | None = None

    @property
    def is_coming(self) -> bool:
        """Whether the graph is not there yet."""
        return self.progress in (_MADE, _ADOPTED)

    @property
    def is_adopted(self) -> bool:
        """Whether it is coming and was in the schema before."""
        return self.progress == _ADOPTED


class PlacementTable:
    """The rows of one server, which may be several processes."""

    def __init__(self, connections: Connections, home: str) -> None:
        self._connections = connections
        self._home = home
        self._is_there = False

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[PlacementTable]:
        """Give a block the table through a connection of its own.

        Writers that wait for a graph which is locked may hold all the others.
        """
        connections = self._connections.single()
        try:
            yield PlacementTable(connections, self._home)
        finally:
            await connections.close()

    async def rows(self, name: str | None = None) -> list[PlacedGraph]:
        """Return all rows, or the one of a graph."""
        return [_placed(*row) for row in await self._fetch(_ROWS, name)]

    async def is_taken(self, database: str, schema: str) -> bool:
        """Return whether a graph of whatever server is in a place, or on its way there."""
        if not await self._found():
            return False
        async with self._connections.lease() as connection:
            return bool(await connection.fetchval(_TAKEN, database, schema))

    async def insert(
        self, name: str, place: tuple[str, str], mover: str, hold: float, *, adopts: bool
    ) -> bool:
        """Note a graph that is only coming, claimed; return False if there is one of that name.

        Args:
            name: of the graph.
            place: database and schema.
            mover: who makes it.
            hold: seconds for which it is claimed.
            adopts: whether it is in the schema already.
        """
        if not await self._found():
            await self._make()
        values = (*place, now_ticks(), mover, hold, _ADOPTED if adopts else _MADE)
        return bool(await self._fetch(_INSERT, name, *values))

    async def begin_move(self, name: str, wanted: tuple[str, str], mover: str, hold: float) -> bool:
        """Claim a graph for a move; return False if it is claimed already."""
        return bool(await self._fetch(_CLAIM, name, *wanted, mover, hold, "begins"))

    async def begin_delete(self, name: str, mover: str, hold: float) -> bool:
        """Claim a graph for its end; return False if it is claimed already."""
        return bool(await self._fetch(_CLAIM, name, None, None, mover, hold, "being deleted"))

    async def delete(self, name: str, mover: str) -> bool:
        """Forget a graph that is claimed."""
        return bool(await self._fetch(_DELETE, name, mover))

    async def keep_move(self, name: str, mover: str, hold: float, progress: str | None) -> bool:
        """Renew a claim and say how far it is; return False if another process has it by now."""
        return bool(await self._fetch(_KEEP, name, mover, hold, progress))

    async def end_move(self, name: str, mover: str, *, moved: bool, error: str | None) -> bool:
        """End a move, at its new place or at the old one."""
        return bool(await self._fetch(_END_MOVE, name, mover, moved, error))

    async def take_over(self, mover: str, hold: float) -> list[str]:
        """Claim what processes that have ended began; return the graphs' names."""
        return [name for (name,) in await self._fetch(_TAKE_OVER, mover, hold)]

    async def _fetch(self, text: str, *values: object) -> Sequence[Any]:
        if not await self._found():
            return ()
        async with self._connections.lease() as connection:
            rows: Sequence[Any] = await connection.fetch(text, self._home, *values)
            return rows

    async def _found(self) -> bool:
        if not self._is_there:
            async with self._connections.lease() as connection:
                self._is_there = bool(await connection.fetchval(_EXISTS, CONTROL))
        return self._is_there

    async def _make(self) -> None:
        async with self._connections.lease() as connection, connection.transaction():
            await connection.execute(_LOCK, zlib.crc32(CONTROL.encode()))
            if not await connection.fetchval(_EXISTS, CONTROL):
                # An administrator may have made it for a user without the right to.
                if not await exists(connection, CONTROL):
                    await connection.execute(_MAKE_SCHEMA)
                await connection.execute(_MAKE_TABLE)


def _placed(
    name: str,
    database: str,
    schema: str,
    created: int,
    next_database: str | None,
    next_schema: str | None,
    progress: str | None,
    error: str | None,
) -> PlacedGraph:
    target = None
    if next_database is not None and next_schema is not None:
        target = (next_database, next_schema)
    return PlacedGraph(name, database, schema, created, target, progress, error)
