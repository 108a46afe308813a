"""Stretches of time of one length, and what is told of the values in each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from kastor.clock import TICKS_PER_SECOND, twin_time
from kastor.errors import InvalidArgument
from kastor.history.spans import LAST_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kastor.history.values import Point
    from kastor.types import Document, Json, Ticks

AggregateName: TypeAlias = Literal["avg", "min", "max", "last", "count"]
AGGREGATES: tuple[AggregateName, ...] = get_args(AggregateName)

_WIDTH = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)", re.ASCII)
_UNITS: Mapping[str, Ticks] = {
    "ms": TICKS_PER_SECOND // 1_000,
    "s": TICKS_PER_SECOND,
    "m": 60 * TICKS_PER_SECOND,
    "h": 3_600 * TICKS_PER_SECOND,
    "d": 86_400 * TICKS_PER_SECOND,
}


def read_width(text: str) -> Ticks:
    """Return the length of a bucket, such as `15m`.

    Raises:
        InvalidArgument: it is none.
    """
    match = _WIDTH.fullmatch(text)
    width = 0 if match is None else int(match[1]) * _UNITS[match[2]]
    if not 0 < width <= 100_000 * _UNITS["d"]:
        raise InvalidArgument(
            "bucket is a whole number and a unit: ms, s, m, h or d, such as 15m or 1h."
        )
    return width


def read_aggregates(text: str) -> tuple[AggregateName, ...]:
    """Return the names in a list with commas, each once, in the order of AGGREGATES.

    Raises:
        InvalidArgument: there is another one, or none.
    """
    named = {each.strip().lower() for each in text.split(",")}
    if not named <= set(AGGREGATES):
        raise InvalidArgument(f"agg takes {', '.join(AGGREGATES)}, with commas between them.")
    return tuple(each for each in AGGREGATES if each in named)


def start_of(time: Ticks, width: Ticks) -> Ticks:
    """Return where the bucket of a time begins: whole days, hours, minutes of UTC.

    Weeks (`7d`) begin on Mondays, since ticks count from one.
    """
    return time - time % width


class Bucket:
    """What is told of the values of one stretch of time.

    Attributes:
        start: in ticks.
        first_change: position of the first value that was taken.
    """

    def __init__(self, start: Ticks, first_change: int) -> None:
        self.start, self.first_change = start, first_change
        self._count = self._numbers = 0
        self._total: float = 0
        self._low: float | None = None
        self._high: float | None = None
        self._last: Json = None
        self._newest: Ticks = -1

    def take(self, point: Point) -> None:
        """Take a value; of those with the same time the one that came later is the last."""
        self._count += 1
        value = point.value
        if point.time >= self._newest:
            self._newest, self._last = point.time, value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        self._numbers += 1
        self._total += value
        self._low = value if self._low is None else min(self._low, value)
        self._high = value if self._high is None else max(self._high, value)

    def told(self, width: Ticks, wanted: Sequence[AggregateName]) -> Document:
        """Return it as answers have it; avg, min and max are null where no value is a number."""
        values: Mapping[AggregateName, Callable[[], Json]] = {
            "avg": lambda: self._total / self._numbers if self._numbers else None,
            "min": lambda: self._low,
            "max": lambda: self._high,
            "last": lambda: self._last,
            "count": lambda: self._count,
        }
        end = min(self.start + width, LAST_TIME)
        told = {"from": twin_time(self.start), "to": twin_time(end)}
        return {**told, **{cast("str", name): values[name]() for name in wanted}}


def rows_of(points: Iterable[Point]) -> list[dict[str, Any]]:
    """Return values without buckets as answers have them."""
    return [{"time": twin_time(each.time), "value": each.value} for each in points]
