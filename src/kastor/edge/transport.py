"""The transport as the HTTP protocol sees it, and when it reads.

Closing goes back to the protocol, which may have to read on for a moment so that the answer
arrives; resuming to read waits while bytes are held that nobody has parsed yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

from kastor.types import override

try:
    import fcntl
    import termios
except ImportError:  # Windows
    _QUEUED = None
else:
    _QUEUED = getattr(termios, "TIOCOUTQ", None)


class EdgeTransport:
    """A transport whose `close` is the protocol's decision; everything else is the real one's."""

    __slots__ = (
        "_end",
        "ended",
        "get_extra_info",
        "pause_reading",
        "real",
        "resume_reading",
        "write",
    )

    def __init__(self, real: asyncio.Transport, end: Callable[[], None]) -> None:
        self.real = real
        self.ended = False
        self._end = end
        self.write = real.write
        self.get_extra_info = real.get_extra_info
        self.pause_reading = real.pause_reading
        self.resume_reading = real.resume_reading

    def is_closing(self) -> bool:
        """Return whether nothing more can be answered."""
        return self.ended or self.real.is_closing()

    def close(self) -> None:
        """End the connection once what was written has left."""
        self._end()

    def unsent(self) -> int:
        """Bytes that the client has not taken, here and in the system."""
        waiting = self.real.get_write_buffer_size()
        if _QUEUED is None:
            return waiting
        try:
            found = fcntl.ioctl(self.get_extra_info("socket").fileno(), _QUEUED, b"\0\0\0\0")
        except (OSError, AttributeError, ValueError):
            return waiting
        return waiting + int.from_bytes(found, "little")


class EdgeFlow(FlowControl):
    """Flow control that does not read on while bytes are held."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self.held = False

    @override
    def resume_reading(self) -> None:
        """Read on, unless bytes wait here for their turn."""
        if not self.held:
            super().resume_reading()
