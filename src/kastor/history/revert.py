"""Jobs that bring a graph, or a part of it, back to an instant, by ordinary writes (decisions 5).

What differs between the state of then and the one that is replaced is read a page at a time, and
written with what is noted of it in one transaction. Both are states of the past, so a job that goes
on after a crash finds the same again. The order is one that relationships allow: those that were
added go first, then twins come back, then relationships, and then twins go that were added.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from kastor.clock import now_ticks
from kastor.graph.instants import Named
from kastor.graph.restoring import RestoreRelationship, RestoreTwin
from kastor.history.differing import States
from kastor.history.model_differences import model_differences, models_of
from kastor.history.revert_models import ModelReverter
from kastor.history.reverting import REVERTS, Revert, RevertItem, RevertLog, SoFar, summary
from kastor.jobs.kinds import JobFailedError
from kastor.storage.batches import MOST_TOGETHER

if TYPE_CHECKING:
    from kastor.graph.command import Command
    from kastor.graph.service import GraphService
    from kastor.history.diff import DiffService
    from kastor.history.differing import Differing
    from kastor.jobs.kinds import Run
    from kastor.query.service import QueryService
    from kastor.storage.batches import Note, Results
    from kastor.storage.history import Kind, StateDifference
    from kastor.types import Ticks

TOGETHER = 250
"""Twins or relationships that are written together; others write in between."""
MOST_ATOMIC_BYTES = 67_108_864
"""Of documents that one transaction brings back or replaces."""
_SAVE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class RevertStep:
    """One pass over the differences.

    Attributes:
        kind: of what it writes.
        removes: whether it deletes what was not there then, or writes what was.
    """

    kind: Kind
    removes: bool

    def takes(self, found: StateDifference) -> bool:
        """Return whether it is this step's."""
        return (found.before is None) is self.removes

    def command(self, found: StateDifference) -> Command[Any]:
        """Return the write that brings one back."""
        if self.kind == "twin":
            return RestoreTwin(found.identity[0], found.before, found.after)
        source, own = found.identity
        return RestoreRelationship(source, own, found.before, found.after)

    def named(self, found: StateDifference) -> RevertItem:
        """Return what the log calls it."""
        *source, own = found.identity
        return RevertItem(self.kind, own, source[0] if source else None)


_STEPS = (
    RevertStep("relationship", removes=True),
    RevertStep("twin", removes=False),
    RevertStep("relationship", removes=False),
    RevertStep("twin", removes=True),
)
_FIRST, _LAST = 0, len(_STEPS) + 1
"""Numbers of the steps before and after them, which are about models."""


class RevertKind:
    """Revert jobs; a request is a `Revert`."""

    name = REVERTS

    def __init__(
        self,
        diffs: DiffService,
        graph: GraphService,
        query: QueryService,
        clock: Callable[[], Ticks] = now_ticks,
    ) -> None:
        self._diffs, self._graph, self._query, self._clock = diffs, graph, query, clock

    async def run(self, run: Run) -> None:
        """See `JobKind`.

        Raises:
            JobFailedError: some were refused, or all of it where it was atomic.
            Gone: the state of then is not kept any more; what was done stays.
        """
        asked = Revert.of(run.request)
        context = run.context
        low, high = [
            await self._diffs.at(Named(change=each), context) for each in (asked.then, asked.base)
        ]
        states = States(low, high)
        differing, kinds = await self._diffs.differing(asked.part, states, context, around=True)
        at_work = _AtWork(self._graph, run, differing, RevertLog(run.row.id, self._clock))
        models = ModelReverter(self._graph, self._query, run, states, at_work.tell)
        steps = [step for step in _STEPS if step.kind in kinds]
        if asked.atomic:
            await at_work.all_or_nothing(steps, changes_models=asked.part.is_whole)
        else:
            if asked.part.is_whole and at_work.so_far.step == _FIRST:
                await models.bring_back()
            await at_work.step_by_step(steps)
            if asked.part.is_whole:
                await models.finish()
        at_work.require_all_done()


