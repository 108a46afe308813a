"""Spreads the writes of one twin over time, where a server allows only so many of them.

Azure Digital Twins takes ten writes a second of a twin and its relationships. Whoever sends a
hundred relationships of one twin at once is refused for most of them, and every refusal holds up
all other twins as well.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

PER_SECOND = 9.0
_BURST = 5
_TWINS = 10_000
"""Twins of which the last writes are remembered; then those written longest ago are forgotten."""


class TwinSpread:
    """Lets a write of a twin begin when it is its turn; until `begin` at once."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._begun = False
        self._due: OrderedDict[str, float] = OrderedDict()

    def begin(self) -> None:
        """Spread from now on: the server was seen to count."""
        self._begun = True

    async def turn(self, twin: str) -> None:
        """Wait until a write of a twin may begin."""
        now = self._clock()
        due = max(self._due.pop(twin, now), now)
        self._due[twin] = due + 1 / PER_SECOND
        if len(self._due) > _TWINS:
            self._due.popitem(last=False)
        wait = due - (_BURST - 1) / PER_SECOND - now
        if self._begun and wait > 0:
            await asyncio.sleep(wait)
