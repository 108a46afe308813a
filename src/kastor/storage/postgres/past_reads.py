"""Point reads of a state of the past: one statement each, on the primary.

They are made there whatever a request allows, since only the primary says which state is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.clock import twin_time
from kastor.records import (
    AsOf,
    Degrees,
    IncomingRow,
    RelationshipPage,
    RelationshipRow,
    TwinRow,
)
from kastor.storage.history import expired
from kastor.storage.limits import PAGE_BYTES
from kastor.storage.parts import held_last
from kastor.storage.postgres import past_statements as sql
from kastor.storage.postgres.reads import known, relationship_row, twin_row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from kastor.errors import Gone
    from kastor.records import Sees
    from kastor.types import Ticks


class PostgresPastReads:
    """Reads of single rows and of short listings as they were.

    Args:
        fetch: runs one statement on the primary.
    """

    def __init__(self, fetch: Callable[[str, Sequence[object]], Awaitable[list[Any]]]) -> None:
        self._fetch = fetch

    async def twin(self, twin_id: str, at: AsOf) -> TwinRow | None:
        """Return a twin."""
        rows = await self._read(sql.TWIN, at, known(twin_id))
        return twin_row(rows[0], 1)

    async def relationship(
        self, source_id: str, relationship_id: str, at: AsOf
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source twin existed, and the relationship."""
        rows = await self._read(sql.RELATIONSHIP, at, known(source_id), known(relationship_id))
        return rows[0][1] is not None, relationship_row(rows[0], 2)

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, at: AsOf
    ) -> RelationshipPage | None:
        """Return a page of the relationships that left a twin; None if it did not exist."""
        named = None if name is None else known(name)
        values = (known(source_id), known(after), limit + 1, PAGE_BYTES, named)
        rows = await self._read(sql.OUTGOING, at, *values)
        if rows[0][1] is None:
            return None
        found = [relationship_row(row, 2) for row in rows[:limit]]
        page = [row for row in found if row is not None]
        return RelationshipPage(page, more=bool(page) and rows[0]["ahead"] > len(page))

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, at: AsOf
    ) -> list[IncomingRow] | None:
        """Return a page of the relationships that entered a twin; None if it did not exist."""
        rows = await self._read(sql.INCOMING, at, known(target_id), *after, limit)
        if rows[0][1] is None:
            return None
        return [IncomingRow(*row[2:]) for row in map(tuple, rows) if row[2] is not None]

    async def degrees(self, twin_ids: Sequence[str], most: int, at: AsOf) -> list[Degrees]:
        """Return how many relationships twins had, each counted up to `most`."""
        rows = await self._read(sql.DEGREES, at, list(twin_ids), most)
        return [Degrees(*row[1:]) for row in map(tuple, rows) if row[1] is not None]

    async def hidden(self, keys: Collection[int], sees: Sees) -> set[int]:
        """Return which of these twins cannot be seen, those that are gone included."""
        seen = held_last("k.key", sees, "{{graph}}.{}".format)
        text = f"SELECT k.key FROM unnest($1::text[]::bigint[]) k (key) WHERE ({seen}) IS NOT TRUE"
        return {row[0] for row in await self._fetch(text, ([*map(str, keys)],))}

    async def _read(self, text: str, at: AsOf, *values: object) -> list[Any]:
        rows = await self._fetch(text, (at.change, at.newest, *values))
        if rows[0][0] > at.change:
            raise no_longer_kept(twin_time(at.time), (await self._fetch(sql.FLOOR, ()))[0][1])
        return rows


def no_longer_kept(asked: str, oldest: Ticks | None) -> Gone:
    """Return the error of who asks for a state that is older than what is kept."""
    return expired(asked, "a later instant" if oldest is None else twin_time(oldest))
