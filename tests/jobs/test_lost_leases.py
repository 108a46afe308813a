"""What goes without the progress of its job is not written by who has lost the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from kastor.clock import now_ticks
from kastor.graph.service import GraphService
from kastor.jobs.deletions import DeletionKind
from kastor.jobs.importing.batches import FileEntry
from kastor.jobs.importing.models import store_models
from kastor.jobs.importing.roads import WritingRoad
from kastor.records import SYSTEM
from kastor.storage.batches import NotHeldError
from kastor.storage.jobs import JobRow, JobStatus
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph

from .service import ANN

pytestmark = pytest.mark.anyio


class Losing:
    """A run whose job another process has, which it hears of only the second time it asks."""

    request: Mapping[str, Any]
    progress: Mapping[str, Any]

    def __init__(self, kind: str, checks: int) -> None:
        now = now_ticks()
        self.request, self.progress, self.context = {"timeoutInMinutes": 15}, {}, ANN
        self.row = JobRow(kind, "one", JobStatus.RUNNING, now, now, now, "ann", b"{}")
        self._checks = checks

    def check(self) -> None:
        self._checks -= 1
        if self._checks < 0:
            raise NotHeldError("It is another's.")

    def note(self, *_: Any) -> Any:
        raise AssertionError

    async def save(self, *_: Any) -> None:
        raise NotHeldError("It is another's.")


async def test_models_are_not_deleted(engine: Engine) -> None:
    graph = Graph(await engine.open(), engine.history())
    await graph.upload(HALL_MODEL)
    with pytest.raises(NotHeldError):
        await DeletionKind(GraphService(graph.store)).run(Losing("deletions", checks=1))
    assert (await graph.store.status(SYSTEM)).models == 1


async def test_models_are_not_stored(engine: Engine) -> None:
    graph = Graph(await engine.open(), engine.history())
    service, run = GraphService(graph.store), Losing("imports", checks=0)
    entries = [FileEntry(4, HALL_MODEL["@id"], text=orjson.dumps(HALL_MODEL))]
    with pytest.raises(NotHeldError):
        await store_models(service, entries, ANN, WritingRoad(service, run).upload)
    assert (await graph.store.status(SYSTEM)).models == 0
