"""What the engine answered, to the bytes of a page.

Aggregated, a page arrives as one row: count, the rows joined by a comma and a line feed (which no
row's own text can hold, as JSON escapes it), and the positions. Stepped, it arrives row by row.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Keys: TypeAlias = tuple[int | float | str, ...]


def cut_page(
    row: tuple[object, ...] | None, wanted: int, *, plain: bool
) -> tuple[int, bytes, Keys]:
    """Rows found, the JSON array of the first `wanted`, the position of the last of those."""
    if row is None or not row[0]:
        return 0, b"[]", ()
    count, text, positions = int(str(row[0])), str(row[1]), str(row[2])
    if count <= wanted:
        return count, b"[%b]" % text.encode(), ()
    end = text.rfind(",\n")
    return count, b"[%b]" % text[:end].encode(), _last(positions, plain=plain)


def _last(positions: str, *, plain: bool) -> Keys:
    """The position before the last one."""
    if not plain:
        values: list[int | float | str] = msgspec.json.decode(positions.rsplit(",\n", 2)[-2])
        return tuple(values)
    last = positions.rsplit(",", 2)[-2]
    return tuple(int(part) if part.isdigit() else part for part in last.split(" "))


def join_page(rows: list[tuple[object, ...]], wanted: int) -> tuple[int, bytes, Keys]:
    """The same from single rows."""
    text = ",\n".join([str(row[0]) for row in rows[:wanted]])
    last: Keys = ()
    if len(rows) > wanted:
        last = tuple(key for key in rows[wanted - 1][1:] if isinstance(key, int | float | str))
    return len(rows), b"[%b]" % text.encode(), last
