"""The feed: the change log as a stream of events, for programs and pages.

One reader follows the log for all listeners and keeps the newest events at hand; a listener that
falls behind reads from the log itself. Nobody's slowness costs more memory than one event.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kastor.errors import InvalidArgument
from kastor.events.envelope import build_event
from kastor.events.filter import Filter
from kastor.events.model import Event
from kastor.records import LoggedChange
from kastor.storage.events import EventStore

RING = 2_048
BATCH = 256


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing new: a sign of life, and the position that was looked at."""

    position: int


class Feed:
    """Events of one graph from a position on, for any number of listeners."""

    def __init__(self, store: EventStore, host_name: str) -> None:
        self._store = store
        self._host_name = host_name
        self._ring: deque[Event] = deque(maxlen=RING)
        self._seen = 0
        self._ring_from = 0
        self._grown = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Stop following the log."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None

    async def position(self, after: str | None) -> int:
        """Return the position to begin after: as given, or the newest.

        Raises:
            InvalidArgument: it is no position, or so old that events after it are gone.
        """
        oldest, newest = await self._store.log_bounds()
        if not after:
            return newest
        if not after.isdecimal() or len(after) > 18:  # noqa: PLR2004 - digits of an int64
            raise InvalidArgument("The position to resume after must be an id of this feed.")
        position = int(after)
        if oldest and position + 1 < oldest:
            raise InvalidArgument(
                f"The events after {position} are no longer kept; the oldest is {oldest}. "
                "Read the present state, then follow from now on."
            )
        return min(position, newest)

    async def page(self, after: int, limit: int, wants: Filter) -> tuple[list[Event], int]:
        """Return up to `limit` events after a position, and the position that was looked at."""
        found: list[Event] = []
        position = after
        while len(found) < limit:
            entries = await self._store.changes_after(position, BATCH)
            if not entries:
                break
            for entry in entries:
                position = entry.seq
                found += self._wanted([entry], wants)
                if len(found) == limit:
                    break
        return found, position

    async def follow(
        self, after: int, wants: Filter, heartbeat: float
    ) -> AsyncIterator[Event | Beat]:
        """Yield events after a position as they come; a `Beat` when nothing came for a while."""
        position = after
        self._start()
        while True:
            events, reached = await self._next(position)
            for event in events:
                if wants.matches(event):
                    yield event
            idle, position = reached == position, reached
            if idle:
                try:
                    await asyncio.wait_for(self._wait(position), heartbeat)
                except TimeoutError:
                    yield Beat(position)

    async def _next(self, position: int) -> tuple[list[Event], int]:
        if position >= self._ring_from:
            events = [event for event in self._ring if event.position > position]
            reached = events[-1].position if events else position
            return events, max(reached, self._seen)
        entries = await self._store.changes_after(position, BATCH)
        if not entries:
            return [], max(position, self._seen)
        events = [build_event(entry, self._host_name) for entry in entries if entry.notify]
        return events, entries[-1].seq

    async def _wait(self, position: int) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: self._seen > position)

    def _start(self) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        _, self._seen = await self._store.log_bounds()
        self._ring_from = self._seen
        self._ring.clear()
        while True:
            entries = await self._store.changes_after(self._seen, BATCH)
            if not entries:
                await self._store.log_wake(self._seen)
                continue
            for entry in entries:
                if entry.notify:
                    if len(self._ring) == RING:
                        self._ring_from = self._ring[0].position
                    self._ring.append(build_event(entry, self._host_name))
            async with self._grown:
                self._seen = entries[-1].seq
                self._grown.notify_all()

    def _wanted(self, entries: list[LoggedChange], wants: Filter) -> list[Event]:
        events = [build_event(entry, self._host_name) for entry in entries if entry.notify]
        return [event for event in events if wants.matches(event)]
