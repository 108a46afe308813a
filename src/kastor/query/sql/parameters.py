"""The parameters of one statement: numbered, so that a text may use the same value twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_MARK = re.compile(r"[?$]([0-9]+)")


class Parameters:
    """Collects constants behind `reserved` run-time parameters (limit, position)."""

    def __init__(self, mark: Callable[[int], str], reserved: int) -> None:
        self._mark = mark
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

    def used_in(self, text: str) -> tuple[object, ...]:
        """The constants up to the last one that `text` mentions; engines refuse surplus ones."""
        numbers = [int(number) for number in _MARK.findall(text)]
        return tuple(self.values[: max(numbers, default=0) - self._reserved])

    def reserved(self, index: int) -> str:
        """The mark of a run-time parameter, counted from 0."""
        return self._mark(index + 1)
