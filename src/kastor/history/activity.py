"""How many changes fell into each of many equal stretches of time.

Nothing is counted: positions in the change log go on by one, so the positions at the two edges of a
stretch say it, and edges between which nothing happened are not asked for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from kastor.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.graph.instants import Named
    from kastor.records import AsOf
    from kastor.storage.history import HistoryStore
    from kastor.types import Ticks

MOST_BUCKETS = 500
_AT_ONCE = 32
"""Edges after which others have a turn; to find one may take no time at all."""


class Activity(Struct, frozen=True):
    """Changes over time.

    Attributes:
        start: the state at its beginning; what happened at exactly that time is before it.
        end: at its end.
        changes: how many there were in each stretch, in order.
    """

    start: AsOf
    end: AsOf
    changes: Sequence[int]


async def read_activity(
    history: HistoryStore[Any],  # any: no catalog is read
    first: Named,
    last: Named | None,
    buckets: int,
    now: Ticks,
) -> Activity:
    """Return how many changes there were between two instants; without the last one until now.

    Of what is older than all that is kept as much is told as is known.

    Raises:
        InvalidArgument: one lies in the future, or they are not in order.
    """
    start = await history.resolve(time=first.time, change=first.change, kept=False)
    if last is None:
        end = await history.resolve()
        end = structs.replace(end, time=max(end.time, now))
    else:
        end = await history.resolve(time=last.time, change=last.change, kept=False)
    if start.time > end.time or start.change > end.change:
        raise InvalidArgument("from lies after to; exchange the two.")
    edges = _Edges(history, start, end, buckets)
    await edges.find(0, buckets)
    positions = edges.positions
    changes = [positions[each + 1] - positions[each] for each in range(buckets)]
    return Activity(start, end, changes)


class _Edges:
    """The positions at the edges of stretches, found by halving what has changes in it."""

    def __init__(
        self,
        history: HistoryStore[Any],  # any: no catalog is read
        start: AsOf,
        end: AsOf,
        buckets: int,
    ) -> None:
        self._history = history
        self._start, self._length = start.time, end.time - start.time
        self._asked = 0
        self.positions = [start.change] * buckets + [end.change]

    async def find(self, low: int, high: int) -> None:
        """Find what lies between two edges that are known."""
        positions = self.positions
        if high - low <= 1:
            return
        if positions[low] == positions[high]:
            positions[low:high] = [positions[low]] * (high - low)
            return
        middle = (low + high) // 2
        found = await self._history.resolve(time=self._time(middle), kept=False)
        # An end that was named by its entry may have the time of others that came after it.
        positions[middle] = min(max(found.change, positions[low]), positions[high])
        self._asked += 1
        if self._asked % _AT_ONCE == 0:
            await asyncio.sleep(0)
        await self.find(low, middle)
        await self.find(middle, high)

    def _time(self, edge: int) -> Ticks:
        return self._start + self._length * edge // (len(self.positions) - 1)
