"""The change log, endpoints, routes and dead letters on SQLite; see `kastor.storage.events`.

Reads run on the pool, writes as upkeep jobs of the writer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import apsw

from kastor.clock import now_ticks
from kastor.records import ChangeKind
from kastor.storage.events import READ_BYTES, DeadLetter, EndpointRow, LoggedChange, RouteRow
from kastor.storage.pulse import Pulse
from kastor.storage.sqlite.pool import ReadPool
from kastor.storage.sqlite.unit_of_work import Counters
from kastor.storage.ticker import LEAD
from kastor.types import Ticks

Upkeep: TypeAlias = Callable[[Callable[[apsw.Connection, Counters], Any]], Awaitable[Any]]

_CHANGES = """
WITH ahead AS (
    SELECT seq AS at, octet_length(data) AS size FROM changes WHERE seq > ?1 ORDER BY seq LIMIT ?2
), counted AS (SELECT at, sum(size) OVER (ORDER BY at) - size AS before FROM ahead)
SELECT seq, subject, version, kind, notify, event_id, time, actor, traceparent, model_id,
       component, content_type, data
FROM counted CROSS JOIN changes ON seq = at WHERE before < ?3 ORDER BY seq
"""
_BEFORE_NEXT = """
SELECT coalesce((SELECT min(seq) - 1 FROM changes WHERE seq > ?1),
                max(?1, (SELECT seq FROM sqlite_sequence WHERE name = 'changes')), ?1)
"""
_BOUNDS = """
SELECT coalesce((SELECT min(seq) FROM changes), 0),
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)
"""
_POSITION_AT = """
SELECT coalesce((SELECT min(seq) - 1 FROM changes WHERE time >= ?1 AND time <= ?2),
                (SELECT max(seq) FROM changes), 0)
"""
_ENDPOINTS = "SELECT name, kind, CAST(settings AS BLOB), created FROM endpoints ORDER BY name"
_PUT_ENDPOINT = """
INSERT INTO endpoints (name, kind, settings, created) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings
"""
_DELETE_ENDPOINT = "DELETE FROM endpoints WHERE name = ? RETURNING 1"
_ROUTES = """
SELECT id, endpoint, filter, position, paused, created, delivered, died, last_delivery, last_error
FROM routes ORDER BY id
"""
_PUT_ROUTE = """
INSERT INTO routes (id, endpoint, filter, position, paused, created, delivered, died)
VALUES (?, ?, ?, ?, 0, ?, 0, 0)
ON CONFLICT (id) DO UPDATE SET endpoint = excluded.endpoint, filter = excluded.filter
"""
_DELETE_ROUTE = "DELETE FROM routes WHERE id = ? RETURNING 1"
_DELETE_LETTERS = "DELETE FROM dead_letters WHERE route = ?"
_POSITION = "SELECT position FROM routes WHERE id = ?"
_PAUSE = "UPDATE routes SET paused = ? WHERE id = ? RETURNING 1"
_MOVE = "UPDATE routes SET position = ? WHERE id = ? RETURNING 1"
_ADVANCE = """
UPDATE routes SET position = max(position, ?), delivered = delivered + ?, died = died + ?,
                  last_delivery = coalesce(?, last_delivery), last_error = ?
