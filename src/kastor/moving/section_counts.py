"""Counts the lines of an import file by section, as it passes in pieces of any size."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MARK = b'{"Section":'
_NAME = re.compile(rb'"Section":\s*"([^"]{1,64})"')


class SectionCounts:
    """Counts lines of files that Kastor wrote, whose sections begin with no space in the line."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._section = ""
        self._left = b""

    @property
    def found(self) -> Mapping[str, int]:
        """The number of lines of each section, in order; the header counts none."""
        return {name: count for name, count in self._counts.items() if name != "Header"}

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the file."""
        *lines, left = piece.split(b"\n")
        if not lines:
            self._left += left
            return
        lines[0] = self._left + lines[0]
        self._left = left
        for line in lines:
            if line.startswith(_MARK) and (match := _NAME.search(line)):
                self._section = match[1].decode("utf-8", "replace")
                self._counts.setdefault(self._section, 0)
            else:
                self._counts[self._section] = self._counts.get(self._section, 0) + 1
