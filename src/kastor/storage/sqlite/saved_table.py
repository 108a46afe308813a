"""Saved documents and scene files on SQLite; see `kastor.storage.saved`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import apsw

from kastor.storage.saved import JudgeRoom, SavedEntry, SavedUsage
from kastor.storage.sqlite.event_tables import Upkeep
from kastor.storage.sqlite.pool import ReadPool

_COLUMNS = "kind, name, content_type, size, etag, created, updated, actor"
_ENTRIES = f"SELECT {_COLUMNS} FROM saved WHERE kind = ? AND name > ? ORDER BY name LIMIT ?"
_ENTRY = f"SELECT {_COLUMNS} FROM saved WHERE kind = ? AND name = ?"
_CONTENTS = f"SELECT {_COLUMNS}, substr(data, 1, ?) FROM saved WHERE kind = ? AND name = ?"
_NUMBER = "SELECT rowid FROM saved WHERE kind = ? AND name = ? AND etag = ?"
_USAGE = "SELECT count(*), coalesce(sum(size), 0) FROM saved WHERE kind = ? AND name <> ?"
_CREATE = f"""
INSERT INTO saved ({_COLUMNS}, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, name) DO NOTHING RETURNING 1
"""
_REPLACE = """
UPDATE saved SET content_type = ?, size = ?, etag = ?, updated = ?, actor = ?, data = ?
WHERE kind = ? AND name = ? AND etag = ? RETURNING 1
"""
_DELETE = "DELETE FROM saved WHERE kind = ? AND name = ? AND etag = ? RETURNING 1"


class SqliteSavedTable:
    """Implements `SavedStore` for one file."""

    def __init__(self, pool: ReadPool, upkeep: Upkeep) -> None:
        self._pool = pool
        self._upkeep = upkeep

    async def entries(self, kind: str, after: str, limit: int) -> list[SavedEntry]:
        """Return what is saved of a kind."""
        return [SavedEntry(*row) for row in await self._read(_ENTRIES, (kind, after, limit))]

    async def entry(self, kind: str, name: str) -> SavedEntry | None:
        """Return one entry."""
        rows = await self._read(_ENTRY, (kind, name))
        return SavedEntry(*rows[0]) if rows else None

    async def contents(self, kind: str, name: str, most: int) -> tuple[SavedEntry, bytes] | None:
        """Return one entry with its contents."""
        rows = await self._read(_CONTENTS, (most + 1, kind, name))
        return (SavedEntry(*rows[0][:-1]), rows[0][-1]) if rows else None

    async def part(self, kind: str, name: str, etag: str, start: int, size: int) -> bytes | None:
        """Return so many bytes of the contents of a version."""

        def part(connection: apsw.Connection) -> bytes | None:
            found: bytes | None = None
            with connection:  # of one state of the file
                rows: list[Any] = connection.execute(_NUMBER, (kind, name, etag)).fetchall()
                for (number,) in rows:
                    # A function of a statement would be given the whole of it for each part.
                    with connection.blob_open("main", "saved", "data", number, False) as blob:
                        blob.seek(min(start, blob.length()))
                        found = blob.read(size)
            return found

        return await self._pool.call(part)

    async def usage(self, kind: str, beside: str) -> SavedUsage:
        """Return how much there is of a kind, beside what has a name."""
        return SavedUsage(*(await self._read(_USAGE, (kind, beside)))[0])

    async def put(
        self, entry: SavedEntry, contents: bytes, over: str | None, judge: JudgeRoom
    ) -> bool:
        """Write an entry over the version that was seen."""
        e = entry
        text: str = _CREATE
        values: tuple[Any, ...] = (
            *(e.kind, e.name, e.content_type, e.size, e.etag, e.created, e.updated, e.actor),
            contents,
        )
        if over is not None:
            text = _REPLACE
            values = (e.content_type, e.size, e.etag, e.updated, e.actor, contents)
            values += (e.kind, e.name, over)

        def put(connection: apsw.Connection, _head: object) -> bool:
            run: Callable[..., Any] = connection.execute
            judge(SavedUsage(*run(_USAGE, (e.kind, e.name)).fetchall()[0]))
            return bool(run(text, values).fetchall())

        written: bool = await self._upkeep(put)
        return written

    async def delete(self, kind: str, name: str, over: str) -> bool:
        """Delete the version that was seen."""
        rows = await self._upkeep(
            lambda connection, _: connection.execute(_DELETE, (kind, name, over)).fetchall()
        )
        return bool(rows)

    async def _read(self, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._pool.call(
            lambda connection: connection.execute(text, tuple(values)).fetchall()
        )
        return rows
