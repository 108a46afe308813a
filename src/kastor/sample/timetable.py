"""When each sensor of the sample building speaks: seldom, and never all at once.

Sensors take turns on a fixed round of `PERIOD` seconds, each in a slot of its own. Between two
turns of one sensor lie at least `GAP` seconds, however unevenly the caller's clock ticks. A caller
that comes late finds more than one slot due, once; after that everybody is back in the own slot.
"""

from __future__ import annotations

import heapq
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIOD = 40.0
"""Seconds of one round, in which each sensor has one turn."""

GAP = 30.0
"""Seconds that lie between two turns of a sensor at least."""


class Timetable:
    """Turns of a fixed set of sensors."""

    __slots__ = ("_last", "_names", "_queue", "_slots")

    def __init__(self, names: Sequence[str], seed: int) -> None:
        self._names = sorted(names)
        Random(seed).shuffle(self._names)  # noqa: S311 - neighbours should not speak in a row
        self._slots: list[float] = []
        self._queue: list[tuple[float, int]] = []
        self._last: float | None = None

    def due(self, now: float) -> list[str]:
        """Return whose turn it is at a time in seconds, in the order of the slots.

        The first call starts the first round. A clock that was set back by more than a round
        starts it anew, so that nobody waits for the old time to come back.
        """
        if self._last is None:
            self._start(now)
        elif now < self._last - PERIOD:
            self._start(now + GAP)
        self._last = now
        turns = []
        while self._queue and self._queue[0][0] <= now:
            _, index = self._queue[0]
            turns.append(self._names[index])
            heapq.heapreplace(self._queue, (self._next_slot(index, now + GAP), index))
        return turns

    def _start(self, at: float) -> None:
        count = len(self._names)
        self._slots = [at + PERIOD * index / count for index in range(count)]
        self._queue = [(slot, index) for index, slot in enumerate(self._slots)]

    def _next_slot(self, index: int, earliest: float) -> float:
        """Return the first slot of a sensor that is not before a time."""
        slot = self._slots[index]
        rounds = -((slot - earliest) // PERIOD)
        return slot + rounds * PERIOD
