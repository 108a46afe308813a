"""The feed: the change log as a stream of events, for programs and pages.

One reader follows the log for all listeners and keeps the newest events at hand; a listener that
falls behind reads from the log itself. Nobody's slowness costs more memory than a few events.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from kastor.budget import StreamShare
from kastor.errors import Detail, Gone, InvalidArgument
from kastor.events.envelope import build_event
from kastor.events.filter import Filter
from kastor.events.model import Event
from kastor.logs import get_logger
from kastor.records import ChangeKind, Context
from kastor.storage.events import EventStore, LoggedChange
from kastor.vital import Kept, Vitals

RING, RING_BYTES = 2_048, 16 * 2**20
"""What is kept at hand: so many events, and no more than so many bytes."""
BATCH = 256
STEP = 32
STEP_BYTES = 256 * 1024
"""Events that a stream takes at once, and their bytes, one event aside: a client that
never reads keeps them from being freed."""
LOOKED_AT = 10_000
"""Entries that a page looks at: a filter that wants next to nothing must not read the whole log."""
RETRY_SECONDS = 0.5
_OF_MODELS = frozenset((ChangeKind.MODEL_UPLOAD, ChangeKind.MODEL_UPDATE, ChangeKind.MODEL_DELETE))
_NOWHERE = 2**63
"""Before the log is followed no position is within the ring."""

_log = get_logger("kastor.events")


@dataclass(frozen=True, slots=True)
class FeedHeartbeat:
    """Nothing new: a sign of life, and the position that was looked at."""

    position: int


@dataclass(frozen=True, slots=True)
class FeedModels:
    """The models are those of this epoch, or of a later one."""

    epoch: int


class _Listener:
    """One stream; woken only when something came that its filter wants."""

    __slots__ = ("wake", "wants")

    def __init__(self, wants: Filter) -> None:
        self.wants = wants
        self.wake = asyncio.Event()


class Feed:
    """Events of one graph from a position on, for any number of listeners."""

    def __init__(
        self,
        store: EventStore,
        host_name: str,
        vitals: Vitals | None = None,
        read_epoch: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        """Prepare; nothing is followed before somebody listens.

        Args:
            store: of the graph.
            host_name: of the graph, in its events' `source`.
            vitals: where the reader is watched.
            read_epoch: tells the epoch of the models as they are now; without it streams tell
                nothing of models.
        """
        self._store = store
        self._read_epoch = read_epoch
        self._epoch: int | None = None
        self._host_name = host_name
        self._ring: deque[Event] = deque()
        self._ring_bytes = 0
        self._ring_from = _NOWHERE
        self._seen = 0
        self._listeners: dict[str, set[_Listener]] = {}
        self._vitals = vitals or Vitals()
        self._reader: Kept | None = None

    def __len__(self) -> int:
        """How many streams are open."""
        return sum(len(alike) for alike in self._listeners.values())

    async def stop(self) -> None:
        """Stop following the log."""
        if self._reader is not None:
            await self._reader.stop()
            self._reader = None

    async def position(self, after: str | None, context: Context) -> int:
        """Return the position to begin after: as given, or the newest.

        Raises:
            InvalidArgument: it is no position.
            Gone: it is so old that events after it are gone.
        """
        context.require_plain()
        oldest, newest = await self._store.log_bounds()
        if not after:
            return newest
        if not after.isdecimal() or len(after) > 18:  # noqa: PLR2004 - digits of an int64
            raise InvalidArgument("The position to resume after must be an id of this feed.")
        position = int(after)
        # Where nothing is kept, all that was before now is gone.
        oldest = oldest or newest + 1
        if position + 1 < oldest:
            message = (
                f"The events after {position} are no longer kept; the oldest is {oldest}. "
                "Read the present state, then follow from now on."
            )
            raise Gone(message, details=(Detail(Gone.default_code, message, {"oldest": oldest}),))
        return min(position, newest)

    async def page(
        self, after: int, limit: int, wants: Filter, context: Context
    ) -> tuple[list[Event], int]:
        """Return up to `limit` events after a position, and the position that was looked at.

        There may be fewer, or none, before the end of the log, since a page looks at no more than
        `LOOKED_AT` entries. At the end the position is `after`.
        """
        context.require_plain()
        found: list[Event] = []
        position, left = after, LOOKED_AT
        while left > 0 and len(found) < limit:
            entries = await self._store.changes_after(position, min(BATCH, left))
            left -= len(entries)
            if not entries:
                break
            for entry in entries:
                position = entry.seq
                found += self._wanted([entry], wants)
                if len(found) == limit:
                    break
        return found, position

    async def epoch(self, context: Context) -> int | None:
        """Return the epoch of the models as they are now; None where the feed does not know."""
        context.require_plain()
        return None if self._read_epoch is None else await self._read_epoch()

    async def follow(
        self,
        after: int,
        wants: Filter,
        context: Context,
        heartbeat: float,
        share: StreamShare | None = None,
    ) -> AsyncGenerator[Event | FeedHeartbeat | FeedModels, None]:
        """Yield events after a position as they come; a heartbeat when nothing came for a while.

        The epoch of the models is told at the beginning and whenever they changed, before the
        events that come after that.

        Raises:
            TooManyRequests: `share` has no room for the next events.
        """
        context.require_plain()
        position = after
        listener = _Listener(wants)
        alike = self._listeners.setdefault(wants.text, set())
        alike.add(listener)
        try:
            await self._look_at_models()
            self._start()
            told = None
            while True:
                listener.wake.clear()
                if self._epoch != told:
                    told = self._epoch
                    yield FeedModels(told or 0)
                events, reached = _few(*await self._next(position))
                if share is not None:
                    share.hold(sum(event.size for event in events))
                for event in events:
                    if wants.matches(event):
                        yield event
                if share is not None:
                    share.hold(0)
                del events
                idle, position = reached == position, reached
                if not idle or await _within(listener.wake.wait(), heartbeat):
                    continue
                if not listener.wake.is_set():  # by what came in the very moment
                    # What was read meanwhile did not wake this listener: it wants none of it.
                    position = max(position, self._seen)
                    yield FeedHeartbeat(position)
        finally:
            alike.discard(listener)
            if not alike:
                self._listeners.pop(wants.text, None)

    async def _next(self, position: int) -> tuple[list[Event], int]:
        if position >= self._ring_from:
            return self._from_ring(position)
        entries = await self._store.changes_after(position, STEP)
        if not entries:
            return [], position
        events = [build_event(entry, self._host_name) for entry in entries if entry.notify]
        return events, entries[-1].seq

    def _from_ring(self, position: int) -> tuple[list[Event], int]:
        found: deque[Event] = deque(maxlen=STEP)
        for event in reversed(self._ring):
            if event.position <= position:
                break
            found.appendleft(event)  # and the newest falls off where there are too many
        whole = len(found) < STEP
        return list(found), max(self._seen, position) if whole else found[-1].position

    def _start(self) -> None:
        if self._reader is None or self._reader.ended:
            self._reader = self._vitals.keep("feed", self._read)

    async def _read(self) -> None:
        while True:
            try:
                await self._follow_log()
            except Exception as error:  # noqa: BLE001 - listeners that wait would wait for ever
                _log.warning("the feed cannot read the log now", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow_log(self) -> None:
        self._ring.clear()
        self._ring_bytes = 0
        self._ring_from = _NOWHERE  # who is behind reads from the log meanwhile
        _, self._seen = await self._store.log_bounds()
        await self._look_at_models()
        self._ring_from = self._seen
        self._wake_all()  # who began while the log was not yet followed looks again
        while True:
            entries = await self._store.changes_after(self._seen, BATCH)
            if not entries:
                reached = await self._store.before_next(self._seen)
                if reached == self._seen:
                    await self._store.log_wake(self._seen)
                else:
                    await self._look_at_models()  # the graph was emptied, most likely
                self._seen = reached  # past what is no longer kept
                continue
            if any(entry.kind in _OF_MODELS for entry in entries):
                # The log shows a commit an instant before the catalog is published.
                await self._store.log_wake(entries[-1].seq - 1)
                await self._look_at_models()
            events = [build_event(entry, self._host_name) for entry in entries if entry.notify]
            for event in events:
                self._keep(event)
            self._seen = entries[-1].seq
            self._wake_wanting(events)

    async def _look_at_models(self) -> None:
        if self._read_epoch is None:
            return
        epoch = await self._read_epoch()
        if self._epoch is None or epoch > self._epoch:  # who looked before may be told after
            self._epoch = epoch
            self._wake_all()

    def _keep(self, event: Event) -> None:
        self._ring.append(event)
        self._ring_bytes += event.size
        while len(self._ring) > RING or self._ring_bytes > RING_BYTES:
            gone = self._ring.popleft()
            self._ring_bytes -= gone.size
            self._ring_from = gone.position

    def _wake_all(self) -> None:
        for alike in self._listeners.values():
            for listener in alike:
                listener.wake.set()

    def _wake_wanting(self, events: list[Event]) -> None:
        """Wake the listeners that want one of these; each different filter is asked once."""
        for alike in self._listeners.values():
            wants = next(iter(alike)).wants
            if any(wants.matches(event) for event in events):
                for listener in alike:
                    listener.wake.set()

    def _wanted(self, entries: list[LoggedChange], wants: Filter) -> list[Event]:
        events = [build_event(entry, self._host_name) for entry in entries if entry.notify]
        return [event for event in events if wants.matches(event)]


def _few(events: list[Event], reached: int) -> tuple[list[Event], int]:
    """Return so many of these that they take no more than STEP_BYTES, and the position."""
    room = STEP_BYTES
    for number, event in enumerate(events):
        room -= event.size
        if room < 0 and number:
            return events[:number], events[number - 1].position
    return events, reached


async def _within(work: Coroutine[Any, Any, object], seconds: float) -> bool:
    """Return whether the work ended in time."""
    try:
        # Not wait_for: on Python 3.11 it can lose a cancellation that comes with the wake-up.
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
