"""How many jobs one process works on at once, whichever graphs they are of."""

from __future__ import annotations

import asyncio


class Slots:
    """Places for jobs at work.

    Args:
        most: jobs at once.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: set[asyncio.Event] = set()

    def take(self, wake: asyncio.Event) -> bool:
        """Take a place; where there is none, set the event as soon as one is given back."""
        if self._free == 0:
            self._waiting.add(wake)
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        """Let somebody else have the place."""
        self._free += 1
        waiting, self._waiting = self._waiting, set()
        for wake in waiting:
            wake.set()
