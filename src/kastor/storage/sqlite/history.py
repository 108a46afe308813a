"""The past of a graph's file; see `kastor.storage.history`.

A state is named by a change number, and every row of twins, relationships, models and their
versions says by which change it began and ended. So no time is compared to find what a state holds;
times only lead to a number, through the change log and, where that has been pruned, `instants`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from kastor.clock import twin_time
from kastor.errors import InvalidArgument
from kastor.records import AsOf, C, ModelRow
from kastor.storage.history import expired

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from kastor.storage.protocol import BuildCatalog
    from kastor.storage.ticker import Ticker
    from kastor.types import Ticks

MOST_CATALOGS = 4
"""Of the past, kept to be asked again."""

_LAST = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0), history_from,
       last_tick
FROM meta
"""
_ERA = """
SELECT coalesce(max(change), 0),
       coalesce((SELECT min(n.change) FROM setbacks n WHERE n.change > max(s.change)),
                9223372036854775807)
FROM setbacks s WHERE time <= ?
"""
"""Between two leaps back of the clock times go on, so the last such stretch that the instant is in
or behind decides."""
_FIRST_SETBACK = "SELECT coalesce(min(change), 9223372036854775807) FROM setbacks"
_AT_TIME = """
SELECT seq, time FROM changes WHERE time <= ?1 AND seq >= ?2 AND seq < ?3
ORDER BY time DESC, seq DESC LIMIT 1
"""
_AT_TIME_BEFORE_LOG = """
SELECT change, time FROM instants WHERE time <= ?1 AND change >= ?2 AND change < ?3
ORDER BY time DESC, change DESC LIMIT 1
"""
_TIME_OF = """
SELECT time FROM (
    SELECT * FROM (SELECT seq AS change, time FROM changes WHERE seq <= ?1
                   ORDER BY seq DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT change, time FROM instants WHERE change <= ?1
                   ORDER BY change DESC LIMIT 1)
) ORDER BY change DESC LIMIT 1
"""
_MODELS_SINCE = """
SELECT max(coalesce((SELECT max(change) FROM models), 0),
           coalesce((SELECT max(ended_by) FROM models), 0)),
       max(coalesce((SELECT max(change) FROM models WHERE change <= ?1), 0),
           coalesce((SELECT max(ended_by) FROM models WHERE ended_by <= ?1), 0))
"""
_MODELS_AT = """
SELECT m.key, k.id, CAST(m.text AS BLOB), m.uploaded, m.decommissioned IS NOT NULL
FROM models m JOIN model_keys k ON k.key = m.key
WHERE m.change <= ?1 AND (m.ended_by IS NULL OR m.ended_by > ?1) ORDER BY m.uploaded, m.key
"""
_MODEL_KEYS = "SELECT key, id FROM model_keys"


class SqliteHistory(Generic[C]):
    """Implements `HistoryStore` for one file.

    Args:
        connection: the loop's own, for what is found at once.
        build_catalog: makes catalogs of the past.
        catalog: returns the present one.
        ticker: tells the wall clock.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        build_catalog: BuildCatalog[C],
        catalog: Callable[[], C],
        ticker: Ticker,
    ) -> None:
        self._execute: Callable[..., Any] = connection.execute
        self._build_catalog, self._present, self._ticker = build_catalog, catalog, ticker
        self._catalogs: dict[int, C] = {}

    async def resolve(
        self, *, time: Ticks | None = None, change: int | None = None, kept: bool = True
    ) -> AsOf:
        """Return the state at an instant, or after an entry."""
        newest, oldest, last_tick = self._rows(_LAST)[0]
        if change is not None:
            if change > newest:
                raise InvalidArgument(
                    f"There is no entry {change} of the change log yet; the newest is {newest}."
                )
            found = AsOf(change, self._time_of(change, last_tick))
            asked = f"change:{change}"
        elif time is not None:
            latest = max(self._ticker.now(), last_tick)
            if time > latest:
                raise InvalidArgument(
                    f"{twin_time(time)} lies in the future; it is {twin_time(latest)} now."
                )
            found = AsOf(self._at(time), time)
            asked = twin_time(time)
        else:
            raise TypeError("neither a time nor a change")
        if kept and found.change < oldest:
            raise expired(asked, twin_time(self._time_of(oldest, last_tick)))
        return found

    async def catalog(self, at: AsOf) -> C:
        """Return the models of a state."""
        newest, last = self._rows(_MODELS_SINCE, at.change)[0]
        if newest <= at.change:
            return self._present()
        known = self._catalogs.get(last)
        if known is None:
            rows = [
                ModelRow(key, model_id, text, uploaded, bool(decommissioned))
                for key, model_id, text, uploaded, decommissioned in self._rows(
                    _MODELS_AT, at.change
                )
            ]
            # Told apart from the present ones, whose epochs are above zero.
            known = self._build_catalog(rows, self._rows(_MODEL_KEYS), -1 - last, self._present())
            while len(self._catalogs) >= MOST_CATALOGS:
                del self._catalogs[next(iter(self._catalogs))]
            self._catalogs[last] = known
        return known

    def _at(self, time: Ticks) -> int:
        first, end = self._rows(_ERA, time)[0]
        if not first:
            end = self._rows(_FIRST_SETBACK)[0][0]
        for text in (_AT_TIME, _AT_TIME_BEFORE_LOG):
            if rows := self._rows(text, time, first, end):
                return int(rows[0][0])
        return 0

    def _time_of(self, change: int, otherwise: Ticks) -> Ticks:
        rows = self._rows(_TIME_OF, change)
        return rows[0][0] if rows else otherwise

    def _rows(self, text: str, *values: object) -> list[Any]:
        rows: list[Any] = self._execute(text, values).fetchall()
        return rows
