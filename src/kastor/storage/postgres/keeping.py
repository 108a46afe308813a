"""How much of its past a schema keeps, and who sees to it.

Whether any versions are written stands in `meta.history_from`, where every write looks: processes
may be configured differently, and none may leave a gap that another one does not know of. Where
versions begin to be written again, all writes that are under way are waited for first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from kastor.records import C
from kastor.storage.keeping import NOTHING_KEPT, rules_of, stored_settings
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.packing import Packing
from kastor.storage.postgres.stamping import stamp
from kastor.storage.postgres.version_retention import VersionPruning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.history import HistorySettings
    from kastor.storage.keeping import Retention, Rules
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.statements import Qualified
    from kastor.storage.postgres.version_retention import Resolve
    from kastor.types import Ticks

UPKEEP_SECONDS = 60.0

SETTINGS = "SELECT history, history_from FROM {graph}.meta"
PUT_SETTINGS = "UPDATE {graph}.meta SET history = $1"
WAIT_FOR_WRITES = "LOCK TABLE {graph}.twins, {graph}.relationships IN SHARE MODE"
SWITCH_OFF = f"UPDATE {{graph}}.meta SET history_from = {NOTHING_KEPT}"
SWITCH_ON = f"""
UPDATE {{graph}}.meta SET history_from = (SELECT position FROM {{graph}}.log_head)
WHERE history_from >= {NOTHING_KEPT}
"""
BEGIN_HERE = """
INSERT INTO {graph}.instants (pos, upto, time, xid, placed, newest, late)
SELECT position, position, 0, -position, placed, newest, false FROM {graph}.log_head
ON CONFLICT DO NOTHING
"""


class PostgresKeeping(Generic[C]):
    """Keeps to the rules of one graph.

    Args:
        upkeep: runs work on a connection to the primary.
        texts: the statements of the graph.
        catalogs: the models.
        retention: what the server says.
    """

    def __init__(
        self, upkeep: Upkeep, texts: Qualified, catalogs: Catalogs[C], retention: Retention
    ) -> None:
        self._upkeep, self._texts, self._catalogs = upkeep, texts, catalogs
        self._retention = retention
        self._stored: str | None = None
        self.rules: Rules = rules_of(retention, None)
        self._pruning, self._packing = VersionPruning(), Packing(upkeep, texts)

    async def refresh(self) -> None:
        """Take over what the graph says by now, and see that versions are written or not."""
        await self._upkeep(self.settle)

    async def put(self, settings: HistorySettings) -> None:
        """Keep so much from now on."""

        async def put(connection: Connection) -> None:
            await connection.execute(self._texts[PUT_SETTINGS], stored_settings(settings))
            await self.settle(connection)

        await self._upkeep(put)

    async def settle(self, connection: Connection) -> None:
        """As `refresh`, on a connection that is there."""
        stored, floor = await connection.fetchrow(self._texts[SETTINGS])
        if stored != self._stored:
            self._stored, self.rules = stored, rules_of(self._retention, stored)
        is_off = floor >= NOTHING_KEPT
        if is_off == self.rules.graph.is_off:
            return
        if not is_off:
            await connection.execute(self._texts[SWITCH_OFF])
            return
        async with connection.transaction():
            await connection.execute(self._texts[WAIT_FOR_WRITES], timeout=UPKEEP_SECONDS)
            await stamp(connection, self._texts)
            await connection.execute(self._texts[BEGIN_HERE])
            await connection.execute(self._texts[SWITCH_ON])

    async def prune(self, resolve: Resolve, now: Ticks) -> int:
        """Remove versions that are too old or too much; return rows.

        Args:
            resolve: returns the state at a time, kept or not.
            now: the wall clock.
        """
        keys = self._catalogs.current.keys
        return await self._pruning.run(self._fetch, resolve, self.rules, keys, now)

    async def pack(self, now: Ticks) -> int:
        """Pack versions that are no longer young; return how many.

        One process at a time does it, and not while one prunes.
        """
        if not await self._fetch(sql.BEGIN_PRUNING, ()):
            return 0
        try:
            return await self._packing.run(now)
        finally:
            await self._fetch(sql.END_PRUNING, ())

    async def _fetch(self, text: str, values: Sequence[object]) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values, timeout=UPKEEP_SECONDS)

        rows: list[Any] = await self._upkeep(fetch)
        return rows
