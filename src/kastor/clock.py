"""Time and random values as passable functions, and the contract's text forms of time.

The pure parts of Kastor are handed a `Stamp`; only the writer makes one.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from msgspec import Struct

from kastor.types import Etag, Ticks

TICKS_PER_SECOND = 10_000_000
UNIX_EPOCH_TICKS: Ticks = 621_355_968_000_000_000
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}+)\d*+)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)
_ZERO = datetime(1, 1, 1)  # noqa: DTZ001 - ticks are UTC by definition
_ZERO_UTC = _ZERO.replace(tzinfo=UTC)
_LAST_SECOND = 315_537_897_599


class Stamp(Struct, frozen=True, gc=False):
    """What a decision may not make itself: the instant, the new etag, the event's id."""

    now: Ticks
    etag: Etag
    event_id: str


def now_ticks() -> Ticks:
    """Return the wall clock in ticks."""
    return time.time_ns() // 100 + UNIX_EPOCH_TICKS


def new_guid() -> str:
    """Return a fresh random guid (RFC 9562, version 4), lower case with hyphens."""
    return _guid(os.urandom(16))


def new_stamp(now: Ticks) -> Stamp:
    """Return the stamp of a decision at an instant."""
    random = os.urandom(32)  # one call into the system for both
    return Stamp(now, _guid(random[:16]), _guid(random[16:]))


def stamp_maker(count: int) -> Callable[[Ticks], Stamp]:
    """Return what makes stamps for so many decisions: to ask for chance each time takes longer."""
    random = os.urandom(32 * count)
    starts = iter(range(0, 32 * count, 32))

    def make(now: Ticks) -> Stamp:
        start = next(starts)
        middle = start + 16
        return Stamp(now, _guid(random[start:middle]), _guid(random[middle : start + 32]))

    return make


def _guid(random: bytes) -> str:
    # A third of the time of `str(uuid4())`, of which every write would make two.
    text = random.hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def from_datetime(instant: datetime) -> Ticks:
    """Return an aware datetime as ticks."""
    return (instant.astimezone(UTC).replace(tzinfo=None) - _ZERO) // timedelta(microseconds=1) * 10


def from_iso(text: str) -> Ticks | None:
    """Return an ISO 8601 time as ticks, of UTC where it has no zone; None for another form.

    Raises:
        ValueError: there is no such time in the calendar.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    seconds = _seconds(f"{day}T{clock}{(zone or 'Z').upper()}")
    return seconds * TICKS_PER_SECOND + int((fraction or "0").ljust(7, "0")[:7])


@lru_cache(maxsize=256)
def _seconds(text: str) -> int:
    since = datetime.fromisoformat(text) - _ZERO_UTC
    seconds = since.days * 86_400 + since.seconds
    if not 0 <= seconds <= _LAST_SECOND:
        raise ValueError(text)
    return seconds


def twin_time(ticks: Ticks) -> str:
    """Return the form of `$lastUpdateTime`: seven fraction digits and Z (rest-api A.10)."""
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    return f"{_second(seconds)}.{fraction:07d}Z"


@lru_cache(maxsize=256)  # most times of a write are of this second, or were measured in the last
def _second(seconds: int) -> str:
    return (_ZERO + timedelta(seconds=seconds)).isoformat()  # %Y has no zeros before a year


def upload_time(ticks: Ticks) -> str:
    """Return the form of a model's `uploadTime`: zeros cut, offset +00:00 (rest-api A.10)."""
    return _trimmed(ticks) + "+00:00"


def job_time(ticks: Ticks) -> str:
    """Return the form of a job's times: zeros cut, Z (rest-api A.10)."""
    return _trimmed(ticks) + "Z"


def _trimmed(ticks: Ticks) -> str:
    text = twin_time(ticks)[:-1].rstrip("0")
    return text.removesuffix(".")
