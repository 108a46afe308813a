"""How a query is followed: what tells its rows apart, and what has to be evaluated again.

Everything is said as plans: the query's own with the identity of each row in front of its columns,
and restricted ones that find only the rows that bind what has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from kastor.errors import QueryError
from kastor.query.plan import (
    And,
    Call,
    Column,
    Condition,
    Doc,
    Exists,
    Field,
    Graph,
    In,
    InQuery,
    Plan,
    Value,
)
from kastor.query.references import parts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Mode: TypeAlias = Literal["incremental", "rerun"]
Identity: TypeAlias = tuple[str, ...]
RelationshipKey: TypeAlias = tuple[str, str]
"""Id of the source twin, id of the relationship."""

MARK = "]"
"""Begins the keys of identity columns; no name that a query can spell begins so."""


@dataclass(frozen=True, slots=True)
class IdentityPart:
    """A bound twin (one text of the identity) or relationship (two: source, id)."""

    source: int
    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class LivePlan:
    """A query as it is followed.

    Attributes:
        base: the query's own plan.
        plan: the same with the identity in front of the columns.
        width: how many columns the identity takes.
        mode: `incremental` if what changed can be evaluated by itself.
        why: the reason, for a person.
        parts: what the identity names; empty where rows are groups.
        reads: kinds whose changes matter: twin, relationship, model.
    """

    base: Plan
    plan: Plan
    width: int
    mode: Mode
    why: str
    parts: tuple[IdentityPart, ...]
    reads: frozenset[str]

    def restricted(
        self, twins: Collection[str], relationships: Collection[RelationshipKey]
    ) -> list[Plan]:
        """Plans that together find every row that binds one of these.

        One for each source, so that each can begin at an index; they may find more rows than
        asked for, which does no harm.
        """
        plans = []
        for part in self.parts:
            terms: list[Condition] = []
            if part.kind == "twin" and twins:
                terms = [In(Field(part.source, "id"), tuple(sorted(twins)))]
            elif part.kind == "relationship" and relationships:
                terms = _names_relationship(self.plan.graph, part.source, relationships)
            if terms:
                where = And((*_terms(self.plan.where), *terms))
                plans.append(replace(self.plan, where=where, order=()))
        return plans

    def binding(
        self,
        known: Collection[Identity],
        twins: Collection[str],
        relationships: Collection[RelationshipKey],
    ) -> list[Identity]:
        """Those of the `known` identities that name one of these."""
        if len(self.parts) == 1:  # the identity is the id: no need to look at all of them
            single = self.parts[0].kind == "twin"
            sought: Iterable[Identity] = ((each,) for each in twins) if single else relationships
            return [each for each in sought if each in known]
        return [each for each in known if self._names(each, twins, relationships)]

    def _names(
        self,
        identity: Identity,
        twins: Collection[str],
        relationships: Collection[RelationshipKey],
    ) -> bool:
        for part in self.parts:
            if part.kind == "twin":
                if identity[part.at] in twins:
                    return True
            elif (identity[part.at], identity[part.at + 1]) in relationships:
                return True
        return False


def live_plan(plan: Plan) -> LivePlan:
    """How the query of this plan is followed.

    Raises:
        QueryError: it cannot be: an explanation, or one that time alone changes.
    """
    if plan.nulls:
        raise QueryError("Queries in openCypher cannot be followed; write it as SELECT ... FROM.")
    if plan.explain:
        raise QueryError("EXPLAIN has no rows that could be followed; send it to /query.")
    if any(isinstance(item, Call) and item.name == "NOW" for item in _items(plan)):
        raise QueryError(
            "A query with NOW() cannot be followed: its result changes without any change of the "
            "graph. Compare with a fixed time, or ask /query again when needed."
        )
    reads = frozenset(_kinds(plan))
    reason = _why_rerun(plan)
    if reason is not None:
        identified, width, parts = _identified(plan)
        return LivePlan(plan, identified, width, "rerun", reason, parts, reads)
    identified, width, parts = _identified(plan)
    why = f"Only the {plan.graph.sources[0].kind}s that change are evaluated again."
    if plan.graph.hops:
        why = "Only rows that bind a changed twin or relationship are evaluated again."
    return LivePlan(plan, identified, width, "incremental", why, parts, reads)


def _why_rerun(plan: Plan) -> str | None:
    """Why a change can touch rows that do not name it; None if it cannot."""
    if plan.counts or plan.grouped:
        return "COUNT, aggregates, GROUP BY and DISTINCT depend on every row."
    if plan.top is not None or plan.offset:
        return "Which rows TOP, LIMIT and OFFSET leave depends on all the others."
    if any(isinstance(item, Exists | InQuery) for item in _items(plan)):
        return "EXISTS and IN (SELECT ..) look at more than what a row binds."
    if any(hop.relationship < 0 for hop in plan.graph.hops):
        return "A hop over several relationships passes twins that its row does not name."
    if any(hop.optional for hop in plan.graph.hops):
        return "LEFT JOIN also has rows for what is missing."
    if plan.graph.sources[0].kind == "model":
        return "Models are looked at as a whole when one of them changes."
    return None


def _identified(plan: Plan) -> tuple[Plan, int, tuple[IdentityPart, ...]]:
    """The plan with identity columns, how many those are, and what they name."""
    if plan.counts:
        return plan, 0, ()
    if plan.grouped:
        values = [part for value in dict.fromkeys(plan.group) for part in _of_group(value, plan)]
        group = tuple(dict.fromkeys((*plan.group, *values)))
        columns = (*_marked(values), *(plan.columns or ()))
        return replace(plan, columns=columns, group=group), len(values), ()
    values, parts = [], []
    for source, one in enumerate(plan.graph.sources):
        parts.append(IdentityPart(source, one.kind, len(values)))
        values += _id_fields(source, one.kind)
    shown = plan.columns if plan.columns is not None else (Column(MARK, Doc(0)),)
    return replace(plan, columns=(*_marked(values), *shown)), len(values), tuple(parts)


def _of_group(value: Value, plan: Plan) -> list[Value]:
    """A group's value; for a whole document what identifies it, which groups in the same way."""
    if isinstance(value, Doc) and not value.steps:
        return _id_fields(value.source, plan.graph.sources[value.source].kind)
    return [value]


