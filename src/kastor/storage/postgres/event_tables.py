"""The change log, endpoints, routes and dead letters on PostgreSQL; see `kastor.storage.events`.

Entries are written without a position, since a sequence would show them out of order: a lower
number may be committed later. Whoever reads the log first gives positions to what is committed by
then, one reader at a time. A later version of a twin waits for the commit of the one before it, so
that it can only be seen together with it, and its time is later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from kastor.clock import now_ticks
from kastor.records import ChangeKind
from kastor.storage.events import READ_BYTES, DeadLetter, EndpointRow, LoggedChange, RouteRow
from kastor.storage.postgres.connections import Connection
from kastor.storage.postgres.leases import hold, keep, let_go
from kastor.storage.postgres.stamping import GROWN, stamp
from kastor.storage.postgres.statements import Qualified
from kastor.storage.ticker import LEAD
from kastor.types import Ticks

Upkeep: TypeAlias = Callable[[Callable[[Connection], Any]], Awaitable[Any]]

POLL_SECONDS = 0.2
"""How soon the log is looked at for entries of other processes."""

_GROWN = """
SELECT position > $1 OR EXISTS (SELECT 1 FROM {graph}.changes WHERE pos IS NULL)
FROM {graph}.log_head
"""
_CHANGES = """
SELECT pos, subject, version, kind, notify, event_id, time, actor, traceparent, model_id,
       component, content_type, data
FROM (
    SELECT *, sum(bytes) OVER (ORDER BY pos) - bytes AS before FROM (
        SELECT * FROM {graph}.changes WHERE pos > $1 ORDER BY pos LIMIT $2) c
) c WHERE before < $3 ORDER BY pos
"""
_BEFORE_NEXT = """
SELECT coalesce((SELECT min(pos) - 1 FROM {graph}.changes WHERE pos > $1), greatest(position, $1))
FROM {graph}.log_head
"""
_BOUNDS = """
SELECT coalesce((SELECT min(pos) FROM {graph}.changes), 0), position FROM {graph}.log_head
"""
_POSITION_AT = """
SELECT coalesce((SELECT min(pos) - 1 FROM {graph}.changes WHERE time >= $1 AND time <= $2),
                (SELECT max(pos) FROM {graph}.changes), 0)
