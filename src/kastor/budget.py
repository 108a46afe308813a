"""What open streams may take of the server: places and bytes, of each client and in all.

A stream costs little while nothing happens. What it keeps for a client that has not read it yet,
and what it remembers of the rows that the client has, is told here and counted; who would have too
much is refused, so that one client that opens many streams and reads none takes nobody's place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from kastor.errors import TooManyRequests
from kastor.words import counted

RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of one process.

    Attributes:
        places: streams that are open at once.
        places_each: of these, what one client may have.
        size: bytes that all of them keep in memory.
        size_each: of these, what those of one client may keep.
    """

    places: int = 2_500
    places_each: int = 1_250
    size: int = 268_435_456
    size_each: int = 67_108_864


class StreamBudget:
    """Counts the streams of one process.

    Attributes:
        places: how many are open.
        size: bytes that they keep.
        refused: how many were not opened, or ended, because there was no room.
    """

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self.limits = limits or StreamLimits()
        self.places = self.size = self.refused = 0
        self._places: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()

    def enter(self, client: str) -> StreamShare:
        """Take a place for a client's stream.

        Raises:
            TooManyRequests: it, or all of them together, have as many as there may be.
        """
        limits = self.limits
        if self._places[client] >= limits.places_each:
            raise self._refusal(
                f"This client has {counted(limits.places_each, 'stream')} open, and no more are "
                "allowed (setting max_streams_per_client). Close one, or share one among several "
                "readers."
            )
        if self.places >= limits.places:
            raise self._refusal(
                f"This server has {counted(limits.places, 'stream')} open, and no more are allowed "
                "(setting max_streams)."
            )
        self.places += 1
        self._places[client] += 1
        return StreamShare(self, client)

    def _give_back(self, client: str, size: int) -> None:
        self._add(client, -size)
        self.places -= 1
        self._places[client] -= 1
        if not self._places[client]:
            del self._places[client], self._sizes[client]

    def _grow(self, client: str, more: int) -> None:
        limits = self.limits
        if more > 0 and self._sizes[client] + more > limits.size_each:
            raise self._refusal(
                f"What the streams of this client have yet to tell it takes more than "
                f"{limits.size_each} bytes (setting max_stream_bytes_per_client). Read faster, "
                "follow less at once, or narrow the query down."
            )
        if more > 0 and self.size + more > limits.size:
            raise self._refusal(
                f"What all streams of this server have yet to tell takes more than {limits.size} "
                "bytes (setting max_stream_bytes). Try again, or narrow the query down."
            )
        self._add(client, more)

    def _add(self, client: str, more: int) -> None:
        self.size += more
        self._sizes[client] += more

    def _refusal(self, text: str) -> TooManyRequests:
        self.refused += 1
        return TooManyRequests(text, retry_after=RETRY_SECONDS)


class StreamShare:
    """One stream's place and bytes; given back by `leave`, at the latest when it is forgotten."""

    def __init__(self, budget: StreamBudget, client: str) -> None:
        self.client = client
        self._budget = budget
        self._size = 0
        self._open = True

    def hold(self, size: int) -> None:
        """Say how many bytes the stream keeps now; raises TooManyRequests if there is no room."""
        if self._open and size != self._size:
            self._budget._grow(self.client, size - self._size)  # noqa: SLF001 - its other half
            self._size = size

    def leave(self) -> None:
        """Give the place back; doing so twice does no harm."""
        if self._open:
            self._open = False
            self._budget._give_back(self.client, self._size)  # noqa: SLF001 - its other half

    def __del__(self) -> None:
        """Give the place of a stream back that nobody began to read."""
        self.leave()
