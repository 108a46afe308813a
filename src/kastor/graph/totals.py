"""How much ADT lets a graph hold (rest-api C.4): twins, relationships, and those of one twin.

Only under the profile `adt`, and there only where `adt_totals` is on: every other graph has a
`GraphService`, which knows nothing of this.

Nothing is counted for a write. The counts are read once, kept in step with what this process
writes, and read again where a limit seems to be reached, or where other processes write as well.
Writes that are under way at once may go beyond a limit by their number.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kastor.errors import KastorError, LimitExceeded
from kastor.graph.command import Command, Decided, State
from kastor.graph.service import GraphService
from kastor.records import (
    Change,
    Context,
    EraseRelationship,
    EraseTwin,
    Needs,
    T,
    WriteRelationship,
    WriteTwin,
)
from kastor.types import override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.uploads import ModelLimits
    from kastor.storage.batches import MakeNote, Results
    from kastor.storage.protocol import Store

AGAIN_SECONDS, SHARED_SECONDS = 1.0, 60.0
"""How old a count may be: where a limit seems to be reached, and where other processes write."""
_TWINS_KEPT = 100_000
"""Twins whose relationships are counted; then all are forgotten, and read when they are needed."""


@dataclass(frozen=True, slots=True)
class TotalLimits:
    """What a graph may hold at most; `of_a_twin` in each direction."""

    twins: int = 2_000_000
    relationships: int = 20_000_000
    of_a_twin: int = 50_000


class _Delta(NamedTuple):
    """What one change adds; the keys are of the twins that a relationship leaves and enters."""

    twins: int = 0
    relationships: int = 0
    source: int | None = None
    target: int | None = None


class Totals:
    """What a graph holds, as far as this process knows."""

    def __init__(
        self,
        store: Store[ModelCatalog],
        limits: TotalLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self.limits, self._clock = store, limits, clock
        self.twins = self.relationships = 0
        self._read_at: float | None = None
        self._reading = asyncio.Lock()
        self._keys: dict[str, int] = {}
        self._of_twins: dict[int, list[int]] = {}

    async def tally(self, commands: Iterable[Command[Any]], context: Context) -> Tally:
        """Return what counts the changes of some commands, after a look at what is not known."""
        needs = [each for each in map(_needs_of, commands) if each is not None]
        async with self._reading:
            await self._read_totals(len(needs), context)
            await self._read_twins(needs, context)
        return Tally(self)

    def of_twin(self, key: int) -> Sequence[int]:
        """Return the relationships that leave and enter a twin; none where it was just made."""
        return self._of_twins.get(key, (0, 0))

    def add(self, deltas: Iterable[_Delta]) -> None:
        """Take in what was written."""
        for delta in deltas:
            self.twins += delta.twins
            self.relationships += delta.relationships
            for key, way in ((delta.source, 0), (delta.target, 1)):
                if key in self._of_twins:
                    self._of_twins[key][way] += delta.relationships

    async def _read_totals(self, more: int, context: Context) -> None:
        now, limits = self._clock(), self.limits
        full = self.twins + more > limits.twins or self.relationships + more > limits.relationships
        most = AGAIN_SECONDS if full else SHARED_SECONDS if self._store.jobs.shared else None
        if self._read_at is not None and (most is None or now - self._read_at < most):
            return
        status = await self._store.status(context)
        self.twins, self.relationships = status.twins, status.relationships
        self._read_at = now
        if self._store.jobs.shared:
            self._forget_twins()

    async def _read_twins(self, needs: Sequence[Needs], context: Context) -> None:
        ends = {end for each in needs if each.target_id for end in (each.twin_id, each.target_id)}
        unknown = [end for end in ends if end is not None and self._is_unknown(end)]
        if not unknown:
            return
        if len(self._keys) + len(unknown) > _TWINS_KEPT:
            self._forget_twins()
            unknown = [end for end in ends if end is not None]
        for found in await self._store.degrees(unknown, self.limits.of_a_twin, context):
            self._keys[found.id] = found.key
            self._of_twins[found.key] = [found.outgoing, found.incoming]

    def _is_unknown(self, twin_id: str) -> bool:
        key = self._keys.get(twin_id)
        return key is None or max(self._of_twins[key]) >= self.limits.of_a_twin

    def _forget_twins(self) -> None:
        self._keys.clear()
        self._of_twins.clear()


class Tally:
    """What the commands of one call, or one rehearsal, would add to what is there."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._deltas: dict[int, _Delta] = {}
        self._twins = self._relationships = 0
        self._of_twins: dict[tuple[int, int], int] = {}

    def counted(self, commands: Sequence[Command[Any]]) -> list[Command[Any]]:
        """Return commands that are refused where they would go beyond a limit."""
        return [_Counted(each, self) for each in commands]

    def note(self, command: object, change: Change[Any] | None) -> None:
        """Count a decision, in place of an earlier one of the same command.

        Raises:
            LimitExceeded: the change goes beyond a limit.
        """
        self._count(self._deltas.pop(id(command), _Delta()), -1)
        delta = _delta_of(change)
        if delta.twins > 0:
            self._require_twins()
        if delta.relationships > 0:
            self._require_relationships(delta)
        self._deltas[id(command)] = delta
        self._count(delta, 1)

    def keep(self) -> None:
        """Tell the totals: all of it was written."""
        self._totals.add(self._deltas.values())

    def _count(self, delta: _Delta, sign: int) -> None:
        self._twins += sign * delta.twins
        self._relationships += sign * delta.relationships
        for way, key in enumerate((delta.source, delta.target)):
            if key is not None:
                before = self._of_twins.get((key, way), 0)
                self._of_twins[key, way] = before + sign * delta.relationships

    def _require_twins(self) -> None:
        most = self._totals.limits.twins
        if self._totals.twins + self._twins >= most:
            raise LimitExceeded(_full(f"The graph holds {most:,} twins"), code="TwinLimitReached")

    def _require_relationships(self, delta: _Delta) -> None:
        limits, totals = self._totals.limits, self._totals
        if totals.relationships + self._relationships >= limits.relationships:
            raise LimitExceeded(_full(f"The graph holds {limits.relationships:,} relationships"))
        ends = ((delta.source, 0, "leave its source"), (delta.target, 1, "enter its target"))
        for key, way, words in ends:
            if key is not None:
                there = totals.of_twin(key)[way] + self._of_twins.get((key, way), 0)
                if there >= limits.of_a_twin:
                    raise LimitExceeded(_full(f"{limits.of_a_twin:,} relationships {words}"))


