"""The past of a graph's file; see `kastor.storage.history`.

A state is named by a change number, and every row of twins, relationships, models and their
versions says by which change it began and ended. So no time is compared to find what a state holds;
times only lead to a number, through the change log and, where that has been pruned, `instants`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

import apsw

from kastor.clock import twin_time
from kastor.errors import InvalidArgument
from kastor.records import AsOf, C, ModelRow
from kastor.storage.history import expired
from kastor.storage.sqlite import past_statements as sql
from kastor.storage.sqlite.differences import Differences
from kastor.storage.sqlite.history_tables import (
    read_settings,
    read_status,
    read_telemetry,
    write_settings,
)
from kastor.storage.sqlite.packing import SqlitePacking
from kastor.storage.sqlite.pool import closed
from kastor.storage.sqlite.positions import position_at, time_of
from kastor.storage.sqlite.timeline import version_before, versions_between

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kastor.storage.history import (
        HistorySettings,
        HistoryStatus,
        Kind,
        StateDifference,
        TelemetryPoint,
        Version,
    )
    from kastor.storage.keeping import Retention
    from kastor.storage.protocol import BuildCatalog
    from kastor.storage.sqlite.event_tables import Upkeep
    from kastor.storage.sqlite.pool import ReadPool
    from kastor.storage.ticker import Ticker
    from kastor.types import RelationshipId, Ticks, TwinId

MOST_CATALOGS = 4
"""Of the past, kept to be asked again."""
INLINE_MODELS = 50
"""From so many models on, a catalog is made in a thread."""

_MODELS_SINCE = """
SELECT (SELECT model_epoch FROM meta),
       max(coalesce((SELECT max(change) FROM models), 0),
           coalesce((SELECT max(ended_by) FROM models), 0)),
       max(coalesce((SELECT max(change) FROM models WHERE change <= ?1), 0),
           coalesce((SELECT max(ended_by) FROM models WHERE ended_by <= ?1), 0))
