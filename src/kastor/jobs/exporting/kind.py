"""Jobs that export a graph into a file or blob, as `GET /kastor/v1/export` sends it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from msgspec import structs

from kastor.errors import KastorError, Unavailable
from kastor.graph.catalog import ModelCatalog
from kastor.graph.instants import Named
from kastor.jobs.exporting.wanted import Wanted
from kastor.jobs.kinds import JobFailedError
from kastor.jobs.locations import LocationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from kastor.jobs.exporting.service import ExportService
    from kastor.jobs.kinds import Run
    from kastor.jobs.locations import Locations
    from kastor.jobs.locations.forms import ByteOutput
    from kastor.records import AsOf, Context

OUTPUT = "outputBlobUri"
STATE = "state"
"""Member of a request of the past: its position, and the instant that was asked for."""
SAVE_SECONDS = 1.0
_FINISHING = "finishing"


class ExportKind:
    """Export jobs; one that was cut off begins anew, with the graph as it is then.

    One of a state of the past begins anew with that.
    """

    name = "exports"

    def __init__(
        self,
        exports: ExportService[ModelCatalog],
        locations: Locations,
        state: Callable[[Named], Awaitable[AsOf]],
    ) -> None:
        """Prepare.

        Args:
            exports: of the graph.
            locations: that may be written.
            state: returns a state of the past with its models.
        """
        self._exports = exports
        self._locations = locations
        self._state = state

    async def run(self, run: Run) -> None:
        """See `JobKind`; a request has `outputBlobUri` and what `Wanted` has.

        Raises:
            JobFailedError: the output cannot be written, or what is wanted cannot be exported.
        """
        try:
            location = self._locations.check(run.request[OUTPUT], setting=OUTPUT)
            # Finished before a crash that came before the job's end: it is this job's own then.
            # Said in all of its progress from then on, since there may be another crash.
            again = {_FINISHING: True} if run.progress.get(_FINISHING) else {}
            output = await location.write(again=bool(again))
            try:
                await self._write(output, run, again)
            finally:
                # What ended the job is not hidden by trouble of its location.
                with contextlib.suppress(LocationError):
                    await output.abandon()
        except LocationError as error:
            raise JobFailedError(message=str(error), code="UnableToWriteToOutputBlob") from error
        except (JobFailedError, Unavailable):
            raise
        except KastorError as error:
            raise JobFailedError(
                message=error.message, code=error.code, details=error.details
            ) from error

    async def _write(self, output: ByteOutput, run: Run, again: Mapping[str, bool]) -> None:
        saved, lines, size = time.monotonic(), 0, 0
        context = await self._context(run)
        async with contextlib.aclosing(
            await self._exports.open(wanted_of(run.request), context)
        ) as export:
            change = export.instant.position
            async for part in export:
                run.check()
                await output.write(part)
                lines, size = lines + part.count(b"\n"), size + len(part)
                if time.monotonic() > saved + SAVE_SECONDS:
                    await run.save({**_progress(lines, size, change), **again})
                    saved = time.monotonic()
        await run.save({**_progress(lines, size, change), _FINISHING: True})
        await output.finish()

    async def _context(self, run: Run) -> Context:
        if STATE not in run.request:
            return run.context
        change, instant = run.request[STATE]
        at = await self._state(Named(change=change))
        return structs.replace(run.context, at=structs.replace(at, time=instant))


def wanted_of(request: Mapping[str, Any]) -> Wanted:
    """Return what a job's request asks for; raises InvalidArgument."""
    return Wanted(
        query=request.get("query"),
        since=request.get("since"),
        kastor=request.get("kastor", False),
        system=request.get("system", False),
    )


def _progress(lines: int, size: int, change: int) -> dict[str, Any]:
    counts = {"lines": lines, "bytes": size, "change": change}
    return {"done": lines, "unit": "lines", "counts": counts}
