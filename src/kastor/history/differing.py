"""What differs between two states of a graph: everything, or what a selection takes.

The store finds it by what was changed in between, a page at a time in order of identity, so that
neither its time nor its memory goes by the size of the graph.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec
from msgspec import structs

from kastor.query.targets import Target
from kastor.storage.history import StateDifference

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog
    from kastor.query.targets import Targets
    from kastor.records import AsOf, Context
    from kastor.storage.history import Kind
    from kastor.storage.protocol import Store

PAGE = 1_000
"""Differences that are read together."""
_ASKED_TOGETHER = 250
Identity: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class States:
    """Two states, the older one first."""

    low: AsOf
    high: AsOf


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """Some of the differences, in order of identity.

    Attributes:
        found: those that are selected; none may be, though more follow.
        after: where the next page begins; empty where there is none.
    """

    found: Sequence[StateDifference]
    after: Identity


class Selection(Protocol):
    """Which differences are meant."""

    async def taken(
        self, kind: Kind, found: Sequence[StateDifference], states: States, context: Context
    ) -> Sequence[StateDifference]:
        """Return those of some differences that are selected."""

    def only(self, kind: Kind) -> Sequence[Identity] | None:
        """Return the few of which there may be any; None: it cannot be said."""


class Everything:
    """Selects everything."""

    async def taken(
        self, _kind: Kind, found: Sequence[StateDifference], _states: States, _context: Context
    ) -> Sequence[StateDifference]:
        """Return all of them."""
        return found

    def only(self, _kind: Kind) -> Sequence[Identity] | None:
        """Name none."""
        return None


class OneTwin:
    """Selects one twin and the relationships that leave or enter it."""

    def __init__(self, twin_id: str) -> None:
        self._twin_id = twin_id

    async def taken(
        self, kind: Kind, found: Sequence[StateDifference], _states: States, _context: Context
    ) -> Sequence[StateDifference]:
        """Return those at the twin."""
        if kind == "twin":
            return found
        return [each for each in found if self._twin_id in _ends_of(each)]

    def only(self, kind: Kind) -> Sequence[Identity] | None:
        """Name the twin."""
        return ((self._twin_id,),) if kind == "twin" else None


class OfQuery:
    """Selects what a query of one collection answers in one of the two states.

    Args:
        targets: the query.
        selects: what its rows are.
        around: whether also the relationships that leave or enter its twins.
    """

    def __init__(self, targets: Targets, selects: Kind, *, around: bool) -> None:
        self._targets, self._selects, self._around = targets, selects, around

    async def taken(
        self, kind: Kind, found: Sequence[StateDifference], states: States, context: Context
    ) -> Sequence[StateDifference]:
        """Return those that the query answers, then or later.

        Raises:
            QueryError, QueryTimeout, Unavailable: as `Targets.among`.
        """
        if kind == self._selects:
            named = {_target_of(each): each for each in found}
            chosen = await self._answered(named.keys(), states, context)
            return [each for target, each in named.items() if target in chosen]
        if kind == "twin" or not self._around:
            return ()
        ends = {Target(end) for each in found for end in _ends_of(each)}
        twins = {each.id for each in await self._answered(ends, states, context)}
        return [each for each in found if not twins.isdisjoint(_ends_of(each))]

    def only(self, kind: Kind) -> Sequence[Identity] | None:
        """Name none, where there may be some."""
        has_some = kind == self._selects or (kind == "relationship" and self._around)
        return None if has_some else ()

    async def _answered(
        self, named: Collection[Target], states: States, context: Context
    ) -> set[Target]:
        chosen: set[Target] = set()
        for few in _batches(named):
            for at in (states.low, states.high):
                asked = [each for each in few if each not in chosen]
                chosen |= await self._targets.among(asked, structs.replace(context, at=at))
        return chosen


class Differing:
    """The differences of two states that a selection takes."""

    def __init__(self, store: Store[ModelCatalog], states: States, selection: Selection) -> None:
        self._store, self._selection = store, selection
        self.states = states

    async def page(self, kind: Kind, after: Identity, context: Context) -> DifferencePage:
        """Return the differences behind an identity, of up to PAGE that there are.

        Raises:
            Gone: one of the states is not kept any more.
            QueryError, QueryTimeout, Unavailable: as the selection.
        """
        context.require_all()
        only = self._selection.only(kind)
        if only is not None:
            return DifferencePage([each async for each in self._few(only, context)], ())
        found = await self._store.history.differences(
            kind, self.states.low, self.states.high, after, PAGE
        )
        if not found:
            return DifferencePage((), ())
        taken = await self._selection.taken(kind, found, self.states, context)
        return DifferencePage(taken, found[-1].identity)

    async def _few(
        self, named: Sequence[Identity], context: Context
    ) -> AsyncIterator[StateDifference]:
        """Yield the differences of twins that are known by their ids."""
        for identity in named:
            low, high = [
                await self._store.twin(identity[0], structs.replace(context, at=at))
                for at in (self.states.low, self.states.high)
            ]
            before, after = (None if row is None else row.doc for row in (low, high))
            if before != after:
                yield StateDifference(identity, before, after)


class _Ends(msgspec.Struct, rename={"target": "$targetId"}):
    target: str


_ENDS = msgspec.json.Decoder(_Ends)


def _ends_of(found: StateDifference) -> set[str]:
    """Return the ids of the twins that a relationship connects, in either state."""
    docs = [doc for doc in (found.before, found.after) if doc is not None]
    return {found.identity[0], *(_ENDS.decode(doc).target for doc in docs)}


def _target_of(found: StateDifference) -> Target:
    *source, own = found.identity
    return Target(own, source[0] if source else None)


def _batches(named: Collection[Target]) -> Iterator[list[Target]]:
    ordered = sorted(named, key=lambda each: (each.source or "", each.id))
    for start in range(0, len(ordered), _ASKED_TOGETHER):
        yield ordered[start : start + _ASKED_TOGETHER]
