"""Clocks of tests."""

from __future__ import annotations

from kastor.clock import TICKS_PER_SECOND, now_ticks

DAY = 86_400 * TICKS_PER_SECOND
LONG_AGO = 1_000 * DAY
"""Where nothing of what a test writes is by the real time."""


class Clock:
    """Stands where it is put; at first at the real time, which the engine's own clock agrees to."""

    def __init__(self, now: int | None = None) -> None:
        self.now = now_ticks() if now is None else now

    def __call__(self) -> int:
        return self.now
