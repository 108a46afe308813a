"""What only PostgreSQL has to take care of in a batch: round trips, models, memory, lost answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from kastor.clock import Stamp
from kastor.dtdl import ValueRules
from kastor.errors import Unavailable
from kastor.graph import commands as c
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.command import Decided, State
from kastor.graph.twin import Decommissioned
from kastor.records import SYSTEM, Context
from kastor.storage.batches import JobProgress, KeptAnswer, Results, Write
from kastor.storage.jobs import JobRow, JobStatus
from kastor.storage.postgres import batch_loading, batch_transaction, outcomes
from kastor.storage.postgres.store import PostgresStore
from tests.store.graphs import (
    HALL,
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    edge,
    hall,
    interface,
    prop,
    replace,
    room,
)
from tests.store.postgres_engine import PostgresEngine

from .proxy import Proxy
from .server import POOLER

pytestmark = pytest.mark.anyio

BEN = Context("ben")
MARK = "the mark that the proxy looks for"


@pytest.fixture
async def direct(postgres: PostgresEngine) -> Graph:
    graph = Graph(await postgres.open(), postgres.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    return graph


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    async with Proxy(dsn) as proxy:
        yield proxy


@pytest.fixture
async def graph(direct: Graph, postgres: PostgresEngine, proxy: Proxy) -> AsyncIterator[Graph]:
    """The same graph over a wire that can be cut."""
    store = await PostgresStore.open(
        proxy.dsn, postgres.schema(), catalog_builder(ValueRules()), pool=4, pooler=POOLER
    )
    yield Graph(store, postgres.history())
    await store.close()


def halls(count: int, first: int = 0) -> list[c.Command[Any]]:
    return [c.PutTwin(f"h{n}", hall(seats=n)) for n in range(first, first + count)]


def was_cut(proxy: Proxy) -> bool:
    return proxy.cut_answer is None and proxy.cut_request is None


async def test_an_answer_that_is_lost_is_found_and_nothing_is_repeated(
    graph: Graph, proxy: Proxy
) -> None:
    proxy.cut_answer = b"COMMIT"
    results = await graph.service.execute_many([*halls(30), c.DeleteTwin("no")], BEN)
    assert was_cut(proxy)
    assert (results.applied, results.refused) == (True, 1)
    assert len(graph.history.log()) == 30 + 3
    assert [each.version for each in graph.history.twin_versions("h7")] == [1]


async def test_a_commit_that_never_arrived_is_not_claimed(
    graph: Graph, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "CHECK_PAUSE_SECONDS", 0.01)
    proxy.cut_request = b"COMMIT"
    with pytest.raises(Unavailable, match="whether"):
        await graph.service.execute_many(halls(30), BEN)
    assert len(graph.history.log()) == 3
    assert (await graph.service.execute_many(halls(30), BEN)).refused == 0
    assert [each.version for each in graph.history.twin_versions("h7")] == [1]


@pytest.mark.parametrize("cut", ["cut_request", "cut_answer"])
async def test_a_loss_before_the_commit_is_not_noticed(
    graph: Graph, proxy: Proxy, cut: str
) -> None:
    setattr(proxy, cut, MARK.encode())
    commands = [*halls(20), c.PutTwin("r", room(name=MARK))]
    assert (await graph.service.execute_many(commands, BEN)).refused == 0
    assert was_cut(proxy)
    assert len(graph.history.log()) == 21 + 3


@pytest.mark.parametrize("kind", ["progress", "answer"])
async def test_a_note_alone_is_found_as_well(graph: Graph, proxy: Proxy, kind: str) -> None:
    jobs = graph.store.jobs
    await jobs.add_job(JobRow("imports", "j", JobStatus.RUNNING, 1, 1, 9, "ann", b"{}"), (), 100)
    assert await jobs.hold_job("imports", "j", "me", 60)

    def note(_: Results) -> JobProgress | KeptAnswer:
        if kind == "progress":
            return JobProgress("imports", "j", "me", b'{"done":1}', (b'"line"',))
        return KeptAnswer("op", b"digest", b"[]", True, 1)

    proxy.cut_answer = b"COMMIT"
    results = await graph.service.execute_many([c.DeleteTwin("no")], BEN, note=note)
    assert (results.applied, results.refused) == (True, 1)
    assert was_cut(proxy)
    if kind == "progress":
        assert len(await jobs.log_lines("imports", "j", 0, 9)) == 1
    else:
        assert await jobs.kept_answer("op") is not None


async def test_a_batch_goes_on_when_its_caller_goes_away(direct: Graph) -> None:
    task = asyncio.ensure_future(direct.service.execute_many(halls(200), BEN))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await direct.store.close()
    assert len(direct.history.log()) in {3, 203}, "all or nothing"


async def test_round_trips_do_not_grow_with_the_writes(
    direct: Graph, postgres: PostgresEngine
) -> None:
    store = await postgres.open(pool=1)
    sent: list[str] = []
    async with store._connections.lease() as connection:
        connection.add_query_logger(lambda record: sent.append(record.query))
    service = Graph(store, postgres.history()).service

    async def count(commands: Sequence[c.Command[Any]]) -> int:
        sent.clear()
        assert (await service.execute_many(commands, BEN)).refused == 0
        return len(sent)

    def mixed(start: int, many: int) -> list[c.Command[Any]]:
        names = range(start, start + many)
        made: list[c.Command[Any]] = [c.PutTwin(f"r{n}", room(name="x")) for n in names]
        made += [c.PatchTwin(f"r{n}", (replace("/name", "y"),)) for n in names]
        made += [c.PutRelationship(f"r{n}", "e", edge(f"r{start}", "above")) for n in names[1:]]
        return made

    few, many = await count(mixed(0, 5)), await count(mixed(100, 150))
    assert many <= few
    assert await count(halls(1_000)) <= few + 4, "two chunks"


async def test_models_that_change_meanwhile_are_kept_to(
    direct: Graph, postgres: PostgresEngine
) -> None:
    other = Graph(await postgres.open(), postgres.history())
    loop = asyncio.get_running_loop()
    decided = 0

    def decide(current: State, stamp: Stamp) -> Decided[c.Written]:
        nonlocal decided
        decided += 1
        if decided == 1:  # in the batch's thread, after its rows and models were loaded
            change = other.execute(c.CommissionModel(HALL, False))
            asyncio.run_coroutine_threadsafe(change, loop).result(20)
        return c.PutTwin("h", hall()).decide(current, stamp)

    writes: list[Write[ModelCatalog, Any]] = [
        Write(each.needs(), each.decide) for each in [c.PutTwin(f"r{n}", room()) for n in range(20)]
    ]
    results = await direct.store.write_many(
        [*writes, Write(c.DeleteTwin("h").needs(), decide)], BEN
    )
    assert decided == 2
    assert isinstance(results.outcomes[-1], Decommissioned)
    assert results.refused == 1


async def test_large_models_and_documents_are_no_trouble(
    direct: Graph, postgres: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [{**prop(f"p{n}", "string"), "description": "x" * 400} for n in range(300)]
    model = interface("dtmi:s:Large;1", *texts)
    await direct.upload(model)
    other = Graph(await postgres.open(), postgres.history())  # has nothing compiled yet
    twin = {"$metadata": {"$model": "dtmi:s:Large;1"}, "p1": "x" * 900}
    assert (await other.service.execute_many([c.PutTwin("small", twin)], BEN)).refused == 0

    monkeypatch.setattr(batch_loading, "LOAD_BYTES", 2_000)
    monkeypatch.setattr(batch_transaction, "CHUNK_BYTES", 10_000)
    names = [f"l{n}" for n in range(40)]
    await other.service.execute_many([c.PutTwin(each, twin) for each in names], BEN)
    patches = [c.PatchTwin(each, (replace("/p1", "y" * 900),)) for each in names]
    assert (await other.service.execute_many(patches, BEN)).refused == 0
    assert (await other.service.execute_many(patches[::-1], BEN)).refused == 0
    for each in names:
        assert (await other.service.twin(each, SYSTEM)).version == 3


async def test_names_of_a_batch_that_is_taken_back_are_not_used(direct: Graph) -> None:
    await direct.service.execute_many([c.PutTwin(each, room()) for each in "ab"], BEN)
    related = c.PutRelationship("a", "r", edge("b", "above"))
    refused = await direct.service.execute_many([related, c.DeleteTwin("no")], BEN, atomic=True)
    assert not refused.applied
    await direct.relate("a", "r", edge("b"))
    await direct.relate("b", "r", edge("a", "above"))
    page = await direct.service.outgoing("b", None, "", 9, SYSTEM)
    assert [each.name for each in page.rows] == ["above"]
