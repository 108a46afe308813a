"""Writes readings: those of one twin that come together become one patch, twin by twin in order.

A twin's readings are gathered for a short window, put in the order of their source times, and
compared with the twin where they are written, in one transaction.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol, TypeAlias, TypeVar

from kastor.clock import now_ticks
from kastor.errors import KastorError, Unavailable
from kastor.graph.command import Command
from kastor.graph.commands import SendTelemetry, TakeReadings
from kastor.graph.readings import Outcome, Path, TwinReading
from kastor.logs import get_logger
from kastor.outside.lease import Lease
from kastor.records import Context
from kastor.types import Ticks

FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
REMEMBERED_TWINS = 10_000
BURST_VALUES = 5_000
"""Values that are made into one patch; what more there is follows in the next one."""

_MOST_DETAILS = 10

T = TypeVar("T")

_log = get_logger("kastor.ingest")


@dataclass(frozen=True, slots=True)
class Refused:
    """A reading that Kastor does not take, with its words."""

    reason: str


Result: TypeAlias = Outcome | Refused


@dataclass(slots=True)
class _Item:
    reading: TwinReading
    order: Ticks
    result: asyncio.Future[Result]


class TakesCommands(Protocol):
    """Where readings are written to; `GraphService` is one."""

    async def execute(
        self, command: Command[T], context: Context, permit: Callable[[], None] | None = None
    ) -> T:
        """Make a write durable, or judge it, and return its outcome."""


class Bursts:
    """The writing end of one input.

    Args:
        graph: where it is written to.
        actor: who is said to have written.
        window: seconds for which readings of a twin are gathered.
        patient: whether to wait for a store that cannot take writes, instead of failing.
        lease: while it is not held nothing is written; None where none is needed.
    """

    def __init__(
        self,
        graph: TakesCommands,
        actor: str,
        window: float,
        *,
        patient: bool,
        lease: Lease | None = None,
    ) -> None:
        self._graph = graph
        self._actor = actor
        self._as = f"input/{actor}"
        self._window = window
        self._patient = patient
        self._lease = lease or Lease(shared=False)
        self._waiting: dict[str, list[_Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._floors: OrderedDict[str, dict[Path, Ticks]] = OrderedDict()

    def over(self, graph: TakesCommands) -> Bursts:
        """Return one that begins with what this one knows, and writes elsewhere."""
        other = Bursts(graph, self._actor, self._window, patient=False)
        other._floors = OrderedDict((each, dict(times)) for each, times in self._floors.items())
        return other

    @property
    def floors(self) -> Mapping[str, Mapping[Path, Ticks]]:
        """Source times that were seen but not written, by twin and path."""
        return self._floors

    @property
    def context(self) -> Context:
        """For whom is written, of no message in particular."""
        return Context(self._as)

    def submit(self, reading: TwinReading) -> asyncio.Future[Result]:
        """Take a reading; the result is there when it is durable, or refused.

        The future raises Unavailable where it cannot be written and this is not patient.
        """
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        # What has no source time of its own holds from when it came.
        order = now_ticks() if reading.source_time is None else reading.source_time
        item = _Item(reading, order, result)
        waiting = self._waiting.get(reading.twin_id)
        if waiting is not None:
            waiting.append(item)
            return result
        self._waiting[reading.twin_id] = [item]
        task = asyncio.create_task(self._work(reading.twin_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return result

    async def stop(self) -> None:
        """Give up what is not written yet; its futures are cancelled."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, twin_id: str) -> None:
        items: list[_Item] = []
        try:
            while self._waiting[twin_id]:
                await asyncio.sleep(self._window)
                items, self._waiting[twin_id] = self._waiting[twin_id], []
                items.sort(key=attrgetter("order"))  # stable: equal ones as they came
                for part in _parts(items):
                    await self._write_with_retries(twin_id, part)
        finally:
            for item in [*items, *self._waiting.pop(twin_id)]:
                item.result.cancel()

    async def _write_with_retries(self, twin_id: str, items: list[_Item]) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                await self._write(twin_id, [each for each in items if not each.result.done()])
            except Unavailable as error:
                if not self._patient:
                    _fail(items, error)
                    return
                _log.warning("input waits for the store", actor=self._actor, reason=error.message)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            except Exception as error:  # noqa: BLE001 - one twin's fault must not end the input
                _log.exception("reading failed", actor=self._actor, exc_info=error)
                _finish(items, Refused("Something went wrong inside Kastor; see its log."))
                return
            else:
                return

    async def _write(self, twin_id: str, items: list[_Item]) -> None:
        """Write some readings, together if that is possible; raises Unavailable."""
        if not items:  # nobody waits for them any more
            return
        try:
            outcomes = await self._take(twin_id, [item.reading for item in items])
        except Unavailable:
            raise
        except KastorError as error:
            if len(items) == 1:
                _finish(items, Refused(words_of(error)))
                return
            for item in items:  # one of them is wrong; the others shall not suffer for it
                if not item.result.done():
                    await self._write(twin_id, [item])
            return
        for item, outcome in zip(items, outcomes, strict=True):
            if not item.result.done():
                _finish([item], await self._send(item.reading, outcome))

    async def _take(self, twin_id: str, readings: Sequence[TwinReading]) -> Sequence[Outcome]:
        """Bring the twin up to readings; return what became of each."""
        if not any(each.values for each in readings):  # telemetry alone
            return [Outcome.WRITTEN] * len(readings)
        command = TakeReadings(twin_id, readings, self._floors.get(twin_id, {}))
        context = Context(self._as, readings[-1].traceparent)
        merged = await self._graph.execute(command, context, self._require_lease)
        if merged.unwritten:
            self._remember(twin_id, merged.unwritten)
        return merged.outcomes

    async def _send(self, reading: TwinReading, outcome: Outcome) -> Result:
        """Send a reading's telemetry; return what became of the whole. Raises Unavailable."""
        command = telemetry_of(reading)
        if command is None:
            return outcome
        context = Context(self._as, reading.traceparent)
        try:
            await self._graph.execute(command, context, self._require_lease)
        except Unavailable:
            raise
        except KastorError as error:
            return Refused(words_of(error))
        return Outcome.WRITTEN

    def _require_lease(self) -> None:
        """Raise Unavailable where another process may have the input by now.

        Asked between load and write: what another holder wrote later makes the write fail.
        """
        if not self._lease.held:
            raise Unavailable("Another process may have the input by now.")

    def _remember(self, twin_id: str, times: Mapping[Path, Ticks]) -> None:
        known = self._floors.setdefault(twin_id, {})
        self._floors.move_to_end(twin_id)
        known.update(times)
        if len(self._floors) > REMEMBERED_TWINS:
            self._floors.popitem(last=False)


def _parts(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Yield readings, in their order, so many at once as one patch may have values."""
    if len(items) == 1:
        yield [*items]
        return
    part: list[_Item] = []
    room = BURST_VALUES
    for item in items:
        room -= 1 + len(item.reading.values)
        if room < 0 and part:
            yield part
            part, room = [], BURST_VALUES - 1 - len(item.reading.values)
        part.append(item)
    if part:
        yield part


def telemetry_of(reading: TwinReading) -> SendTelemetry | None:
    """Return what sends a reading's telemetry; None where it has none."""
    if reading.telemetry is None:
        return None
    return SendTelemetry(
        reading.twin_id,
        reading.telemetry,
        "application/json",
        reading.event_id,
        reading.component,
        reading.source_time,
    )


def words_of(error: KastorError) -> str:
    """Kastor's own message, with the first faults that it lists."""
    return " ".join([error.message, *(each.message for each in error.details[:_MOST_DETAILS])])


def _finish(items: Sequence[_Item], result: Result) -> None:
    for item in items:
        if not item.result.done():
            item.result.set_result(result)


def _fail(items: Sequence[_Item], error: Unavailable) -> None:
    for item in items:
        if not item.result.done():
            item.result.set_exception(error)
