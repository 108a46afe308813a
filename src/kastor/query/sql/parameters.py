"""The parameters of one statement: numbered, so that a text may use the same value twice.

A constant may be one that is filled only when the statement runs (`AtRun`), so that the same text
serves all of its values. They also count what is written, since everything that writes into a
statement has them at hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.records import AsOf


MAX_SQL = 1_000_000
_MARK = re.compile(r"[?$]([0-9]+)")


@dataclass(frozen=True, slots=True)
class AtRun:
    """Stands among the constants for a value that is known only when the statement runs.

    Attributes:
        name: of the value.
        bound: what is bound for it.
    """

    name: str
    bound: Callable[[Any], object]


def _itself(value: Any) -> object:
    return value


CHANGE = AtRun("@change", _itself)
"""The last entry of the change log that a statement of the past includes."""
NEWEST = AtRun("@newest", _itself)
"""The latest time of any write up to that entry, in ticks."""


def filled(
    constants: tuple[object, ...], values: Mapping[str, object], at: AsOf | None
) -> tuple[object, ...]:
    """The constants with what is known now that the statement runs.

    Raises:
        ValueError: the statement reads as of an instant, and there is none.
    """
    found = []
    for constant in constants:
        if not isinstance(constant, AtRun):
            found.append(constant)
        elif constant is not CHANGE and constant is not NEWEST:
            found.append(constant.bound(values[constant.name]))
        elif at is None:
            raise ValueError("a statement that reads as of an instant ran without one")
        else:
            found.append(at.change if constant is CHANGE else at.newest)
    return tuple(found)


class Parameters:
    """Collects constants behind `reserved` run-time parameters (limit, position)."""

    def __init__(self, mark: Callable[[int], str], reserved: int, room: int = MAX_SQL) -> None:
        self._mark = mark
        self._room = self._most = room
        self._reserved = reserved
        self._numbers: dict[tuple[type, object], int] = {}
        self.values: list[object] = []

    def reserve(self, count: int) -> None:
        """Keeps the first numbers for the run time; before any constant is added."""
        self._reserved = count

    def add(self, value: object) -> str:
        """The mark that stands for `value` in the text."""
        known = (type(value), value)
        number = self._numbers.get(known)
        if number is None:
            self.values.append(value)
            number = self._reserved + len(self.values)
            self._numbers[known] = number
        return self._mark(number)

    def change(self) -> str:
        """The mark of the entry as of which the statement reads; the same at each mention."""
        return self.add(CHANGE)

    def newest(self) -> str:
        """The mark of the latest time of any write up to that entry."""
        return self.add(NEWEST)

    def written(self, text: str) -> str:
        """The same text, which will be part of the statement once more.

        Raises:
            QueryError: the statement becomes too long; what is not written yet is never made.
        """
        self._room -= len(text)
        if self._room < 0:
            raise QueryError(
                f"The query becomes a statement of more than {self._most} characters (limit"
                " max_sql). Split it, or use fewer terms, columns, ranges and edges without an"
                " arrow."
            )
        return text

    def used_in(self, text: str) -> tuple[object, ...]:
        """The constants up to the last one that `text` mentions; engines refuse surplus ones."""
        numbers = [int(number) for number in _MARK.findall(text)]
        return tuple(self.values[: max(numbers, default=0) - self._reserved])

    def reserved(self, index: int) -> str:
        """The mark of a run-time parameter, counted from 0."""
        return self._mark(index + 1)
