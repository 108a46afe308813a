"""Writes readings: those of one twin that come together become one patch, twin by twin in order.

A twin's readings are gathered for a short window, put in the order of their source times, and
written against the version of the twin that they were compared with; if somebody else wrote
meanwhile, they are compared again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kastor.clock import now_ticks
from kastor.errors import KastorError, PreconditionFailed, Unavailable
from kastor.graph.commands import IfMatch, PatchTwin, SendTelemetry
from kastor.graph.documents import decode
from kastor.graph.service import GraphService
from kastor.ingest.merge import Outcome, merge
from kastor.ingest.rules import Path, TwinReading
from kastor.logs import get_logger
from kastor.outside.lease import Lease
from kastor.records import Context
from kastor.types import Ticks

ATTEMPTS = 50
"""How often a burst is compared anew because somebody else wrote to its twin meanwhile."""
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
REMEMBERED_TWINS = 10_000
BURST_VALUES = 5_000
"""Values that are made into one patch; what more there is follows in the next one."""

_MOST_DETAILS = 10

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
        graph: GraphService,
        actor: str,
        window: float,
        *,
        patient: bool,
        lease: Lease | None = None,
    ) -> None:
        self._graph = graph
        self._actor = actor
        self._window = window
        self._patient = patient
        self._lease = lease or Lease(shared=False)
        self._waiting: dict[str, list[_Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._floors: OrderedDict[str, dict[Path, Ticks]] = OrderedDict()

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
                items.sort(key=lambda item: item.order)  # stable: equal ones as they came
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
            outcomes = await self._patch(twin_id, [item.reading for item in items])
        except Unavailable:
            raise
        except KastorError as error:
            if len(items) == 1:
                _finish(items, Refused(_words(error)))
                return
            for item in items:  # one of them is wrong; the others shall not suffer for it
                if not item.result.done():
                    await self._write(twin_id, [item])
            return
        for item, outcome in zip(items, outcomes, strict=True):
            if not item.result.done():
                _finish([item], await self._send(item.reading, outcome))

    async def _patch(self, twin_id: str, readings: Sequence[TwinReading]) -> Sequence[Outcome]:
        context = Context(f"input/{self._actor}", readings[-1].traceparent)
        for _ in range(ATTEMPTS):
            row = await self._graph.twin(twin_id, context)
            merged = merge(decode(row.doc), readings, self._floors.get(twin_id, {}))
            if merged.operations:
                # After the read: what another holder has written since changed the ETag.
                self._check_lease()
                match = IfMatch(frozenset({row.etag}))
                try:
                    await self._graph.execute(PatchTwin(twin_id, merged.operations, match), context)
                except PreconditionFailed:
                    continue
            if merged.unwritten:
                self._remember(twin_id, merged.unwritten)
            return merged.outcomes
        raise Unavailable(f"The twin {twin_id} changes too often to be written to now.")

    async def _send(self, reading: TwinReading, outcome: Outcome) -> Result:
        """Send a reading's telemetry; return what became of the whole. Raises Unavailable."""
        if reading.telemetry is None:
            return outcome
        self._check_lease()
        command = SendTelemetry(
            reading.twin_id,
            reading.telemetry,
            "application/json",
            reading.event_id,
            reading.component,
        )
        context = Context(f"input/{self._actor}", reading.traceparent)
        try:
            await self._graph.execute(command, context)
        except Unavailable:
            raise
        except KastorError as error:
            return Refused(_words(error))
        return Outcome.WRITTEN

    def _check_lease(self) -> None:
        """Raise Unavailable where another process may have the input by now."""
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


def _words(error: KastorError) -> str:
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
