"""Counts and times of the requests that this process has answered.

Kept in plain dictionaries: what each request pays for it is one look-up and a few additions.
`exposition` makes metrics of it when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets of durations, in seconds; a last bucket has no end."""

UNMATCHED = "Unmatched"
"""Stands for the operation of requests whose path or method no operation has."""

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class RequestTally:
    """Requests that are alike.

    Attributes:
        seconds: that they took together.
        buckets: how many took at most as long as each of BOUNDS says, and how many longer.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.buckets)

    def add(self, other: RequestTally) -> None:
        """Take another's requests in."""
        self.seconds += other.seconds
        self.buckets = [a + b for a, b in zip(self.buckets, other.buckets, strict=True)]


class ConnectionMeter:
    """The connections of this process.

    Attributes:
        open: how many there are.
        ended: those that were ended for want of room, by the reason.
    """

    def __init__(self) -> None:
        self.open = 0
        self.ended = {"full": 0, "evicted": 0, "address": 0}


class RequestMeter:
    """Tallies by operation, method and status; bounded, whatever clients send.

    Attributes:
        worker: number of this process among those that serve one port.
    """

    def __init__(self, worker: int = 0) -> None:
        self.worker = worker
        self._tallies: dict[tuple[str, str, int], RequestTally] = {}

    def note(self, operation: str, method: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            operation: id of a row of the operation table, name of a mount, or UNMATCHED.
            method: as the client sent it.
            status: of the answer.
            seconds: from the head of the request until the answer was ready.
        """
        tally = self._tallies.get((operation, method, status))
        if tally is None:
            tally = self._tally(operation, method, status)
        tally.seconds += seconds
        tally.buckets[bisect_left(BOUNDS, seconds)] += 1

    def note_refusal(self, status: int) -> None:
        """Count an answer to what never became a request: a head too long, a time limit."""
        self.note(UNMATCHED, "other", status, 0.0)

    def __iter__(self) -> Iterator[tuple[tuple[str, str, int], RequestTally]]:
        """Yield what was counted, by (operation, method, status)."""
        return iter(self._tallies.items())

    def by_operation(self) -> dict[str, RequestTally]:
        """Return the sums of operations."""
        found: dict[str, RequestTally] = {}
        for (operation, _, _), tally in self:
            found.setdefault(operation, RequestTally()).add(tally)
        return found

    def _tally(self, operation: str, method: str, status: int) -> RequestTally:
        # A client may send any word as method, and each would be another series.
        known = method if method in _METHODS else "other"
        return self._tallies.setdefault((operation, known, status), RequestTally())
