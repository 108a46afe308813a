"""What went wrong with a query, in lines for people: with the place in the text, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from kastor.cli.screen import shown
from kastor.client.errors import ClientError, ServiceError
from kastor.lang.cypher import is_cypher
from kastor.pages import refer

_WIDTH = 76
_PLACE = re.compile(r"Line=(\d{1,9}), Position=(\d{1,9}), Message=([^\n]*)")
"""How Azure's service tells the place, and Kastor too."""


_PARAMETER = re.compile("; the body's member parameters holds the values by name[.]")
"""What the server says to who writes requests."""


class Spot(NamedTuple):
    """A place in a text: line from 1, column from 0, and the characters that are meant."""

    message: str
    line: int
    column: int
    length: int


def spot_of(error: ClientError) -> Spot | None:
    """Return the place that an error names; None where it names none."""
    if not isinstance(error, ServiceError):
        return None
    for detail in error.details:
        if (found := _of_detail(detail)) is not None:
            return found
    match = _PLACE.search(error.message)
    return None if match is None else Spot(match[3].strip(), int(match[1]), int(match[2]), 1)


def _of_detail(detail: Mapping[str, Any]) -> Spot | None:  # any: JSON
    place = [detail.get(name) for name in ("line", "column", "length")]
    if not all(isinstance(each, int) for each in place[:2]):
        return None
    length = place[2] if isinstance(place[2], int) else 1
    return Spot(str(detail.get("message", "")), place[0] or 1, place[1] or 0, length)


def lines_of(error: ClientError, text: str) -> list[str]:
    """Return what to print of an error of the query `text`."""
    spot = spot_of(error)
    if spot is None:
        return str(error).splitlines() or [type(error).__name__]
    lines = text.split("\n")
    if not 1 <= spot.line <= len(lines):
        return [shown(spot.message)]
    where = f"line {spot.line}: " if len(lines) > 1 else ""
    cypher, adt = refer("reference/cypher", to="cli"), refer("reference/query", to="cli")
    page = cypher if is_cypher(text) else adt
    message = _PARAMETER.sub("; `kastor query` takes it as --param NAME=VALUE.", spot.message)
    return [
        f"{where}{shown(message)}",
        *_excerpt(lines[spot.line - 1], spot),
        f"The language: {page}.",
    ]


def _excerpt(line: str, spot: Spot) -> list[str]:
    """Return the line around the spot, and marks below what is meant."""
    from rich.cells import cell_len

    left = max(0, spot.column - _WIDTH // 2)
    right = left + _WIDTH
    part = _blank(line[left : spot.column])
    meant = _blank(line[spot.column : min(right, spot.column + max(1, spot.length))])
    lead, tail = "..." if left else "", "..." if right < len(line) else ""
    excerpt = f"{lead}{_blank(line[left:right])}{tail}"
    marks = " " * cell_len(lead + part) + "^" * max(1, cell_len(meant))
    return [f"  {excerpt}", f"  {marks}"]


def _blank(text: str) -> str:
    """Return a text in which each character that cannot be shown is a blank."""
    return "".join(each if each.isprintable() else " " for each in text)