WHERE id = ? RETURNING delivered
"""
_BURY = """
INSERT INTO dead_letters (route, position, event, error, attempts, died, requeued)
VALUES (?, ?, ?, ?, ?, ?, 0)
"""
_SETTLE = "DELETE FROM dead_letters WHERE key = ?"
_LETTERS = """
WITH ahead AS (
    SELECT key AS at, octet_length(event) AS size FROM dead_letters WHERE route = ?1 AND key > ?2
    ORDER BY key LIMIT ?3
), counted AS (SELECT at, sum(size) OVER (ORDER BY at) - size AS before FROM ahead)
SELECT key, route, position, event, error, attempts, died, requeued
FROM counted CROSS JOIN dead_letters ON key = at WHERE before < ?4 ORDER BY key
"""
_COUNT_LETTERS = "SELECT count(*) FROM dead_letters WHERE route = ? {some}"
_REQUEUE = "UPDATE dead_letters SET requeued = 1 WHERE route = ? {some} RETURNING 1"
_PURGE = "DELETE FROM dead_letters WHERE route = ? {some} RETURNING 1"
_SOME = "AND key IN (SELECT value FROM json_each(?))"


class SqliteEventTables:
    """Implements `EventStore` for one file, which one process has to itself."""

    shared = False

    def __init__(self, pool: ReadPool, upkeep: Upkeep, pulse: Pulse) -> None:
        self._pool = pool
        self._upkeep = upkeep
        self._pulse = pulse

    async def log_wake(self, seen: int) -> None:
        """Wait until the log has grown beyond `seen`."""
        await self._pulse.wait(seen)

    async def changes_after(self, position: int, limit: int) -> list[LoggedChange]:
        """Return entries after `position`."""
        rows = await self._read(_CHANGES, (position, limit, READ_BYTES))
        return [
            LoggedChange(seq, subject, version, ChangeKind(kind), bool(notify), *rest)
            for seq, subject, version, kind, notify, *rest in rows
        ]

    async def before_next(self, position: int) -> int:
        """Return the position before the first entry after `position`."""
        return int((await self._read(_BEFORE_NEXT, (position,)))[0][0])

    async def log_bounds(self) -> tuple[int, int]:
        """Return the oldest and newest position."""
        rows = await self._read(_BOUNDS, ())
        return rows[0][0], rows[0][1]

    async def position_at(self, instant: Ticks) -> int:
        """Return the last position before an instant."""
        rows = await self._read(_POSITION_AT, (instant, max(instant, now_ticks() + LEAD)))
        return int(rows[0][0])

    async def endpoints(self) -> list[EndpointRow]:
        """Return the endpoints."""
        return [EndpointRow(*row) for row in await self._read(_ENDPOINTS, ())]

    async def put_endpoint(self, row: EndpointRow) -> None:
        """Create or replace an endpoint."""
        values = (row.name, row.kind, row.settings.decode(), row.created)
        await self._write(_PUT_ENDPOINT, values)

    async def delete_endpoint(self, name: str) -> bool:
        """Delete an endpoint."""
        return bool(await self._write(_DELETE_ENDPOINT, (name,)))

    async def routes(self) -> list[RouteRow]:
        """Return the routes."""
        rows = await self._read(_ROUTES, ())
        return [
            RouteRow(route_id, endpoint, text, position, bool(paused), *rest)
            for route_id, endpoint, text, position, paused, *rest in rows
        ]

    async def put_route(self, route_id: str, endpoint: str, filter_text: str) -> None:
        """Create or replace a route."""

        def put(connection: apsw.Connection, counters: Counters) -> None:
            values = (route_id, endpoint, filter_text, counters.seq, now_ticks())
            connection.execute(_PUT_ROUTE, values).fetchall()

        await self._upkeep(put)

    async def delete_route(self, route_id: str) -> bool:
        """Delete a route and its dead letters."""

        def delete(connection: apsw.Connection, _: Counters) -> bool:
            connection.execute(_DELETE_LETTERS, (route_id,)).fetchall()
            return bool(connection.execute(_DELETE_ROUTE, (route_id,)).fetchall())

        return bool(await self._upkeep(delete))

    async def pause_route(self, route_id: str, paused: bool) -> bool:
        """Pause or resume a route."""
        return bool(await self._write(_PAUSE, (paused, route_id)))

    async def move_route(self, route_id: str, position: int) -> bool:
        """Set a route's position."""
        return bool(await self._write(_MOVE, (position, route_id)))

    async def hold_route(self, route_id: str, _owner: str, _seconds: float) -> int | None:
        """Return a route's position; nobody else could hold it."""
        rows = await self._read(_POSITION, (route_id,))
        return rows[0][0] if rows else None

    async def keep_route(self, route_id: str, _owner: str, _seconds: float) -> bool | None:
        """Nothing can be lost, and nobody else requeues."""
        rows = await self._read(_POSITION, (route_id,))
        return False if rows else None

    async def let_go(self, route_id: str, owner: str) -> None:
        """Nothing was held."""

    async def advance_route(
        self,
        route_id: str,
        _owner: str,
        position: int,
        *,
        delivered: int,
        error: str | None,
        letters: list[DeadLetter],
        settled: list[int],
    ) -> int | None:
        """Note a route's progress in one transaction; return its deliveries."""
        now = now_ticks()
        last_delivery = now if delivered else None
        progress = (position, delivered, len(letters), last_delivery, error, route_id)

        def advance(connection: apsw.Connection, _: Counters) -> int | None:
            rows: list[Any] = connection.execute(_ADVANCE, progress).fetchall()
            if not rows:
                return None
            for letter in letters:
                dead = (letter.position, letter.event, letter.error, letter.attempts, now)
                connection.execute(_BURY, (route_id, *dead)).fetchall()
            for key in settled:
                connection.execute(_SETTLE, (key,)).fetchall()
            return int(rows[0][0])

        total: int | None = await self._upkeep(advance)
        return total

    async def dead_letters(self, route_id: str, after: int, limit: int) -> list[DeadLetter]:
        """Return a route's dead letters."""
        rows = await self._read(_LETTERS, (route_id, after, limit, READ_BYTES))
        return [
            DeadLetter(key, route, position, event, error, attempts, died, bool(requeued))
            for key, route, position, event, error, attempts, died, requeued in rows
        ]

    async def count_letters(self, route_id: str, keys: list[int] | None) -> int:
        """Return how many of these dead letters there are."""
        return int((await self._read(*_of_some(_COUNT_LETTERS, route_id, keys)))[0][0])

    async def requeue(self, route_id: str, keys: list[int] | None) -> int:
        """Mark dead letters to be sent again."""
        return len(await self._write(*_of_some(_REQUEUE, route_id, keys)))

    async def purge(self, route_id: str, keys: list[int] | None) -> int:
        """Delete dead letters."""
        return len(await self._write(*_of_some(_PURGE, route_id, keys)))

    async def _read(self, statement: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._pool.call(
            lambda connection: connection.execute(statement, params).fetchall()
        )
        return rows

    async def _write(self, statement: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._upkeep(
            lambda connection, _: connection.execute(statement, params).fetchall()
        )
        return rows


def _of_some(
    statement: str, route_id: str, keys: list[int] | None
) -> tuple[str, tuple[object, ...]]:
    """Return a statement about some dead letters of a route (None: all), and its values."""
    if keys is None:
        return statement.format(some=""), (route_id,)
    listed = "[" + ",".join(str(int(key)) for key in keys) + "]"
    return statement.format(some=_SOME), (route_id, listed)
