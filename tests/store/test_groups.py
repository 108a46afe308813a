"""Commands in flight together: each stands or falls alone, and nobody hears of it too early."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest

from kastor.clock import Stamp
from kastor.errors import KastorError, NotFound, Unavailable
from kastor.graph import commands as c
from kastor.graph.command import Decided, State
from kastor.records import (
    SYSTEM,
    ChangeKind,
    ChangeModels,
    Context,
    Decision,
    LogEntry,
    Needs,
    WriteTwin,
)

from .engines import Engine
from .graphs import Graph, edge, hall, replace, room

pytestmark = pytest.mark.anyio


async def test_a_failed_command_rolls_back_alone(engine: Engine, graph: Graph) -> None:
    await graph.put("h", hall(seats=0))
    good: list[c.PutTwin | c.PatchTwin] = [c.PutTwin(f"g{n}", hall(seats=n)) for n in range(200)]
    bad: list[c.PutTwin | c.PatchTwin] = [
        c.PutTwin(f"b{n}", hall(seats="many")) for n in range(100)
    ]
    bad += [c.PatchTwin("h", (replace("/seats", n), replace("/nothing", 1))) for n in range(100)]
    mixed = [each for three in zip(good, bad, strict=True) for each in three]
    results = await asyncio.gather(*map(graph.execute, mixed), return_exceptions=True)
    assert all(isinstance(each, c.Written) for each in results[::2])
    assert all(isinstance(each, KastorError) for each in results[1::2])
    log = graph.history.log()
    assert sorted(row.subject for row in log if row.kind == "Twin.Create") == sorted(
        ["h", *(command.twin_id for command in good)]
    )
    numbers = [row.seq for row in log] if engine.in_order else sorted(row.seq for row in log)
    assert numbers == list(range(numbers[0], numbers[0] + len(log)))
    assert (await graph.document("h"))["seats"] == 0
    assert (await graph.service.twin("h", SYSTEM)).version == 1


async def test_a_command_that_breaks_after_its_rows_were_written_rolls_back_alone(
    graph: Graph,
) -> None:
    def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError

    def decide(current: State, stamp: Stamp) -> Decided[c.Written | None]:
        log = LogEntry(ChangeKind.MODEL_UPLOAD, "dtmi:s:X;1", "dtmi:s:X;1", b"{}", stamp.event_id)
        uploads = (("dtmi:s:X;1", b"{}"),)
        return Decision(ChangeModels(uploads, (), (), (log,), broken), None)

    before = graph.history.uploads()
    results = await asyncio.gather(
        *(graph.put(f"h{n}", hall()) for n in range(20)),
        graph.store.write(Needs(), decide, Context("ann")),
        *(graph.put(f"i{n}", hall()) for n in range(20)),
        return_exceptions=True,
    )
    assert isinstance(results.pop(20), ZeroDivisionError)
    assert all(isinstance(each, c.Written) for each in results)
    assert graph.history.uploads() == before
    assert "dtmi:s:X;1" not in {row.subject for row in graph.history.log()}


async def test_a_change_that_the_engine_cannot_take_fails_alone(graph: Graph) -> None:
    def decide(current: State, stamp: Stamp) -> Decided[c.Written | None]:
        log = LogEntry(ChangeKind.TWIN_CREATE, "x", "x", b"{}", stamp.event_id)
        return Decision(WriteTwin(None, "x", 1, stamp.etag, b"no document", log), None)

    results = await asyncio.gather(
        *(graph.put(f"h{n}", hall()) for n in range(20)),
        graph.store.write(Needs("x"), decide, Context("ann")),
        *(graph.put(f"i{n}", hall()) for n in range(20)),
        return_exceptions=True,
    )
    refused = results.pop(20)
    assert isinstance(refused, Exception)
    assert not isinstance(refused, Unavailable)
    assert all(isinstance(each, c.Written) for each in results)
    assert "x" not in {row.subject for row in graph.history.log()}


async def test_commands_see_those_before_them_in_the_order_they_were_given(
    engine: Engine, graph: Graph
) -> None:
    if not engine.in_order:
        pytest.skip("commands in flight together have no order")
    results = await asyncio.gather(
        graph.put("a", room()),
        graph.put("b", room()),
        graph.relate("a", "e", edge("b")),
        graph.delete("b"),
        graph.unrelate("a", "e"),
        graph.delete("b"),
        graph.relate("a", "e", edge("b")),
        return_exceptions=True,
    )
    kinds = [type(each).__name__ for each in results]
    assert kinds == [
        "Written",
        "Written",
        "Written",
        "RelationshipsLeft",
        "NoneType",
        "NoneType",
        "NotFound",
    ]


async def test_an_outcome_is_told_only_when_others_can_read_it(
    engine: Engine, graph: Graph
) -> None:
    other = engine.history()
    failures = []

    async def write(n: int) -> None:
        twin_id = f"h{n % 10}"
        written = await graph.put(twin_id, hall(seats=n))
        # Through a connection of its own, which sees what is committed and no more.
        if written.etag not in {each.etag for each in other.twin_versions(twin_id)}:
            failures.append(n)

    await asyncio.gather(*(write(n) for n in range(300)))
    assert failures == []


async def test_a_refusal_is_told_only_when_its_reason_is_committed(
    engine: Engine, graph: Graph
) -> None:
    other = engine.history()
    seen = []

    async def second() -> None:
        with pytest.raises(KastorError):
            await graph.execute(c.PutTwin("h", hall(), only_if_absent=True))
        seen.append(len(other.twin_versions("h")))

    await asyncio.gather(graph.put("h", hall()), *(second() for _ in range(50)))
    assert seen == [1] * 50


async def test_reads_see_every_write_that_was_acknowledged(graph: Graph) -> None:
    async def client(name: str) -> None:
        await graph.put(name, hall(seats=0))
        for n in range(1, 20):
            written = await graph.patch(name, replace("/seats", n))
            assert (await graph.service.twin(name, SYSTEM)).etag == written.etag
        await graph.delete(name)
        with pytest.raises(NotFound):
            await graph.service.twin(name, SYSTEM)

    await asyncio.gather(*(client(f"h{n}") for n in range(16)))


async def test_a_client_that_stops_waiting_harms_nobody(engine: Engine, graph: Graph) -> None:
    tasks = [asyncio.create_task(graph.put(f"h{n}", hall(seats=n))) for n in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in results[::2])
    assert all(isinstance(each, c.Written) for each in results[1::2])
    await graph.put("after", hall())
    # What was handed over before its client left is written, wholly.
    log = [row.subject for row in graph.history.log() if row.kind == "Twin.Create"]
    expected = [*(f"h{n}" for n in range(100)), "after"]
    assert log == expected if engine.in_order else sorted(log) == sorted(expected)


async def test_what_is_queued_when_the_store_closes_is_still_written(
    engine: Engine, graph: Graph
) -> None:
    tasks = [asyncio.create_task(graph.put(f"h{n}", hall())) for n in range(150)]
    await asyncio.sleep(0)
    await graph.store.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    again = Graph(await engine.open(), engine.history())
    written = {row.subject for row in again.history.log() if row.kind == "Twin.Create"}
    for n, result in enumerate(results):
        assert isinstance(result, c.Written | Unavailable)
        assert isinstance(result, c.Written) == (f"h{n}" in written)


async def test_a_closed_store_answers_unavailable(graph: Graph) -> None:
    await graph.store.close()
    with pytest.raises(Unavailable):
        await graph.put("h", hall())
    with pytest.raises(Unavailable):
        await graph.store.reset()
    with pytest.raises(Unavailable):
        await graph.store.prune()
