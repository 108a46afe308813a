"""Lines of a text that comes in pieces, whatever the pieces are; none is kept that is too long."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from msgspec import Struct

MOST_LINE_BYTES = 1_048_576
"""Of one line, without its end."""


class Line(Struct, frozen=True, gc=False):
    """A line of the file.

    Attributes:
        number: from 1.
        text: without its end; None where it is longer than MOST_LINE_BYTES.
    """

    number: int
    text: bytes | None


class LineReader:
    """Cuts one text into lines.

    The last line may lack its end. A byte order mark at the beginning is left out.
    """

    def __init__(self) -> None:
        self._number = 0
        self._parts: list[bytes] = []
        self._size = 0  # of the line that has no end yet

    def lines(self, piece: bytes) -> Iterator[Line]:
        """Yield the lines that end in the next piece of the text."""
        first, *others = piece.split(b"\n")
        self._keep(first)
        for following in others:
            yield self._finished()
            self._keep(following)

    def last(self) -> Line | None:
        """Return the line at the end of the text, if it has no end of its own."""
        return self._finished() if self._size else None

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MOST_LINE_BYTES:
            self._parts = []
        elif part:
            self._parts.append(part)

    def _finished(self) -> Line:
        self._number += 1
        parts, size = self._parts, self._size
        self._parts, self._size = [], 0
        if size > MOST_LINE_BYTES:
            return Line(self._number, None)
        text = parts[0] if len(parts) == 1 else b"".join(parts)
        return Line(self._number, text.removeprefix(codecs.BOM_UTF8) if self._number == 1 else text)
