"""How many bytes of vectors one process keeps in memory, for all indexes of all its graphs."""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

DEFAULT_BYTES = 512 * 2**20
STREAMS = 2
"""Searches at once that read vectors and keep none; others wait, each within its time."""


class Holder(Protocol):
    """What keeps vectors in memory."""

    def give_up(self) -> bool:
        """Let go of them; return False, and keep them, while somebody works with them."""


class VectorBudget:
    """Who keeps how much; for one who needs room those go that were not asked for the longest.

    Attributes:
        size: bytes that all may have together.
        streams: for searches that keep nothing.
    """

    def __init__(self, size: int = DEFAULT_BYTES) -> None:
        self.size = size
        self.streams = asyncio.Semaphore(STREAMS)
        # In order of use. Those of a graph that is closed go with it.
        self._held: WeakKeyDictionary[Holder, int] = WeakKeyDictionary()

    @property
    def used(self) -> int:
        """Bytes that are kept."""
        return sum(self._held.values())

    def hold(self, holder: Holder, size: int) -> bool:
        """Say how many bytes a holder has now; return False where it has to let go of them."""
        self._held.pop(holder, None)
        if size > self.size:
            return False
        for other in list(self._held):
            if self.used + size <= self.size:
                break
            if other.give_up():
                del self._held[other]
        if self.used + size > self.size:
            return False
        self._held[holder] = size
        return True

    def release(self, holder: Holder) -> None:
        """Forget a holder, which has nothing any more."""
        self._held.pop(holder, None)
