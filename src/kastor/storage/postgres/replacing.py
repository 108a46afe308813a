"""Puts schemas of graphs that were written under other names in their places, all at once."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.clock import new_guid
from kastor.errors import Conflict
from kastor.storage.postgres import ownership
from kastor.storage.postgres.move import connected
from kastor.storage.postgres.schema import exists, number_of, quoted
from kastor.storage.refusals import GraphRefusedError

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connection

COMING = "kastor_coming_"
"""How schemas begin whose graph has no place yet."""

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = 5000"
_USERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND position($1 IN query) > 0
"""
_ALONE = "SELECT pg_try_advisory_lock($1)"
_LEFT = "SELECT nspname FROM pg_namespace WHERE left(nspname, $1) = $2"
_RENAME = "ALTER SCHEMA {graph} RENAME TO "
_CLAIM = "UPDATE {graph}.meta SET claim = $1"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A graph that is to have a place.

    Attributes:
        coming: its schema now.
        schema: where it belongs.
        claim: of the graph that it replaces, by which that one is known; None: nothing is there.
    """

    coming: str
    schema: str
    claim: str | None


def new_schema() -> str:
    """Return a name for a graph that has no place yet."""
    return f"{COMING}{new_guid()[:8]}"


@asynccontextmanager
async def alone(dsn: str) -> AsyncIterator[None]:
    """Be the only one who brings graphs into a database; what one left that was killed goes.

    Raises:
        GraphRefusedError: somebody else is at it.
    """
    async with connected(dsn) as connection:
        if not await connection.fetchval(_ALONE, zlib.crc32(COMING.encode())):
            raise GraphRefusedError(
                "Another backup is being restored into this database. Try again when that ends."
            )
        for (schema,) in await connection.fetch(_LEFT, len(COMING), COMING):
            if await _was_coming(connection, schema):
                async with connection.transaction():
                    await ownership.remove(connection, schema)
        yield


async def users_of(dsn: str, schema: str) -> int:
    """Return how many connections have read or written a graph with their last statement."""
    async with connected(dsn) as connection:
        return int(await connection.fetchval(_USERS, f"{quoted(schema)}."))


async def holds_graph(dsn: str, schema: str) -> bool:
    """Return whether a graph is in a schema.

    Raises:
        GraphRefusedError: a newer graph, or something else is in it.
        Conflict: it is empty; nothing can be given its name.
    """
    async with connected(dsn) as connection:
        if await number_of(connection, schema):
            return True
        if await exists(connection, schema):
            raise Conflict(
                f"The schema {schema} is empty. Drop it: the graph is made in a schema of its own, "
                "which is given that name when it is whole.",
                code="SchemaExists",
            )
        return False


async def arrive(dsn: str, arrivals: Sequence[Arrival]) -> None:
    """Give graphs their places, in one transaction; what was there waits for its removal.

    Raises:
        Conflict: something depends on a graph that is to go, or it is another server's.
        asyncpg.PostgresError: somebody reads it all the time, or it is not allowed.
    """
    async with connected(dsn) as connection, connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        for each in arrivals:
            await _arrive(connection, each)


async def give_up(dsn: str, schema: str) -> None:
    """Remove a graph that has got no place."""
    async with connected(dsn) as connection, connection.transaction():
        if await exists(connection, schema):
            await ownership.remove(connection, schema)


async def _was_coming(connection: Connection, schema: str) -> bool:
    """Return whether a schema is what it is called: a graph that was not whole, and nobody's."""
    try:
        if await number_of(connection, schema) == 0:
            return False
    except GraphRefusedError:
        return False
    found = await ownership.marks(connection, quoted(schema))
    return found.made and found.claim is None and found.unfinished == ownership.COPYING


async def _arrive(connection: Connection, arrival: Arrival) -> None:
    coming = quoted(arrival.coming)
    if arrival.claim is not None:
        await ownership.retire(connection, arrival.schema, arrival.claim)
        await connection.execute(_CLAIM.replace("{graph}", coming), arrival.claim)
    await ownership.mark(connection, arrival.coming, None)
    await connection.execute(_RENAME.replace("{graph}", coming) + quoted(arrival.schema))
