"""Property indexes on PostgreSQL, built while writes go on; see `kastor.storage.indexes`."""

from __future__ import annotations

from typing import Any

from kastor.storage.indexes import PREFIX
from kastor.storage.postgres.connections import Connection
from kastor.storage.postgres.event_tables import Upkeep
from kastor.storage.postgres.statements import Qualified

BUILD_SECONDS = 3_600.0
LIST_INDEXES = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = '{graph}.twins'::regclass AND i.indisvalid
  AND left(c.relname, $1) = $2 ORDER BY c.relname
"""
_CREATE = 'CREATE INDEX CONCURRENTLY "NAME" ON {graph}.twins (EXPRESSION)'
_DROP = 'DROP INDEX CONCURRENTLY IF EXISTS {graph}."NAME"'
_ANALYZE = "ANALYZE {graph}.twins"


class PostgresIndexes:
    """Implements `IndexStore` for one schema."""

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def property_indexes(self) -> list[str]:
        """Return the paths that have an index."""

        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[LIST_INDEXES], len(PREFIX), PREFIX)

        return [name.removeprefix(PREFIX) for (name,) in await self._upkeep(fetch)]

    async def create_property_index(self, path: str, expression: str) -> None:
        """Build an index; one whose building was broken off is built anew."""
        if path in await self.property_indexes():
            return
        await self._run(_DROP, path)
        await self._run(_CREATE.replace("EXPRESSION", expression), path)
        await self._run(_ANALYZE, path)

    async def drop_property_index(self, path: str) -> bool:
        """Drop an index."""
        known = path in await self.property_indexes()
        if known:
            await self._run(_DROP, path)
        return known

    async def _run(self, text: str, path: str) -> None:
        statement = self._texts[text].replace("NAME", PREFIX + path)

        async def run(connection: Connection) -> None:
            await connection.execute(statement, timeout=BUILD_SECONDS)

        await self._upkeep(run)
