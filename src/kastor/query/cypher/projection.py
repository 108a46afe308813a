"""What stands behind RETURN or WITH, to a plan: columns, groups, order, window."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, cast

from kastor.lang.cypher import tree
from kastor.query.cypher.conditions import is_deep
from kastor.query.cypher.functions import AGGREGATES
from kastor.query.cypher.stage import Stage
from kastor.query.cypher.values import function_of
from kastor.query.passes.substitution import substitute
from kastor.query.plan import (
    Aggregate,
    Call,
    Column,
    Doc,
    Field,
    Order,
    Plan,
    Slot,
    Trail,
    Truth,
    Undefined,
    Value,
    Walked,
)
from kastor.query.references import aggregates_of, has_queries, parts_of, sources_of

if TYPE_CHECKING:
    from kastor.query.plan import Condition

_PLAIN = (Doc, Field, Aggregate, Slot)
_MOST_ROWS = 10**18
_ROUNDINGS: dict[str, Callable[[float], float]] = {
    "tointeger": int,
    "ceil": lambda number: float(math.ceil(number)),
    "floor": lambda number: float(math.floor(number)),
}
"""What a number of rows may be made of, beside sums."""


class Projection:
    """Binds one projection over a stage.

    Args:
        below: other clauses go on from its rows, so columns need names.
        counts: a count of all rows may be a plan that does nothing else.
    """

    def __init__(
        self,
        made: tree.Projection,
        stage: Stage,
        *,
        explain: bool = False,
        below: bool = False,
        counts: bool = True,
    ) -> None:
        self.made = made
        self.stage = stage
        self.conditions = stage.conditions
        self.names = stage.names
        self.explain = explain
        self.below = below
        self.counts = counts and not below
        self._bound: dict[str, Value] | None = None

    def columns(self) -> dict[str, Value]:
        """The columns by name."""
        if self._bound is None:
            with self.names.notes.apart():
                self._bound = self._columns()
        return self._bound

    def plan(self) -> Plan:
        """The plan with everything behind what the clauses before it bound."""
        values = list(self.columns().values())
        aggregated = bool(aggregates_of(*values))
        grouped = aggregated or self.made.distinct
        order = self._order(grouped=grouped)
        top, offset = self._count(self.made.limit), self._count(self.made.skip) or 0
        plain = not (order or offset or top is not None)
        counts = self.counts and plain and values == [Aggregate("COUNT")]
        group: tuple[Value, ...] = ()
        if grouped and not counts:
            group = self._group(values, [term.value for term in order])
        return Plan(
            self.stage.graph,
            self.stage.condition,
            self._listed(),
            grouped=grouped and not counts,
            group=group,
            order=order,
            top=top,
            offset=offset,
            counts=counts,
            explain=self.explain,
            nulls=True,
        )

    def over(self, columns: dict[str, Value]) -> Stage:
        """A stage in which names stand for these columns, over the same rows."""
        names = self.names.fresh()
        names.sources = self.names.sources
        names.found, names.never = self.names.found, self.names.never
        names.rename(columns, self.names.ends)
        stage = Stage(names)
        stage.patterns.hops = self.stage.patterns.hops
        stage.apart, stage.terms = self.stage.apart, self.stage.terms
        return stage

    def plan_of_groups(self, values: list[Value], having: Condition) -> Plan | None:
        """The plan of groups with these columns below, and this projection above them.

        None where it reads more of the rows than the groups have.
        """
        shown = list(self.columns().values())
        order = self._order(grouped=False)
        above = [*shown, *(term.value for term in order)]
        if has_queries(having, *above):
            return None
        group = self._keys(values, [*above, having])
        known: dict[Value, Value] = dict.fromkeys(group, Undefined())
        known |= dict.fromkeys(aggregates_of(*values), Undefined())
        if any(sources_of(substitute(one, known)) for one in (*above, having)):
            return None
        self._check_groups(values, group)
        return Plan(
            self.stage.graph,
            self.stage.condition,
            self._listed(),
            grouped=True,
            group=group,
            having=having,
            order=order,
            top=self._count(self.made.limit),
            offset=self._count(self.made.skip) or 0,
            explain=self.explain,
            nulls=True,
        )

    # Columns

    def _listed(self) -> tuple[Column, ...]:
        return tuple(Column(key, value) for key, value in self.columns().items())

    def _columns(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        names = self.names
        if self.made.star:
            found |= {name: Doc(number) for name, number in names.names.items()}
            found |= {name: Walked(hop) for name, hop in names.walks.items()}
            found |= names.bound
            if not found and not self.below:
                names.fail("RETURN * needs a name in a pattern", self.made.span[0])
        for column in self.made.columns:
            key = self._name(column)
            if key in found:
                told = f"two columns are called '{key[:100]}'; name one with AS"
                names.fail(told, column.span[0])
            self.conditions.aggregates = True
            found[key] = self.conditions.value(column.value)
        self.conditions.aggregates = False
        return found

    def _name(self, column: tree.Column) -> str:
        if column.alias is not None:
            return column.alias.text
        if not self.below:
            return column.text
        if not isinstance(column.value, tree.Variable):
            self.names.fail("a column of WITH needs a name: write AS behind it", column.span[0])
        return column.value.name

    # Order

    def _order(self, *, grouped: bool) -> tuple[Order, ...]:
        """ORDER BY: a column as it is written or called, or a value of what is in reach."""
        columns = self.columns()
        self.names.columns = columns
        written = {column.value: column for column in self.made.columns}
        order = []
        with self.names.notes.apart():
            for term in self.made.order:
                again = written.get(term.value)
                if again is not None:
                    value = columns[self._name(again)]
                else:
                    self.conditions.aggregates = grouped
                    node = by_columns(term.value, self.made) if grouped else term.value
                    value = self.conditions.value(node)
                    self.conditions.aggregates = False
                order.append(Order(self._sortable(value, term), term.descending))
        self.names.columns = {}
        return tuple(order)

    def _sortable(self, value: Value, term: tree.OrderTerm) -> Value:
        """The value, or a text that sorts as it where it could be a list."""
        types = self.conditions.types(value)
        deep = types & {"array", "object"}
        if self.names.source_of(value) is not None or not (deep or "?" in types):
            return value
        if types == {"object"} or isinstance(value, Trail) or value in self.names.trails:
            told = "maps and paths have no order here; order by something in them"
            self.names.fail(told, term.span[0])
        return Call("SORT_KEY", (value,), "string") if deep or is_deep(value) else value

    # Groups

    def _group(self, values: list[Value], order: list[Value]) -> tuple[Value, ...]:
        """What rows are grouped by: the columns without an aggregate, as written."""
        group = self._keys(values, order)
        if self.made.distinct and set(aggregates_of(*order)) - set(aggregates_of(*values)):
            self._outside()
        self._check_groups([*values, *order], group)
        return group

    def _keys(
        self, values: list[Value], above: list[Value] | list[Value | Condition]
    ) -> tuple[Value, ...]:
        """What is in a twin or a relationship that is a key belongs to its group."""
        keys = [value for value in values if not aggregates_of(value)]
        whole = {one.source for one in keys if isinstance(one, Doc) and not one.steps}
        inside = [one for value in (*values, *above) for one in _parts_in(value, whole)]
        return tuple(dict.fromkeys([*keys, *inside]))

    def _check_groups(self, values: list[Value], group: tuple[Value, ...]) -> None:
        known: dict[Value, Value] = dict.fromkeys(group, Undefined())
        known |= dict.fromkeys(aggregates_of(*values), Undefined())
        # Beside an aggregate a column may stand, or what is in one, but no expression again.
        plain: dict[Value, Value] = {
            key: one for key, one in known.items() if isinstance(key, _PLAIN)
        }
        for value in values:
            if sources_of(substitute(value, plain if aggregates_of(value) else known)):
                self._outside()

    def _outside(self) -> NoReturn:
        self.names.fail(
            "a value is neither a column nor inside an aggregate; above DISTINCT and aggregates "
            "nothing else is left of the rows",
            self.made.span[0],
        )

    # Window

    def _count(self, node: tree.Expression | None) -> int | None:
        """A number of rows, which decides the plan."""
        if node is None:
            return None
        number = self._constant(node)
        if type(number) is not int or not 0 <= number < _MOST_ROWS:
            self.names.fail("a number of rows is an integer that is not negative", node.span[0])
        return number

    def _constant(self, node: tree.Expression) -> object:
        """What an expression of literals and parameters gives."""
        match node:
            case tree.Literal():
                return node.value
            case tree.Parameter():
                self.names.notes.decides.add(node.name)
                return self.names.given(node.name, node.span[0], "number")
            case tree.Arithmetic(op="+" | "-" | "*" as op):
                left, right = self._constant(node.left), self._constant(node.right)
                if type(left) is int and type(right) is int:
                    return {"+": left + right, "-": left - right, "*": left * right}[op]
            case tree.Call(args=(argument,)) if function_of(node) in _ROUNDINGS:
                number = self._constant(argument)
                if isinstance(number, int | float):
                    return _ROUNDINGS[function_of(node)](number)
        told = "a number of rows is a literal, a parameter, or a sum of these"
        return self.names.fail(told, node.span[0])


def calls_aggregate(node: object) -> bool:
    """Whether an expression has an aggregate in it."""
    if isinstance(node, tree.Call) and function_of(node) in AGGREGATES:
        return True
    if isinstance(node, tuple):
        return any(map(calls_aggregate, node))
    if not dataclasses.is_dataclass(node):
        return False
    return any(calls_aggregate(getattr(node, one.name)) for one in dataclasses.fields(node))


def by_columns(node: tree.Expression, made: tree.Projection) -> tree.Expression:
    """A condition or an order behind columns, with these where it repeats what they are made of."""
    renamed = {
        column.alias.text
        for column in made.columns
        if column.alias is not None and column.value != tree.Variable(column.alias.text)
    }
    known = {
        column.value: tree.Variable(column.alias.text)
        for column in made.columns
        if column.alias is not None and not _names_in(column.value) & renamed
    }
    return cast("tree.Expression", _replaced(node, known))


def _names_in(node: object) -> set[str]:
    if isinstance(node, tree.Variable):
        return {node.name}
    if isinstance(node, tuple):
        return set[str]().union(*map(_names_in, node))
    if not dataclasses.is_dataclass(node):
        return set()
    fields = dataclasses.fields(node)
    return set[str]().union(*(_names_in(getattr(node, one.name)) for one in fields))


def _replaced(node: object, known: dict[tree.Expression, tree.Variable]) -> object:
    if isinstance(node, tuple):
        return tuple([_replaced(one, known) for one in node])
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    found = known.get(cast("tree.Expression", node))
    if found is not None:
        return found
    members = {one.name: getattr(node, one.name) for one in dataclasses.fields(node)}
    return dataclasses.replace(node, **{key: _replaced(one, known) for key, one in members.items()})


def _parts_in(value: Value | Condition, sources: set[int]) -> list[Value]:
    """The values in `value` that are read from these sources, outside aggregates."""
    if isinstance(value, Doc | Field):
        return [value] if value.source in sources else []
    if isinstance(value, Aggregate | Truth):
        return []
    return [one for part in parts_of(value) for one in _parts_in(part, sources)]
