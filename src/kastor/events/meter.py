"""How fast a route delivers, from its stored counter, whichever process does the work."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60


class DeliveryMeter:
    """Remembers what a growing counter was in each of the last seconds.

    The counter is looked at by the worker when it has written it and, on a graph that several
    processes serve, by every process now and then: so all of them know the rate.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take a clock of seconds."""
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def observe(self, total: int) -> None:
        """Note what the counter is; what is older than the last look changes nothing."""
        second = math.floor(self._clock())
        if not self._seen:
            self._seen.append((-math.inf, total))  # nothing is known of what was before
        at, newest = self._seen[-1]
        if total <= newest:
            return
        if at == second:
            self._seen.pop()
        self._seen.append((second, total))
        self._forget(second)

    def per_minute(self) -> int:
        """Return by how much the counter grew in the last minute, as far as it was looked at."""
        self._forget(math.floor(self._clock()))
        return self._seen[-1][1] - self._seen[0][1] if self._seen else 0

    def _forget(self, second: int) -> None:
        while len(self._seen) > 1 and self._seen[1][0] <= second - WINDOW_SECONDS:
            self._seen.popleft()
