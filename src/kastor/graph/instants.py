"""How requests name a state of the past, and answers do (decisions 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kastor.clock import from_iso, twin_time
from kastor.errors import InvalidArgument
from kastor.records import AsOf
from kastor.types import Ticks

_CHANGE = re.compile(r"change:([0-9]{1,18})")
_UNENCODED_PLUS = re.compile(r" (?=[0-9]{2}:?[0-9]{2}$)")
"""In an address a plus that nobody encoded is a blank."""
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$", re.IGNORECASE)
_FORMS = (
    "a time with a zone, such as 2026-11-30T08:15:00Z, or change: and the number of an entry of "
    "the change log, such as change:1200"
)


@dataclass(frozen=True, slots=True)
class Named:
    """What was asked for: an instant or an entry of the change log, one of them."""

    time: Ticks | None = None
    change: int | None = None


def read_instant(text: str, where: str) -> Named:
    """Return what a header, a parameter or a body says.

    Args:
        text: RFC 3339, or `change:` and a number.
        where: what holds it, for the error.

    Raises:
        InvalidArgument: it is neither.
    """
    text = text.strip()
    numbered = _CHANGE.fullmatch(text)
    if numbered is not None:
        return Named(change=int(numbered[1]))
    text = _UNENCODED_PLUS.sub("+", text)
    try:
        time = from_iso(text)
    except ValueError:
        time = None
    if time is None or not _ZONE.search(text):
        raise InvalidArgument(f"{where} takes {_FORMS}.")
    return Named(time=time)


def named(at: AsOf) -> str:
    """Return what asks for just this state, whatever its time."""
    return f"change:{at.change}"


def shown(at: AsOf) -> str:
    """Return the form that answers have: `<time>; change=<n>`."""
    return f"{twin_time(at.time)}; change={at.change}"
