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
from kastor.storage.sqlite.positions import position_at, time_of

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

    async def resolve(self, *, time: Ticks | None = None, change: int | None = None) -> AsOf:
        """Return the state at an instant, or after an entry."""
        newest, oldest, last_tick = self._rows(_LAST)[0]
        if change is not None:
            if change > newest:
                raise InvalidArgument(
                    f"There is no entry {change} of the change log yet; the newest is {newest}."
                )
            found = AsOf(change, time_of(self._execute, change, last_tick))
            asked = f"change:{change}"
        elif time is not None:
            latest = max(self._ticker.now(), last_tick)
            if time > latest:
                raise InvalidArgument(
                    f"{twin_time(time)} lies in the future; it is {twin_time(latest)} now."
                )
            found = AsOf(position_at(self._execute, time), time)
            asked = twin_time(time)
        else:
            raise TypeError("neither a time nor a change")
        if found.change < oldest:
            raise expired(asked, twin_time(time_of(self._execute, oldest, last_tick)))
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

    def _rows(self, text: str, *values: object) -> list[Any]:
        rows: list[Any] = self._execute(text, values).fetchall()
        return rows
