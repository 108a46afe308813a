# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Answers that are read as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kastor.client.lines import EventReader, LineSplitter

if TYPE_CHECKING:
    import httpx2

    from kastor.client.lines import ServerEvent


class Download:
    """An answer of which the head has come; its body is read once, by one of the methods.

    Attributes:
        as_of: which state it is of, as Kastor says it: `<time>; change=<n>`; else the empty string.
    """

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self.as_of: str = answer.headers.get("kastor-as-of", "")

    @property
    def change(self) -> int | None:
        """The number of the last change that is in it; None where it is not told."""
        number = self.as_of.partition("change=")[2]
        return int(number) if number.isascii() and number.isdecimal() else None

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, unpacked, as it comes."""
        for piece in self._answer.iter_bytes():
            yield piece

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the body, without their ends.

        Raises:
            UnexpectedAnswerError: one is longer than 64 MB.
        """
        reader = LineSplitter()
        for piece in self._answer.iter_bytes():
            for line in reader.feed(piece):
                yield line
        if rest := reader.rest():
            yield rest

    def events(self) -> Iterator[ServerEvent]:
        """Yield the events of a body that is a stream of them."""
        reader = EventReader()
        for line in self.lines():
            if (event := reader.line(line)) is not None:
                yield event
