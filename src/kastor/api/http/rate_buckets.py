"""Token buckets: how often something may be done, and how long to wait where it may not be.

A bucket that is full says nothing that a new one would not, so it can be forgotten: that bounds how
many are kept, whoever comes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

KEPT = 10_000
"""RateBuckets that are kept of many clients, twins or addresses."""
SPREAD_SECONDS = 10.0
"""Those who are refused at once are told times up to so much apart."""
_LOOKED_AT = 8


class RateBucket:
    """Fills by so many a second, up to what may be taken at once.

    Times are seconds of one clock that never goes back.
    """

    __slots__ = ("_at", "_left", "_most", "_promised", "_rate")

    def __init__(self, rate: float, now: float, most: float | None = None) -> None:
        """Begin with a full one; without `most` it holds those of one second."""
        self._rate, self._most = rate, rate if most is None else most
        self._left, self._at = self._most, now
        self._promised = now

    def left(self, now: float) -> float:
        """Return how many there are to take; less than none where more was taken."""
        left = self._left + (now - self._at) * self._rate
        self._left = left = min(left, self._most)
        self._at = now
        return left

    def is_full(self, now: float) -> bool:
        """Return whether nothing of what was taken matters any more."""
        return self.left(now) >= self._most

    def wait(self, now: float) -> float:
        """Return the seconds until there is one to take; 0 where there is."""
        left = self.left(now)
        return 0.0 if left >= 1 else (1 - left) / self._rate

    def gives(self, now: float) -> bool:
        """Take one, if there is one; return whether there was."""
        if self.left(now) < 1:
            return False
        self._left -= 1
        return True

    def take(self, units: float = 1) -> None:
        """Take, also more than is there: then it takes the longer to fill."""
        self._left -= units

    def turn(self, now: float) -> float:
        """Return the seconds after which one that found nothing should come again.

        Each is told a later time than the one before, as far as SPREAD_SECONDS go, so that those
        who keep to it do not all come at once to find one. Clients are told whole seconds, rounded
        up; so in none are there more turns than a whole second gives.
        """
        soonest = now + self.wait(now)
        turn = max(self._promised, soonest)
        self._promised = min(turn + self._between(), soonest + SPREAD_SECONDS)
        return turn - now

    def _between(self) -> float:
        """Seconds between two turns, and a bit, so that rounding adds none to a second."""
        each = math.floor(min(self._rate, self._most))
        return (1 / each if each else math.ceil(1 / self._rate)) * (1 + 1e-9)


class RateBuckets:
    """A bucket for each of many, of which only so many are kept.

    Full ones are forgotten first, and then those that were left alone the longest. A bucket that is
    not full is lost only while `kept` others are in use, which each cost a request, so nobody gets
    a fresh one cheaply.
    """

    def __init__(self, rate: float, most: float | None = None, kept: int | None = None) -> None:
        """Keep KEPT, or so many."""
        self._rate, self._most, self._kept = rate, most, kept or KEPT
        self._buckets: OrderedDict[str, RateBucket] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._buckets)

    def __iter__(self) -> Iterator[str]:
        """Yield whose are kept; the one that was left alone the longest comes first."""
        return iter(self._buckets)

    def of(self, key: str, now: float) -> RateBucket:
        """Return somebody's bucket."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._buckets.move_to_end(key)
            return bucket
        if len(self._buckets) >= self._kept:
            self._forget(now)
        bucket = self._buckets[key] = RateBucket(self._rate, now, self._most)
        return bucket

    def _forget(self, now: float) -> None:
        oldest = list(islice(self._buckets.items(), _LOOKED_AT))
        full = [key for key, bucket in oldest if bucket.is_full(now)]
        for key in full or [max(oldest, key=lambda each: each[1].left(now))[0]]:
            del self._buckets[key]
