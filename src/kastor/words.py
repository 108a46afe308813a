"""Words of messages that go by a number."""

from __future__ import annotations


def counted(count: float, noun: str) -> str:
    """Return a number with its noun: `1 rule`, `2 rules`, `0.5 seconds`.

    Args:
        count: how many; written without needless digits.
        noun: in the singular, one whose plural ends in s.
    """
    digits = str(count) if isinstance(count, int) else f"{count:g}"
    return f"{digits} {noun}" if count == 1 else f"{digits} {noun}s"
