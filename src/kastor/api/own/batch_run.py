"""Takes a batch through the graph: as a whole, or in portions between which others write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.api.http.request import LARGE_BYTES
from kastor.api.own.batch_results import BatchResults
from kastor.errors import Unavailable
from kastor.graph.batch import portions

if TYPE_CHECKING:
    from kastor.graph.batch import BatchOperation, WriteBatch
    from kastor.graph.command import Command
    from kastor.graph.service import GraphService
    from kastor.jobs.repeats import Repeat
    from kastor.records import Context
    from kastor.storage.batches import KeptAnswer, MakeNote, Results

MakeCommands: TypeAlias = "Callable[[Sequence[BatchOperation]], list[Command[Any]]]"
_Write: TypeAlias = "Callable[[Sequence[Command[Any]], MakeNote | None], Awaitable[Results]]"


class BatchRun:
    """One batch on its way through the graph.

    Args:
        graph: that is written to.
        context: who asks; where it is a dry run nothing is written.
        make: makes the commands of operations.
        repeat: where the answer is kept; None where nobody may ask for it again.
    """

    def __init__(
        self,
        graph: GraphService,
        context: Context,
        make: MakeCommands,
        repeat: Repeat | None = None,
    ) -> None:
        self._graph, self._context = graph, context
        self._make, self._repeat = make, repeat

    async def run(self, batch: WriteBatch) -> tuple[bool, bytes]:
        """Return whether the batch was taken, and the answer's JSON text.

        Raises:
            Unavailable: nothing could be stored, or not all of it under an `operation-id`: what
                was stored is kept with it.
            NotHeldError: another process goes on with the same `operation-id`.
        """
        if batch.atomic:
            return await self._run_whole(batch.operations)
        return True, await self._run_in_portions(batch.operations)

    async def outcomes(self, operations: Sequence[BatchOperation]) -> list[Any]:
        """Return what became of each operation, each on its own; none is kept for a repeat.

        Raises:
            Unavailable: as `run`.
        """
        found: list[Any] = []
        async with self._writing() as write:
            for portion in portions(operations):
                commands = await self._commands(portion)
                found += (await write(commands, None)).outcomes
        return found

    async def _run_in_portions(self, operations: Sequence[BatchOperation]) -> bytes:
        repeat = self._repeat
        results = BatchResults()
        if repeat is not None and repeat.found:
            results = BatchResults.restored(repeat.found)
        begun = False
        async with self._writing() as write:
            while left := operations[len(results.texts) :]:
                portion = next(portions(left))
                commands = await self._commands(portion)
                last = len(portion) == len(left)
                note = None if repeat is None else _noting(results, portion, repeat, last=last)
                try:
                    outcomes = (await write(commands, note)).outcomes
                except Unavailable as error:
                    if repeat is not None or not begun:
                        raise
                    outcomes = [error] * len(left)
                    portion = left
                results.add(*results.more(portion, outcomes))
                begun = True
                if repeat is not None:
                    repeat.kept(results.partial())
        if not begun:
            await self._keep(results.whole())
        return results.whole()

    async def _run_whole(self, operations: Sequence[BatchOperation]) -> tuple[bool, bytes]:
        repeat, results = self._repeat, BatchResults()
        commands = await self._commands(operations)
        note = None if repeat is None else _noting(results, operations, repeat, last=True)
        async with self._writing(atomic=True) as write:
            found = await write(commands, note)
        results.add(*results.more(operations, found.outcomes, etags=not found.refused))
        if found.refused:
            await self._keep(results.refused())
            return False, results.refused()
        return True, results.whole()

    @asynccontextmanager
    async def _writing(self, *, atomic: bool = False) -> AsyncIterator[_Write]:
        """Enter a block in which commands are written, or only judged, each after those before."""
        graph, context = self._graph, self._context
        if not context.dry_run:

            async def write(commands: Sequence[Command[Any]], note: MakeNote | None) -> Results:
                return await graph.execute_many(commands, context, atomic=atomic, note=note)

            yield write
            return
        async with graph.rehearsing(context) as rehearse:

            async def judge(commands: Sequence[Command[Any]], _: MakeNote | None) -> Results:
                return await rehearse(commands)

            yield judge

    async def _commands(self, operations: Sequence[BatchOperation]) -> list[Command[Any]]:
        if sum(len(memoryview(each.body)) for each in operations) <= LARGE_BYTES:
            return self._make(operations)
        return await asyncio.to_thread(self._make, operations)

    async def _keep(self, answer: bytes) -> None:
        """Keep a whole answer that no write of the batch could be kept with."""
        repeat = self._repeat
        if repeat is None:
            return
        made = repeat.note(answer, done=True)
        await self._graph.execute_many([], self._context, note=lambda _: made)


def _noting(
    results: BatchResults, portion: Sequence[BatchOperation], repeat: Repeat, *, last: bool
) -> MakeNote:
    """Return what keeps the results with those of a portion; called where it is written."""

    def note(found: Results) -> KeptAnswer:
        # In the thread that writes, and once more where the write is decided again.
        texts, failed = results.more(portion, found.outcomes)
        answer = results.whole(texts, failed) if last else results.partial(texts)
        return repeat.note(answer, done=last)

    return note
