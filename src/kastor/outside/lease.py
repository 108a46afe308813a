"""Leases: of several processes that serve a graph, one at a time does what only one may do.

The store says by its own clock who holds a route or an input, and for how long. A process believes
in its lease for less than that, counted from before it asked, so that it has stopped before another
one can begin, also when it was paused or its question took long.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import time

from kastor.clock import new_guid

LEASE_SECONDS = 2.0
"""How long something is held in the store before it has to be renewed."""
RENEW_SECONDS = LEASE_SECONDS / 4
_BELIEVED_SECONDS = LEASE_SECONDS * 3 / 4


class Lease:
    """What one process knows of its hold on one thing.

    Args:
        shared: whether other processes may hold it; if not, it is always held.
    """

    def __init__(self, *, shared: bool) -> None:
        self._until = -math.inf if shared else math.inf
        self._changed = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether this process may act now."""
        return time.monotonic() < self._until

    def extend(self, asked: float) -> None:
        """Note that the store agreed to a question.

        Args:
            asked: monotonic time in seconds before the question was sent.
        """
        if self._until != math.inf:
            self._change(asked + _BELIEVED_SECONDS)

    def end(self) -> None:
        """Note that another process has it."""
        self._change(-math.inf)

    async def wait(self) -> None:
        """Wait until it is held."""
        while not self.held:
            await self._changed.wait()

    async def ended(self) -> None:
        """Wait until it is not held any more."""
        while self.held:
            left = None if self._until == math.inf else self._until - time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def _change(self, until: float) -> None:
        self._until = until
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def holder_name() -> str:
    """Return a name for this process as a holder, which a person can find and no other has."""
    return f"{socket.gethostname()}/{os.getpid()}/{new_guid()[:8]}"
