"""A service that is stopped while what a job wrote is under way: it goes on, and nothing is twice."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import count

import pytest

from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.jobs.kinds import Run
from kastor.storage.jobs import JobStatus
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph, hall

from .service import ANN, Faulty, Scripted, ended, serving, until

pytestmark = pytest.mark.anyio
TOGETHER = 50


async def test_batches_that_were_handed_over_are_done_once(engine: Engine) -> None:
    graph = Graph(await engine.open(), engine.history())
    await graph.upload(HALL_MODEL)
    service = GraphService(graph.store)
    handed_over, enough = 0, False

    async def fill(run: Run) -> None:
        nonlocal handed_over
        for n in count(run.progress.get("done", 0)):
            if enough:
                return
            run.check()
            commands = [c.PutTwin(f"t-{n}-{m}", hall()) for m in range(TOGETHER)]
            note = run.note({"done": n + 1}, [b'{"batch":%d}' % n])
            handed_over += 1
            await service.execute_many(commands, run.context, note=note)

    kind = Scripted(fill)
    for stop in range(1, 9):
        async with serving(graph.store, kind) as jobs:
            if stop == 1:
                await jobs.add("tests", "one", {}, ANN)
            before = handed_over
            await until(lambda before=before: handed_over > before + 1)  # type: ignore[misc]
            await asyncio.sleep(stop / 1_000)
    enough = True
    async with serving(graph.store, kind) as jobs:
        row = await ended(jobs, "one")
        lines = [line for _, line in await jobs.lines("tests", "one", 0, 1_000, ANN)]
    assert row.status is JobStatus.SUCCEEDED
    batches = json.loads(row.progress)["done"]
    assert lines[:1_000] == [b'{"batch":%d}' % n for n in range(min(batches, 1_000))]
    events = Counter(each.subject for each in graph.history.log() if each.kind == "Twin.Create")
    assert set(events.values()) == {1}
    assert len(events) == batches * TOGETHER
    assert not [each for each in graph.history.log() if each.kind == "Twin.Update"]


async def test_a_job_that_cannot_be_given_up_leaves_its_place_to_others(engine: Engine) -> None:
    class Broken(Faulty):
        """A store with a fault that nobody foresaw."""

        async def let_job_go(self, *_: object) -> None:
            raise RuntimeError("unforeseen")

    async def work(_: Run) -> None: ...

    graph = Graph(await engine.open(), engine.history())
    async with serving(graph.store, Scripted(work), at_once=1) as jobs:
        jobs._worker._store = Broken(graph.store.jobs)
        for name in ("one", "two"):
            await jobs.add("tests", name, {}, ANN)
        for name in ("one", "two"):
            assert (await ended(jobs, name)).status is JobStatus.SUCCEEDED
