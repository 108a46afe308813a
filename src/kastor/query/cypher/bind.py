"""A whole query to its plan: clause by clause, from one WITH to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.lang.cypher import tree
from kastor.query.cypher.names import CypherScope
from kastor.query.cypher.patterns import is_models, joined
from kastor.query.cypher.projection import Projection, by_columns, calls_aggregate
from kastor.query.cypher.stage import Stage
from kastor.query.plan import Doc, Plan, Source
from kastor.query.references import aggregates_of, parts_of

if TYPE_CHECKING:
    from kastor.query.models import ModelIndex
    from kastor.query.notes import Notes
    from kastor.query.plan import Condition, Value
    from kastor.query.settings import QuerySettings

_MOST_INLINE = 60
"""Nodes of a value that is written wherever its name stands; larger ones are made once."""


def bind_cypher(
    query: tree.Statement,
    text: str,
    models: ModelIndex,
    settings: QuerySettings,
    notes: Notes | None = None,
) -> Plan:
    """The plan of `query`, which was parsed from `text`.

    `notes` holds the values of parameters, if there are some, and gets what is noted on the way.

    Raises:
        QueryError: an unknown or doubled name, a combination that has no meaning, a limit, or
            what the subset leaves out.
    """
    names = CypherScope(text, models, settings, notes=notes)
    if isinstance(query, tree.Union):
        return _united(query, names)
    return _Query(query, names).plan()


def _united(query: tree.Union, names: CypherScope) -> Plan:
    """All rows of several queries; each once, unless they are to stay as they are."""
    bound = [_Query(one, names.fresh(), below=True) for one in query.queries]
    plans = tuple([one.plan() for one in bound])
    keys = [[column.key for column in plan.columns or ()] for plan in plans]
    for one, these in zip(query.queries, keys, strict=True):
        if these != keys[0]:
            told = "the queries of a UNION have columns of equal names in equal order"
            names.fail(told, one.span[0])
    entities = [one.returned for one in bound]
    if any(_kinds(one) != _kinds(entities[0]) for one in entities):
        told = "a column of a UNION holds twins, relationships or other values in all queries alike"
        names.fail(told, query.span[0])
    stage = Stage(names)
    stage.go_on(plans, _merged(entities))
    columns = tree.Projection((), star=True, distinct=not query.whole, span=query.span)
    return Projection(columns, stage, explain=query.explain).plan()


def _kinds(entities: dict[int, Source | None]) -> dict[int, str | None]:
    return {number: None if one is None else one.kind for number, one in entities.items()}


def _merged(entities: list[dict[int, Source | None]]) -> dict[int, Source | None]:
    """A twin that may be missing in one query may be in all."""
    found = dict(entities[0])
    for number in found:
        these = [one[number] for one in entities]
        optional = [one for one in these if one is not None and one.optional]
        found[number] = optional[0] if optional else these[0]
    return found


class _Query:
    """Clauses up to RETURN."""

    def __init__(self, query: tree.Query, names: CypherScope, *, below: bool = False) -> None:
        self.query = query
        self.stage = Stage(names)
        self.below = below
        self.returned: dict[int, Source | None] = {}

    def plan(self) -> Plan:
        """The plan of the whole query."""
        clauses = self.query.clauses
        for number, clause in enumerate(clauses):
            match clause:
                case tree.Match():
                    self._match(clause, number)
                case tree.Unwind():
                    self._not_models(clause)
                    self.stage.unwind(clause)
                case tree.With():
                    last = number == len(clauses) - 1
                    made = self._with(clause, last=last)
                    if made is not None:
                        return made
        result = Projection(
            self.query.result, self.stage, explain=self.query.explain, counts=not self.below
        )
        self.returned = self._entities(result.columns())
        return result.plan()

    def _entities(self, columns: dict[str, Value]) -> dict[int, Source | None]:
        """Per column the twin or relationship that it is."""
        sources = self.stage.names.sources
        return {
            number: sources[one.source] if isinstance(one, Doc) and not one.steps else None
            for number, one in enumerate(columns.values())
        }

    def _match(self, clause: tree.Match, number: int) -> None:
        if number == 0 and is_models(clause) and not clause.optional:
            self.stage.models(clause)
            return
        self._not_models(clause)
        behind = [one for one in self.query.clauses[number + 1 :] if not isinstance(one, tree.With)]
        self.stage.match(clause, last=all(joined(one) is not None for one in behind))

    def _not_models(self, clause: tree.Clause) -> None:
        if any(one.kind == "model" for one in self.stage.names.sources):
            told = ":Model stands alone: MATCH (m:Model) RETURN m; models and twins are not joined"
            self.stage.names.fail(told, clause.span[0])

    # WITH

    def _with(self, clause: tree.With, *, last: bool) -> Plan | None:
        """Goes on behind a WITH; or the whole plan, where one of groups with RETURN is enough."""
        made = Projection(clause.projection, self.stage, below=True)
        columns = made.columns()
        projection = clause.projection
        window = projection.order or projection.skip is not None or projection.limit is not None
        aggregated = any(aggregates_of(value) for value in columns.values())
        if not (window or projection.distinct or aggregated) and _are_small(columns):
            self._rename(columns, clause)
            return None
        if aggregated and last and not (window or projection.distinct):
            plan = self._grouped(made, columns, clause)
            if plan is not None:
                return plan
        self._derive(made, columns, clause)
        return None

    def _rename(self, columns: dict[str, Value], clause: tree.With) -> None:
        """Names stand for other things, or for less; rows stay as they are."""
        names = self.stage.names
        if clause.where is not None:  # sees what was bound before as well
            names.columns = columns
            self.stage.terms.append(self.stage.conditions.where(clause.where))
            names.columns = {}
        names.rename(columns)

    def _derive(self, made: Projection, columns: dict[str, Value], clause: tree.With) -> None:
        """Goes on from the rows that WITH makes."""
        plan = made.plan()
        entities = self._entities(columns)
        before = self.stage.names
        self.stage = Stage(before.fresh())
        self.stage.go_on((plan,), entities, before)
        if clause.where is not None:
            where = by_columns(clause.where, clause.projection)
            self.stage.terms.append(self.stage.conditions.where(where))

    def _grouped(
        self, made: Projection, columns: dict[str, Value], clause: tree.With
    ) -> Plan | None:
        """Groups with a condition on them, and RETURN above: one plan, if it needs no rows again.

        RETURN reads what a group has: its keys, what is in twins that are keys, its aggregates.
        """
        if self.query.result.distinct:
            return None
        stage = made.over(columns)
        result = Projection(self.query.result, stage, explain=self.query.explain)
        if any(calls_aggregate(column.value) for column in self.query.result.columns):
            return None
        stage.conditions.aggregates = False
        where = None if clause.where is None else by_columns(clause.where, clause.projection)
        having = stage.conditions.where(where)
        plan = result.plan_of_groups(list(columns.values()), having)
        if plan is not None:
            self.returned = self._entities(result.columns())
        return plan


def _are_small(columns: dict[str, Value]) -> bool:
    return sum(_size(value) for value in columns.values()) <= _MOST_INLINE


def _size(value: Value | Condition) -> int:
    """How many nodes a value has."""
    return 1 + sum(_size(part) for part in parts_of(value))
