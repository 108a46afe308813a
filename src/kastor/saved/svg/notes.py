"""What was taken out of a drawing, counted for whoever sent it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_NOTES = 100
"""Kinds of things that a person is told of; all are taken out."""
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that was taken out.

    Attributes:
        what: element, attribute, value, rule, instruction or doctype.
        count: how often.
        line: of the first one, from 1.
    """

    what: str
    name: str
    count: int
    line: int


@dataclass(slots=True)
class DropNotes:
    """Counts by kind."""

    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lines: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, what: str, name: str, line: int) -> None:
        """Note one thing."""
        kind = (what, name[:_LONGEST])
        if kind in self._lines or len(self._lines) < MOST_NOTES:
            self._counts[kind] += 1
            self._lines.setdefault(kind, line)

    def dropped(self) -> list[Dropped]:
        """Return what there was, in order of lines."""
        found = [
            Dropped(what, name, self._counts[what, name], line)
            for (what, name), line in self._lines.items()
        ]
        return sorted(found, key=lambda each: (each.line, each.what, each.name))
