"""What the engine answered, to the bytes of a page.

Aggregated, a page arrives as one row: count, the rows joined by a comma and a line feed (which no
row's own text can hold, as JSON escapes it), and the positions. Stepped, it arrives row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

Keys: TypeAlias = tuple[int | float | str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A page as it was found.

    Attributes:
        rows: how many there are in `value`.
        value: the JSON array of them.
        more: whether more rows follow.
        last: the position of the last one, if more follow.
    """

    rows: int
    value: bytes
    more: bool = False
    last: Keys = ()


def cut_page(row: tuple[object, ...], wanted: int, *, plain: bool) -> Found:
    """The first `wanted` rows of those that were joined."""
    if not row[0]:
        return Found(0, b"[]")
    count, text, positions = int(str(row[0])), str(row[1]), str(row[2])
    if count <= wanted:
        return Found(count, b"[%b]" % text.encode())
    end = text.rfind(",\n")
    return Found(wanted, b"[%b]" % text[:end].encode(), True, _last(positions, plain=plain))


def _last(positions: str, *, plain: bool) -> Keys:
    """The position before the last one."""
    if not plain:
        values: list[int | float | str] = msgspec.json.decode(positions.rsplit(",\n", 2)[-2])
        return tuple(values)
    last = positions.rsplit(",", 2)[-2]
    return tuple(int(part) if part.isdigit() else part for part in last.split(" "))


def join_page(rows: list[tuple[object, ...]], wanted: int, *, more: bool = False) -> Found:
    """The same from single rows; with `more` others follow than were fetched."""
    text = ",\n".join([str(row[0]) for row in rows[:wanted]])
    value = b"[%b]" % text.encode()
    if not more and len(rows) <= wanted:
        return Found(len(rows), value)
    last = tuple(key for key in rows[wanted - 1][1:] if isinstance(key, int | float | str))
    return Found(wanted, value, True, last)