"""
_ENDPOINTS = "SELECT name, kind, settings, created FROM {graph}.endpoints ORDER BY name"
_PUT_ENDPOINT = """
INSERT INTO {graph}.endpoints (name, kind, settings, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings
"""
_DELETE_ENDPOINT = "DELETE FROM {graph}.endpoints WHERE name = $1 RETURNING 1"
_ROUTES = """
SELECT id, endpoint, filter, position, paused, created, delivered, died, last_delivery, last_error,
       owner IS NOT NULL AND coalesce(held_until > now(), false)
FROM {graph}.routes ORDER BY id
"""
_PUT_ROUTE = """
INSERT INTO {graph}.routes (id, endpoint, filter, position, paused, created, delivered, died)
SELECT $1, $2, $3, position, false, $4, 0, 0 FROM {graph}.log_head
ON CONFLICT (id) DO UPDATE SET endpoint = excluded.endpoint, filter = excluded.filter
"""
_DELETE_ROUTE = """
WITH letters AS (DELETE FROM {graph}.dead_letters WHERE route = $1)
DELETE FROM {graph}.routes WHERE id = $1 RETURNING 1
"""
_PAUSE = "UPDATE {graph}.routes SET paused = $1 WHERE id = $2 RETURNING 1"
_MOVE = "UPDATE {graph}.routes SET position = $1, owner = NULL WHERE id = $2 RETURNING 1"
_HOLD = hold("routes", "id", returning="position")
_WAITING = "EXISTS (SELECT 1 FROM {graph}.dead_letters WHERE route = $1 AND requeued)"
_KEEP = keep("routes", "id", returning=_WAITING)
_LET_GO = let_go("routes", "id")
_ADVANCE = """
UPDATE {graph}.routes SET position = greatest(position, $1), delivered = delivered + $2,
    died = died + $3, last_delivery = coalesce($4, last_delivery), last_error = $5
WHERE id = $6 AND owner = $7 RETURNING delivered
"""
_BURY = """
INSERT INTO {graph}.dead_letters (route, position, event, error, attempts, died, requeued)
VALUES ($1, $2, $3, $4, $5, $6, false)
"""
_SETTLE = "DELETE FROM {graph}.dead_letters WHERE key = ANY($1::text[]::bigint[])"
_LETTERS = """
SELECT key, route, position, event, error, attempts, died, requeued
FROM (
    SELECT *, sum(octet_length(event)) OVER (ORDER BY key) - octet_length(event) AS before FROM (
        SELECT * FROM {graph}.dead_letters WHERE route = $1 AND key > $2 ORDER BY key LIMIT $3) d
) d WHERE before < $4 ORDER BY key
"""
_SOME = "route = $1 AND ($2::text[] IS NULL OR key = ANY($2::text[]::bigint[]))"
_COUNT_LETTERS = f"SELECT count(*) FROM {{graph}}.dead_letters WHERE {_SOME}"
_REQUEUE = f"UPDATE {{graph}}.dead_letters SET requeued = true WHERE {_SOME} RETURNING 1"
_PURGE = f"DELETE FROM {{graph}}.dead_letters WHERE {_SOME} RETURNING 1"


class WritePulse:
    """Wakes whoever waits for this process to write."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def beat(self) -> None:
        """Note that something was written."""
        waiters, self._next = self._next, None
        if waiters is not None and not waiters.done():
            waiters.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Return after the next beat, or after a time."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._next], timeout=seconds)


class PostgresEventTables:
    """Implements `EventStore` for one schema, which several processes may serve."""

    shared = True

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts
        self.pulse = WritePulse()

    async def log_wake(self, seen: int) -> None:
        """Wait until the log has grown beyond `seen`."""
        while not (await self._fetch(_GROWN, seen))[0][0]:
            await self.pulse.wait(POLL_SECONDS)

    async def changes_after(self, position: int, limit: int) -> list[LoggedChange]:
        """Return entries after `position`."""
        await self._stamp()
        return [
            LoggedChange(pos, subject, version, ChangeKind(kind), *rest)
            for pos, subject, version, kind, *rest in await self._fetch(
                _CHANGES, position, limit, READ_BYTES
            )
        ]

    async def before_next(self, position: int) -> int:
        """Return the position before the first entry after `position`."""
        return int((await self._fetch(_BEFORE_NEXT, position))[0][0])

    async def log_bounds(self) -> tuple[int, int]:
        """Return the oldest and newest position."""
        await self._stamp()
        oldest, newest = (await self._fetch(_BOUNDS))[0]
        return oldest, newest

    async def position_at(self, instant: Ticks) -> int:
        """Return the last position before an instant."""
        await self._stamp()
        end = max(instant, now_ticks() + LEAD)
        return int((await self._fetch(_POSITION_AT, instant, end))[0][0])

    async def endpoints(self) -> list[EndpointRow]:
        """Return the endpoints."""
        return [
            EndpointRow(name, kind, settings.encode(), created)
            for name, kind, settings, created in await self._fetch(_ENDPOINTS)
        ]

    async def put_endpoint(self, row: EndpointRow) -> None:
        """Create or replace an endpoint."""
        await self._fetch(_PUT_ENDPOINT, row.name, row.kind, row.settings.decode(), row.created)

    async def delete_endpoint(self, name: str) -> bool:
        """Delete an endpoint."""
        return bool(await self._fetch(_DELETE_ENDPOINT, name))

    async def routes(self) -> list[RouteRow]:
        """Return the routes."""
        return [RouteRow(*row) for row in await self._fetch(_ROUTES)]

    async def put_route(self, route_id: str, endpoint: str, filter_text: str) -> None:
        """Create or replace a route."""
        await self._stamp()
        await self._fetch(_PUT_ROUTE, route_id, endpoint, filter_text, now_ticks())

    async def delete_route(self, route_id: str) -> bool:
        """Delete a route and its dead letters."""
        return bool(await self._fetch(_DELETE_ROUTE, route_id))

    async def pause_route(self, route_id: str, paused: bool) -> bool:
        """Pause or resume a route."""
        return bool(await self._fetch(_PAUSE, paused, route_id))

    async def move_route(self, route_id: str, position: int) -> bool:
        """Set a route's position, and take it from whoever runs it."""
        return bool(await self._fetch(_MOVE, position, route_id))

    async def hold_route(self, route_id: str, owner: str, seconds: float) -> int | None:
        """Claim a route or keep it; return its position, None where another holds it."""
        rows = await self._fetch(_HOLD, route_id, owner, seconds)
        return rows[0][0] if rows else None

    async def keep_route(self, route_id: str, owner: str, seconds: float) -> bool | None:
        """Keep a route; return whether dead letters wait, None where the claim is lost."""
        rows = await self._fetch(_KEEP, route_id, owner, seconds)
        return rows[0][0] if rows else None

    async def let_go(self, route_id: str, owner: str) -> None:
        """Give a route up, so that another process need not wait."""
        await self._fetch(_LET_GO, route_id, owner)

    async def advance_route(
        self,
        route_id: str,
        owner: str,
        position: int,
        *,
        delivered: int,
        error: str | None,
        letters: list[DeadLetter],
        settled: list[int],
    ) -> int | None:
        """Note a route's progress in one transaction, unless another holds the route by now."""
        now = now_ticks()
        last_delivery = now if delivered else None
        progress = (position, delivered, len(letters), last_delivery, error, route_id, owner)
        dead = [
            (route_id, each.position, each.event, each.error, each.attempts, now)
            for each in letters
        ]

        async def advance(connection: Connection) -> Any:
            async with connection.transaction():
                total = await connection.fetchval(self._texts[_ADVANCE], *progress)
                if total is None:
                    return None
                if dead:
                    await connection.executemany(self._texts[_BURY], dead)
                if settled:
                    await connection.execute(self._texts[_SETTLE], _texts(settled))
            return total

        total: int | None = await self._upkeep(advance)
        return total

    async def dead_letters(self, route_id: str, after: int, limit: int) -> list[DeadLetter]:
        """Return a route's dead letters."""
        rows = await self._fetch(_LETTERS, route_id, after, limit, READ_BYTES)
        return [DeadLetter(*row) for row in rows]

    async def count_letters(self, route_id: str, keys: list[int] | None) -> int:
        """Return how many of these dead letters there are."""
        return int((await self._fetch(_COUNT_LETTERS, route_id, _texts(keys)))[0][0])

    async def requeue(self, route_id: str, keys: list[int] | None) -> int:
        """Mark dead letters to be sent again."""
        return len(await self._fetch(_REQUEUE, route_id, _texts(keys)))

    async def purge(self, route_id: str, keys: list[int] | None) -> int:
        """Delete dead letters."""
        return len(await self._fetch(_PURGE, route_id, _texts(keys)))

    async def _stamp(self) -> None:
        """Give positions to all that is committed."""
        if (await self._fetch(GROWN))[0][0]:
            await self._upkeep(lambda connection: stamp(connection, self._texts))

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows


def _texts(keys: list[int] | None) -> list[str] | None:
    # Arrays of anything but text make the driver look their type up, with settings of the session.
    return None if keys is None else [str(key) for key in keys]
