"""When tokens end: as people type it, and in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kastor.cli.output import Exit, fail
from kastor.words import counted

NEVER = "never"
END_FORMS = "how long from now, such as 90d or 12h, a day, or a time with a zone"
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WORDS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_LONGEST = 100
_PERIOD = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)


def end_of(text: str, now: int, flag: str = "--expires") -> float | None:
    """Return when something ends, in seconds since 1970; None: never.

    Ends the command where that is not what the text says. A day means its first moment, of UTC.

    Args:
        text: what was typed.
        now: in seconds since 1970.
        flag: by which it was given.
    """
    text = text.strip()
    if text == NEVER:
        return None
    if (period := _PERIOD.fullmatch(text)) is not None:
        return now + int(period[1]) * _SECONDS[period[2]]
    time = _TIME.fullmatch(text)
    if time is None and not _DAY.fullmatch(text):
        fail(f"{flag} {text[:_LONGEST]}: it is {END_FORMS}; or {NEVER}.", Exit.USAGE)
    if time is not None and time[1] is None:
        fail(f"{flag} {text} has no zone: put Z behind it for UTC, or +02:00.", Exit.USAGE)
    try:
        found = datetime.fromisoformat(text.upper())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        fail(f"{flag} {text}: there is no such time in the calendar.", Exit.USAGE)


def seconds_of(text: str, flag: str) -> int:
    """Return how many seconds are meant; ends the command where none are."""
    text = text.strip()
    if text == "0":
        return 0
    period = _PERIOD.fullmatch(text)
    if period is None:
        fail(f"{flag} {text[:_LONGEST]}: it is a time such as 24h, 7d or 0.", Exit.USAGE)
    return int(period[1]) * _SECONDS[period[2]]


def ago(instant: datetime | None, now: float) -> str:
    """Return how long ago something was, in words."""
    if instant is None:
        return "unknown"
    return f"{_roughly(now - instant.timestamp())} ago"


def until(instant: datetime | None, now: float) -> str:
    """Return when a token ends, in words."""
    if instant is None:
        return NEVER
    left = instant.timestamp() - now
    return "expired" if left <= 0 else f"in {_roughly(left)}"


def _roughly(seconds: float) -> str:
    for noun, size in _WORDS:
        if seconds >= size:
            return counted(round(seconds / size), noun)
    return counted(0, "second")
