"""Prints events as lines of JSON, for trying things out and for log collectors."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence

from kastor.events.endpoint_kinds import StdoutEndpoint
from kastor.events.envelope import as_line
from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.outside.bounds import EndpointPolicy
from kastor.waiting import in_own_thread

_PRINTING = threading.Lock()
"""Lines of several routes must not run into each other."""


class StdoutSink:
    """Writes to the standard output; what it took counts as confirmed."""

    def __init__(self, _name: str, _endpoint: StdoutEndpoint, _policy: EndpointPolicy) -> None:
        pass

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Print; a reader that is slow holds up this route and nothing else."""
        lines = b"".join(as_line(event) for event in events)
        try:
            await in_own_thread(_print, lines)
        except (OSError, ValueError) as error:  # a closed pipe, a closed stream
            return Delivered(0, DeliveryFault("unavailable", f"standard output: {error}"))
        return Delivered(len(events))


def _print(lines: bytes) -> None:
    with _PRINTING:
        # Past the buffer: whoever waits in it would keep the process from ending.
        sys.stdout.flush()
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
