"""What each scalar function gives, in plain Python; `UNDEFINED` where it gives nothing."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

UNDEFINED: Any = ...
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(\.\d+)?)?"
    r"(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?"
)
_SECONDS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_LONGEST_MONTHS, _LONGEST_SECONDS = 120_000, 400_000_000_000


def finite(value: float) -> Any:
    return value if math.isfinite(value) else UNDEFINED


def divide(x: float, y: float) -> Any:
    return UNDEFINED if y == 0 else finite(x / y)


def remainder(x: float, y: float) -> Any:
    return UNDEFINED if y == 0 else math.fmod(x, y)


def power(x: float, y: float) -> Any:
    try:
        return finite(math.pow(x, y))
    except (OverflowError, ValueError):
        return UNDEFINED


def root(x: float) -> Any:
    return math.sqrt(x) if x >= 0 else UNDEFINED


def nearest(x: float) -> float:
    """To a whole number, halves away from zero."""
    return x if abs(x) > 2**52 else math.copysign(math.floor(abs(x) + 0.5), x)


def rounded(x: float, digits: float) -> Any:
    if not -1 < digits < 16 or abs(x) >= 1e290:
        return UNDEFINED
    scale = 10.0 ** int(digits)
    return nearest(x * scale) / scale


def substring(text: str, start: float, length: float = 1e9) -> Any:
    if start < 0 or length < 0:
        return UNDEFINED
    first = int(min(start, 1e9))
    return text[first : first + int(min(length, 1e9))]


def lower(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


def instant(text: str) -> datetime | None:
    """A moment in UTC, to the millisecond of its second; None where the text is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(each) for each in match.groups()[:3])
    if year == 0 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    hour, minute, second = (int(each or 0) for each in match.groups()[3:6])
    fraction = Decimal(match[7] or "0")
    thousandths = min(999, int((fraction * 1000).quantize(Decimal(1), ROUND_HALF_UP)))
    zone = match[8] or "Z"
    shift = timedelta()
    if zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        shift = sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    try:
        start = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return start - shift + timedelta(milliseconds=thousandths)
    except OverflowError:
        return None


def shown(moment: datetime | None) -> Any:
    if moment is None:
        return UNDEFINED
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z".rjust(24, "0")


def later(unit: str, amount: float, text: str) -> Any:
    moment, unit = instant(text), unit.lower()
    if moment is None:
        return UNDEFINED
    if unit in ("year", "month"):
        if amount != int(amount) or abs(amount) >= _LONGEST_MONTHS:
            return UNDEFINED
        months = int(amount) * (12 if unit == "year" else 1)
        index = moment.year * 12 + moment.month - 1 + months
        year, month = divmod(index, 12)
        if not 1 <= year <= 9999:
            return UNDEFINED
        last = calendar.monthrange(year, month + 1)[1]
        return shown(moment.replace(year=year, month=month + 1, day=min(moment.day, last)))
    if unit not in _SECONDS or abs(amount) * _SECONDS[unit] >= _LONGEST_SECONDS:
        return UNDEFINED
    exact = Decimal(repr(amount)).quantize(Decimal("0.000001"), ROUND_HALF_UP) * _SECONDS[unit]
    try:
        thousandths = int((exact * 1000).quantize(Decimal(1), ROUND_HALF_UP))
        return shown(moment + timedelta(milliseconds=thousandths))
    except OverflowError:
        return UNDEFINED


def between(unit: str, start: str, end: str) -> Any:
    first, last = instant(start), instant(end)
    if first is None or last is None or unit.lower() not in _SECONDS:
        return UNDEFINED
    return (last - first) / timedelta(seconds=1) / _SECONDS[unit.lower()]


def part(unit: str, text: str) -> Any:
    moment, unit = instant(text), unit.lower()
    if moment is None or unit not in ("year", "month", "day", "hour", "minute", "second"):
        return UNDEFINED
    return getattr(moment, unit)


def point(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    found = value.get("coordinates")
    if not isinstance(found, list) or len(found) < 2:
        return None
    if not all(isinstance(each, int | float) for each in found[:2]):
        return None
    return found[0], found[1]


def distance(first: Any, second: Any) -> Any:
    here, there = point(first), second if isinstance(second, tuple) else point(second)
    if here is None or there is None:
        return UNDEFINED
    (x0, y0), (x1, y1) = (map(math.radians, each) for each in (here, there))
    half = math.sin((y1 - y0) / 2) ** 2 + math.cos(y0) * math.cos(y1) * math.sin((x1 - x0) / 2) ** 2
    return 12_742_017.6 * math.asin(min(1.0, math.sqrt(half)))


def within(value: Any, area: Any) -> Any:
    """Whether a point lies in the outer ring of a polygon; the edge is inside."""
    spot = point(value)
    if spot is None or not isinstance(area, dict) or area.get("type") != "Polygon":
        return UNDEFINED
    ring = area["coordinates"][0]
    if len(ring) < 4 or ring[0] != ring[-1]:
        return UNDEFINED
    x, y = spot
    inside = False
    for (x0, y0), (x1, y1) in pairwise(ring):
        cross = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
        if cross == 0 and min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1):
            return True
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            inside = not inside
    return inside
