"""The table of inputs on PostgreSQL; see `kastor.storage.inputs`."""

from __future__ import annotations

from typing import Any

from kastor.storage.inputs import InputHolder, InputRow
from kastor.storage.postgres.connections import Connection
from kastor.storage.postgres.event_tables import Upkeep
from kastor.storage.postgres.leases import hold, let_go
from kastor.storage.postgres.statements import Qualified

_INPUTS = "SELECT name, kind, settings, created, paused FROM {graph}.inputs ORDER BY name"
_PUT = """
INSERT INTO {graph}.inputs (name, kind, settings, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings
"""
_PAUSE = "UPDATE {graph}.inputs SET paused = $1 WHERE name = $2 RETURNING 1"
_DELETE = "DELETE FROM {graph}.inputs WHERE name = $1 RETURNING 1"
_HOLD = hold("inputs", "name", also="report = $4, ")
_LET_GO = let_go("inputs", "name")
_HOLDER = """
SELECT owner, report FROM {graph}.inputs
WHERE name = $1 AND owner IS NOT NULL AND held_until >= now()
"""


class PostgresInputTable:
    """Implements `InputStore` for one schema, which several processes may serve."""

    shared = True

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def inputs(self) -> list[InputRow]:
        """Return the inputs."""
        return [
            InputRow(name, kind, settings.encode(), created, paused)
            for name, kind, settings, created, paused in await self._fetch(_INPUTS)
        ]

    async def put_input(self, row: InputRow) -> None:
        """Create or replace an input."""
        await self._fetch(_PUT, row.name, row.kind, row.settings.decode(), row.created)

    async def pause_input(self, name: str, paused: bool) -> bool:
        """Pause or resume an input."""
        return bool(await self._fetch(_PAUSE, paused, name))

    async def delete_input(self, name: str) -> bool:
        """Delete an input."""
        return bool(await self._fetch(_DELETE, name))

    async def hold_input(self, name: str, owner: str, seconds: float, report: bytes) -> bool:
        """Claim an input or keep it."""
        return bool(await self._fetch(_HOLD, name, owner, seconds, report.decode()))

    async def let_input_go(self, name: str, owner: str) -> None:
        """Give an input up, so that another process need not wait."""
        await self._fetch(_LET_GO, name, owner)

    async def input_holder(self, name: str) -> InputHolder | None:
        """Return who holds an input."""
        rows = await self._fetch(_HOLDER, name)
        return InputHolder(rows[0][0], rows[0][1].encode()) if rows else None

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows
