"""Exports and backups whose server is killed at their very end, and then once more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kastor.backup.writing import ShowGraph, ShownGraph
from kastor.errors import Unavailable
from kastor.jobs import backups
from kastor.jobs.backups import BackupKind, ShowAll
from kastor.jobs.exporting import kind as exporting
from kastor.jobs.exporting.kind import ExportKind
from kastor.jobs.kinds import JobKind, Run
from kastor.jobs.locations import LocationError
from kastor.records import SYSTEM, Context
from kastor.storage.jobs import JobStatus
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph
from tests.store.test_exports import exports

from .places import locations
from .service import ANN, Scripted, ended, serving

pytestmark = pytest.mark.anyio


def showing(graph: Graph) -> ShowAll:
    """Return what shows a server's only graph."""

    @contextlib.asynccontextmanager
    async def show() -> AsyncIterator[ShownGraph]:
        async with graph.store.snapshot(SYSTEM) as snapshot:
            yield ShownGraph(snapshot, ())

    async def show_all(_: Context) -> Mapping[str, ShowGraph]:
        return {"default": show}

    return show_all


class _KilledTwice:
    """What a job saves is kept until its server is killed: at its first end, then in its middle."""

    def __init__(self, kind: JobKind) -> None:
        self._kind, self.begun = kind, 0

    async def __call__(self, run: Run) -> None:
        self.begun += 1
        if self.begun == 1:
            await self._kind.run(run)
            raise Unavailable("It was killed.")
        if self.begun == 2:
            await self._kind.run(_Killed(run))
        await self._kind.run(run)


class _Killed:
    """A run whose server is killed as soon as it has saved something."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    async def save(self, *given: Any) -> None:
        await self._run.save(*given)
        raise Unavailable("It was killed once more.")


@pytest.mark.parametrize("name", ["exports", "backups"])
async def test_the_job_still_knows_its_own_output(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(exporting, "SAVE_SECONDS", -1)
    monkeypatch.setattr(backups, "SAVE_SECONDS", -1)
    graph = Graph(await engine.open(), engine.history())
    await graph.upload(HALL_MODEL)

    places = locations(tmp_path)
    kinds: dict[str, JobKind] = {
        "exports": ExportKind(exports(graph), places, graph.service.at),
        "backups": BackupKind(showing(graph), "sqlite", places),
    }
    work = _KilledTwice(kinds[name])
    async with serving(graph.store, Scripted(work, name)) as jobs:
        await jobs.add(name, "one", {"outputBlobUri": "exchange/default/out"}, ANN)
        row = await ended(jobs, "one", name)
    assert (row.status, row.error, work.begun) == (JobStatus.SUCCEEDED, None, 3)
    assert (tmp_path / "exchange" / "default" / "out").stat().st_size > 0


class _Stuck:
    """Locations where nothing that is written comes to an end, or can be tidied up."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    def check(self, _uri: str, *, setting: str) -> Any:
        assert setting
        return SimpleNamespace(write=self._begin)

    async def _begin(self, *, again: bool) -> Any:
        assert not again
        return SimpleNamespace(write=self._write, abandon=self._abandon)

    async def _write(self, _chunk: bytes) -> None:
        self.begun.set()
        await asyncio.sleep(60)

    async def _abandon(self) -> None:
        raise LocationError("the store is out of reach")


@pytest.mark.parametrize("name", ["exports", "backups"])
async def test_a_job_whose_server_is_stopped_goes_on_later_whatever_its_location_does(
    engine: Engine, name: str
) -> None:
    graph = Graph(await engine.open(), engine.history())
    places: Any = _Stuck()
    kinds: dict[str, JobKind] = {
        "exports": ExportKind(exports(graph), places, graph.service.at),
        "backups": BackupKind(showing(graph), "sqlite", places),
    }
    async with serving(graph.store, kinds[name]) as jobs:
        await jobs.add(name, "one", {"outputBlobUri": "exchange/default/out"}, ANN)
        await places.begun.wait()
    row = await graph.store.jobs.job(name, "one")
    assert row is not None
    assert (row.status, row.error) == (JobStatus.RUNNING, None)
