"""Puts other values into a plan that was made with some of the same kinds.

The values are those of parameters and of the literals that a text's shape leaves out. Nothing in a
plan but its constants and lists depends on such a value: what does is noted while the query is
bound (`Notes.decides`), and such plans are kept for these values alone. A plan that is kept holds
the smallest values of each kind, so that it takes no room for somebody's long list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from kastor.query.forms import variable_of
from kastor.query.plan import (
    Aggregate,
    Among,
    And,
    AnyOf,
    ArrayHas,
    Block,
    Call,
    Case,
    Compare,
    Condition,
    Const,
    Each,
    Exists,
    Flag,
    Gathered,
    Graph,
    In,
    InQuery,
    IsKind,
    ListOf,
    MapOf,
    Or,
    Order,
    PartOf,
    Plan,
    Same,
    TextTest,
    Unwound,
    Value,
    Within,
)
from kastor.query.references import is_mixed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kastor.query.given import Item
    from kastor.query.plan import Scalar


SMALLEST: dict[str, Item] = {
    "null": None,
    "boolean": False,
    "number": 0,
    "string": "",
    "list": (),
    "nested": (),
    "map": (),
}


def give(plan: Plan, values: Mapping[str, Item], marked: Collection[str] = ()) -> Plan:
    """`plan` with these values; only of the `marked` ones it stays known where they came from."""
    return _Filling(values, marked).plan(plan)


def places_of(plan: Plan, values: Mapping[str, Item]) -> tuple[set[str], set[str]]:
    """Of which values the plan's statements have variables, and which they are written for.

    The two may share some. Above groups a value may be compared as one of theirs, so that only
    WHERE has variables.
    """
    filling = _Filling(values, ())
    filling.plan(plan)
    return filling.variables, filling.fixed


class _Filling:
    """Puts values in, and notes where.

    Attributes:
        variables: names of values in places that statements have variables for.
        fixed: names of those in other places.
    """

    def __init__(self, values: Mapping[str, Item], marked: Collection[str]) -> None:
        self.values = values
        self.marked = marked
        self.variables: set[str] = set()
        self.fixed: set[str] = set()
        self._varies = True

    def plan(self, plan: Plan) -> Plan:
        varies = self._varies
        graph = self.graph(plan.graph)
        where = self.condition(plan.where)
        self._varies = False
        columns = plan.columns
        if columns is not None:
            columns = tuple([replace(one, value=self.value(one.value)) for one in columns])
        filled = replace(
            plan,
            graph=graph,
            where=where,
            columns=columns,
            group=tuple([self.value(one) for one in plan.group]),
            having=self.condition(plan.having),
            order=tuple([Order(self.value(one.value), one.descending) for one in plan.order]),
        )
        self._varies = varies
        return filled

    def graph(self, graph: Graph) -> Graph:
        """The same with values in what it reads and what is matched apart."""
        if not is_mixed(graph):
            return graph
        sources = tuple(
            [
                replace(one, plans=tuple(map(self.plan, one.plans))) if one.plans else one
                for one in graph.sources
            ]
        )
        return replace(graph, sources=sources, apart=tuple(map(self._apart, graph.apart)))

    def _apart(self, one: Block | Unwound) -> Block | Unwound:
        if isinstance(one, Block):
            return replace(one, where=self.condition(one.where))
        return replace(one, value=self.value(one.value))

    def constant(self, name: str, places: set[str]) -> Const:
        places.add(name)
        return Const(cast("Scalar", self.values[name]), name if name in self.marked else None)

    def value(self, item: Value) -> Value:
        # Branches because each kind of value is rebuilt in its own way.
        match item:
            case Const(given=str() as name):
                return self.constant(name, self.fixed)
            case Call():
                return replace(item, args=tuple([self.value(arg) for arg in item.args]))
            case Aggregate() if item.argument is not None:
                return replace(item, argument=self.value(item.argument))
            case Flag():
                return Flag(self.condition(item.true), self.condition(item.false))
            case ListOf():
                return ListOf(tuple([self.value(one) for one in item.items]))
            case MapOf():
                return MapOf(tuple([(key, self.value(one)) for key, one in item.entries]))
            case Each():
                where, one = self.condition(item.where), self.value(item.item)
                return Each(self.value(item.array), item.element, where, one)
            case Gathered():
                where, one = self.condition(item.where), self.value(item.item)
                return replace(item, where=where, item=one)
            case PartOf():
                return PartOf(self.value(item.base), item.steps)
            case Case():
                branches = [(self.condition(test), self.value(one)) for test, one in item.branches]
                return Case(tuple(branches), self.value(item.otherwise))
            case _:
                return item

    def condition(self, item: Condition) -> Condition:
        # Branches because each kind of condition is rebuilt in its own way.
        match item:
            case And() | Or():
                return replace(item, terms=tuple([self.condition(term) for term in item.terms]))
            case Compare():
                return self._compare(item)
            case In():
                return self._in(item)
            case InQuery():
                return replace(item, value=self.value(item.value), plan=self.plan(item.plan))
            case IsKind():
                return replace(item, value=self.value(item.value))
            case TextTest():
                return replace(item, subject=self.value(item.subject), part=self.value(item.part))
            case Same():
                return replace(item, left=self.value(item.left), right=self.value(item.right))
            case AnyOf():
                true, false = self.condition(item.true), self.condition(item.false)
                return replace(item, array=self.value(item.array), true=true, false=false)
            case ArrayHas() | Among():
                return replace(item, array=self.value(item.array), value=self.value(item.value))
            case Within():
                return replace(item, point=self.value(item.point), area=self.value(item.area))
            case Exists():
                return replace(item, where=self.condition(item.where))
            case _:
                return item

    def _compare(self, item: Compare) -> Compare:
        variable = variable_of(item) if self._varies else None
        if variable is None or variable.given is None:
            return Compare(item.op, self.value(item.left), self.value(item.right))
        right = self.constant(variable.given, self.variables)
        return Compare(item.op, self.value(item.left), right)

    def _in(self, item: In) -> In:
        value, values, names = self.value(item.value), item.values, item.given
        if isinstance(names, str):
            self.fixed.add(names)
            values = cast("tuple[Scalar, ...]", self.values[names])
            return In(value, values, item.negated, names if names in self.marked else None)
        if names is None:
            return In(value, values, item.negated)
        self.fixed.update(name for name in names if name is not None)
        values = tuple(
            [
                one if name is None else cast("Scalar", self.values[name])
                for one, name in zip(values, names, strict=True)
            ]
        )
        kept = tuple([name if name in self.marked else None for name in names])
        return In(value, values, item.negated, kept if any(kept) else None)
