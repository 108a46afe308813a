"""Turns: of the writers of one twin within this process, one at a time, in the order they came.

Writes do not depend on it: the statement that writes compares versions. It only spares writers of
one process the lost races against each other, and keeps them from holding connections meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import TracebackType


class Turns:
    """Queues by key; one that nobody waits in takes no room."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._queues.values()))

    def of(self, key: Hashable) -> Turn:
        """Return a context manager that waits for the turn of `key`."""
        return Turn(self, key)

    async def enter(self, key: Hashable) -> None:
        """Wait until nobody else has the turn."""
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = deque()
            return
        future = asyncio.get_running_loop().create_future()
        queue.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.leave(key)
            raise

    def leave(self, key: Hashable) -> None:
        """Let the next one have its turn."""
        queue = self._queues[key]
        while queue:
            future = queue.popleft()
            if not future.done():
                future.set_result(None)
                return
        del self._queues[key]


class Turn:
    """One turn, for the time of a block."""

    __slots__ = ("_key", "_turns")

    def __init__(self, turns: Turns, key: Hashable) -> None:
        self._turns = turns
        self._key = key

    async def __aenter__(self) -> None:
        """Wait for it."""
        await self._turns.enter(self._key)

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Pass it on."""
        self._turns.leave(self._key)
