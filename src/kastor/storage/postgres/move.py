"""Moves one graph from a schema to another, in the same or another database, while it is served.

Most of it is copied while everybody reads and writes. Then the source's tables are locked against
writes, what differs is brought over, and the source's schema gets another name. That renaming is
the decision: a graph is where its schema has its name, so that of a move that broke off anywhere
everybody can tell which side holds. Writers that waited for the lock find the schema gone, have
written nothing, and go to the new place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from kastor.clock import new_guid
from kastor.storage.indexes import PREFIX
from kastor.storage.postgres.comparison import bring_over
from kastor.storage.postgres.connections import connect_for_long
from kastor.storage.postgres.schema import exists, quoted
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.transfer import TABLES, synchronise

Report: TypeAlias = Callable[[str], Awaitable[None]]
"""Told what the move is doing; raises MoveLostError when another process has taken it over."""

DROPPED = "kastor_dropped_"
"""How schemas begin that only wait for their removal."""

PASSES = 10
FEW_ROWS = 2_000
"""So few rows that differ are left to the moment in which writes wait."""

LOCK_ATTEMPTS = 10
IDLE_SECONDS = 15
BUILD_SECONDS = 3_600.0
REPORT_SECONDS = 0.5

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = 2000"
_IDLE_TIMEOUT = f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000}"
_RENAME = "ALTER SCHEMA {graph} RENAME TO "
_DROP = "DROP SCHEMA IF EXISTS {graph} CASCADE"
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE left(nspname, $1) = $2"
_INDEXES = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = '{graph}.twins'::regclass AND i.indisvalid AND left(c.relname, $1) = $2
"""
_LOCKED_TABLES = ("meta", "log_head", *(table.name for table in TABLES))


class MoveLostError(Exception):
    """Another process carries the move on by now."""


async def move(source_dsn: str, source: str, target_dsn: str, target: str, report: Report) -> None:
    """Move a graph; when this returns, the source's schema has its name no more.

    Raises:
        MoveLostError, StillDifferentError: nothing was decided.
        asyncpg.PostgresError, OSError: as well, unless the connection was lost in the last moment;
            `is_at` tells.
    """
    async with AsyncExitStack() as stack:
        reading = await _open(stack, source_dsn, source, writes=False)
        writing = await _open(stack, target_dsn, target, writes=True)
        await synchronise(reading, writing, _Progress(report).note)
        await report("building indexes")
        await _copy_indexes(reading, writing)
        for _ in range(PASSES):
            await report("catching up")
            async with reading.snapshot():
                if await bring_over(reading, writing) <= FEW_ROWS:
                    break
        await report("switching")
        await _switch(reading, writing, report)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    """Connect for a block, outside of any pool."""
    connection = await connect_for_long(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def is_at(dsn: str, schema: str) -> bool:
    """Return whether the schema has its name, once nobody is about to rename it.

    Raises:
        asyncpg.PostgresError, OSError: it cannot be found out now.
    """
    async with connected(dsn) as connection:
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(f"LOCK TABLE {quoted(schema)}.meta IN EXCLUSIVE MODE")
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return False
    return True


async def put_aside(dsn: str, schema: str) -> bool:
    """Take a schema's name from it, which nobody can undo; return False if there is none."""
    async with connected(dsn) as connection:
        if not await exists(connection, schema):
            return False
        await connection.execute(_rename(schema))
    return True


async def remove_dropped(dsn: str) -> int:
    """Remove what was put aside, as far as nobody reads it any more; return how many schemas."""
    removed = 0
    async with connected(dsn) as connection:
        for (name,) in await connection.fetch(_SCHEMAS, len(DROPPED), DROPPED):
            try:
                async with connection.transaction():
                    await connection.execute(_LOCK_TIMEOUT)
                    await connection.execute(_DROP.replace("{graph}", quoted(name)))
                removed += 1
            except (asyncpg.LockNotAvailableError, asyncpg.InsufficientPrivilegeError):
                continue  # a query is reading it, or it is another user's
    return removed


async def _switch(reading: PostgresGraphFile, writing: PostgresGraphFile, report: Report) -> None:
    """The moment in which writes wait."""
    connection = reading.connection
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(_IDLE_TIMEOUT)
                await connection.execute(_lock(reading.schema))
                await reading.number_log()
                await bring_over(reading, writing)
                await report("switching")
                await connection.execute(_rename(reading.schema))
        except asyncpg.LockNotAvailableError:
            if attempt == LOCK_ATTEMPTS:
                raise
            await asyncio.sleep(0.1 * attempt)
        else:
            return


class _Progress:
    """Turns the copy's progress into reports, not too many."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = 0.0
        self._reporting: asyncio.Task[None] | None = None

    def note(self, table: str, done: int, total: int) -> None:
        loop = asyncio.get_running_loop()
        if self._reporting is not None and self._reporting.done():
            self._reporting.result()
            self._reporting = None
        if self._reporting is None and loop.time() - self._last > REPORT_SECONDS:
            self._last = loop.time()
            text = f"copying {table}: {done:,} of {total:,}"
            self._reporting = asyncio.ensure_future(self._send(text))

    async def _send(self, text: str) -> None:
        await self._report(text)


async def _copy_indexes(reading: PostgresGraphFile, writing: PostgresGraphFile) -> None:
    for name, definition in await reading.fetch(_INDEXES, len(PREFIX), PREFIX):
        method = definition.partition(" USING ")[2]
        text = f'CREATE INDEX IF NOT EXISTS "{name}" ON {{graph}}.twins USING {method}'
        await writing.connection.execute(
            text.replace("{graph}", quoted(writing.schema)), timeout=BUILD_SECONDS
        )


async def _open(stack: AsyncExitStack, dsn: str, schema: str, *, writes: bool) -> PostgresGraphFile:
    graph = await PostgresGraphFile.open(dsn, schema, writes=writes)
    stack.push_async_callback(graph.close)
    return graph


def _lock(schema: str) -> str:
    tables = ", ".join(f"{quoted(schema)}.{name}" for name in _LOCKED_TABLES)
    return f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"


def _rename(schema: str) -> str:
    return _RENAME.replace("{graph}", quoted(schema)) + quoted(f"{DROPPED}{new_guid()[:8]}")
