"""How the commands of a batch are carried out: written with what is noted of them, or rehearsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from kastor.errors import KastorError
from kastor.graph.commands import SendTelemetry
from kastor.jobs.importing.vectors import GivenVector, VectorTrial, VectorWriter
from kastor.jobs.kinds import holding

if TYPE_CHECKING:
    from kastor.graph.commands import Command, UploadModels
    from kastor.graph.rehearsed import GraphRehearsal
    from kastor.graph.service import GraphService, Stored
    from kastor.jobs.importing.vectors import Given
    from kastor.jobs.kinds import Progress, Run
    from kastor.storage.batches import Note, Results
    from kastor.vectors.indexes import VectorIndexes

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

    async def give(self, given: Sequence[Given]) -> Sequence[KastorError | None]:
        """Return what each of some was refused for that no command says; nothing is noted.

        Raises:
            Unavailable: some of them may be written.
        """


class WritingRoad:
    """Writes commands and note in one transaction."""

    def __init__(self, graph: GraphService, run: Run, vectors: VectorIndexes | None = None) -> None:
        self._graph, self._run = graph, run
        self._vectors = None if vectors is None else VectorWriter(vectors)

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

    async def give(self, given: Sequence[Given]) -> Sequence[KastorError | None]:
        """See `Road`."""
        if self._vectors is None:
            raise TypeError("only who takes vectors reads their sections")
        return await self._vectors.write(given)


class RehearsingRoad:
    """Rehearses commands, each after those before; only the note is written.

    A rehearsal begins anew after a crash and finds the same again, so that lines of the log that
    are there already are left out.

    Args:
        rehearsal: of the graph.
        run: the job at work.
        told: lines of its log that are there.
        vectors: judges what is given of them.
    """

    def __init__(
        self,
        rehearsal: GraphRehearsal,
        run: Run,
        told: int,
        vectors: VectorIndexes | None = None,
    ) -> None:
        self._rehearsal, self._run = rehearsal, run
        self._vectors = None if vectors is None else VectorTrial(vectors)
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

    async def give(self, given: Sequence[Given]) -> Sequence[KastorError | None]:
        """See `Road`; telemetry asks for the twin and changes nothing, so it tells who is there."""
        if self._vectors is None:
            raise TypeError("only who takes vectors reads their sections")
        judged = [await self._vectors.judge(each) for each in given]
        asked = [
            SendTelemetry(each.twin, b"{}", "application/json")
            for each in given
            if isinstance(each, GivenVector)
        ]
        there = iter((await self._rehearsal(asked)).outcomes if asked else ())
        found: list[KastorError | None] = []
        for each, fault in zip(given, judged, strict=True):
            missing = next(there) if isinstance(each, GivenVector) else None
            found.append(fault or (missing if isinstance(missing, KastorError) else None))
        return found
