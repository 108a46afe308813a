"""What texts have in common that differ in the values of their string literals only.

Applications ask the same query again and again, each time with another id in it. Such texts have
one shape: the text with an empty mark for each plain literal, which is one without an escape or a
doubled quote. A mark is no such literal's value, and any other literal stands in the shape as it
is written, so equal shapes mean equal tokens but for the values.

The tokens here must be those of `kastor.lang.tokens`; a property test compares them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SHAPED = 2_000
"""Characters; a longer text is its own shape."""

_SPECIAL = re.compile(
    r"""('[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|--[^\n]*|\[\[[^\[\]]+\]\])""",
    re.DOTALL,
)
_MARKS = {"'": "'.'", '"': '"."'}
_NAMES = tuple([f"'{number}" for number in range(MAX_SHAPED)])


@dataclass(slots=True)
class Shape:
    """A text without its plain literals, and their values by the names that the plan has for them.

    The names begin with a quote, which no parameter's does.
    """

    text: str
    values: dict[str, str]


def shape_of(text: str) -> Shape:
    """The shape of a text, whether it is a query or not."""
    parts = _parts(text)
    values: dict[str, str] = {}
    for at in range(1, len(parts), 2):
        part = parts[at]
        if _is_plain(part):
            values[_NAMES[len(values)]] = part[1:-1]
            parts[at] = _MARKS[part[0]]
    return Shape("".join(parts), values) if values else Shape(text, values)


def literals_of(text: str) -> dict[int, str]:
    """The names of a text's plain literals by where they begin."""
    parts = _parts(text)
    found: dict[int, str] = {}
    start = 0
    for at, part in enumerate(parts):
        if at % 2 and _is_plain(part):
            found[start] = _NAMES[len(found)]
        start += len(part)
    return found


def is_literal(name: str) -> bool:
    """Whether the name is a literal's and not a parameter's."""
    return name[0] == "'"


def _parts(text: str) -> list[str]:
    """The text, cut so that each second part is a literal, a comment or a name in brackets."""
    if len(text) > MAX_SHAPED:
        return [text]
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # is refused, at this place
            return [text]
    return _SPECIAL.split(text)


def _is_plain(part: str) -> bool:
    if "\\" in part:
        return False
    return part[0] == '"' or (part[0] == "'" and "''" not in part[1:-1])
