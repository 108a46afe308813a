"""Jobs that delete all relationships, twins and models, each as an ordinary delete (jobs 4.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.graph.commands import Command, DeleteAllModels, DeleteRelationship, DeleteTwin
from kastor.jobs.kinds import JobFailedError, Progress, holding

if TYPE_CHECKING:
    from kastor.graph.service import GraphService
    from kastor.jobs.kinds import Run
    from kastor.records import Context
    from kastor.storage.batches import Note, Results

STEP = 500
"""Deletes of one transaction; others write between two of them."""
COUNTED = 10_000
"""Ids that a dry run reads at a time."""
MOST_ROUNDS = 100
"""So often all is gone through, since others may write meanwhile; an idle graph takes two."""
PAUSE_SECONDS = 0.2
"""After a round in which nothing could be deleted, since somebody relates what it looks at."""


class DeletionKind:
    """Delete jobs of the contract; a request has `timeoutInMinutes`.

    A dry run counts what there is.
    """

    name = "deletions"

    def __init__(self, graph: GraphService) -> None:
        self._graph = graph

    async def run(self, run: Run) -> None:
        """See `JobKind`.

        Raises:
            JobFailedError: the time is over, or others write too much.
        """
        work = _Deletion(self._graph, run)
        if run.context.dry_run:
            await work.count()
            return
        for _ in range(MOST_ROUNDS):
            found, before = await work.round(), work.done
            if not found:
                return
            if work.done == before:
                await asyncio.sleep(PAUSE_SECONDS)
        raise JobFailedError(
            code="GraphKeepsChanging",
            message=f"The graph was gone through {MOST_ROUNDS} times, and others wrote meanwhile"
            " each time. Stop them and begin another job; what was deleted stays deleted.",
        )


class _Deletion:
    """One job at work.

    Attributes:
        done: what was deleted, earlier starts included.
    """

    def __init__(self, graph: GraphService, run: Run) -> None:
        self._graph, self._run = graph, run
        counts = run.progress.get("counts", {})
        self._counts = {each: counts.get(each, 0) for each in ("relationships", "twins", "models")}
        limit = run.request["timeoutInMinutes"]
        self._limit = limit
        self._end = run.row.created + int(limit * 60 * TICKS_PER_SECOND)

    @property
    def done(self) -> int:
        return sum(self._counts.values())

    async def round(self) -> bool:
        """Go through all that there is once; return whether there was anything."""
        related = await self._all("relationships", self._graph.relationship_ids, DeleteRelationship)
        twins = await self._all("twins", self._graph.twin_ids, DeleteTwin)
        return await self._models() or twins or related

    async def count(self) -> None:
        """Note how much a deletion would delete."""
        self._counts = dict.fromkeys(self._counts, 0)
        for what, read in (
            ("relationships", self._graph.relationship_ids),
            ("twins", self._graph.twin_ids),
        ):
            last = 0
            while rows := await read(last, COUNTED, self._run.context):
                self._check()
                last = rows[-1][0]
                self._counts[what] += len(rows)
        await self._graph.refresh_models()
        self._counts["models"] = len(self._graph.models(self._run.context))
        await self._run.save(self._progress(self._counts))

    async def _all(
        self,
        what: str,
        read: Callable[[int, int, Context], Awaitable[Sequence[tuple[Any, ...]]]],
        command: Callable[..., Command[None]],
    ) -> bool:
        """Delete everything of a sort, a page at a time; return whether there was any."""
        last = 0
        while rows := await read(last, STEP, self._run.context):
            self._check()
            last = rows[-1][0]
            await self._delete(what, [command(*names) for _, *names in rows])
        return last > 0

    async def _models(self) -> bool:
        """Delete all models at once, as they may need each other; return whether there were any."""
        self._check()
        await self._graph.refresh_models()
        count = len(self._graph.models(self._run.context))
        if count:
            # Looked at once more: the models that are there may be new ones by now.
            permit = holding(self._run)
            await self._graph.execute(DeleteAllModels(), self._run.context, permit)
            self._counts["models"] += count
            await self._run.save(self._progress(self._counts))
        return count > 0

    async def _delete(self, what: str, commands: Sequence[Command[None]]) -> None:
        def counted(results: Results) -> dict[str, int]:
            return {**before, what: before[what] + len(commands) - results.refused}

        def note(results: Results) -> Note:
            return self._run.note(self._progress(counted(results)))(results)

        before = self._counts
        self._counts = counted(
            await self._graph.execute_many(commands, self._run.context, note=note)
        )

    @staticmethod
    def _progress(counts: dict[str, int]) -> Progress:
        return {"done": sum(counts.values()), "unit": "items", "counts": counts}

    def _check(self) -> None:
        self._run.check()
        if now_ticks() > self._end:
            raise JobFailedError(
                code="JobTimedOut",
                message=f"The time of {self._limit} minutes is over; {self._said()} Begin another"
                " job, with a longer timeoutInMinutes.",
            )

    def _said(self) -> str:
        if self._run.context.dry_run:
            return "nothing was deleted, since it was a dry run."
        return f"{self.done} items were deleted and stay so."
