"""All versions of one twin or relationship in order, deletions among them.

A deletion is in no row: it has the number behind the version that it ended, and nothing has that
number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.storage.history import Version
from kastor.storage.postgres import past_statements as sql
from kastor.storage.postgres.documents import from_jsonb
from kastor.storage.postgres.reads import known
from kastor.storage.transfer import PORTION_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from kastor.storage.history import Kind
    from kastor.types import RelationshipId, TwinId

Identity: TypeAlias = "tuple[TwinId] | tuple[TwinId, RelationshipId]"

ATTEMPTS = 5
LAST = 2**62


class Timeline:
    """Reads versions.

    Args:
        fetch: runs a statement on the primary.
        stamp: gives positions to all that is committed.
    """

    def __init__(
        self, fetch: Callable[..., Awaitable[list[Any]]], stamp: Callable[[], Awaitable[None]]
    ) -> None:
        self._fetch, self._stamp = fetch, stamp

    async def between(
        self,
        kind: Kind,
        identity: Identity,
        *,
        start: int,
        end: int,
        limit: int,
        descending: bool,
    ) -> list[Version] | None:
        """Return what changes from position `start` to `end` made, see `HistoryStore.versions`."""
        key = await self._key(kind, identity)
        if key is None:
            return None
        text = (sql.DESCENDING if descending else sql.ASCENDING)[kind]
        # Itself made before `start`, the first one may have been ended by a deletion that was not.
        values = (key, min(start, LAST), min(end, LAST), limit + 1, PORTION_BYTES)
        rows = await self._rows(text, values)
        entries = _entries(rows, descending=descending)
        return [each for each in entries if start <= each.change <= end][:limit]

    async def nearest(self, kind: Kind, identity: Identity, version: int) -> Version | None:
        """Return the version of a number or the nearest kept one before it."""
        key = await self._key(kind, identity)
        if key is None:
            return None
        entries = _entries(await self._rows(sql.NEAREST[kind], (key, version)), descending=True)
        return next((each for each in entries if each.version <= version), None)

    async def _key(self, kind: Kind, identity: Identity) -> int | None:
        rows = await self._fetch(sql.KEY[kind], *map(known, identity))
        return rows[0][0] if rows else None

    async def _rows(self, text: str, values: Sequence[object]) -> list[Any]:
        """Return rows that all have a position; what was committed last may need one first."""
        for _ in range(ATTEMPTS):
            await self._stamp()
            rows = await self._fetch(text, *values)
            if all(_has_position(row) for row in rows):
                return rows
        return [row for row in rows if _has_position(row)]


def _has_position(row: Any) -> bool:
    return row["pos"] is not None and (not row["deletes"] or row["ended_pos"] is not None)


def _entries(rows: Sequence[Any], *, descending: bool) -> Iterator[Version]:
    for row in rows:
        version, change, start, end, actor, etag, doc, *ending, via, ended_via = row
        ended_by, ended_actor, deleted, again = ending
        one = [Version(version, change, start, end, actor, etag, from_jsonb(doc), _bytes(via))]
        if deleted:
            deletion = (version + 1, ended_by, end, again, ended_actor, "", None, _bytes(ended_via))
            one.append(Version(*deletion))
        yield from reversed(one) if descending else one


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
