"""The past of a graph's schema; see `kastor.storage.history`.

Positions are given when somebody asks (`stamping`), so a time is resolved in two steps: all that is
committed gets its position, and whatever comes later is placed after that time. So it is the same
state whenever it is asked for.
"""

from __future__ import annotations

import asyncio
import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from kastor.clock import twin_time
from kastor.errors import Gone, InvalidArgument, Unavailable
from kastor.records import AsOf, C, ModelRow
from kastor.storage.history import (
    HistorySettings,
    HistoryStatus,
    TelemetryPoint,
)
from kastor.storage.keeping import NOTHING_KEPT, read_stored
from kastor.storage.postgres import past_statements as sql
from kastor.storage.postgres.differences import SchemaDifferences
from kastor.storage.postgres.past_reads import no_longer_kept
from kastor.storage.postgres.reads import known
from kastor.storage.postgres.stamping import GROWN, stamp
from kastor.storage.postgres.timeline import Timeline
from kastor.storage.transfer import PORTION_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.history import Kind, StateDifference, Version
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.keeping import PostgresKeeping
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.statements import Qualified
    from kastor.storage.protocol import BuildCatalog
    from kastor.storage.ticker import Ticker
    from kastor.types import RelationshipId, Ticks, TwinId

MOST_CATALOGS = 4
"""Of the past, kept to be asked again."""
INLINE_MODELS = 50
"""From so many models on, a catalog is made in a thread."""

_HEAD = "SELECT position, placed, newest FROM {graph}.log_head"
_ERA = """
SELECT s.first, coalesce((SELECT min(pos) FROM {graph}.setbacks WHERE pos > s.first), $2::bigint)
FROM (SELECT coalesce(max(pos), 0) AS first FROM {graph}.setbacks WHERE time <= $1) s
"""
"""Between two leaps back of the clock instants go on, so the last such stretch that the instant is
in or behind decides."""
_AT = """
SELECT coalesce((SELECT upto FROM {graph}.instants
                 WHERE placed <= $1 AND pos >= $2 AND pos < $3
                 ORDER BY placed DESC, pos DESC LIMIT 1
       ), greatest($2 - 1, 0))
"""
_LAST_BEFORE = """
SELECT placed, newest FROM {graph}.instants WHERE pos <= $1 ORDER BY pos DESC LIMIT 1
"""
_BEGINNING = """
SELECT least(created, (SELECT placed FROM {graph}.instants ORDER BY pos LIMIT 1))
FROM {graph}.meta
"""
"""When the graph was made, or its first entry where it was brought here from elsewhere."""
_ALL = 2**63 - 1


