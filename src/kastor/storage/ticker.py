"""The time of writes: the wall clock, but at least a tick after what was written before.

Small steps back of the clock (a correction, a leap second) are bridged. One that is further back
than `LEAD_SECONDS` was set by somebody because the clock had been wrong; going on from the wrong
time would keep it for as long as the clock was ahead, for years. So the time follows the clock
then, and is less than that of earlier changes: order is by version and change number, never by
time. The bound is a minute because clocks that are kept in step differ by far less, and nobody
has to wait long for a right time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import Conflict
from kastor.logs import get_logger
from kastor.types import Ticks

LEAD_SECONDS = 60
LEAD: Ticks = LEAD_SECONDS * TICKS_PER_SECOND
DOUBT_SECONDS = 3_600.0
"""So long after the clock was put forward, nothing is removed for being old by the new time."""
SAID_EVERY_SECONDS = 60.0

_log = get_logger("kastor.storage")
_alone: ContextVar[Ticker | None] = ContextVar("alone", default=None)
"""Whose only writer the task is."""


class Ticker:
    """Gives the writes of one graph in one process their times.

    Attributes:
        set_back: how often the time had to go back, since the process began.
    """

    def __init__(
        self,
        clock: Callable[[], Ticks] = now_ticks,
        monotonic: Callable[[], float] | None = None,
        *,
        last: Ticks = 0,
    ) -> None:
        """Prepare a ticker.

        Args:
            clock: the wall clock.
            monotonic: seconds that nobody sets; by default the machine's, or none for a clock that
                is given, which then counts as never put forward.
            last: time of the newest change.
        """
        if monotonic is None and clock is now_ticks:
            monotonic = time.monotonic
        self._clock, self._monotonic = clock, monotonic
        self._writing = clock
        self._others: asyncio.Event | None = None
        self._newest, self._read = last, 0
        self._say_at = -math.inf
        self._doubted_until: float | None = None
        self._offset = 0.0 if monotonic is None else clock() / TICKS_PER_SECOND - monotonic()
        self.set_back = 0

    def after(self, *earlier: Ticks) -> Ticks:
        """Return the time of a write after others, where they are not too far ahead."""
        ticks, ahead = self._after(earlier)
        if ahead:
            self._note_set_back(ahead / TICKS_PER_SECOND)
        self._newest = ticks
        return ticks

    def look(self, *earlier: Ticks) -> Ticks:
        """Return what `after` would, for a write that does not happen."""
        return self._after(earlier)[0]

    def note_read(self, time: Ticks) -> None:
        """Let writes from now on be after an instant whose state somebody was told.

        As far as the clock is not set back by more than `LEAD_SECONDS`.
        """
        self._read = max(self._read, time)

    def _after(self, earlier: tuple[Ticks, ...]) -> tuple[Ticks, Ticks]:
        """Return the time of a write, and by how much another is too far ahead of the clock."""
        ticks = now = self._writing()
        ahead: Ticks = 0
        for last in earlier:
            if last < ticks:
                continue
            if last - now <= LEAD:
                ticks = last + 1
            else:
                ahead = max(ahead, last - now)
        if ticks <= self._read <= now + LEAD:
            ticks = self._read + 1
        return ticks, ahead

    @property
    def reserved(self) -> bool:
        """Whether somebody writes alone now, so that others take their turn after that."""
        return self._others is not None

    @property
    def is_mine(self) -> bool:
        """Whether this task is the one that writes alone."""
        return _alone.get() is self

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Enter a block whose task, with those that it begins, is the only one to write.

        Of this process, that is. Writes of others wait at `turn`; those that have passed it go on.

        Raises:
            Conflict: somebody else does so already.
        """
        if self._others is not None:
            raise Conflict("Somebody else fills this graph just now. Try again in a moment.")
        self._others = others = asyncio.Event()
        token = _alone.set(self)
        try:
            yield
        finally:
            _alone.reset(token)
            self._others = None
            others.set()

    async def turn(self) -> None:
        """Wait while somebody else writes alone."""
        while self._others is not None and not self.is_mine:
            await self._others.wait()

    @contextlib.contextmanager
    def writing_by(self, clock: Callable[[], Ticks]) -> Iterator[None]:
        """Enter a block in which writes have the times of another clock.

        For who writes a past into a graph that has none, within `alone`. What is old is judged by
        the wall clock all the same.
        """
        self._writing = clock
        try:
            yield
        finally:
            self._writing = self._clock

    def now(self) -> Ticks:
        """Return the wall clock."""
        return self._clock()

    @property
    def lead(self) -> float:
        """Seconds by which the newest change is ahead of the wall clock."""
        return max(0, self._newest - self._clock()) / TICKS_PER_SECOND

    def age_now(self) -> Ticks:
        """Return the wall clock as far as it may be used to remove what is old.

        A clock that is put forward by mistake would empty history and log within a minute.
        """
        now = self._clock()
        if self._monotonic is None:
            return now
        monotonic = self._monotonic()
        jump = now / TICKS_PER_SECOND - monotonic - self._offset
        if jump > LEAD_SECONDS:
            if self._doubted_until is None:
                self._doubted_until = monotonic + DOUBT_SECONDS
                _log.warning(
                    "the clock was put forward; nothing is removed for its age for an hour",
                    seconds=round(jump),
                )
            if monotonic < self._doubted_until:
                return now - int(jump * TICKS_PER_SECOND)
        self._doubted_until = None
        self._offset += jump
        return now

    def _note_set_back(self, seconds: float) -> None:
        self.set_back += 1
        now = time.monotonic()
        if now >= self._say_at:
            self._say_at = now + SAID_EVERY_SECONDS
            _log.warning(
                "the clock was set back, or ahead when the last change was written; "
                "times follow it, order is by version",
                seconds=round(seconds),
            )
