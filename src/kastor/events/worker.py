"""One route's work: read the log, keep what the filter wants, deliver in order, note how far.

A route is a task of its own with a connection of its own, so that a slow or dead endpoint holds up
nobody else. Events go out in the order of the log; the position moves only past what the endpoint
confirmed, the filter did not want, or became a dead letter. A crash between confirmation and note
repeats events with the same ids: at least once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from kastor import tracing
from kastor.clock import TICKS_PER_SECOND, from_datetime, now_ticks
from kastor.errors import InvalidArgument, Unavailable
from kastor.events.envelope import build_event
from kastor.events.filter import Filter
from kastor.events.meter import DeliveryMeter
from kastor.events.model import Delivered, DeliveryFault, Event, Sink
from kastor.events.shaping import Shape
from kastor.logs import get_logger
from kastor.outside.hiding import hide
from kastor.outside.lease import Lease
from kastor.storage.events import DeadLetter, EventStore, LoggedChange, RouteRow
from kastor.tracing import Attributes
from kastor.vital import attempt

_log = get_logger("kastor.events")
_EVENT = msgspec.json.Decoder(Event)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How a route reads and tries again; seconds.

    Attributes:
        batch: entries of the log that are read at once, and events handed to a sink at once.
        first_wait, longest_wait: bounds of the exponential back-off, before jitter.
        give_up_after: age at which an event that cannot be delivered becomes a dead letter.
        note_every: how often a position is written while nothing is wanted.
    """

    batch: int = 256
    first_wait: float = 0.2
    longest_wait: float = 30.0
    give_up_after: float = 86_400.0
    note_every: float = 1.0


class RouteLostError(Exception):
    """Another process runs the route by now."""


@dataclass(slots=True)
class _Unnoted:
    """What was done since the last note that the store took.

    The worker's position may be past a dead letter that is only here: it must not be dropped.
    """

    delivered: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.delivered or self.letters or self.settled)


