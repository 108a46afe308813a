"""Wakes readers of the change log when it has grown."""

from __future__ import annotations

import asyncio


class Pulse:
    """Wakes whoever waits for the log to grow; set on the event loop."""

    def __init__(self) -> None:
        self._last = 0
        self._next: asyncio.Future[None] | None = None

    def beat(self, position: int) -> None:
        """Note that the log has grown to `position`."""
        self._last = max(self._last, position)
        if self._next is not None:
            waiters, self._next = self._next, None
            if not waiters.done():
                waiters.set_result(None)

    async def wait(self, seen: int) -> None:
        """Return when the log has grown beyond `seen`."""
        while self._last <= seen:
            if self._next is None:
                self._next = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._next)
