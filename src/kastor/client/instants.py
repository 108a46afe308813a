"""How a state of the past is named: a time, or an entry of the change log."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from kastor.client.errors import UnsendableError

Instant: TypeAlias = str | int | datetime
"""A time with a zone, as text (RFC 3339) or datetime; a change's number, or `change:` and it."""


def instant_text(instant: Instant) -> str:
    """Return what a request says for an instant.

    Raises:
        UnsendableError: a time has no zone, or a number is none of a change.
    """
    if isinstance(instant, datetime):
        if instant.utcoffset() is None:
            raise UnsendableError(
                "The time of an instant has no zone; give it one, such as datetime.UTC."
            )
        return instant.isoformat()
    if isinstance(instant, int):
        if isinstance(instant, bool) or instant < 0:
            raise UnsendableError(f"{instant} is no number of a change.")
        return f"change:{instant}"
    return instant


def optional_text(instant: Instant | None) -> str | None:
    """Return the same, or None for None."""
    return None if instant is None else instant_text(instant)