class PostgresHistory(Generic[C]):
    """Implements `HistoryStore` for one schema.

    Args:
        upkeep: runs work on a connection to the primary.
        scans: held by whatever may take long.
        texts: the statements of the graph.
        catalogs: the present models.
        build_catalog: makes catalogs of the past.
        ticker: tells the wall clock.
        keeping: sees to how much is kept.
    """

    def __init__(
        self,
        upkeep: Upkeep,
        scans: asyncio.Semaphore,
        texts: Qualified,
        catalogs: Catalogs[C],
        build_catalog: BuildCatalog[C],
        ticker: Ticker,
        keeping: PostgresKeeping[C],
    ) -> None:
        self._keeping = keeping
        self._upkeep, self._texts = upkeep, texts
        self._present, self._build_catalog = catalogs, build_catalog
        self._ticker = ticker
        self._catalogs: dict[tuple[tuple[tuple[int, int], ...], tuple[str, ...]], C] = {}
        self._epochs = itertools.count(-1, -1)
        self._differences = SchemaDifferences(upkeep, scans, texts)
        self._timeline = Timeline(self._fetch, self._stamp)

    async def resolve(
        self, *, time: Ticks | None = None, change: int | None = None, kept: bool = True
    ) -> AsOf:
        """Return the state at an instant, or after an entry; the present one for neither."""
        if time is None and change is None:
            await self._stamp()
            change, kept = (await self._fetch(_HEAD))[0][0], False  # it is there for certain
        if change is not None:
            found, asked = await self._after(change), f"change:{change}"
        else:
            assert time is not None  # noqa: S101 - one of them is given
            found, asked = await self._at(time), twin_time(time)
        oldest, placed = (await self._fetch(sql.FLOOR))[0]
        if kept and oldest >= NOTHING_KEPT:
            raise Gone(
                "This graph keeps no history, so only its present can be read; how much is kept "
                "says GET /kastor/v1/history.",
                code="HistoryExpired",
            )
        if kept and found.change < oldest:
            raise no_longer_kept(asked, placed)
        return found

    async def catalog(self, at: AsOf) -> C:
        """Return the models of a state."""
        rows = await self._fetch(sql.MODELS, at.change, at.newest)
        if rows[0][0] > at.change:
            raise no_longer_kept(twin_time(at.time), (await self._fetch(sql.FLOOR))[0][1])
        epoch = rows[0][1]
        wanted = tuple((key, seq) for *_, key, seq, _, was, _ in rows if was)
        # Those whose first upload is not known any more are older than all that is kept.
        later = [str(key) for *_, key, seq, _, _, began in rows if seq == 1 and not began]
        if not later and wanted == tuple((key, seq) for *_, key, seq, now, _, _ in rows if now):
            return await self._upkeep(lambda connection: self._present.at(connection, epoch))  # type: ignore[no-any-return]
        named = (wanted, tuple(later))
        found = self._catalogs.get(named)
        if found is None:
            found = await self._make(wanted, later)
            while len(self._catalogs) >= MOST_CATALOGS:
                del self._catalogs[next(iter(self._catalogs))]
            self._catalogs[named] = found
        return found

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
        return await self._timeline.between(
            kind, identity, start=start, end=end, limit=limit, descending=descending
        )

    async def version_before(
        self, kind: Kind, identity: tuple[TwinId] | tuple[TwinId, RelationshipId], version: int
    ) -> Version | None:
        """Return the version of that number or the nearest one before it."""
        return await self._timeline.nearest(kind, identity, version)

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
        await self._stamp()
        keys = await self._fetch(sql.KEY["twin"], known(twin_id))
        if not keys:
            return []
        text = sql.TELEMETRY_BY_SOURCE if by_source_time else sql.TELEMETRY
        values = (keys[0][0], after, component, start, end, limit, PORTION_BYTES)
        return [TelemetryPoint(*row) for row in await self._fetch(text, *values)]

    async def status(self) -> HistoryStatus:
        """Return what is kept."""
        newest = await self.resolve()
        oldest = (await self._fetch(sql.FLOOR))[0][0]
        versions, packed, whole, blocks, telemetry, size = (await self._fetch(sql.STATUS))[0]
        return HistoryStatus(
            oldest=newest if oldest >= NOTHING_KEPT else await self._after(oldest),
            newest=newest,
            versions=versions,
            packed=packed,
            whole_bytes=whole,
            packed_bytes=blocks,
            telemetry=telemetry,
            telemetry_bytes=size,
        )

    async def settings(self) -> HistorySettings:
        """Return how much is kept, as far as the graph says it."""
        return read_stored((await self._fetch(sql.SETTINGS))[0][0])

    async def put_settings(self, settings: HistorySettings) -> None:
        """Keep so much from now on."""
        await self._keeping.put(settings)

    async def pack(self) -> int:
        """Pack what is older than YOUNG_SECONDS; return the versions packed."""
        return await self._keeping.pack(self._ticker.age_now())

    async def _at(self, time: Ticks) -> AsOf:
        """Return the state at an instant, which is the same from now on."""
        await self._stamp()
        _, placed, newest = (await self._fetch(_HEAD))[0]
        # Another process, whose clock is ahead, may have been asked for it already.
        latest = max(self._ticker.now(), newest, placed - 1)
        if time > latest:
            raise InvalidArgument(
                f"{twin_time(time)} lies in the future; it is {twin_time(latest)} now."
            )
        if time >= placed:
            await self._upkeep(partial(stamp, texts=self._texts, upto=time))
        first, end = (await self._fetch(_ERA, time, _ALL))[0]
        position = (await self._fetch(_AT, time, first, end))[0][0]
        rows = await self._fetch(_LAST_BEFORE, position)
        return AsOf(position, time, newest=rows[0][1] if rows else 0)

    async def _after(self, change: int) -> AsOf:
        await self._stamp()
        newest = (await self._fetch(_HEAD))[0][0]
        if change > newest:
            raise InvalidArgument(
                f"There is no entry {change} of the change log yet; the newest is {newest}."
            )
        rows = await self._fetch(_LAST_BEFORE, change)
        if not rows:
            return AsOf(change, (await self._fetch(_BEGINNING))[0][0])
        return AsOf(change, rows[0][0], newest=rows[0][1])

    async def _make(self, wanted: Sequence[tuple[int, int]], later: list[str]) -> C:
        keys, seqs = ([str(pair[n]) for pair in wanted] for n in (0, 1))
        rows = await self._fetch(sql.MODEL_TEXTS, keys, seqs)
        if len(rows) < len(wanted):
            raise Unavailable("Models of the past were removed meanwhile; try again.")
        models = [ModelRow(key, name, text.encode(), *rest) for key, name, text, *rest in rows]
        pairs = [(row[0], row[1]) for row in await self._fetch(sql.MODEL_KEYS, later)]
        # Told apart from the present ones, whose epochs are above zero.
        epoch, present = next(self._epochs), self._present.current
        if len(models) > INLINE_MODELS:
            return await asyncio.to_thread(self._build_catalog, models, pairs, epoch, present)
        return self._build_catalog(models, pairs, epoch, present)

    async def _stamp(self) -> None:
        if (await self._fetch(GROWN))[0][0]:
            await self._upkeep(partial(stamp, texts=self._texts))

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows
