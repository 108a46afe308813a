"""Property indexes on SQLite; see `kastor.storage.indexes`.

One is built in the writer's transaction, so that writes wait in their queue meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import apsw

from kastor.storage.indexes import PREFIX

Read: TypeAlias = Callable[[Callable[[apsw.Connection], Any]], Awaitable[Any]]
"""Runs work on a connection in a thread; `ReadPool.call` is one."""
Write: TypeAlias = Callable[[Callable[[apsw.Connection, Any], Any]], Awaitable[Any]]
"""The same in a transaction; `Upkeep` is one."""

_LIST = """
SELECT name FROM sqlite_schema WHERE type = 'index' AND substr(name, 1, ?1) = ?2 ORDER BY name
"""


class SqliteIndexes:
    """Implements `IndexStore` for one file."""

    def __init__(self, read: Read, upkeep: Write) -> None:
        self._read = read
        self._upkeep = upkeep

    async def property_indexes(self) -> list[str]:
        """Return the paths that have an index."""
        rows: list[tuple[Any, ...]] = await self._read(
            lambda connection: connection.execute(_LIST, (len(PREFIX), PREFIX)).fetchall()
        )
        return [name.removeprefix(PREFIX) for (name,) in rows]

    async def create_property_index(self, path: str, expression: str) -> None:
        """Build an index, and tell the planner what is in it."""

        def create(connection: apsw.Connection, _: object) -> None:
            name = f'"{PREFIX}{path}"'
            text = f"CREATE INDEX IF NOT EXISTS {name} ON twins ({expression})"
            connection.execute(text).fetchall()
            connection.execute("PRAGMA analysis_limit = 1000").fetchall()
            connection.execute(f"ANALYZE {name}").fetchall()

        await self._upkeep(create)

    async def drop_property_index(self, path: str) -> bool:
        """Drop an index."""
        known = path in await self.property_indexes()
        if known:
            await self._upkeep(
                lambda connection, _: connection.execute(
                    f'DROP INDEX IF EXISTS "{PREFIX}{path}"'
                ).fetchall()
            )
        return known
