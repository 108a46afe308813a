"""How the commands of a batch are carried out: written with what is noted of them, or rehearsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from kastor.jobs.kinds import holding

if TYPE_CHECKING:
    from kastor.graph.commands import Command, UploadModels
    from kastor.graph.rehearsed import GraphRehearsal
    from kastor.graph.service import GraphService, Stored
    from kastor.jobs.kinds import Progress, Run
    from kastor.storage.batches import Note, Results

Account: TypeAlias = "Callable[[Sequence[Any]], tuple[Progress, Sequence[bytes]]]"
"""Says what is to be noted, given the outcomes; it may be asked more than once."""


class Road(Protocol):
    """Carries out commands, and notes with them how far the job has come."""

    async def carry_out(self, commands: Sequence[Command[Any]], account: Account) -> Sequence[Any]:
        """Return the outcomes of commands, in order, once they and the note are durable.

        Raises:
            NotHeldError: another process has the job; nothing was written.
            Unavailable: nothing was written.
        """

    async def upload(self, command: UploadModels) -> Stored:
        """Return models as they are stored; nothing is noted with that.

        Raises:
            StaleCatalogError: models changed since they were checked.
            NotHeldError: another process has the job; nothing was written.
            Unavailable: nothing was written.
        """


class WritingRoad:
    """Writes commands and note in one transaction."""

    def __init__(self, graph: GraphService, run: Run) -> None:
        self._graph, self._run = graph, run

    async def carry_out(self, commands: Sequence[Command[Any]], account: Account) -> Sequence[Any]:
        """See `Road`."""
        run = self._run
        if not commands:
            await run.save(*account(()))
            return ()

        def note(results: Results) -> Note:
            return run.note(*account(results.outcomes))(results)

        results = await self._graph.execute_many(commands, run.context, note=note)
        return results.outcomes

    async def upload(self, command: UploadModels) -> Stored:
        """See `Road`."""
        return await self._graph.execute(command, self._run.context, holding(self._run))


class RehearsingRoad:
    """Rehearses commands, each after those before; only the note is written.

    A rehearsal begins anew after a crash and finds the same again, so that lines of the log that
    are there already are left out.

    Args:
        rehearsal: of the graph.
        run: the job at work.
        told: lines of its log that are there.
    """

    def __init__(self, rehearsal: GraphRehearsal, run: Run, told: int) -> None:
        self._rehearsal, self._run = rehearsal, run
        self._there = self._told = told

    async def carry_out(self, commands: Sequence[Command[Any]], account: Account) -> Sequence[Any]:
        """See `Road`."""
        outcomes = (await self._rehearsal(commands)).outcomes if commands else ()
        progress, lines = account(outcomes)
        fresh = lines[self._told :]
        self._told = max(0, self._told - len(lines))
        self._there += len(fresh)
        # Of the whole log, also where not all of it was found again before the next crash.
        state = {**progress["state"], "lines": self._there}
        await self._run.save({**progress, "state": state}, fresh)
        return outcomes

    async def upload(self, command: UploadModels) -> Stored:
        """See `Road`."""
        return await self._rehearsal.execute(command, self._run.context)
