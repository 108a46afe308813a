"""How fast a server is called: one gate for all calls that go on at once.

A server that refuses for its rate (429) is called by all of them more slowly, not only by the one
that was refused; meanwhile the pace grows again, so that it stays just below what is allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

_SLOWER, _FASTER = 0.8, 1.05
_EVERY = 1.0
"""Seconds between two steps upwards, and at least between two downwards."""
_SLOWEST = 1.0
_MEASURED = 2.0
"""Seconds over which what was done is counted, to begin from when the first refusal comes."""
_LONGEST = 60.0


class Pace:
    """Lets calls begin, so many a second; without a refusal as many as come."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._rate = 0.0  # a second; 0 is as many as come
        self._next = 0.0
        self._stopped_until = 0.0
        self._changed = self._since = clock()
        self._begun = 0
        self.refusals = 0

    @property
    def per_second(self) -> float:
        """Calls that may begin in a second; 0 while nothing was refused."""
        return self._rate

    async def turn(self) -> None:
        """Wait until a call may begin."""
        while True:
            now = self._clock()
            wait = self._stopped_until - now
            if wait <= 0:
                wait = self._take(now)
                if wait <= 0:
                    return
                await asyncio.sleep(wait)
                if self._stopped_until <= self._clock():
                    return
            else:
                await asyncio.sleep(wait)

    def refused(self, asked: float | None) -> None:
        """Slow down after an answer that refuses for the rate.

        Args:
            asked: the seconds of its `Retry-After`.
        """
        now = self._clock()
        self.refusals += 1
        self._stopped_until = max(self._stopped_until, now + min(asked or _EVERY, _LONGEST))
        if self._rate == 0:
            self._rate = max(_SLOWEST, self._begun / max(now - self._since, _EVERY))
        elif now - self._changed < _EVERY:
            return  # of calls that had begun before the last step
        self._rate = max(_SLOWEST, self._rate * _SLOWER)
        self._changed = self._stopped_until
        self._next = self._stopped_until

    def _take(self, now: float) -> float:
        """Return the seconds after which the next call may begin, and count it."""
        self._begun += 1
        if self._rate == 0:
            if now - self._since > 2 * _MEASURED:
                self._since, self._begun = now - _MEASURED, self._begun // 2
            return 0.0
        if now - self._changed >= _EVERY:
            self._rate, self._changed = self._rate * _FASTER, now
        self._next = max(self._next, now) + 1 / self._rate
        return self._next - 1 / self._rate - now
