"""Many events under way at once, but of one twin only one.

A broker may refuse or lose one event and take the next; if both were of one twin, the first would
arrive after the second when it is sent again. So the next event of a twin starts when the one
before it is confirmed, while other twins' events go on beside it.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.logs import get_logger

Send: TypeAlias = Callable[[Event], Awaitable[DeliveryFault | None]]
"""Sends one event; returns None once the broker has confirmed it. Bounded in time."""

_log = get_logger("kastor.events")


class Lanes:
    """Delivers with bounded concurrency, and remembers what got ahead of the front.

    Events confirmed behind one that was not are skipped when they come again. `seconds` bounds a
    call: after it nothing new is started, and what is not confirmed comes with the next call.
    """

    def __init__(self, concurrency: int, seconds: float) -> None:
        self._concurrency = concurrency
        self._seconds = seconds
        self._ahead: set[tuple[int, str]] = set()

    async def deliver(self, events: Sequence[Event], send: Send) -> Delivered:
        """Return how many events from the front are confirmed, and why not the next.

        At least the first event is tried, so that either some are confirmed or there is a fault.
        """
        run = _Run(events, send, self._ahead, time.monotonic() + self._seconds)
        count = min(self._concurrency, run.ready)
        if count == 1:
            await run.work()
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(run.work())
        front = run.front()
        self._ahead = {events[index].mark for index in run.confirmed if index >= front}
        return Delivered(front, run.faults.get(front))


class _Run:
    """One call of `deliver`."""

    def __init__(
        self, events: Sequence[Event], send: Send, ahead: set[tuple[int, str]], deadline: float
    ) -> None:
        self.confirmed: set[int] = set()
        self.faults: dict[int, DeliveryFault] = {}
        self._events = events
        self._send = send
        self._deadline = deadline
        self._limit = len(events)
        self._next: dict[int, int] = {}
        self._heap: list[int] = []
        last_of: dict[str, int] = {}
        for index, event in enumerate(events):
            if event.mark in ahead:
                self.confirmed.add(index)
            elif event.key in last_of:
                self._next[last_of[event.key]] = index
                last_of[event.key] = index
            else:
                self._heap.append(index)  # ascending, so it is a heap already
                last_of[event.key] = index

    @property
    def ready(self) -> int:
        """How many events can start at once."""
        return len(self._heap)

    def front(self) -> int:
        """Index of the first event that is not confirmed."""
        return next(
            (index for index in range(len(self._events)) if index not in self.confirmed),
            len(self._events),
        )

    async def work(self) -> None:
        """Send what is ready, the oldest first, until nothing is.

        Ending at an empty heap loses nothing: whoever is busy puts its lane's next event back and
        goes on itself.
        """
        task = asyncio.current_task()
        while self._heap and self._heap[0] < self._limit:
            if task is not None and task.cancelling():
                # A client library swallowed the cancellation, as `wait_for` of Python 3.11 can.
                raise asyncio.CancelledError
            if self.confirmed and time.monotonic() > self._deadline:
                return
            index = heapq.heappop(self._heap)
            fault = await self._send_safely(self._events[index])
            if fault is not None:
                self.faults[index] = fault
                if fault.kind == "unavailable":
                    # Older events still go out, so that the front's own fault is known.
                    self._limit = min(self._limit, index)
                continue
            self.confirmed.add(index)
            following = self._next.get(index)
            if following is not None:
                heapq.heappush(self._heap, following)

    async def _send_safely(self, event: Event) -> DeliveryFault | None:
        try:
            return await self._send(event)
        except Exception as error:  # noqa: BLE001 - a client library's surprise must not end a route
            _log.warning("sink failed", exc_info=error)
            return DeliveryFault("unavailable", f"{type(error).__name__}: {error}")
