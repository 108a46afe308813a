"""Exports and backups whose server is killed at their very end, and then once more."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kastor.backup.writing import ShowGraph, ShownGraph
from kastor.errors import Unavailable
from kastor.jobs import backups
from kastor.jobs.backups import BackupKind
from kastor.jobs.exporting import kind as exporting
from kastor.jobs.exporting.kind import ExportKind
from kastor.jobs.kinds import JobKind, Run
from kastor.records import SYSTEM, Context
from kastor.storage.jobs import JobStatus
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph
from tests.store.test_exports import exports

from .places import locations
from .service import ANN, Scripted, ended, serving

pytestmark = pytest.mark.anyio


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

    @contextlib.asynccontextmanager
    async def show() -> AsyncIterator[ShownGraph]:
        async with graph.store.snapshot(SYSTEM) as snapshot:
            yield ShownGraph(snapshot, ())

    async def show_all(_: Context) -> dict[str, ShowGraph]:
        return {"default": show}

    places = locations(tmp_path)
    kinds: dict[str, JobKind] = {
        "exports": ExportKind(exports(graph), places),
        "backups": BackupKind(show_all, "sqlite", places),
    }
    work = _KilledTwice(kinds[name])
    async with serving(graph.store, Scripted(work, name)) as jobs:
        await jobs.add(name, "one", {"outputBlobUri": "exchange/default/out"}, ANN)
        row = await ended(jobs, "one", name)
    assert (row.status, row.error, work.begun) == (JobStatus.SUCCEEDED, None, 3)
    assert (tmp_path / "exchange" / "default" / "out").stat().st_size > 0