"""
_MODELS_AT = """
SELECT m.key, k.id, CAST(m.text AS BLOB), m.uploaded, m.decommissioned IS NOT NULL
FROM models m JOIN model_keys k ON k.key = m.key
WHERE m.change <= ?1 AND (m.ended_by IS NULL OR m.ended_by > ?1) ORDER BY m.uploaded, m.key
"""
_MODEL_KEYS_AT = """
SELECT key, id FROM model_keys k
WHERE NOT EXISTS (SELECT 1 FROM models m WHERE m.key = k.key AND m.seq = 1 AND m.change > ?)
"""
"""Those of models whose first upload is not known any more are older than all that is kept."""


class SqliteHistory(Generic[C]):
    """Implements `HistoryStore` for one file.

    Args:
        connection: the loop's own, for what is found at once.
        pool: whose threads read whatever may be long.
        upkeep: runs work on the writer's thread.
        settle: waits for writes that are under way.
        build_catalog: makes catalogs of the past.
        catalog: returns the present one.
        ticker: tells the wall clock.
        retention: what the server says of how much is kept.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        pool: ReadPool,
        upkeep: Upkeep,
        settle: Callable[[], Awaitable[None]],
        build_catalog: BuildCatalog[C],
        catalog: Callable[[], C],
        ticker: Ticker,
        retention: Retention,
    ) -> None:
        self._connection = connection
        self._execute: Callable[..., Any] = connection.execute
        self._pool, self._upkeep, self._settle = pool, upkeep, settle
        self._build_catalog, self._present, self._ticker = build_catalog, catalog, ticker
        self._retention = retention
        self._packing = SqlitePacking()
        self._catalogs: dict[int, C] = {}
        self._differences = Differences(pool)

    async def resolve(
        self, *, time: Ticks | None = None, change: int | None = None, kept: bool = True
    ) -> AsOf:
        """Return the state at an instant, or after an entry."""
        newest, oldest, last_tick = self._rows(sql.LAST)[0]
        if change is not None:
            if change > newest:
                raise InvalidArgument(
                    f"There is no entry {change} of the change log yet; the newest is {newest}."
                )
            found = AsOf(change, time_of(self._execute, change))
            asked = f"change:{change}"
        elif time is not None:
            found, asked = await self._at(time), twin_time(time)
        else:
            found, asked = AsOf(newest, max(self._ticker.now(), last_tick)), "now"
        if kept and found.change < oldest:
            raise expired(asked, twin_time(time_of(self._execute, oldest)))
        return found

    async def _at(self, time: Ticks) -> AsOf:
        last_tick = self._rows(sql.LAST)[0][-1]
        latest = max(self._ticker.now(), last_tick)
        if time > latest:
            raise InvalidArgument(
                f"{twin_time(time)} lies in the future; it is {twin_time(latest)} now."
            )
        if time >= last_tick:
            # What is committed from now on is later, but for what has its time already.
            self._ticker.note_read(time)
            await self._settle()
        newest, _, last_tick = self._rows(sql.LAST)[0]
        if time >= last_tick:
            return AsOf(newest, time)
        return AsOf(position_at(self._execute, time), time)

    async def catalog(self, at: AsOf) -> C:
        """Return the models of a state."""
        present = self._present()  # before the file is read, which may be ahead of it
        epoch, newest, last = self._rows(_MODELS_SINCE, at.change)[0]
        if newest <= at.change and epoch == present.epoch:
            return present
        known = self._catalogs.get(last)
        if known is None:
            known = await self._catalog_at(at, last, present)
            while len(self._catalogs) >= MOST_CATALOGS:
                del self._catalogs[next(iter(self._catalogs))]
            self._catalogs[last] = known
        return known

    async def versions(
        self,
        kind: Kind,
        identity: tuple[TwinId] | tuple[TwinId, RelationshipId],
        *,
        start: int,
        end: int,
        limit: int,
        descending: bool,
    ) -> list[Version] | None:
        """Return versions of one twin or relationship."""
        read = partial(versions_between, start=start, end=end, limit=limit, descending=descending)
        return await self._pool.call(lambda connection: read(connection, kind, identity))

    async def version_before(
        self, kind: Kind, identity: tuple[TwinId] | tuple[TwinId, RelationshipId], version: int
    ) -> Version | None:
        """Return the version of that number or the nearest one before it."""
        return await self._pool.call(
            lambda connection: version_before(connection, kind, identity, version)
        )

    async def differences(
        self, kind: Kind, low: AsOf, high: AsOf, after: tuple[str, ...], limit: int
    ) -> list[StateDifference]:
        """Return what differs between two states."""
        return await self._differences.between(kind, low, high, after, limit)

    async def telemetry(
        self,
        twin_id: TwinId,
        component: str | None,
        *,
        start: Ticks,
        end: Ticks,
        after: int,
        limit: int,
        by_source_time: bool,
    ) -> list[TelemetryPoint]:
        """Return kept telemetry of a twin."""
        read = partial(read_telemetry, by_source_time=by_source_time, after=after, limit=limit)
        return await self._pool.call(
            lambda connection: read(connection, twin_id, component, start=start, end=end)
        )

    async def status(self) -> HistoryStatus:
        """Return what is kept."""
        return await self._pool.call(read_status)

    async def settings(self) -> HistorySettings:
        """Return how much is kept, as far as the graph says it."""
        return await self._pool.call(read_settings)

    async def put_settings(self, settings: HistorySettings) -> None:
        """Keep so much from now on."""
        write = partial(write_settings, settings=settings, retention=self._retention)
        await self._upkeep(write)

    async def pack(self) -> int:
        """Pack what is older than YOUNG_SECONDS; return the versions packed."""
        packed_to = self._rows(sql.PACKED_TO)[0][0]
        now = self._ticker.age_now()
        return await self._packing.run(self._pool, self._upkeep, packed_to, now)

    async def _catalog_at(self, at: AsOf, last: int, present: C) -> C:
        rows = [
            ModelRow(key, model_id, text, uploaded, bool(decommissioned))
            for key, model_id, text, uploaded, decommissioned in self._rows(_MODELS_AT, at.change)
        ]
        keys = self._rows(_MODEL_KEYS_AT, at.change)
        # Told apart from the present ones, whose epochs are above zero.
        epoch = -1 - last
        if len(rows) > INLINE_MODELS:
            return await asyncio.to_thread(self._build_catalog, rows, keys, epoch, present)
        return self._build_catalog(rows, keys, epoch, present)

    def _rows(self, text: str, *values: object) -> list[Any]:
        try:
            rows: list[Any] = self._execute(text, values).fetchall()
        except apsw.ConnectionClosedError:
            raise closed() from None
        return rows
