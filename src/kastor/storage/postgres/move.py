"""Moves one graph from a schema to another, in the same or another database, while it is served.

Most of it is copied while everybody reads and writes. Then the source's tables are locked against
writes, what differs is brought over, and the source is retired: its schema gets another name, or
its tables go. That is the decision: a graph is where a schema of its name bears its claim, so that
of a move that broke off anywhere everybody can tell which side holds. Writers that waited for the
lock find the graph gone, have written nothing, and go to the new place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from kastor.storage.indexes import PREFIX
from kastor.storage.postgres import ownership
from kastor.storage.postgres.comparison import bring_over
from kastor.storage.postgres.connections import connect_for_long
from kastor.storage.postgres.ownership import DROPPED
from kastor.storage.postgres.schema import SCHEMA_VERSION, number_of, prepare, quoted
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.refusals import NotAGraphError, SchemaTooNewError
from kastor.storage.tables import TABLES
from kastor.storage.transfer import synchronise

Report: TypeAlias = Callable[[str], Awaitable[None]]
"""Told what the move is doing; raises MoveLostError when another process has taken it over."""

PASSES = 10
FEW_ROWS = 2_000
"""So few rows that differ are left to the moment in which writes wait."""

LOCK_ATTEMPTS = 10
IDLE_SECONDS = 15
FIRST_MARKED = 3
"""The schema number from which on what was put aside bears a mark beside its name."""

BUILD_SECONDS = 3_600.0
REPORT_SECONDS = 0.5

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = 2000"
_IDLE_TIMEOUT = f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000}"
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE left(nspname, $1) = $2"
_INDEXES = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = '{graph}.twins'::regclass AND i.indisvalid AND left(c.relname, $1) = $2
"""
_LOCKED_TABLES = ("meta", "log_head", *(table.name for table in TABLES))


class MoveLostError(Exception):
    """Another process carries the move on by now."""


async def move(
    source: tuple[str, str], target: tuple[str, str], claim: str, report: Report
) -> None:
    """Move a graph; when this returns, it is no longer in the source's schema.

    Args:
        source: address and schema of where it is.
        target: address and schema of where it goes; there must be no graph.
        claim: that the graph bears here and there.
        report: told how far it is.

    Raises:
        MoveLostError, StillDifferentError, Conflict, NotAGraphError: nothing was decided.
        asyncpg.PostgresError, OSError: as well, unless the connection was lost in the last moment;
            `is_at` tells.
    """
    async with AsyncExitStack() as stack:
        reading = await _opened(stack, PostgresGraphFile.open(*source, writes=False))
        writing = await _opened(stack, PostgresGraphFile.open(*target, writes=True, claim=claim))
        async with reading.snapshot():
            await synchronise(reading, writing, _Progress(report).note)
        await report("building indexes")
        await _copy_indexes(reading, writing)
        for _ in range(PASSES):
            await report("catching up")
            async with reading.snapshot():
                if await bring_over(reading, writing) <= FEW_ROWS:
                    break
        await report("switching")
        await _switch(reading, writing, claim, report)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    """Connect for a block, outside of any pool."""
    connection = await connect_for_long(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def is_at(dsn: str, schema: str, claim: str) -> bool:
    """Return whether a graph is in its schema, once nobody is about to take it away.

    Raises:
        asyncpg.PostgresError, OSError: it cannot be found out now.
    """
    async with connected(dsn) as connection:
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(f"LOCK TABLE {quoted(schema)}.meta IN EXCLUSIVE MODE")
                if await number_of(connection, schema) < SCHEMA_VERSION:
                    return True
                return (await ownership.marks(connection, quoted(schema))).claim in (None, claim)
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return False


async def put_aside(dsn: str, schema: str, claim: str, *, loosely: bool = False) -> bool:
    """Take a graph away from its place, which nobody can undo; return False if it is not there.

    Args:
        dsn: of the database.
        schema: where it is.
        claim: that it bears.
        loosely: whether a graph that nobody has claimed is meant as well.

    Raises:
        Conflict: something depends on it; or, if loosely, it is another's.
        SchemaTooNewError: it is a graph of a newer Kastor.
        asyncpg.LockNotAvailableError: somebody reads it all the time.
    """
    async with connected(dsn) as connection:
        for attempt in range(1, LOCK_ATTEMPTS + 1):
            try:
                async with connection.transaction():
                    await connection.execute(_LOCK_TIMEOUT)
                    if not await _is_claimed(connection, schema, claim, loosely):
                        return False
                    await ownership.retire(connection, schema, claim)
            except asyncpg.LockNotAvailableError:
                if attempt == LOCK_ATTEMPTS:
                    raise
                await asyncio.sleep(0.1 * attempt)
            else:
                return True
    raise AssertionError


async def _is_claimed(connection: Any, schema: str, claim: str, loosely: bool) -> bool:
    try:
        if await number_of(connection, schema) == 0:
            return False
    except NotAGraphError:
        return False  # somebody else has taken the name
    await prepare(connection, schema, create=False)  # an older one has no marks
    return loosely or (await ownership.marks(connection, quoted(schema))).claim == claim


async def remove_dropped(dsn: str) -> list[str]:
    """Remove what was put aside, as far as nobody reads it any more; return why some stays."""
    left: list[str] = []
    async with connected(dsn) as connection:
        for (name,) in await connection.fetch(_SCHEMAS, len(DROPPED), DROPPED):
            try:
                async with connection.transaction():
                    await connection.execute(_LOCK_TIMEOUT)
                    if await _was_put_aside(connection, name):
                        await ownership.remove(connection, name)
            except asyncpg.DependentObjectsStillExistError as error:
                left.append(f"{error}: {error.detail}")
            except (asyncpg.LockNotAvailableError, asyncpg.InsufficientPrivilegeError):
                continue  # a query is reading it, or it is another user's
            except (NotAGraphError, SchemaTooNewError, ValueError):
                continue  # no graph of ours, whatever its name
    return left


async def _was_put_aside(connection: Any, schema: str) -> bool:
    number = await number_of(connection, schema)
    if 0 < number < FIRST_MARKED:
        return True
    return number > 0 and (
        (await ownership.marks(connection, quoted(schema))).unfinished == ownership.REMOVED
    )


async def _switch(
    reading: PostgresGraphFile, writing: PostgresGraphFile, claim: str, report: Report
) -> None:
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
                await writing.finish()
                await report("switching")
                await ownership.retire(connection, reading.schema, claim)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
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


async def _opened(
    stack: AsyncExitStack, opening: Awaitable[PostgresGraphFile]
) -> PostgresGraphFile:
    graph = await opening
    stack.push_async_callback(graph.close)
    return graph


def _lock(schema: str) -> str:
    tables = ", ".join(f"{quoted(schema)}.{name}" for name in _LOCKED_TABLES)
    return f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"
