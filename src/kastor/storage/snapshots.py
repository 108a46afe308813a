"""What snapshots of both engines share: how many are open at once, and queries over one.

Each costs a copy of a file's pages, or a server its tidying up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from kastor.errors import Unavailable

if TYPE_CHECKING:
    from kastor.records import Context
    from kastor.storage.transfer import Snapshot

S = TypeVar("S", bound="Snapshot")

MOST_OPEN = 4
"""Exports, backups and rehearsals of one graph in one process at once."""
RETRY_AFTER_SECONDS = 30


class Snapshots:
    """Counts the snapshots of one graph that are open."""

    def __init__(self) -> None:
        self._open = 0

    @asynccontextmanager
    async def opened(self, make: Callable[[], AbstractAsyncContextManager[S]]) -> AsyncIterator[S]:
        """Open one more for a block.

        Raises:
            Unavailable: as many as may be are open; or as `make`.
        """
        if self._open >= MOST_OPEN:
            raise Unavailable(
                f"{MOST_OPEN} exports, backups and the like read this graph already. Wait until "
                "one of them has ended, then try again.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self._open += 1
        try:
            async with make() as snapshot:
                yield snapshot
        finally:
            self._open -= 1


class SnapshotReads:
    """Runs queries on a snapshot as a `Store` runs them on the present state."""

    look_up = None
    """A snapshot has to be waited for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[Any, ...] | None:
        """Run a compiled query for its only row."""
        rows = await self.fetch_all(sql, params, context, timeout=timeout)
        return rows[0] if rows else None

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a compiled query for all its rows."""
        self._require_same(context)
        return await self._snapshot.fetch_all(sql, params, timeout=timeout)

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a compiled query for its first rows of `most` bytes; whether there are more."""
        self._require_same(context)
        return await self._snapshot.fetch_some(sql, params, timeout=timeout, most=most)

    def _require_same(self, context: Context) -> None:
        context.require_all()
        if context.at is not None and context.at.change != self._snapshot.instant.position:
            raise ValueError("a query of one state ran on the snapshot of another")
