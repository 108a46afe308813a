"""Saved documents and scene files on PostgreSQL; see `kastor.storage.saved`."""

from __future__ import annotations

from typing import Any

from kastor.storage.postgres.connections import Connection
from kastor.storage.postgres.event_tables import Upkeep
from kastor.storage.postgres.statements import Qualified
from kastor.storage.saved import JudgeRoom, SavedEntry, SavedUsage

_COLUMNS = "kind, name, content_type, size, etag, created, updated, actor"
_ENTRIES = f"""
SELECT {_COLUMNS} FROM {{graph}}.saved WHERE kind = $1 AND name > $2 ORDER BY name LIMIT $3
"""
_ENTRY = f"SELECT {_COLUMNS} FROM {{graph}}.saved WHERE kind = $1 AND name = $2"
_CONTENTS = f"""
SELECT {_COLUMNS}, substr(data, 1, $3) FROM {{graph}}.saved WHERE kind = $1 AND name = $2
"""
_PART = """
SELECT substr(data, $4, $5) FROM {graph}.saved
WHERE kind = $1 AND name = $2 AND etag = $3
"""
_USAGE = """
SELECT count(*), coalesce(sum(size), 0)::bigint FROM {graph}.saved WHERE kind = $1 AND name <> $2
"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('{graph}.saved'))"
"""A statement of its own: the next one sees what was committed before the lock was had."""
_CREATE = f"""
INSERT INTO {{graph}}.saved ({_COLUMNS}, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (kind, name) DO NOTHING RETURNING 1
"""
_REPLACE = """
UPDATE {graph}.saved
SET content_type = $3, size = $4, etag = $5, updated = $6, actor = $7, data = $8
WHERE kind = $1 AND name = $2 AND etag = $9 RETURNING 1
"""
_DELETE = "DELETE FROM {graph}.saved WHERE kind = $1 AND name = $2 AND etag = $3 RETURNING 1"


class PostgresSavedTable:
    """Implements `SavedStore` for one schema, which several processes may serve."""

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def entries(self, kind: str, after: str, limit: int) -> list[SavedEntry]:
        """Return what is saved of a kind."""
        return [SavedEntry(*row) for row in await self._fetch(_ENTRIES, kind, after, limit)]

    async def entry(self, kind: str, name: str) -> SavedEntry | None:
        """Return one entry."""
        rows = await self._fetch(_ENTRY, kind, name)
        return SavedEntry(*rows[0]) if rows else None

    async def contents(self, kind: str, name: str, most: int) -> tuple[SavedEntry, bytes] | None:
        """Return one entry with its contents."""
        rows = [tuple(row) for row in await self._fetch(_CONTENTS, kind, name, most + 1)]
        return (SavedEntry(*rows[0][:-1]), rows[0][-1]) if rows else None

    async def part(self, kind: str, name: str, etag: str, start: int, size: int) -> bytes | None:
        """Return so many bytes of the contents of a version."""
        rows = await self._fetch(_PART, kind, name, etag, start + 1, size)
        return rows[0][0] if rows else None

    async def usage(self, kind: str, beside: str) -> SavedUsage:
        """Return how much there is of a kind, beside what has a name."""
        return SavedUsage(*(await self._fetch(_USAGE, kind, beside))[0])

    async def put(
        self, entry: SavedEntry, contents: bytes, over: str | None, judge: JudgeRoom
    ) -> bool:
        """Write an entry over the version that was seen."""
        e = entry
        named = (e.kind, e.name, e.content_type, e.size, e.etag)
        text = _CREATE
        values: tuple[object, ...] = (*named, e.created, e.updated, e.actor, contents)
        if over is not None:
            text, values = _REPLACE, (*named, e.updated, e.actor, contents, over)

        async def put(connection: Connection) -> bool:
            async with connection.transaction():
                await connection.execute(self._texts[_ALONE])
                rows = await connection.fetch(self._texts[_USAGE], e.kind, e.name)
                judge(SavedUsage(*rows[0]))
                return bool(await connection.fetch(self._texts[text], *values))

        written: bool = await self._upkeep(put)
        return written

    async def delete(self, kind: str, name: str, over: str) -> bool:
        """Delete the version that was seen."""
        return bool(await self._fetch(_DELETE, kind, name, over))

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows
