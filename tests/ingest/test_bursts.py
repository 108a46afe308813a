"""Writing readings: against others who write, and against a store that cannot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from kastor.errors import Detail, NotFound, Unavailable, ValidationFailed
from kastor.graph.commands import SendTelemetry, TakeReadings
from kastor.graph.readings import Merged, Outcome, TwinReading, merge
from kastor.ingest import bursts as module
from kastor.ingest.bursts import Bursts, Refused
from kastor.outside.lease import Lease
from kastor.records import Context

pytestmark = pytest.mark.anyio


class Graph:
    """One twin; every write is first offered to the faults that the test gave.

    Attributes:
        others: what somebody else writes between a command's decision and its write; then it is
            decided again, as a store does.
    """

    def __init__(self, *faults: Exception | None) -> None:
        self.document: dict[str, Any] = {"$dtId": "t", "$metadata": {"$model": "m"}}
        self.faults = list(faults)
        self.others: list[dict[str, Any]] = []
        self.commands: list[Any] = []

    async def execute(
        self, command: Any, context: Context, permit: Callable[[], None] | None = None
    ) -> Merged | None:
        assert context.actor == "input/sensors"
        assert permit is not None
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        if command.twin_id != "t":
            raise NotFound(f"no twin {command.twin_id}")
        outcome = None
        if isinstance(command, TakeReadings):
            outcome = self.decided(command, permit)
            while self.others:
                self.document |= self.others.pop(0)
                outcome = self.decided(command, permit)
            for operation in outcome.operations:
                self.document[operation.pointer[1:]] = operation.value
        else:
            permit()
        self.commands.append(command)
        return outcome

    def decided(self, command: TakeReadings, permit: Callable[[], None]) -> Merged:
        merged = merge(self.document, command.readings, command.floors)
        if any(operation.value == "wrong" for operation in merged.operations):
            raise ValidationFailed("invalid", details=(Detail("x", "a is wrong"),))
        if merged.operations:
            permit()
        return merged


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)


def reading(value: Any, twin: str = "t", telemetry: bytes | None = None) -> TwinReading:
    values: dict[tuple[str, ...], Any] = {} if value is None else {("a",): value}
    return TwinReading(twin, values, {}, None, telemetry, None, "id", None)


def writer(graph: Graph, *, patient: bool = False) -> Bursts:
    service: Any = graph
    return Bursts(service, "sensors", 0.01, patient=patient)


async def test_a_burst_is_one_command_and_telemetry_keeps_its_order() -> None:
    graph = Graph()
    bursts = writer(graph)
    given = [reading(1), reading(2, telemetry=b"1"), reading(3), reading(None, telemetry=b"2")]
    results = await asyncio.gather(*map(bursts.submit, given))
    assert results == [Outcome.MERGED, Outcome.WRITTEN, Outcome.WRITTEN, Outcome.WRITTEN]
    assert [type(each) for each in graph.commands] == [TakeReadings, SendTelemetry, SendTelemetry]
    assert [each.body for each in graph.commands[1:]] == [b"1", b"2"]
    assert graph.document["a"] == 3


async def test_when_others_write_it_is_compared_again() -> None:
    graph = Graph()
    graph.others = [{"a": 5}, {"a": 6}]
    assert await writer(graph).submit(reading(1)) is Outcome.WRITTEN
    assert graph.document["a"] == 1
    graph.others = [{"a": 1.1}]
    small = TwinReading("t", {("a",): 1.2}, {("a",): 0.15}, None, None, None, None, None)
    assert await writer(graph).submit(small) is Outcome.DEADBAND
    assert graph.document["a"] == 1.1


async def test_who_has_lost_the_input_writes_nothing() -> None:
    graph, lease = Graph(), Lease(shared=True)
    bursts = Bursts(graph, "sensors", 0.01, patient=False, lease=lease)  # type: ignore[arg-type]
    for given in (reading(1), reading(None, telemetry=b"1")):
        with pytest.raises(Unavailable):
            await bursts.submit(given)
    assert (graph.commands, "a" in graph.document) == ([], False)
    lease.extend(time.monotonic())
    assert await bursts.submit(reading(1)) is Outcome.WRITTEN


async def test_one_wrong_reading_is_refused_alone() -> None:
    graph = Graph()
    bursts = writer(graph)
    results = await asyncio.gather(*map(bursts.submit, [reading(1), reading("wrong")]))
    assert results == [Outcome.WRITTEN, Refused("invalid a is wrong")]
    assert await bursts.submit(reading(1, twin="u")) == Refused("no twin u")


async def test_a_store_that_cannot_write_is_waited_for_or_told() -> None:
    faults = [Unavailable("full"), None, Unavailable("full"), Unavailable("full")]
    graph = Graph(*faults)
    result = await writer(graph, patient=True).submit(reading(1, telemetry=b"1"))
    assert result is Outcome.WRITTEN
    assert len([each for each in graph.commands if isinstance(each, SendTelemetry)]) == 1
    with pytest.raises(Unavailable):
        await writer(Graph(Unavailable("full"))).submit(reading(1))


async def test_what_is_not_written_when_it_stops_is_cancelled() -> None:
    bursts = writer(Graph(*[Unavailable("full")] * 1_000), patient=True)
    result = bursts.submit(reading(1))
    await asyncio.sleep(0.05)
    await bursts.stop()
    assert result.cancelled()
