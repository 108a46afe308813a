"""The two kinds of imports: of a file at a location, and of one that was uploaded."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import msgspec

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import Unavailable
from kastor.jobs.importing.applying import import_file
from kastor.jobs.importing.faults import InputUnreadableError
from kastor.jobs.importing.projection import log_written_to
from kastor.jobs.importing.state import state_of
from kastor.jobs.kinds import JobFailedError
from kastor.jobs.locations import LocationError
from kastor.storage.batches import NotHeldError
from kastor.storage.jobs import LIVING

if TYPE_CHECKING:
    from kastor.graph.service import GraphService
    from kastor.jobs.importing.reading import ReadingLimits
    from kastor.jobs.importing.spool import Spool
    from kastor.jobs.kinds import Run
    from kastor.jobs.locations import Location, Locations
    from kastor.storage.jobs import JobStore
    from kastor.vectors.indexes import VectorIndexes

FIRST = (0, "", "")
PATIENCE_SECONDS = 120
"""So long a job waits for the process that has its file."""


async def sweep(spool: Spool, jobs: JobStore) -> int:
    """Remove files whose jobs are gone, or ended without having begun; return how many.

    They are there where a server was killed between an upload and its job, and where a job was
    cancelled before its turn.
    """
    left = await spool.old()
    after, limit = FIRST, 1_000
    while left and (rows := await jobs.jobs((UploadKind.name,), after, limit)):
        living = (row for row in rows if row.status in LIVING)
        left -= {msgspec.json.decode(row.request).get("file", "") for row in living}
        after = rows[-1].created, rows[-1].id, rows[-1].kind
    for name in left:
        await spool.remove(name)
    return len(left)


class ImportKind:
    """Imports of the contract: from a location, with a log at another (rest-api B.6).

    A request has `inputBlobUri`, `outputBlobUri`, `permissions`, and `dryRun` where it is one.
    """

    name = "imports"

    def __init__(
        self, graph: GraphService, jobs: JobStore, locations: Locations, limits: ReadingLimits
    ) -> None:
        self._graph, self._jobs = graph, jobs
        self._locations, self._limits = locations, limits

    async def run(self, run: Run) -> None:
        """See `JobKind`."""
        request = run.request
        source = self._locations.check(request["inputBlobUri"], setting="inputBlobUri")
        output = self._locations.check(request["outputBlobUri"], setting="outputBlobUri")
        async with log_written_to(output, self._jobs, run):
            await import_file(self._graph, run, _chunks_of(source), self._limits)


class UploadKind:
    """Imports of files that came with their request (decisions 5).

    A request has `file` (its name in the spool), `permissions`, and `dryRun` where it is one.
    """

    name = "uploads"

    def __init__(
        self, graph: GraphService, spool: Spool, limits: ReadingLimits, vectors: VectorIndexes
    ) -> None:
        self._graph, self._spool, self._limits = graph, spool, limits
        self._vectors = vectors

    async def run(self, run: Run) -> None:
        """See `JobKind`; the file goes with the job's end."""
        name: str = run.request["file"]
        size = self._spool.size(name)
        if size is None:
            await self._wait_for_owner(run)
            return
        try:
            chunks = self._chunks_of(name)
            await import_file(self._graph, run, chunks, self._limits, size, self._vectors)
        except (NotHeldError, Unavailable):
            raise  # the work goes on, here or elsewhere
        except Exception:
            await self._spool.remove(name)
            raise
        await self._spool.remove(name)

    async def _wait_for_owner(self, run: Run) -> None:
        """Leave the job to the process that has the file, for a while; or end it as it ended.

        The file goes before the job's end is stored: a server may be killed between the two.
        """
        run.check()
        ended = state_of(run.progress).ended
        if ended is not None:
            if ended.code:
                raise JobFailedError(ended.message, code=ended.code)
            return
        missing_since = run.progress.get("missingSince")
        now = now_ticks()
        if missing_since is None:
            await run.save({**run.progress, "missingSince": now})
            missing_since = now
        if now - missing_since < PATIENCE_SECONDS * TICKS_PER_SECOND:
            raise NotHeldError("The uploaded file is on another machine.")
        raise InputUnreadableError(
            "The uploaded file is not on this machine, and the one that took it does not go on: "
            "upload the file again."
        )

    async def _chunks_of(self, name: str) -> AsyncGenerator[bytes, None]:
        try:
            async with contextlib.aclosing(self._spool.read(name)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except OSError as error:
            raise InputUnreadableError(
                f"The uploaded file cannot be read ({error.strerror}): upload it again."
            ) from error


async def _chunks_of(source: Location) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in source.read():
            yield chunk
    except LocationError as error:
        raise InputUnreadableError(f"The file cannot be read: {error}") from error
