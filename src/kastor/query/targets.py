"""What a change of many is about: the twins or relationships that a query selects, each once.

They are paged by their keys, which no write changes. So what leaves the result while it is being
changed is not missed, and what comes into it again is not met twice; an order by a value, an index
or a model would allow both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import msgspec

from kastor.errors import CatalogChanged, InvalidArgument, Unavailable
from kastor.query.plan import Aggregate, And, Column, Doc, Field, In, Or, Plan, Truth

if TYPE_CHECKING:
    from kastor.query.compiled import Compiled
    from kastor.query.pages import Keys
    from kastor.query.plan import Condition
    from kastor.query.service import QueryService
    from kastor.records import Context

Kind: TypeAlias = Literal["twin", "relationship"]
Made = TypeVar("Made")

_ATTEMPTS = 5
_CHANGED = "changed"
_ID, _SOURCE = Column("id", Field(0, "id")), Column("source", Field(0, "source"))
_COLUMNS = {"twin": (_ID,), "relationship": (_ID, _SOURCE)}
_COUNT = Column("n", Aggregate("COUNT"))


class Target(msgspec.Struct, frozen=True):
    """A twin, or a relationship with its source."""

    id: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class TargetPage:
    """Some of them in order.

    Attributes:
        after: the position behind them; empty where no more follow.
    """

    targets: list[Target]
    after: Keys = ()


class _Counted(msgspec.Struct):
    n: int


_COUNTED = msgspec.json.Decoder(_Counted)
_TARGETS = msgspec.json.Decoder(list[Target])


class Targets:
    """The twins or relationships that one query selects.

    Args:
        query: of the graph.
        text: of the query.
        parameters: values for ``$name``, as a body holds them.
        purpose: what is to be done with them, for errors.
    """

    def __init__(
        self,
        query: QueryService,
        text: str,
        parameters: object = None,
        purpose: str = _CHANGED,
    ) -> None:
        self._runner = query.runner
        self._text, self._given = text, query.given(parameters)
        self._purpose = purpose

    async def kind(self, context: Context) -> Kind:
        """Return what the query selects; raises as `count` does."""

        async def kind(_compiled: Compiled, _plan: Plan, kind: Kind) -> Kind:
            return kind

        return await self._ask(kind, context)

    async def count(self, context: Context) -> tuple[Kind, int]:
        """Return what the query selects, and how many.

        Raises:
            QueryError: the text is wrong.
            InvalidArgument: it selects something else than twins or relationships.
            QueryTimeout: it took too long.
            Unavailable: models change all the time.
        """

        async def count(compiled: Compiled, plan: Plan, kind: Kind) -> tuple[Kind, int]:
            counting = replace(plan, columns=(_COUNT,), counts=True)
            [text] = await self._runner.texts(compiled, counting, 1, context)
            return kind, _COUNTED.decode(text).n

        return await self._ask(count, context)

    async def page(self, after: Keys, most: int, context: Context) -> TargetPage:
        """Return up to `most` of them behind a position; the first ones behind none.

        Raises:
            QueryError, InvalidArgument, QueryTimeout, Unavailable: as `count`.
        """

        async def page(compiled: Compiled, plan: Plan, kind: Kind) -> TargetPage:
            listing = replace(plan, columns=_COLUMNS[kind])
            found = await self._runner.steady_page(compiled, listing, after, most, context)
            return TargetPage(_TARGETS.decode(found.value), found.last if found.more else ())

        return await self._ask(page, context)

    async def among(self, few: Collection[Target], context: Context) -> set[Target]:
        """Return those of some twins or relationships that the query selects.

        Args:
            few: a few hundred at most.
            context: who asks, and as of when.

        Raises:
            QueryError, InvalidArgument, QueryTimeout, Unavailable: as `count`.
        """

        async def among(compiled: Compiled, plan: Plan, kind: Kind) -> set[Target]:
            where = And((*_named(few, kind), plan.where))
            listing = replace(plan, columns=_COLUMNS[kind], where=where)
            found: set[Target] = set()
            after: Keys = ()
            while True:
                page = await self._runner.steady_page(compiled, listing, after, len(few), context)
                found.update(_TARGETS.decode(page.value))
                if not page.more:
                    return found & set(few)
                after = page.last

        return await self._ask(among, context) if few else set()

    async def _ask(
        self, ask: Callable[[Compiled, Plan, Kind], Awaitable[Made]], context: Context
    ) -> Made:
        for _ in range(_ATTEMPTS):
            try:
                compiled = await self._runner.compiled(self._text, context, given=self._given)
                plan = compiled.plan
                kind = _require_targets(plan, self._purpose)
                return await ask(compiled, replace(plan, where=_nested(plan.where)), kind)
            except CatalogChanged:
                continue
        raise Unavailable("Models change too often to be queried now; try again.")


def _nested(where: Condition) -> Condition:
    """Return the same condition with nothing in it that may lead the order of rows."""
    return where if isinstance(where, Truth) else Or((where,))


def _named(few: Collection[Target], kind: Kind) -> tuple[Condition, ...]:
    """Return conditions that hold for these; of relationships for others too, of the same ids."""
    ids = In(_ID.value, tuple(sorted({each.id for each in few})))
    if kind == "twin":
        return (ids,)
    return (In(_SOURCE.value, tuple(sorted({each.source or "" for each in few}))), ids)


def _require_targets(plan: Plan, purpose: str) -> Kind:
    """Return what the rows are, each one twin or one relationship.

    Raises:
        InvalidArgument: they are something else, or more than a condition says which.
    """
    refused = partial(_refused, purpose)
    if plan.explain or plan.counts or plan.grouped:
        raise refused("it selects no twins or relationships, but what is said about them")
    if plan.order or plan.top is not None or plan.offset:
        instead = "; say how many with atMost" if purpose == _CHANGED else ""
        raise refused(f"it has TOP, LIMIT, OFFSET or ORDER BY{instead}")
    if plan.graph.hops or len(plan.graph.sources) != 1:
        raise refused(
            "it joins; put what is joined into the condition, as WHERE T.$dtId IN (SELECT ...)"
        )
    kind = plan.graph.sources[0].kind
    if kind not in _COLUMNS:
        raise refused("it selects models")
    if plan.columns is not None:
        shown: set[Any] = {column.value for column in plan.columns}
        ids: set[Any] = {column.value for column in _COLUMNS[kind]}
        if shown not in ({Doc(0)}, ids):
            raise refused("it selects values of them")
    return "twin" if kind == "twin" else "relationship"


def _refused(purpose: str, why: str) -> InvalidArgument:
    return InvalidArgument(
        f"The query cannot say what is to be {purpose}: {why}. Select whole twins or "
        "relationships, SELECT * FROM DIGITALTWINS T WHERE ..., or their ids: $dtId of twins, "
        "$sourceId and $relationshipId of relationships. Nothing was changed."
    )
