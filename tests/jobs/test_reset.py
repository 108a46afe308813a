"""An emptied graph has no jobs that go on, and no answers to what it does not hold any more."""

from __future__ import annotations

import pytest

from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.jobs.kinds import Run
from kastor.records import SYSTEM
from kastor.storage.batches import KeptAnswer
from kastor.storage.jobs import JobStatus
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph, hall

from .service import ANN, Scripted, ended, serving, until

pytestmark = pytest.mark.anyio


async def test_a_job_under_way_writes_nothing_more_and_its_name_is_free(engine: Engine) -> None:
    graph = Graph(await engine.open(), engine.history())
    service, emptied = GraphService(graph.store), False
    refused: list[str] = []

    async def put_twins(run: Run) -> None:
        for n in range(10_000):
            run.check()
            note = run.note({"done": n}, [b'{"step":1}'])
            try:
                results = await service.execute_many(
                    [c.PutTwin(f"t-{n}", hall())], run.context, note=note
                )
            except BaseException as error:
                refused.append(type(error).__name__)
                raise
            if emptied and not results.refused:
                raise AssertionError("it wrote into the emptied graph")

    kind = Scripted(put_twins)
    await graph.upload(HALL_MODEL)
    async with serving(graph.store, kind) as jobs:
        await jobs.add("tests", "one", {}, ANN)
        await until(lambda: kind.begun)
        await graph.store.reset()
        emptied = True
        await until(lambda: refused)
        assert refused == ["NotHeldError"]
        assert await graph.store.jobs.count_jobs() == []
        assert await graph.store.jobs.log_size("tests", "one") == (0, 0)
        assert (await graph.store.status(SYSTEM)).twins == 0

        async def nothing(_: Run) -> None: ...

        kind._work = nothing  # the test's own class
        await jobs.add("tests", "one", {}, ANN)
        assert (await ended(jobs, "one")).status is JobStatus.SUCCEEDED


async def test_a_batch_that_is_sent_again_is_written_again(engine: Engine) -> None:
    graph = Graph(await engine.open(), engine.history())
    kept = KeptAnswer("one", b"d" * 32, b"[1]", True, 5)
    await GraphService(graph.store).execute_many([], ANN, note=lambda _: kept)
    await graph.store.reset()
    assert await graph.store.jobs.kept_answer("one") is None
