"""A job's log at its output location, while the job runs: a copy of the lines in the table.

Lines are written into the table with what they tell of; what stands at the location follows within
a second. Where it cannot be written for a while, it is begun anew from the table.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kastor.errors import Unavailable
from kastor.jobs.importing.faults import OutputUnwritableError
from kastor.jobs.locations import LocationError
from kastor.logs import get_logger
from kastor.storage.batches import NotHeldError

if TYPE_CHECKING:
    from kastor.jobs.kinds import Run
    from kastor.jobs.locations import Location, LogOutput
    from kastor.storage.jobs import JobStore

EVERY_SECONDS = 1.0
LAST_TRIES = 3
_LINES_AT_ONCE = 1_000

_log = get_logger("kastor.jobs")


@contextlib.asynccontextmanager
async def log_written_to(location: Location, jobs: JobStore, run: Run) -> AsyncIterator[None]:
    """Write a job's log to a location for as long as a block runs, to its last line.

    Raises:
        OutputUnwritableError: nothing can be written there; before the block, or after it.
    """
    try:
        projection = LogProjection(location, jobs, run)
    except LocationError as error:  # of a place that can only be read
        raise _unwritable(error) from error
    await projection.begin()
    following = asyncio.create_task(projection.follow())
    try:
        yield
    except BaseException as error:
        goes_on = isinstance(error, NotHeldError | Unavailable) or not isinstance(error, Exception)
        if goes_on:  # elsewhere, or later
            await _end(following)
            await projection.abandon()
        else:
            await projection.stop(following)
            with contextlib.suppress(OutputUnwritableError):  # the job has an error already
                await projection.finish()
        raise
    await projection.stop(following)
    await projection.finish()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


class LogProjection:
    """Copies one job's log."""

    def __init__(self, location: Location, jobs: JobStore, run: Run) -> None:
        self._location, self._jobs = location, jobs
        self._kind, self._id = run.row.kind, run.row.id
        self._output: LogOutput = location.log()
        self._begun = False
        self._after = 0
        self._stopping = asyncio.Event()

    async def begin(self) -> None:
        """Create the output; raises OutputUnwritableError."""
        try:
            await self._begin()
        except LocationError as error:
            await self._output.abandon()
            raise _unwritable(error) from error

    async def follow(self) -> None:
        """Copy lines as they come, until this is stopped or cancelled."""
        while not await self._is_stopping():
            try:
                await self._copy()
            except LocationError as error:
                _log.warning("a job's log is not written", job=self._id, reason=str(error))
                await self._begin_anew()
            except Unavailable:
                continue

    async def _is_stopping(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def stop(self, following: asyncio.Task[None]) -> None:
        """Let the copying end; lines that are under way come to their end, or would come twice."""
        self._stopping.set()
        try:
            await asyncio.wait((following,))
        finally:
            following.cancel()

    async def finish(self) -> None:
        """Copy the rest, and end; raises OutputUnwritableError."""
        for left in reversed(range(LAST_TRIES)):
            try:
                await self._copy()
                await self._output.finish()
            except LocationError as error:
                await self._begin_anew()
                if not left:
                    raise _unwritable(error) from error
                await asyncio.sleep(EVERY_SECONDS)
            else:
                return

    async def abandon(self) -> None:
        """End without a word more."""
        await self._output.abandon()

    async def _begin(self) -> None:
        await self._output.begin()
        self._begun = True

    async def _begin_anew(self) -> None:
        await self._output.abandon()
        self._output, self._begun, self._after = self._location.log(), False, 0

    async def _copy(self) -> None:
        if not self._begun:
            await self._begin()
        key = self._kind, self._id
        while rows := await self._jobs.log_lines(*key, self._after, _LINES_AT_ONCE):
            await self._output.extend(b"".join(line + b"\n" for _, line in rows))
            self._after = rows[-1][0]
        await self._output.extend(b"")  # an object is put there now and then


def _unwritable(error: LocationError) -> OutputUnwritableError:
    return OutputUnwritableError(f"The log cannot be written to its output: {error}")
