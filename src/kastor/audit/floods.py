"""Keeps callers from filling the disk, and so from pushing older lines out of the files.

Of what anybody can repeat as often as it likes only so much has lines; the rest is counted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

CALLERS_KEPT = 1_000
"""Callers whose lines are counted; who was refused longest ago is forgotten."""
OF_A_CALLER, OF_A_KIND = (0.1, 20.0), (0.2, 200.0)
"""Lines a second, and as many at once after a quiet time. Each status is a kind, and has its own:
what strangers do takes no line of what is refused to callers who are known."""


class _Bucket:
    """Fills by so many a second."""

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, rate: float, most: float, now: float) -> None:
        self._rate, self._most, self._left, self._at = rate, most, most, now

    def has(self, now: float) -> bool:
        """Whether there is one to take."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left >= 1

    def take(self) -> None:
        """Take one."""
        self._left -= 1


class Floods:
    """Lets lines through that are not too many; used by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[int, _Bucket] = {}
        self._callers: OrderedDict[tuple[int, str], _Bucket] = OrderedDict()
        self._held_back: Counter[int] = Counter()

    def admits(self, status: int, caller: str) -> bool:
        """Return whether a request gets a line of its own; else it is counted.

        Args:
            status: of the answer; there are a few.
            caller: who asked.
        """
        now = self._clock()
        with self._lock:
            buckets = (self._of_caller(status, caller, now), self._of_kind(status, now))
            if not all(each.has(now) for each in buckets):
                self._held_back[status] += 1
                return False
            for each in buckets:
                each.take()
            return True

    def told(self) -> dict[int, int]:
        """Return how many were held back since this was asked, by status."""
        if not self._held_back:
            return {}
        with self._lock:
            found = dict(self._held_back)
            self._held_back.clear()
            return found

    def _of_kind(self, status: int, now: float) -> _Bucket:
        bucket = self._kinds.get(status)
        if bucket is None:
            bucket = self._kinds[status] = _Bucket(*OF_A_KIND, now)
        return bucket

    def _of_caller(self, status: int, caller: str, now: float) -> _Bucket:
        key = status, caller
        bucket = self._callers.pop(key, None) or _Bucket(*OF_A_CALLER, now)
        self._callers[key] = bucket
        if len(self._callers) > CALLERS_KEPT:
            self._callers.popitem(last=False)
        return bucket