class CountedGraphService(GraphService):
    """A graph that holds no more than it may."""

    def __init__(
        self,
        store: Store[ModelCatalog],
        limits: ModelLimits | None,
        document_bytes: int,
        totals: Totals,
    ) -> None:
        super().__init__(store, limits, document_bytes)
        self._totals = totals

    @override
    async def execute(
        self, command: Command[T], context: Context, permit: Callable[[], None] | None = None
    ) -> T:
        """Make a write durable and return its outcome; raises LimitExceeded as well."""
        tally = await self._totals.tally([command], context)
        outcome = await super().execute(_Counted(command, tally), context, permit)
        if not context.dry_run:
            tally.keep()
        return outcome

    @override
    async def execute_many(
        self,
        commands: Sequence[Command[Any]],
        context: Context,
        *,
        atomic: bool = False,
        note: MakeNote | None = None,
    ) -> Results:
        """Make many writes durable together; those beyond a limit are refused.

        A dry run is counted by itself. Rehearsals by `rehearsing` are not counted.
        """
        tally = await self._totals.tally(commands, context)
        counted = tally.counted(commands)
        results = await super().execute_many(counted, context, atomic=atomic, note=note)
        if results.applied and not context.dry_run:
            tally.keep()
        return results


class _Counted(Command[T], frozen=True):
    """A command whose change is counted."""

    inner: Command[T]
    tally: Tally

    @override
    def needs(self) -> Needs:
        """Return what the command needs."""
        return self.inner.needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[T]:
        """Decide as the command does; raises LimitExceeded as well."""
        decision = self.inner.decide(current, stamp)
        self.tally.note(self, decision.change)
        return decision


def _needs_of(command: Command[Any]) -> Needs | None:
    try:
        return command.needs()
    except KastorError:  # told when it is executed
        return None


def _delta_of(change: Change[Any] | None) -> _Delta:
    match change:
        case WriteTwin(before=None):
            return _Delta(twins=1)
        case EraseTwin():
            return _Delta(twins=-1)
        case WriteRelationship(before=None):
            return _Delta(0, 1, change.source.key, change.target_key)
        case EraseRelationship():
            return _Delta(0, -1, change.before.source_key, change.before.target_key)
        case _:
            return _Delta()


def _full(what: str) -> str:
    return (
        f"{what}, as many as there may be in the cloud; kastor serve --adt-totals off does without."
    )
