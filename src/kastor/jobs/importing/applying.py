"""Brings a file into a graph, a batch after another, and tells how it went (jobs 4.3)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kastor.errors import KastorError, TooManyRequests, Unavailable
from kastor.jobs.importing.ahead import batches_of, one_ahead
from kastor.jobs.importing.batches import MODELS, RELATIONSHIPS, TWINS, FileBatch
from kastor.jobs.importing.faults import PartlyFailedError
from kastor.jobs.importing.log import Failure, ImportLog
from kastor.jobs.importing.models import store_models
from kastor.jobs.importing.reading import FileReader, ReadingLimits
from kastor.jobs.importing.roads import RehearsingRoad, Road, WritingRoad
from kastor.jobs.importing.state import End, ImportState, state_of
from kastor.jobs.importing.tally import after_batch
from kastor.jobs.importing.vectors import VECTOR_INDEXES, VECTOR_SECTIONS, VECTORS
from kastor.jobs.kinds import JobCancelledError, JobFailedError
from kastor.storage.batches import NotHeldError

if TYPE_CHECKING:
    from kastor.graph.service import GraphService
    from kastor.jobs.kinds import Progress, Run
    from kastor.vectors.indexes import VectorIndexes

PERMISSIONS: Mapping[str, str] = {
    MODELS: "models/write",
    TWINS: "digitaltwins/write",
    RELATIONSHIPS: "digitaltwins/relationships/write",
    VECTOR_INDEXES: "kastor/indexes/write",
    VECTORS: "digitaltwins/write",
}
"""What the caller needs for each section."""
_LONGEST_KEPT = 4_000
"""Characters of an error, which is kept with the progress of the job."""


async def import_file(
    graph: GraphService,
    run: Run,
    chunks: AsyncGenerator[bytes, None],
    limits: ReadingLimits,
    size: int | None = None,
    vectors: VectorIndexes | None = None,
) -> None:
    """Import a file, from where the job was left.

    The job's request says `permissions`: what the caller was allowed. Where its context is a dry
    run, nothing is written but the job's progress and log.

    Args:
        graph: where to.
        run: the job at work.
        chunks: the file from its beginning, as it comes.
        limits: what it may hold.
        size: bytes of the file; None where it is not known.
        vectors: takes the sections of vector indexes and vectors; without it they are skipped.

    Raises:
        PartlyFailedError: lines were refused, or sections that the caller may not write.
        JobFailedError: the file is damaged, or its header or models are wrong.
        JobCancelledError: somebody asked for it.
        NotHeldError: another process goes on.
        Unavailable: it is tried again after a while.
    """
    async with _road(graph, run, vectors) as (road, state):
        importer = _Importer(graph, run, road, state, size)
        reader = FileReader(
            limits, _forbidden(run), state.at, () if vectors is None else VECTOR_SECTIONS
        )
        try:
            await importer.start()
            async with contextlib.aclosing(one_ahead(batches_of(reader, chunks))) as batches:
                async for batch in batches:
                    run.check()
                    await importer.take(batch)
            importer.require_all_taken()
        except JobCancelledError:
            await importer.tell_end("Cancelled")
            raise
        except (NotHeldError, Unavailable):
            raise
        except (KastorError, JobFailedError) as error:
            await importer.tell_end("Failed", error)
            raise
        await importer.tell_end("Succeeded")


@contextlib.asynccontextmanager
async def _road(
    graph: GraphService, run: Run, vectors: VectorIndexes | None
) -> AsyncIterator[tuple[Road, ImportState]]:
    """Enter what carries out commands, with the state to begin from."""
    state = replace(state_of(run.progress), ended=None)
    if not run.context.dry_run:
        yield WritingRoad(graph, run, vectors), state
        return
    async with contextlib.AsyncExitStack() as stack:
        try:
            entered = graph.rehearsing(run.context, long=True)
            rehearsal = await stack.enter_async_context(entered)
        except TooManyRequests as error:  # a job has time
            raise Unavailable(error.message) from error
        yield RehearsingRoad(rehearsal, run, state.lines, vectors), ImportState()


def _forbidden(run: Run) -> dict[str, str]:
    allowed = run.request.get("permissions", ())
    return {name: need for name, need in PERMISSIONS.items() if need not in allowed}


class _Importer:
    """One import at work."""

    def __init__(
        self, graph: GraphService, run: Run, road: Road, state: ImportState, size: int | None
    ) -> None:
        self._graph, self._run, self._road = graph, run, road
        self._state, self._size = state, size
        self._accounted = state
        self._log = ImportLog(run.row.id)

    async def start(self) -> None:
        """Tell that the job has started, once."""
        if self._state.lines == 0:
            await self._tell([self._log.job("Started")])

    async def take(self, batch: FileBatch) -> None:
        """Carry out a batch and note it."""
        if batch.section == MODELS:
            # Noted after it: what is stored already when the work goes on is left as it is.
            await store_models(self._graph, batch.entries, self._run.context, self._road.upload)
        given = [each.given for each in batch.entries if each.given is not None]
        if given:
            # Noted after it, too: what is written again is the same.
            outcomes = await self._road.give(given)
            await self._road.carry_out((), lambda _: self._account(batch, outcomes))
        else:
            commands = [each.command for each in batch.entries if each.command is not None]
            await self._road.carry_out(commands, partial(self._account, batch))
        self._state = self._accounted  # of the attempt that was written, the last one

    def require_all_taken(self) -> None:
        """Raise PartlyFailedError unless all of the file was imported."""
        state = self._state
        if not state.errors:
            return
        counts = ", ".join(f"{name} {count}" for name, count in state.counts.items())
        tried = self._run.context.dry_run
        took = "would take" if tried else "took"
        parts = [f"The import {took} a part of the file ({counts})."]
        parts += state.missing
        first = state.first
        if first is not None and first.message not in state.missing:
            named = f" ({first.id})" if first.id else ""
            parts.append(f"The first line that was refused is {first.line}{named}: {first.message}")
        then = "import the file" if tried else "import the file again"
        parts.append(f"The log has every one of them. Mend them and {then}.")
        raise PartlyFailedError(" ".join(parts))

    async def tell_end(self, status: str, error: Failure | None = None) -> None:
        """Write the last line of the log."""
        end = End() if error is None else End(error.code, error.message[:_LONGEST_KEPT])
        self._state = replace(self._state, ended=end)
        await self._tell([self._log.job(status, error)])

    async def _tell(self, lines: Sequence[bytes]) -> None:
        def account(_: Sequence[Any]) -> tuple[Progress, Sequence[bytes]]:
            return self._state_after(lines).progress(self._size), lines

        await self._road.carry_out((), account)
        self._state = self._state_after(lines)

    def _state_after(self, lines: Sequence[bytes]) -> ImportState:
        return self._state.with_lines(len(lines))

    def _account(
        self, batch: FileBatch, outcomes: Sequence[Any]
    ) -> tuple[Progress, Sequence[bytes]]:
        self._accounted, lines = after_batch(self._state, batch, outcomes, self._log)
        return self._accounted.progress(self._size), lines
