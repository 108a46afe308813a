"""Writing readings: against others who write, and against a store that cannot."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from kastor.errors import Detail, NotFound, PreconditionFailed, Unavailable, ValidationFailed
from kastor.graph.commands import PatchTwin, SendTelemetry
from kastor.ingest import bursts as module
from kastor.ingest.bursts import Bursts, Refused
from kastor.ingest.merge import Outcome
from kastor.ingest.rules import TwinReading
from kastor.records import Context, TwinRow

pytestmark = pytest.mark.anyio


class Graph:
    """One twin; every write is first offered to the faults that the test gave."""

    def __init__(self, *faults: Exception | None) -> None:
        self.document: dict[str, Any] = {"$dtId": "t", "$metadata": {"$model": "m"}}
        self.faults = list(faults)
        self.commands: list[Any] = []
        self.etag = 0

    async def twin(self, twin_id: str) -> TwinRow:
        if twin_id != "t":
            raise NotFound(f"no twin {twin_id}")
        return TwinRow(1, "t", 1, str(self.etag), 1, orjson.dumps(self.document))

    async def execute(self, command: Any, context: Context) -> None:
        assert context.actor == "input/sensors"
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, PreconditionFailed):
            self.etag += 1
        if fault is not None:
            raise fault
        if isinstance(command, PatchTwin):
            assert command.if_match is not None
            assert command.if_match.etags == {str(self.etag)}
            for operation in command.operations:
                if operation["value"] == "wrong":
                    raise ValidationFailed("invalid", details=(Detail("x", "a is wrong"),))
            for operation in command.operations:
                self.document[operation["path"][1:]] = operation["value"]
            self.etag += 1
        self.commands.append(command)


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
    assert [type(each) for each in graph.commands] == [PatchTwin, SendTelemetry, SendTelemetry]
    assert [each.body for each in graph.commands[1:]] == [b"1", b"2"]
    assert graph.document["a"] == 3


async def test_when_others_write_it_is_compared_again() -> None:
    graph = Graph(PreconditionFailed("p"), PreconditionFailed("p"))
    assert await writer(graph).submit(reading(1)) is Outcome.WRITTEN
    assert graph.document["a"] == 1


async def test_a_twin_that_always_changes_is_given_up_for_now() -> None:
    graph = Graph(*[PreconditionFailed("p")] * module.ATTEMPTS)
    with pytest.raises(Unavailable):
        await writer(graph).submit(reading(1))


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
