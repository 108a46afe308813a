"""What all connections of a process share, and the look at each of them twice a second."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from kastor.api.http.meter import ConnectionMeter
from kastor.edge.phase import FRESH, HEAD, IDLE, LINGER, UNREAD, Phase
from kastor.edge.places import AddressPlaces
from kastor.logs import get_logger

if TYPE_CHECKING:
    from kastor.edge.limits import EdgeLimits

LOOK_SECONDS = 0.5
_LONGEST_LOOK = 1.0
_EVICTED = 20
_PATIENCE = 1.0

_log = get_logger("kastor.edge")


class WatchedConnection(Protocol):
    """What the watch needs of a connection.

    Attributes:
        phase: where it is, since the time `since`.
    """

    phase: Phase
    since: float

    def check(self, now: float, passed: float) -> None:
        """End what takes too long; called twice a second."""
        ...

    def evict(self) -> None:
        """Make room for others."""
        ...


# A set takes no wider type than its own.
C = TypeVar("C", bound=WatchedConnection)


class Edge:
    """Shared by the connections of one process.

    Attributes:
        now: seconds; moves with each look, and slower than the clock while the process stands
            still, so that nobody is late for what we have not read.
        held: bytes of requests that wait for their turn.
        leaving: whether the next answer of a connection is its last one.
        draining: whether the server is about to end: nobody is waited for who has no request.
        places: how many connections each address has.
    """

    def __init__(
        self,
        limits: EdgeLimits,
        note: Callable[[int], None],
        meter: ConnectionMeter | None = None,
    ) -> None:
        """Prepare.

        Args:
            limits: of connections.
            note: told the status of each answer that the application knows nothing of.
            meter: counts the connections.
        """
        self.limits = limits
        self.places = AddressPlaces(limits.connections_each)
        self.meter = meter or ConnectionMeter()
        self.note = note
        self.now = 0.0
        self.held = 0
        self.leaving = self.draining = False

    async def watch(self, connections: set[C]) -> None:
        """Look at the connections for ever."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            clock = time.monotonic()
            passed, last = min(clock - last, _LONGEST_LOOK), clock
            self.now += passed
            for connection in list(connections):
                try:
                    connection.check(self.now, passed)
                except Exception as error:  # noqa: BLE001 - one must not end the watch of all
                    connections.discard(connection)
                    _log.warning("a connection could not be checked", exc_info=error)

    def evict(self, connections: set[C]) -> int:
        """End the oldest twentieth of those that wait; return how many.

        Those go first that have said nothing sound for a while, then those between two requests,
        and at last those that have just come.
        """
        silent = [each for each in connections if each.phase in (FRESH, HEAD, UNREAD)]
        idle = [each for each in connections if each.phase in (IDLE, LINGER)]
        count = max(1, len(connections) // _EVICTED)
        late = [each for each in silent if self.now - each.since > _PATIENCE]
        for waiting in (late, idle, silent):
            oldest = heapq.nsmallest(count, waiting, key=lambda each: each.since)
            for each in oldest:
                each.evict()
            if oldest:
                self.meter.ended["evicted"] += len(oldest)
                return len(oldest)
        return 0
