"""Reads of the past for who may see some twins: what is hidden now was never there.

Membership of now decides, of a twin that is gone its last one (decisions 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kastor.records import RelationshipPage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from kastor.records import AsOf, IncomingRow, RelationshipRow, TwinRow


class PastReads(Protocol):
    """Point reads of a past state, as `Store` has them."""

    async def twin(self, twin_id: str, at: AsOf) -> TwinRow | None:
        """Return a twin."""

    async def relationship(
        self, source_id: str, relationship_id: str, at: AsOf
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source existed, and the relationship."""

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, at: AsOf
    ) -> RelationshipPage | None:
        """Return a page of outgoing relationships."""

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, at: AsOf
    ) -> list[IncomingRow] | None:
        """Return a page of incoming relationships."""


class SeenPast:
    """The same reads without what is hidden.

    Args:
        reads: of everything.
        hidden: tells which of these keys of twins cannot be seen.
    """

    def __init__(
        self, reads: PastReads, hidden: Callable[[Collection[int]], Awaitable[set[int]]]
    ) -> None:
        self._reads, self._hidden = reads, hidden

    async def twin(self, twin_id: str, at: AsOf) -> TwinRow | None:
        """Return a twin."""
        row = await self._reads.twin(twin_id, at)
        return None if row is None or await self._hidden([row.key]) else row

    async def relationship(
        self, source_id: str, relationship_id: str, at: AsOf
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source existed, and the relationship."""
        if await self.twin(source_id, at) is None:
            return False, None
        there, row = await self._reads.relationship(source_id, relationship_id, at)
        if row is not None and await self._hidden([row.target_key]):
            row = None
        return there, row

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, at: AsOf
    ) -> RelationshipPage | None:
        """Return a page of outgoing relationships; as many pages are read as it takes."""
        if await self.twin(source_id, at) is None:
            return None
        rows: list[RelationshipRow] = []
        while len(rows) <= limit:
            page = await self._reads.outgoing(source_id, name, after, limit, at)
            if page is None:
                return None
            hidden = await self._hidden({row.target_key for row in page.rows})
            rows += [row for row in page.rows if row.target_key not in hidden]
            if not page.more:
                break
            after = page.rows[-1].id
        return RelationshipPage(rows[:limit], more=len(rows) > limit)

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, at: AsOf
    ) -> list[IncomingRow] | None:
        """Return a page of incoming relationships; as many pages are read as it takes."""
        if await self.twin(target_id, at) is None:
            return None
        rows: list[IncomingRow] = []
        while len(rows) < limit:
            found = await self._reads.incoming(target_id, after, limit, at)
            if found is None:
                return None
            hidden = await self._hidden({row.source_key for row in found})
            rows += [row for row in found if row.source_key not in hidden]
            if len(found) < limit:
                break
            last = found[-1]
            after = (last.name_key, last.source_key, last.key)
        return rows[:limit]
