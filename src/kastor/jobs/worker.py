"""Finds the jobs of one graph that have work to be done, holds them, and lets them be done here."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.errors import Unavailable
from kastor.jobs.run import JobRun
from kastor.logs import get_logger
from kastor.outside.lease import LEASE_SECONDS, RENEW_SECONDS, Lease, holder_name
from kastor.storage.jobs import ENDED, JobStatus
from kastor.vital import PATIENCE_SECONDS, attempt

if TYPE_CHECKING:
    from kastor.jobs.kinds import JobKind
    from kastor.jobs.slots import Slots
    from kastor.jobs.tally import JobTally
    from kastor.storage.jobs import JobStore
    from kastor.storage.ticker import Ticker
    from kastor.vital import Kept, Vitals

LOOK_SECONDS, LOOK_SECONDS_ALONE = 1.0, 10.0
"""How often jobs are looked for that nobody told of; alone no other process makes any."""

_log = get_logger("kastor.jobs")


@dataclass(slots=True)
class _Work:
    run: JobRun
    task: asyncio.Task[None]
    is_ending: bool = False


class Worker:
    """Works on jobs of one graph, those of the given kinds.

    A job is held by one run at a time, under a name that no other run has: so what an earlier run
    of the same job still has under way is refused by the store, also where the process is the same.
    """

    def __init__(
        self,
        store: JobStore,
        kinds: Mapping[str, JobKind],
        ticker: Ticker,
        vitals: Vitals,
        slots: Slots,
        tally: JobTally,
    ) -> None:
        self._store, self._kinds, self._ticker = store, kinds, ticker
        self._vitals, self._slots, self._tally = vitals, slots, tally
        self._works: dict[tuple[str, str], _Work] = {}
        self._woken = asyncio.Event()
        self._names = map("{}/{}".format, itertools.repeat(holder_name()), itertools.count(1))
        self._parts: list[Kept] = []

    def start(self) -> None:
        """Begin to look for work."""
        keeper = self._vitals.keep("jobs", self._look_again_and_again)
        keeper.patience = PATIENCE_SECONDS
        self._parts = [keeper]
        if self._store.shared:
            self._parts.append(self._vitals.repeat("job leases", self._renew, RENEW_SECONDS))

    async def stop(self) -> None:
        """Let go what is at work; it goes on at the next start, or in another process."""
        for part in self._parts:
            await part.stop()
        works = list(self._works.values())
        await asyncio.gather(*(self._end(each) for each in works))

    def wake(self) -> None:
        """Look for work at once."""
        self._woken.set()

    def cancel(self, kind: str, job_id: str) -> None:
        """Let a job end soon, if it is at work here; its state says so already."""
        work = self._works.get((kind, job_id))
        if work is not None:
            work.run.cancel()

    async def drop(self, kind: str, job_id: str) -> None:
        """End the work on a job, if it is done here, and wait until it has ended."""
        work = self._works.get((kind, job_id))
        if work is not None:
            await self._end(work)

    async def _look_again_and_again(self) -> None:
        pause = LOOK_SECONDS if self._store.shared else LOOK_SECONDS_ALONE
        while True:
            self._woken.clear()
            self._parts[0].beat()
            await attempt("jobs", self._look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _look(self) -> None:
        for kind, job_id, _ in await self._store.unfinished():
            if kind not in self._kinds or (kind, job_id) in self._works:
                continue
            if not self._slots.take(self._woken):
                return
            begun = False
            try:
                begun = await self._take_up(kind, job_id)
            finally:
                if not begun:
                    self._slots.give_back()

    async def _take_up(self, kind: str, job_id: str) -> bool:
        """Begin with a job, or go on with it; return whether it is this process that does."""
        owner, lease, asked = next(self._names), Lease(shared=self._store.shared), time.monotonic()
        if not await self._store.hold_job(kind, job_id, owner, LEASE_SECONDS):
            return False
        lease.extend(asked)
        # Read only now: until here another process may have written.
        row = await self._store.job(kind, job_id)
        if row is None or row.status in ENDED:
            return False
        run = JobRun(row, self._kinds[kind], self._store, self._ticker, owner, lease, self._tally)
        task = asyncio.create_task(self._do(run), name=f"{kind} job {job_id}")
        self._works[kind, job_id] = _Work(run, task)
        return True

    async def _do(self, run: JobRun) -> None:
        """Do a job for as long as it is held."""
        key = run.row.kind, run.row.id
        self._tally.begin(*key)
        doing = asyncio.create_task(run.go(), name=f"work on {key[0]} job {key[1]}")
        lost = asyncio.create_task(run.lease.ended())
        try:
            await asyncio.wait((doing, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            doing.cancel()
            await asyncio.wait((doing,))
            if not doing.cancelled() and (fault := doing.exception()) is not None:
                _log.error("a job was left", kind=key[0], job=key[1], exc_info=fault)
            try:
                await run.let_go()
            except Exception as error:  # noqa: BLE001 - others need its place, whatever this was
                _log.error("a job was not given up", kind=key[0], job=key[1], exc_info=error)
            finally:
                self._tally.end(*key)
                self._works.pop(key, None)
                self._slots.give_back()

    async def _end(self, work: _Work) -> None:
        if not work.is_ending:  # once, since it tidies up afterwards
            work.is_ending = True
            work.task.cancel()
        await asyncio.wait((work.task,))

    async def _renew(self) -> None:
        for (kind, job_id), work in list(self._works.items()):
            asked = time.monotonic()
            try:
                status = await self._store.keep_job(kind, job_id, work.run.owner, LEASE_SECONDS)
            except Unavailable:
                continue  # the lease ends by itself unless the next question is answered
            if status is None or status in ENDED:
                work.run.lease.end()
                continue
            work.run.lease.extend(asked)
            if status is JobStatus.CANCELLING:
                work.run.cancel()
