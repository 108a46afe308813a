"""Lines of the audit log: one JSON object each, bounded, and harmless to whatever shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

MOST_TEXT = 512
"""Characters of a value; what is longer is cut."""
MOST_ITEMS = 20
"""Of a list; the rest is counted."""
_SECRET = re.compile(r"kst_[\w-]{8,}|eyJ[\w-]{8,}(?:\.[\w-]*){2}", re.ASCII)
"""Tokens that somebody wrote where none belongs, such as into a path."""
_HIDDEN = "***"


def line_of(event: str, values: Mapping[str, object], now: float) -> bytes:
    """Return a line with its end; values that are None are left out.

    Args:
        event: what happened.
        values: texts, numbers, booleans, lists of texts; others as Python shows them.
        now: seconds since 1970.
    """
    time = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    found: dict[str, object] = {"time": f"{time.removesuffix('+00:00')}Z", "event": event}
    found.update({name: _bounded(each) for name, each in values.items() if each is not None})
    return orjson.dumps(found) + b"\n"


def _bounded(value: object) -> object:
    match value:
        case bool() | float():
            return value
        case int():
            return value if abs(value) < 2**63 else str(value)
        case list() | tuple():
            texts = [_text(str(each)) for each in value[:MOST_ITEMS]]
            if len(value) > MOST_ITEMS:
                texts.append(f"and {len(value) - MOST_ITEMS} more")
            return texts
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    # Secrets go before the text is cut, or half of one would not be known for what it is.
    text = _SECRET.sub(_HIDDEN, text[: 64 * MOST_TEXT])
    if len(text) > MOST_TEXT:
        text = f"{text[:MOST_TEXT]}..."
    if text.isprintable():
        return text
    # Ends of lines, terminal sequences and what turns the direction of writing.
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
