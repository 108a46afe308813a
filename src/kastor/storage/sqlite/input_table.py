"""The table of inputs on SQLite; see `kastor.storage.inputs`."""

from __future__ import annotations

from typing import Any

from kastor.storage.inputs import InputHolder, InputRow
from kastor.storage.sqlite.event_tables import Upkeep
from kastor.storage.sqlite.pool import ReadPool

_INPUTS = "SELECT name, kind, CAST(settings AS BLOB), created, paused FROM inputs ORDER BY name"
_PUT = """
INSERT INTO inputs (name, kind, settings, created) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings
"""
_PAUSE = "UPDATE inputs SET paused = ? WHERE name = ? RETURNING 1"
_DELETE = "DELETE FROM inputs WHERE name = ? RETURNING 1"


class SqliteInputTable:
    """Implements `InputStore` for one file, which one process has to itself."""

    shared = False

    def __init__(self, pool: ReadPool, upkeep: Upkeep) -> None:
        self._pool = pool
        self._upkeep = upkeep

    async def inputs(self) -> list[InputRow]:
        """Return the inputs by name."""
        rows: list[tuple[Any, ...]] = await self._pool.call(
            lambda connection: connection.execute(_INPUTS).fetchall()
        )
        return [
            InputRow(name, kind, settings, created, bool(paused))
            for name, kind, settings, created, paused in rows
        ]

    async def put_input(self, row: InputRow) -> None:
        """Create or replace an input."""
        values = (row.name, row.kind, row.settings.decode(), row.created)
        await self._upkeep(lambda connection, _: connection.execute(_PUT, values).fetchall())

    async def pause_input(self, name: str, paused: bool) -> bool:
        """Pause or resume an input."""
        rows = await self._upkeep(
            lambda connection, _: connection.execute(_PAUSE, (paused, name)).fetchall()
        )
        return bool(rows)

    async def delete_input(self, name: str) -> bool:
        """Delete an input."""
        rows = await self._upkeep(
            lambda connection, _: connection.execute(_DELETE, (name,)).fetchall()
        )
        return bool(rows)

    async def hold_input(self, _name: str, _owner: str, _seconds: float, _report: bytes) -> bool:
        """No other process can have it."""
        return True

    async def let_input_go(self, name: str, owner: str) -> None:
        """Nothing was held."""

    async def input_holder(self, _name: str) -> InputHolder | None:
        """Nobody has to hold it."""
        return None
