"""What jobs see of a location, whatever kind it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class LogOutput(Protocol):
    """The log of one job at its output location, from its first line on.

    After a crash another one begins anew, with all lines.
    """

    async def begin(self) -> None:
        """Create what will hold the log; an earlier job log of ours is replaced.

        Raises:
            LocationError: something else is there, or it cannot be written.
        """

    async def extend(self, lines: bytes) -> None:
        """Add whole lines. Readers of a file see them at once, those of an object a little later.

        An object is put there anew by this call, if the last time is long enough ago: call it
        without lines where none come for a while.

        Raises:
            LocationError: it cannot be written.
        """

    async def finish(self) -> None:
        """Let readers see all of it, and end.

        Raises:
            LocationError: it cannot be written.
        """

    async def abandon(self) -> None:
        """End without a word more; what readers saw stays. May be called after `finish`."""


class ByteOutput(Protocol):
    """A whole output, such as an export: nothing stands under its name until it is finished."""

    async def write(self, chunk: bytes) -> None:
        """Add bytes; waits where the other end is slow.

        Raises:
            LocationError: it cannot be written.
        """

    async def finish(self) -> None:
        """Put what was written under its name; it is durable then.

        Raises:
            LocationError: it cannot be written, or something else has the name by now.
        """

    async def abandon(self) -> None:
        """Remove what was written. May be called after `finish`, and does nothing then."""


class Location(Protocol):
    """One place that the operator of the server allows jobs to read or write."""

    @property
    def shown(self) -> str:
        """Its URI for people: what a signature is made of is cut."""

    def read(self) -> AsyncIterator[bytes]:
        """Yield what is there, in chunks of bounded size, as it is.

        Raises:
            LocationError: missing, no plain file, refused, or out of reach.
        """

    def log(self) -> LogOutput:
        """Return what writes a job's log there."""

    async def write(self, *, again: bool = False) -> ByteOutput:
        """Return what writes an output there; nothing but a job log of ours is replaced.

        Args:
            again: what is there is this job's own output, finished before a crash: replace it.

        Raises:
            LocationError: something else is there, or it cannot be written.
        """