def _id_fields(source: int, kind: str) -> list[Value]:
    if kind == "relationship":
        return [Field(source, "source"), Field(source, "id")]
    if kind == "model":
        return [Doc(source, ("id",))]
    return [Field(source, "id")]


def _marked(values: list[Value]) -> list[Column]:
    return [Column(f"{MARK}{number}", value) for number, value in enumerate(values)]


def _names_relationship(
    graph: Graph, source: int, relationships: Collection[RelationshipKey]
) -> list[Condition]:
    sources = tuple(sorted({each for each, _ in relationships}))
    ids = tuple(sorted({each for _, each in relationships}))
    terms: list[Condition] = [In(Field(source, "source"), sources), In(Field(source, "id"), ids)]
    for hop in graph.hops:
        if hop.relationship == source and hop.direction != "-":
            # The same said of the twin, where the search for a statement's best start sees it.
            near = hop.left if hop.direction == "->" else hop.right
            terms.append(In(Field(near, "id"), sources))
    return terms


def _terms(condition: Condition) -> tuple[Condition, ...]:
    return condition.terms if isinstance(condition, And) else (condition,)


def _items(plan: Plan) -> Iterator[Condition | Value]:
    """Every condition and value of the plan and of those inside it."""
    todo: list[Condition | Value] = [plan.where, plan.having, *plan.group]
    todo += [column.value for column in plan.columns or ()]
    todo += [order.value for order in plan.order]
    while todo:
        item = todo.pop()
        yield item
        todo += parts_of(item)
        if isinstance(item, Exists):
            todo.append(item.where)
        elif isinstance(item, InQuery):
            yield from _items(item.plan)


def _kinds(plan: Plan) -> Iterator[str]:
    """The kinds of everything that the plan looks at."""
    graphs = [plan.graph]
    for item in _items(plan):
        if isinstance(item, Exists):
            graphs.append(item.graph)
        elif isinstance(item, InQuery):
            yield from _kinds(item.plan)
    for graph in graphs:
        yield from (source.kind for source in graph.sources)
        if graph.hops:
            yield "relationship"
