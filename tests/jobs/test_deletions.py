"""Jobs that empty a graph, on both engines."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.jobs.deletions import STEP, DeletionKind
from kastor.records import SYSTEM
from kastor.storage.jobs import JobRow, JobStatus
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, hall, room

from .service import ANN, ended, reaching, serving

pytestmark = pytest.mark.anyio
ASKED = {"timeoutInMinutes": 15}


async def filled(engine: Engine, twins: int = 5) -> Graph:
    graph = Graph(await engine.open(), engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    service = GraphService(graph.store)
    halls = [c.PutTwin(f"hall-{n}", hall()) for n in range(twins)]
    rooms = [c.PutTwin(f"room-{n}", room()) for n in range(3)]
    related = [
        c.PutRelationship(
            f"room-{n % 3}", f"r-{n}", {"$relationshipName": "nextTo", "$targetId": to}
        )
        for n in range(4)
        for to in [f"room-{(n + 1) % 3}"]
    ]
    results = await service.execute_many([*halls, *rooms, *related], ANN)
    assert results.refused == 0, results
    return graph


def counts_of(row: JobRow) -> dict[str, int]:
    counts: dict[str, int] = msgspec.json.decode(row.progress)["counts"]
    return counts


async def test_all_goes_with_an_event_and_a_log_entry_each(engine: Engine) -> None:
    graph = await filled(engine, twins=STEP + 10)
    service = GraphService(graph.store)
    async with serving(graph.store, DeletionKind(service)) as jobs:
        await jobs.add("deletions", "one", ASKED, ANN)
        row = await ended(jobs, "one", "deletions")
        assert await jobs.job("deletions", "one", ANN) == row
    assert row.status is JobStatus.SUCCEEDED, row
    status = await graph.store.status(SYSTEM)
    assert (status.twins, status.relationships, status.models) == (0, 0, 0)
    assert counts_of(row) == {"relationships": 4, "twins": STEP + 13, "models": 3}
    log = [entry for entry in graph.history.log() if entry.kind.endswith("Delete")]
    kinds = Counter(entry.kind for entry in log)
    assert kinds == {"Relationship.Delete": 4, "Twin.Delete": STEP + 13, "Model.Delete": 3}
    assert {entry.actor for entry in log} == {"ann"}
    assert all(entry.notify for entry in log if entry.kind != "Model.Delete")
    assert len({entry.event_id for entry in log}) == len(log)


async def test_an_empty_graph_is_emptied_and_leaves_no_trace(engine: Engine) -> None:
    graph = Graph(await engine.open(), engine.history())
    async with serving(graph.store, DeletionKind(GraphService(graph.store))) as jobs:
        await jobs.add("deletions", "one", ASKED, ANN)
        row = await ended(jobs, "one", "deletions")
    assert row.status is JobStatus.SUCCEEDED
    assert graph.history.log() == []


async def test_what_others_write_meanwhile_is_taken_and_goes_too(engine: Engine) -> None:
    graph = await filled(engine, twins=3 * STEP)
    service = GraphService(graph.store)
    written = 0
    async with serving(graph.store, DeletionKind(service)) as jobs:
        await jobs.add("deletions", "one", ASKED, ANN)
        for n in range(50):
            put = c.PutTwin(f"new-{n}", hall())
            results = await service.execute_many([put], ANN)
            written += results.refused == 0
            if (await jobs.job("deletions", "one", ANN)).status is not JobStatus.NOT_STARTED:
                await asyncio.sleep(0)
        row = await ended(jobs, "one", "deletions")
    assert row.status is JobStatus.SUCCEEDED
    left = await graph.store.twin_ids(0, 100, SYSTEM)
    assert counts_of(row)["twins"] + len(left) == 3 * STEP + 3 + written


async def test_past_its_time_the_job_fails_and_what_went_is_gone(engine: Engine) -> None:
    graph = await filled(engine)
    async with serving(graph.store, DeletionKind(GraphService(graph.store))) as jobs:
        await jobs.add("deletions", "one", {"timeoutInMinutes": 0}, ANN)
        row = await ended(jobs, "one", "deletions")
    assert row.status is JobStatus.FAILED
    assert msgspec.json.decode(row.error or b"")["code"] == "JobTimedOut"
    assert (await graph.store.status(SYSTEM)).twins == 8


async def test_a_restart_in_the_middle_goes_on_and_counts_nothing_twice(engine: Engine) -> None:
    graph = await filled(engine, twins=4 * STEP)
    kind = DeletionKind(GraphService(graph.store))
    async with serving(graph.store, kind) as jobs:
        await jobs.add("deletions", "one", ASKED, ANN)

        while (await graph.store.status(SYSTEM)).twins > 4 * STEP:
            assert await jobs.job("deletions", "one", ANN)
    stopped = await graph.store.jobs.job("deletions", "one")
    assert stopped is not None
    async with serving(graph.store, kind) as jobs:
        row = await ended(jobs, "one", "deletions")
    assert row.status is JobStatus.SUCCEEDED
    assert counts_of(row) == {"relationships": 4, "twins": 4 * STEP + 3, "models": 3}
    log = [entry.subject for entry in graph.history.log() if entry.kind == "Twin.Delete"]
    assert len(log) == len(set(log)) == 4 * STEP + 3
    await reaching_end_twice(graph)


async def reaching_end_twice(graph: Graph) -> None:
    """A second job finds nothing, and ends as well."""
    async with serving(graph.store, DeletionKind(GraphService(graph.store))) as jobs:
        await jobs.add("deletions", "two", ASKED, ANN)
        row = await reaching(jobs, "two", [JobStatus.SUCCEEDED], "deletions")
    assert counts_of_or_none(row) is None


def counts_of_or_none(row: JobRow) -> dict[str, int] | None:
    counts: dict[str, int] | None = msgspec.json.decode(row.progress).get("counts")
    return counts
