"""A job service over a store, and kinds of jobs that do as a test tells them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from kastor.errors import Unavailable
from kastor.jobs.kinds import JobKind, Run
from kastor.jobs.runner import JobService
from kastor.jobs.slots import Slots
from kastor.records import Context
from kastor.storage.jobs import ENDED, JobRow, JobStatus
from kastor.storage.protocol import Store

ANN = Context("ann")


class Scripted:
    """A kind whose work is a function; it counts how often it was begun."""

    def __init__(self, work: Callable[[Run], Awaitable[None]], name: str = "tests") -> None:
        self.name, self._work, self.begun = name, work, 0

    async def run(self, run: Run) -> None:
        self.begun += 1
        await self._work(run)


class Steps:
    """A kind that counts to a number in steps, each noted; it waits at those it is told to."""

    def __init__(self, name: str = "tests", *, stop_at: int = -1) -> None:
        self.name, self.stop_at = name, stop_at
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.seen: list[int] = []

    async def run(self, run: Run) -> None:
        done, of = run.progress.get("done", 0), run.request.get("of", 5)
        while done < of:
            if done == self.stop_at:
                self.reached.set()
                await until(self.go_on.is_set, run.check)
            run.check()
            done += 1
            self.seen.append(done)
            await run.save({"done": done, "of": of, "unit": "steps"}, [b'{"step":%d}' % done])


async def forever(run: Run) -> None:
    """Work until it is told to end."""
    await until(lambda: False, run.check)


async def until(
    condition: Callable[[], object], check: Callable[[], None] | None = None, seconds: float = 10
) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            if check is not None:
                check()
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(
    store: Store[Any], *kinds: JobKind, at_once: int = 4, most: int = 100
) -> AsyncIterator[JobService]:
    """Serve jobs of a store."""
    service = JobService(store.jobs, kinds, store.ticker, None, Slots(at_once), most)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def ended(service: JobService, job_id: str, kind: str = "tests") -> JobRow:
    """Wait until a job has ended."""
    return await reaching(service, job_id, ENDED, kind)


async def reaching(
    service: JobService,
    job_id: str,
    states: Sequence[JobStatus] | frozenset[JobStatus],
    kind: str = "tests",
) -> JobRow:
    """Wait until a job is in one of some states."""
    async with asyncio.timeout(10):
        while True:
            row = await service.job(kind, job_id, ANN)
            if row.status in states:
                return row
            await asyncio.sleep(0.02)


class Faulty:
    """A store of jobs of which some calls fail for a while, as on a full disk."""

    def __init__(self, jobs: Any, *names: str) -> None:
        self._jobs, self._names, self.failing = jobs, names, False

    def __getattr__(self, name: str) -> Any:
        if self.failing and name in self._names:
            return _unavailable
        return getattr(self._jobs, name)


async def _unavailable(*_: object) -> None:
    raise Unavailable("The disk is full.")
