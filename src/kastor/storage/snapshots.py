"""How many snapshots of a graph are open at once: each costs a copy, or a server its tidying up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from kastor.errors import Unavailable

if TYPE_CHECKING:
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
