"""Jobs that back up all graphs of the server, as a tar in a location (decisions 5)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from kastor.backup.stream import tar_chunks
from kastor.errors import KastorError
from kastor.jobs.kinds import JobFailedError
from kastor.jobs.locations import LocationError

if TYPE_CHECKING:
    from kastor.backup.writing import ShowGraph
    from kastor.jobs.kinds import Run
    from kastor.jobs.locations.forms import ByteOutput
    from kastor.jobs.locations.service import Locations
    from kastor.records import Context

ShowAll: TypeAlias = "Callable[[Context], Awaitable[Mapping[str, ShowGraph]]]"
"""Returns all graphs of the server by name, opened; raises what tells why one cannot be."""

OUTPUT = "outputBlobUri"
SAVE_SECONDS = 2.0
_FINISHING = "finishing"


class BackupKind:
    """Backup jobs; a request has `outputBlobUri`. One that went on after a crash begins anew."""

    name = "backups"

    def __init__(self, show_all: ShowAll, engine: str, locations: Locations) -> None:
        self._show_all = show_all
        self._engine = engine
        self._locations = locations

    async def run(self, run: Run) -> None:
        """See `JobKind`.

        Raises:
            JobFailedError: the location takes it not, or a graph cannot be opened.
        """
        try:
            location = self._locations.check(run.request[OUTPUT], setting=OUTPUT)
            # Said in all of its progress from then on, since there may be another crash.
            again = {_FINISHING: True} if run.progress.get(_FINISHING) else {}
            output = await location.write(again=bool(again))
            try:
                await self._write(run, output, again)
            finally:
                # What ended the job is not hidden by trouble of its location.
                with contextlib.suppress(LocationError):
                    await output.abandon()
        except LocationError as error:
            raise JobFailedError(message=str(error), code="UnableToWriteToOutputBlob") from error

    async def _write(self, run: Run, output: ByteOutput, again: Mapping[str, bool]) -> None:
        graphs = await self._shown(run)
        done, saved = 0, time.monotonic()
        async with contextlib.aclosing(tar_chunks(graphs, self._engine)) as chunks:
            async for chunk in chunks:
                run.check()
                await output.write(chunk)
                done += len(chunk)
                if time.monotonic() - saved > SAVE_SECONDS:
                    saved = time.monotonic()
                    await run.save({"done": done, "unit": "bytes", **again})
        counts = {"graphs": len(graphs)}
        progress = {"done": done, "of": done, "unit": "bytes", "counts": counts}
        await run.save({**progress, _FINISHING: True})
        run.check()
        await output.finish()

    async def _shown(self, run: Run) -> Mapping[str, ShowGraph]:
        try:
            return await self._show_all(run.context)
        except KastorError as error:
            raise JobFailedError(message=error.message, code="GraphNotUsable") from error
