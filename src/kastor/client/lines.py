"""Lines and Server-Sent Events out of bytes that come in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from kastor.client.calls import Document
from kastor.client.errors import UnexpectedAnswerError

LONGEST = 64 * 1024 * 1024
"""Bytes of one line, or of one event."""


class LineSplitter:
    """Splits at line feeds alone: JSON texts may hold every other kind of line break."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that a piece completes, without their ends.

        Raises:
            UnexpectedAnswerError: a line is longer than there may be one.
        """
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._hold(line)
            yield self._taken()
        self._hold(rest)

    def rest(self) -> bytes:
        """Return what stands after the last line feed."""
        return self._taken()

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > self._longest:
            raise UnexpectedAnswerError("A line of the answer is too long to be one.")
        if part:
            self._parts.append(part)

    def _taken(self) -> bytes:
        line = b"".join(self._parts)
        self._parts, self._held = [], 0
        return line.removesuffix(b"\r")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event of a stream; one without data only moves the position.

    Attributes:
        id: as it came last.
        comment: what a comment said before it.
    """

    id: str
    event: str
    data: bytes
    comment: str

    def document(self) -> Document:
        """Return the decoded data.

        Raises:
            UnexpectedAnswerError: it is no JSON object.
        """
        return decoded(self.data)


class EventReader:
    """Makes events of lines (the WHATWG's text/event-stream)."""

    def __init__(self) -> None:
        self._id = ""
        self._start()

    def line(self, line: bytes) -> ServerEvent | None:
        """Take a line, and return the event that it ends.

        Raises:
            UnexpectedAnswerError: an event is longer than there may be one.
        """
        if not line:
            made = ServerEvent(self._id, self._event, b"\n".join(self._data), self._comment)
            is_any = bool(self._fields)
            self._start()
            return made if is_any else None
        self._fields += 1
        self._held += len(line)
        if self._held > LONGEST:
            raise UnexpectedAnswerError("An event of the stream is too long to be one.")
        name, _, value = line.partition(b":")
        self._take(name, value.removeprefix(b" "))
        return None

    def _take(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id":
            self._id = value.decode(errors="replace")
        elif not name:
            self._comment = value.decode(errors="replace")

    def _start(self) -> None:
        self._event, self._comment = "", ""
        self._data: list[bytes] = []
        self._fields = self._held = 0


def decoded(line: bytes) -> Document:
    """Return a line of JSON that is an object.

    Raises:
        UnexpectedAnswerError: it is none.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnexpectedAnswerError("A line of the answer is no JSON object.")
    return found
