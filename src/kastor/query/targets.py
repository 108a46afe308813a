"""What a change of many is about: the twins or relationships that a query selects, each once.

They are paged by their keys, which no write changes. So what leaves the result while it is being
changed is not missed, and what comes into it again is not met twice; an order by a value, an index
or a model would allow both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import msgspec

from kastor.errors import CatalogChanged, InvalidArgument, Unavailable
from kastor.query.plan import Aggregate, Column, Doc, Field, Or, Plan, Truth

if TYPE_CHECKING:
    from kastor.query.compiled import Compiled
    from kastor.query.pages import Keys
    from kastor.query.plan import Condition
    from kastor.query.service import QueryService
    from kastor.records import Context

Kind: TypeAlias = Literal["twin", "relationship"]
Made = TypeVar("Made")

_ATTEMPTS = 5
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
    """

    def __init__(self, query: QueryService, text: str, parameters: object = None) -> None:
        self._runner = query.runner
        self._text, self._given = text, query.given(parameters)

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

    async def _ask(
        self, ask: Callable[[Compiled, Plan, Kind], Awaitable[Made]], context: Context
    ) -> Made:
        for _ in range(_ATTEMPTS):
            try:
                compiled = await self._runner.compiled(self._text, context, given=self._given)
                plan = compiled.plan
                kind = _require_targets(plan)
                return await ask(compiled, replace(plan, where=_nested(plan.where)), kind)
            except CatalogChanged:
                continue
        raise Unavailable("Models change too often to be queried now; try again.")


def _nested(where: Condition) -> Condition:
    """Return the same condition with nothing in it that may lead the order of rows."""
    return where if isinstance(where, Truth) else Or((where,))


def _require_targets(plan: Plan) -> Kind:
    """Return what the rows are, each one twin or one relationship.

    Raises:
        InvalidArgument: they are something else, or more than a condition says which.
    """
    if plan.explain or plan.counts or plan.grouped:
        raise _refused("it selects no twins or relationships, but what is said about them")
    if plan.order or plan.top is not None or plan.offset:
        raise _refused("it has TOP, LIMIT, OFFSET or ORDER BY; say how many with atMost")
    if plan.graph.hops or len(plan.graph.sources) != 1:
        raise _refused(
            "it joins; put what is joined into the condition, as WHERE T.$dtId IN (SELECT ...)"
        )
    kind = plan.graph.sources[0].kind
    if kind not in _COLUMNS:
        raise _refused("it selects models")
    if plan.columns is not None:
        shown: set[Any] = {column.value for column in plan.columns}
        ids: set[Any] = {column.value for column in _COLUMNS[kind]}
        if shown not in ({Doc(0)}, ids):
            raise _refused("it selects values of them")
    return "twin" if kind == "twin" else "relationship"


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument(
        f"The query cannot say what is to be changed: {why}. Select whole twins or relationships, "
        "SELECT * FROM DIGITALTWINS T WHERE ..., or their ids: $dtId of twins, $sourceId and "
        "$relationshipId of relationships. Nothing was changed."
    )
