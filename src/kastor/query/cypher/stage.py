"""What a query has bound since its last WITH: names, sources, hops, and what is matched apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kastor.lang.cypher import tree
from kastor.query.cypher.conditions import CypherConditions
from kastor.query.cypher.patterns import PatternBinder
from kastor.query.cypher.types import elements_of
from kastor.query.cypher.values import ARRAY, is_null
from kastor.query.passes.folding import fold
from kastor.query.plan import (
    And,
    Block,
    Graph,
    Slot,
    Source,
    Trail,
    Undefined,
    Unwound,
    Walked,
)

if TYPE_CHECKING:
    from kastor.query.cypher.names import CypherScope
    from kastor.query.plan import Condition, Plan, Value

STORED = frozenset({"twin", "relationship"})
_MOST_EITHER = 4
"""Relationships without an arrow that are unrolled beside what is matched apart."""


class Stage:
    """Binds clauses into one scope.

    Attributes:
        apart: what is matched apart, in order.
        terms: what must hold of every row.
    """

    def __init__(self, names: CypherScope) -> None:
        self.names = names
        self.conditions = CypherConditions(names)
        self.patterns = PatternBinder(names, self.conditions.equal)
        self.apart: list[Block | Unwound] = []
        self.terms: list[Condition] = []
        self.matches = 0

    @property
    def graph(self) -> Graph:
        """All that is bound."""
        return Graph(tuple(self.names.sources), tuple(self.patterns.hops), tuple(self.apart))

    @property
    def condition(self) -> Condition:
        """All that must hold."""
        return fold(And((*self.names.where(), *self.terms)))

    def go_on(
        self,
        plans: tuple[Plan, ...],
        entities: dict[int, Source | None],
        before: CypherScope | None = None,
    ) -> None:
        """Begins with the rows of plans with equal columns.

        `entities` says which of their columns are twins or relationships.
        """
        names = self.names
        names.sources.append(Source("rows", plans=plans))
        for number, column in enumerate(plans[0].columns or ()):
            entity = entities.get(number)
            if entity is None:
                types = frozenset[str]().union(*(self._types(plan, number) for plan in plans))
                slot = names.bound[column.key] = Slot(number, 0, types)
                if len(plans) == 1:
                    self._know(slot, column.value, before)
                continue
            names.count_source()
            names.names[column.key] = len(names.sources)
            names.sources.append(Source(entity.kind, column.key, entity.optional, tied=(0, number)))

    def _know(self, slot: Slot, value: Value, before: CypherScope | None) -> None:
        """What is known of a column whose value was bound before."""
        if isinstance(value, Trail) or (before is not None and value in before.trails):
            self.names.trails.add(slot)
        kind = None if before is None else before.kind_of_items(value)
        if kind is not None:
            self.names.listed[slot] = kind

    def _types(self, plan: Plan, number: int) -> frozenset[str]:
        value = (plan.columns or ())[number].value
        return frozenset() if is_null(value) else self.conditions.types(value) or frozenset("?")

    # Clauses

    def match(self, clause: tree.Match, *, last: bool = False) -> None:
        """``MATCH``, or ``OPTIONAL MATCH``; `last` if no other one needs what this one binds."""
        group, self.matches = self.matches, self.matches + 1
        if clause.optional:
            if not (last and self._may_be_joined() and self.patterns.join(clause, group)):
                self._block(clause, optional=True)
        elif self._is_plain(clause):
            self.patterns.add(clause.patterns, group)
            self.terms.append(self.conditions.where(clause.where))
        else:
            self._block(clause, optional=False)

    def models(self, clause: tree.Match) -> None:
        """``MATCH (m:Model)``, which is a collection of its own."""
        self.patterns.models(clause.patterns[0].nodes[0])
        self.terms.append(self.conditions.where(clause.where))

    def unwind(self, clause: tree.Unwind) -> None:
        """``UNWIND list AS name``."""
        names = self.names
        with names.notes.apart():
            value = self.conditions.value(clause.value)
        names.claim(clause.name)
        number = len(names.sources)
        names.count_source(clause.span[0])
        names.sources.append(Source("items", clause.name.text))
        if is_null(value):
            names.never = True
            value = Undefined()
        else:
            value = self.conditions.require(value, ARRAY, "UNWIND", clause.value)
        kind = names.kind_of_items(value)
        if kind is not None:
            names.names[clause.name.text] = len(names.sources)
            names.sources.append(Source(kind, clause.name.text, optional=True, item=number))
        else:
            types = elements_of(value, names.models)
            names.bound[clause.name.text] = Slot(0, number, types)
        self.apart.append(Unwound(number, value, len(self.patterns.hops)))

    def _may_be_joined(self) -> bool:
        """Whether a single hop that may be missing can stand behind the others, as LEFT JOIN."""
        hops = self.patterns.hops
        mixed = self.apart or any(one.kind not in STORED for one in self.names.sources)
        either = sum(hop.direction == "-" for hop in hops)
        single = all(hop.relationship >= 0 for hop in hops)
        return not mixed and single and either <= _MOST_EITHER

    def _is_plain(self, clause: tree.Match) -> bool:
        """Whether the clause's hops may stand beside those that there are.

        Beside rows and what is matched apart only single relationships do: what is walked, or has
        many branches, is matched for each row.
        """
        edges = [edge for pattern in clause.patterns for edge in pattern.edges]
        if not edges or not (self.apart or any(one.plans for one in self.names.sources)):
            return True
        single = all(edge.range is None for edge in edges)
        hops = self.patterns.hops
        either = sum(hop.direction == "-" for hop in hops)
        either += sum(edge.direction == "-" for edge in edges)
        return single and either <= _MOST_EITHER and all(hop.relationship >= 0 for hop in hops)

    def _block(self, clause: tree.Match, *, optional: bool) -> None:
        """What is matched for each row of what stands before it."""
        names = self.names
        inner = names.within()
        known = len(inner.sources)
        conditions = CypherConditions(inner)
        patterns = PatternBinder(inner, conditions.equal)
        patterns.add(clause.patterns, 0)
        terms = [*inner.where(), conditions.where(clause.where)]
        graph = Graph(tuple(inner.sources), tuple(patterns.hops))
        number = len(self.apart)
        if len(inner.sources) == known and not patterns.hops:
            if inner.paths:
                told = "a path of a MATCH of this kind begins with something new"
                names.fail(told, clause.span[0])
            return  # the row stays, whatever holds of what is bound already
        for source in inner.sources[known:]:
            names.count_source(clause.span[0])
            names.sources.append(replace(source, optional=optional))
        for name, index in inner.names.items():
            names.names.setdefault(name, index)
        for name, hop in inner.walks.items():
            if name not in names.walks:
                names.bound[name] = Walked(hop, number)
        for name, path in inner.paths.items():
            numbered = tuple(
                [replace(one, apart=number) if isinstance(one, Walked) else one
                 for one in path.parts]
            )  # fmt: skip
            names.bound[name] = names.paths[name] = Trail(numbered)
        names.ends |= inner.ends
        self.apart.append(Block(graph, fold(And(tuple(terms))), optional, len(self.patterns.hops)))