class _AtWork:
    """One revert at work."""

    def __init__(self, graph: GraphService, run: Run, differing: Differing, log: RevertLog) -> None:
        self._graph, self._run, self._differing, self._log = graph, run, differing, log
        self.so_far = SoFar.noted(run.progress)
        self._saved = time.monotonic()
        self._all_taken: set[Kind] = set()
        """Kinds of which one pass has found nothing for the other, so that it need not look."""

    async def tell(
        self, named: Sequence[RevertItem], outcomes: Sequence[object], mark: str
    ) -> None:
        """Note what became of models; `mark` stands in the progress until the next step."""
        so_far = self.so_far.with_outcomes((), named, outcomes)
        if mark:
            so_far = structs.replace(so_far, marks=(*so_far.marks, mark))
        await self._save(so_far, self._log.lines(named, outcomes))

    async def step_by_step(self, steps: Sequence[RevertStep]) -> None:
        """Write what differs, as far as it goes, from where the job was left."""
        for number, step in enumerate(_STEPS, _FIRST + 1):
            if step in steps and number >= self.so_far.step:
                if number > self.so_far.step:
                    await self._save(structs.replace(self.so_far, step=number, after=(), marks=()))
                if step.kind not in self._all_taken:
                    await self._pass(step)
        if self.so_far.step < _LAST:
            await self._save(structs.replace(self.so_far, step=_LAST, after=(), marks=()))

    async def _pass(self, step: RevertStep) -> None:
        takes_all = not self.so_far.after
        while True:
            self._run.check()
            page = await self._differing.page(step.kind, self.so_far.after, self._run.context)
            mine = [each for each in page.found if step.takes(each)]
            takes_all = takes_all and len(mine) == len(page.found)
            for few in _portions(mine):
                self._run.check()
                await self._write(step, few)
            self.so_far = structs.replace(self.so_far, after=page.after)
            if not page.after:
                break
            if time.monotonic() > self._saved + _SAVE_SECONDS:
                await self._save(self.so_far)
        if takes_all:
            self._all_taken.add(step.kind)

    async def _write(self, step: RevertStep, few: Sequence[StateDifference]) -> None:
        named = [step.named(each) for each in few]
        noted = self.so_far

        def note(results: Results) -> Note:
            nonlocal noted
            noted = self.so_far.with_outcomes(few[-1].identity, named, results.outcomes)
            lines = self._log.lines(named, results.outcomes)
            return self._run.note(noted.progress(), lines)(results)

        commands = [step.command(each) for each in few]
        await self._graph.execute_many(commands, self._run.context, note=note)
        self.so_far, self._saved = noted, time.monotonic()

    async def all_or_nothing(self, steps: Sequence[RevertStep], *, changes_models: bool) -> None:
        """Write what differs in one transaction.

        Raises:
            JobFailedError: one was refused, it is too much, or models differ; nothing was changed.
        """
        if self.so_far.step == _LAST:  # a crash came after it
            return
        if changes_models:
            self._require_same_models()
        named, commands = await self._gathered(steps)
        noted = self.so_far

        def note(results: Results) -> Note:
            nonlocal noted
            done = self.so_far.with_outcomes((), named, results.outcomes)
            noted = structs.replace(done, step=_LAST)
            lines = self._log.lines(named, results.outcomes)
            return self._run.note(noted.progress(), lines)(results)

        if not commands:
            await self._save(structs.replace(noted, step=_LAST))
            return
        results = await self._graph.execute_many(
            commands, self._run.context, atomic=True, note=note
        )
        if results.applied:
            self.so_far = noted
            return
        refused = [at for at, each in enumerate(results.outcomes) if isinstance(each, Exception)]
        which, why = [named[at] for at in refused], [results.outcomes[at] for at in refused]
        tried = SoFar().with_outcomes((), which, why)
        await self._run.save(tried.progress(), self._log.lines(which, why))
        raise _refused(f"{len(refused)} of {len(named)} were refused, the first {tried.first}.")

    def _require_same_models(self) -> None:
        states = self._differing.states
        differ = model_differences(models_of(states.low), models_of(states.high))
        if differ:
            raise _refused(
                f"Models differ ({len(differ)}, the first {differ[0].id}), and they are changed in "
                "transactions of their own. Leave out atomic, or bring back twins by a query."
            )

    async def _gathered(
        self, steps: Sequence[RevertStep]
    ) -> tuple[list[RevertItem], list[Command[Any]]]:
        named: list[RevertItem] = []
        commands: list[Command[Any]] = []
        size = 0
        for step in steps:
            after: tuple[str, ...] = ()
            while True:
                self._run.check()
                page = await self._differing.page(step.kind, after, self._run.context)
                mine = [each for each in page.found if step.takes(each)]
                named += map(step.named, mine)
                commands += map(step.command, mine)
                size += sum(map(_size, mine))
                if len(commands) > MOST_TOGETHER or size > MOST_ATOMIC_BYTES:
                    raise _refused(
                        f"One transaction takes {MOST_TOGETHER} differences and "
                        f"{MOST_ATOMIC_BYTES} bytes, and there are more. Leave out atomic, or "
                        "bring back parts by queries."
                    )
                after = page.after
                if not after:
                    break
        return named, commands

    async def _save(self, so_far: SoFar, lines: Sequence[bytes] = ()) -> None:
        await self._run.save(so_far.progress(), lines)
        self.so_far, self._saved = so_far, time.monotonic()

    def require_all_done(self) -> None:
        """Raise JobFailedError where some were refused."""
        counts = self.so_far.counts
        if counts.failed:
            raise JobFailedError(
                code="RevertPartiallyFailed",
                message=f"{counts.failed} of {counts.done} were refused, the first "
                f"{self.so_far.first}. {summary(counts)} were brought back. The log of the job "
                "names every one; mend them and ask for the way back once more.",
            )


def _refused(why: str) -> JobFailedError:
    return JobFailedError(code="RevertRefused", message=f"{why} Nothing was changed.")


def _size(found: StateDifference) -> int:
    return len(found.before or b"") + len(found.after or b"")


def _portions(found: Sequence[StateDifference]) -> Iterator[Sequence[StateDifference]]:
    for start in range(0, len(found), TOGETHER):
        yield found[start : start + TOGETHER]