class RouteWorker:
    """Runs one route until it is cancelled."""

    def __init__(
        self,
        route: RouteRow,
        make_sink: Callable[[], Sink],
        wants: Filter,
        store: EventStore,
        host_name: str,
        settings: DeliverySettings,
        owner: str,
        meter: DeliveryMeter,
        lease: Lease,
        shape: Shape | None = None,
    ) -> None:
        self.route = route
        self.position = route.position
        self.error: str | None = route.last_error
        self._make_sink = make_sink
        self._wants = wants
        self._store = store
        self._host_name = host_name
        self._settings = settings
        self._owner = owner
        self._meter = meter
        self._lease = lease
        self._shape = shape
        self._nudge = asyncio.Event()
        # Dead letters may have been requeued while nobody ran, so the first look is asked for.
        self._looks_asked, self._looks_done = 1, 0
        self._unnoted = _Unnoted()
        self._noted, self._noted_at = route.position, time.monotonic()
        self._noted_error = route.last_error
        self._attempts = 0

    def nudge(self) -> None:
        """Look for requeued dead letters, and try again at once what waits for its next try."""
        self._looks_asked += 1
        self._nudge.set()

    def expect_requeued(self) -> None:
        """Look for requeued dead letters, unless that is about to happen anyhow."""
        if self._looks_asked == self._looks_done:
            self.nudge()

    async def run(self) -> None:
        """Deliver until cancelled, or until another process has the route.

        Trouble with the endpoint never ends this.
        """
        sink: Sink | None = None
        try:
            while True:
                try:
                    if sink is None:
                        sink = self._make_sink()
                        await sink.open()
                    await self._round(sink)
                except RouteLostError:
                    return
                except InvalidArgument as error:  # an endpoint out of the operator's bounds
                    await self._wait_for_bounds(error)
                except Unavailable as error:  # the store cannot note progress now
                    await self._back_off(DeliveryFault("unavailable", error.message))
                except Exception as error:  # noqa: BLE001 - a fault in one route is its own
                    _log.warning("route failed", route=self.route.id, exc_info=error)
                    fault = DeliveryFault("unavailable", hide(str(error), ())).shortened()
                    self.error = fault.message
                    await self._back_off(fault)
        finally:
            if sink is not None:
                await attempt("sink", sink.close, route=self.route.id)

    async def _wait_for_bounds(self, error: InvalidArgument) -> None:
        """Say what is wrong, here and to other processes, and wait until it may be mended."""
        if self.error != error.message:
            _log.warning("route does not run", route=self.route.id, reason=error.message)
        self.error = error.message
        self._attempts += 1
        with contextlib.suppress(Unavailable, RouteLostError):  # who renews the lease ends this
            await self._note()
        await self._back_off(DeliveryFault("unavailable", self.error))

    async def _round(self, sink: Sink) -> None:
        if self._unnoted:
            await self._note()  # what the store did not take comes before anything new
        asked = self._looks_asked
        if asked != self._looks_done:
            await self._send_requeued(sink)
            self._looks_done = asked
        entries = await self._store.changes_after(self.position, self._settings.batch)
        if entries:
            await self._send_entries(sink, entries)
            return
        before = self.position
        self.position = await self._store.before_next(before)  # past what is no longer kept
        await self._note()
        if self.position == before:
            await self._wait_for_work()

    async def _wait_for_work(self) -> None:
        woken = asyncio.ensure_future(self._store.log_wake(self.position))
        nudged = asyncio.ensure_future(self._nudge.wait())
        try:
            await asyncio.wait((woken, nudged), return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            nudged.cancel()
        self._nudge.clear()

    async def _send_entries(self, sink: Sink, entries: Sequence[LoggedChange]) -> None:
        events = ((each, build_event(each, self._host_name)) for each in entries if each.notify)
        wanted = deque(each for each in events if self._wants.matches(each[1]))
        while wanted:
            pending = await self._shaped(wanted)
            end = wanted[0][0].seq - 1 if wanted else entries[-1].seq
            while pending:
                await self._try(sink, pending)
                self.position = pending[0].position - 1 if pending else end
                if self._unnoted:
                    await self._note()
        self.position = entries[-1].seq
        if time.monotonic() - self._noted_at > self._settings.note_every:
            await self._note()

    async def _shaped(self, wanted: deque[tuple[LoggedChange, Event]]) -> deque[Event]:
        """Take off the front of `wanted` what is sent next, in its form.

        An entry may have thousands of rows: those of a whole batch would be too much at once.
        """
        pending: deque[Event] = deque()
        while wanted and len(pending) < self._settings.batch:
            entry, event = wanted.popleft()
            pending.extend((event,) if self._shape is None else await self._shape(entry, event))
        return pending

    async def _try(self, sink: Sink, pending: deque[Event]) -> None:
        """Deliver once; take what is done off `pending`, wait if the endpoint is in trouble."""
        await self._lease.wait()
        report = await self._deliver(sink, list(pending))
        for _ in range(report.confirmed):
            pending.popleft()
        if report.confirmed:
            self._attempts, self.error = 0, None
        self._unnoted.delivered += report.confirmed
        if report.fault is None:
            return
        fault = report.fault.shortened()
        self._attempts += 1
        self.error = fault.message
        if fault.kind == "refused" or self._is_too_old(pending[0]):
            self._unnoted.letters.append(self._letter(pending.popleft(), fault))
            self._attempts = 0
            return
        self.position = pending[0].position - 1
        await self._note()
        await self._back_off(fault)

    async def _deliver(self, sink: Sink, events: Sequence[Event]) -> Delivered:
        tracer = tracing.current()
        if tracer is None:
            return await sink.deliver(events)
        about: Attributes = {"kastor.route": self.route.id, "kastor.events": len(events)}
        with tracer.events("relay", about) as spans:
            report = await sink.deliver(events)
            fault = None if report.fault is None else report.fault.message
            spans.confirm([each.mark for each in events[: report.confirmed]], fault)
            return report

    def _is_too_old(self, event: Event) -> bool:
        age = -1.0 if event.time is None else _age_seconds(event.time)
        if age < 0:  # it has no time, or one of a clock that was ahead
            return self._attempts * self._settings.longest_wait > self._settings.give_up_after
        return age > self._settings.give_up_after

    def _letter(self, event: Event, fault: DeliveryFault) -> DeadLetter:
        _log.warning("event given up", route=self.route.id, id=event.id, reason=fault.message)
        encoded = msgspec.json.encode(event)
        attempts = max(1, self._attempts)
        return DeadLetter(
            0, self.route.id, event.position, encoded, fault.message, attempts, 0, requeued=False
        )

    async def _send_requeued(self, sink: Sink) -> None:
        after = 0
        while letters := await self._store.dead_letters(self.route.id, after, 100):
            after = letters[-1].key
            for letter in letters:
                if letter.requeued:
                    await self._send_letter(sink, letter)

    async def _send_letter(self, sink: Sink, letter: DeadLetter) -> None:
        event = _EVENT.decode(letter.event)
        await self._lease.wait()
        report = await self._deliver(sink, [event])
        if report.fault is not None:
            self._unnoted.letters.append(self._letter(event, report.fault.shortened()))
        self._unnoted.delivered += report.confirmed
        self._unnoted.settled.append(letter.key)
        await self._note()

    async def _note(self) -> None:
        """Write the progress down, if there is any; what the store does not take is kept."""
        if not self._unnoted and self.position == self._noted and self.error == self._noted_error:
            return
        position, error, news = self.position, self.error, self._unnoted
        total = await self._store.advance_route(
            self.route.id,
            self._owner,
            position,
            delivered=news.delivered,
            error=error,
            letters=news.letters,
            settled=news.settled,
        )
        if total is None:
            raise RouteLostError
        self._unnoted = _Unnoted()
        self._meter.observe(total)
        self._noted, self._noted_at = position, time.monotonic()
        self._noted_error = error

    async def _back_off(self, fault: DeliveryFault) -> None:
        settings = self._settings
        longest = min(
            settings.longest_wait, settings.first_wait * 2 ** min(max(0, self._attempts - 1), 20)
        )
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        if fault.retry_after is not None:
            wait = max(wait, min(fault.retry_after, settings.longest_wait))
        try:
            async with asyncio.timeout(wait):
                await self._nudge.wait()
        except TimeoutError:
            return
        self._nudge.clear()


def _age_seconds(time_text: str) -> float:
    written = from_datetime(datetime.fromisoformat(time_text[:26] + "+00:00"))
    return (now_ticks() - written) / TICKS_PER_SECOND
