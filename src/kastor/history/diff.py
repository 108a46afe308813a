"""The differences of two states as lines (decisions 5): models, twins, relationships, by id."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import orjson
from msgspec import structs

from kastor.errors import InvalidArgument
from kastor.graph.documents import decode
from kastor.graph.instants import Named
from kastor.graph.restoring import content_of
from kastor.history.differing import Differing, Everything, OfQuery, OneTwin, States
from kastor.history.model_differences import model_differences, models_of, shown
from kastor.history.patches import patch_between
from kastor.query.targets import Targets

if TYPE_CHECKING:
    from typing import Any

    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.service import GraphService
    from kastor.history.differing import Identity, Selection
    from kastor.history.model_differences import ModelDifference
    from kastor.query.service import QueryService
    from kastor.records import AsOf, Context
    from kastor.storage.history import Kind, StateDifference
    from kastor.storage.protocol import Store

Form: TypeAlias = Literal["patch", "document"]
"""How lines tell what changed: by a patch, or by both documents."""
_MODELS_TOGETHER = 100
KINDS: tuple[Kind, ...] = ("twin", "relationship")


@dataclass(frozen=True, slots=True)
class GraphPart:
    """Which part of a graph is meant; all of it where nothing is said.

    Attributes:
        twin: this one, with the relationships that leave or enter it.
        query: what a query of one collection answers in one of the two states.
        parameters: values for ``$name`` of the query.
    """

    twin: str | None = None
    query: str | None = None
    parameters: object = None

    def __post_init__(self) -> None:
        """See whether it makes sense; raises InvalidArgument."""
        if self.twin is not None and self.query is not None:
            raise InvalidArgument("Give twin or query, and not both.")

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the graph."""
        return self.twin is None and self.query is None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states in the order in which they are compared, and how lines tell it.

    Attributes:
        states: the two, the older one first.
        backwards: whether the newer one is the one before.
        form: of what changed.
        of_revert: whether only what a revert brings back counts: times of updates do not.
    """

    states: States
    backwards: bool = False
    form: Form = "patch"
    of_revert: bool = False

    @classmethod
    def of(cls, before: AsOf, after: AsOf, form: Form = "patch") -> Comparison:
        """Return the comparison that leads from one state to another."""
        if before.change <= after.change:
            return cls(States(before, after), form=form)
        return cls(States(after, before), backwards=True, form=form)

    def line(self, kind: Kind, found: StateDifference) -> bytes:
        """Return the line of a twin or a relationship; empty where nothing counts."""
        before, after = found.before, found.after
        if self.backwards:
            before, after = after, before
        *source, own = found.identity
        told: dict[str, Any] = {"kind": kind, "id": own}
        if source:
            told["source"] = source[0]
        if before is None or after is None:
            if before is None and after is None:
                return b""
            return _encoded(told | self._came_or_went(before, after))
        read = content_of if self.of_revert else decode
        old, new = read(before), read(after)
        patch = patch_between(old, new)
        if not patch:
            return b""
        told["what"] = "changed"
        told |= {"patch": patch} if self.form == "patch" else {"before": old, "after": new}
        return _encoded(told)

    def _came_or_went(self, before: bytes | None, after: bytes | None) -> dict[str, Any]:
        show = content_of if self.of_revert else orjson.Fragment
        if before is not None:
            return {"what": "removed", "before": show(before)}
        return {"what": "added", "after": show(after or b"")}

    def model_lines(self) -> list[ModelDifference]:
        """Return the models that differ, from the state before to the one after."""
        low, high = (models_of(each) for each in (self.states.low, self.states.high))
        return model_differences(high, low) if self.backwards else model_differences(low, high)


class DiffService:
    """Compares states of one graph."""

    def __init__(
        self, store: Store[ModelCatalog], graph: GraphService, query: QueryService
    ) -> None:
        self._store, self._graph, self._query = store, graph, query

    async def at(self, named: Named | None, context: Context) -> AsOf:
        """Return a state with its models; the present one as a position, where none is named.

        Raises:
            InvalidArgument: it lies in the future.
            Gone: it is older than what is kept.
        """
        context.require_all()
        return await self._graph.at(Named() if named is None else named)

    async def differing(
        self, part: GraphPart, states: States, context: Context, *, around: bool
    ) -> tuple[Differing, frozenset[Kind]]:
        """Return what tells the differences, and of what kinds they may be.

        Args:
            part: of the graph.
            states: that are compared; a query is asked of both.
            context: who asks.
            around: whether twins of a query bring their relationships along.

        Raises:
            QueryError, InvalidArgument: the query is wrong, or selects something else.
        """
        selection: Selection = Everything()
        kinds = frozenset(KINDS)
        if part.twin is not None:
            selection = OneTwin(part.twin)
        elif part.query is not None:
            purpose = "brought back" if around else "compared"
            targets = Targets(self._query, part.query, part.parameters, purpose)
            for at in (states.low, states.high):  # names may be known in one of them alone
                selects = await targets.kind(structs.replace(context, at=at))
            selection = OfQuery(targets, selects, around=around)
            kinds = kinds if around and selects == "twin" else frozenset((selects,))
        return Differing(self._store, states, selection), kinds

    async def open(
        self, comparison: Comparison, part: GraphPart, context: Context
    ) -> AsyncGenerator[bytes, None]:
        """Return the lines of a comparison, a portion at a time; the first one is made already.

        Raises:
            Gone: a state is not kept any more; also while it is read.
            QueryError, InvalidArgument: as `differing`.
        """
        differing, kinds = await self.differing(
            part, comparison.states, context, around=comparison.of_revert
        )
        portions = _portions(differing, kinds, comparison, part, context)
        first = await anext(portions, b"")
        return _behind(first, portions)


async def _portions(
    differing: Differing,
    kinds: frozenset[Kind],
    comparison: Comparison,
    part: GraphPart,
    context: Context,
) -> AsyncGenerator[bytes, None]:
    if part.is_whole:
        models = await asyncio.to_thread(comparison.model_lines)
        for start in range(0, len(models), _MODELS_TOGETHER):
            yield b"".join(map(_model_line, models[start : start + _MODELS_TOGETHER]))
    for kind in KINDS:
        after: Identity = ()
        while kind in kinds:
            page = await differing.page(kind, after, context)
            if page.found:
                yield await asyncio.to_thread(_joined, comparison, kind, page.found)
            after = page.after
            if not after:
                break


async def _behind(
    first: bytes, portions: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(portions):
        if first:
            yield first
        async for portion in portions:
            if portion:
                yield portion


def _joined(comparison: Comparison, kind: Kind, found: Sequence[StateDifference]) -> bytes:
    return b"".join([comparison.line(kind, each) for each in found])


def _model_line(found: ModelDifference) -> bytes:
    told: dict[str, Any] = {"kind": "model", "id": found.id}
    if found.before is None:
        told["what"] = "added"
    else:
        told["what"] = "changed" if found.after is not None else "removed"
        told["before"] = shown(found.before)
    if found.after is not None:
        told["after"] = shown(found.after)
    return _encoded(told)


def _encoded(told: dict[str, Any]) -> bytes:
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
