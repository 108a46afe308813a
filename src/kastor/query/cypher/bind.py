"""A whole query to its plan: MATCH, WHERE, then RETURN with its groups, order and window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from kastor.lang.cypher import tree
from kastor.query.cypher.conditions import CypherConditions, is_deep
from kastor.query.cypher.names import CypherScope
from kastor.query.cypher.patterns import PatternBinder, is_models
from kastor.query.passes.folding import fold
from kastor.query.passes.substitution import substitute
from kastor.query.plan import (
    Aggregate,
    And,
    Call,
    Column,
    Doc,
    Field,
    Graph,
    Order,
    Plan,
    Truth,
    Undefined,
    Value,
    Walked,
)
from kastor.query.references import aggregates_of, has_walks, parts_of, sources_of

if TYPE_CHECKING:
    from kastor.query.models import ModelIndex
    from kastor.query.notes import Notes
    from kastor.query.plan import Condition
    from kastor.query.settings import QuerySettings

_PLAIN = (Doc, Field, Aggregate)
_MOST_ROWS = 10**18


def bind_cypher(
    query: tree.Query,
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
    if not query.matches:
        names.fail("a query without MATCH has nothing to read here", query.span[0])
    conditions = CypherConditions(names)
    patterns = PatternBinder(names, conditions.equal)
    terms: list[Condition] = []
    if is_models(query.matches):
        patterns.models(query.matches[0].patterns[0].nodes[0])
        terms.append(conditions.where(query.matches[0].where))
    else:
        for group, match in enumerate(query.matches):
            patterns.add(match.patterns, group)
            terms.append(conditions.where(match.where))
    graph = Graph(tuple(names.sources), tuple(patterns.hops))
    where = fold(And((*names.where(), *terms)))
    return _Returned(query, conditions, graph, where).plan()


class _Returned:
    """RETURN of one query."""

    def __init__(
        self, query: tree.Query, conditions: CypherConditions, graph: Graph, where: Condition
    ) -> None:
        self.query = query
        self.conditions = conditions
        self.names = conditions.names
        self.graph = graph
        self.where = where

    def plan(self) -> Plan:
        """The plan with everything behind WHERE."""
        query = self.query
        with self.names.notes.apart():
            columns = self._columns()
            aggregated = bool(aggregates_of(*(column.value for column in columns)))
            grouped = aggregated or query.distinct
            order = self._order(columns, grouped=grouped)
        top, offset = self._count(query.limit), self._count(query.skip) or 0
        plain = not (order or offset or top is not None)
        values = [column.value for column in columns]
        counts = values == [Aggregate("COUNT")] and plain
        group: tuple[Value, ...] = ()
        if grouped and not counts:
            group = self._group(values, [term.value for term in order])
        return Plan(
            self.graph,
            self.where,
            columns,
            grouped=grouped and not counts,
            group=group,
            order=order,
            top=top,
            offset=offset,
            counts=counts,
            explain=query.explain,
            nulls=True,
        )

    def _columns(self) -> tuple[Column, ...]:
        found: dict[str, Value] = {}
        names = self.names
        if self.query.star:
            found |= {name: Doc(number) for name, number in names.names.items()}
            found |= {name: Walked(hop) for name, hop in names.walks.items()}
            if not found:
                names.fail("RETURN * needs a name in a pattern", self.query.span[0])
        for column in self.query.columns:
            key = column.alias.text if column.alias is not None else column.text
            if key in found:
                told = f"two columns are called '{key[:100]}'; name one with AS"
                names.fail(told, column.span[0])
            self.conditions.aggregates = True
            found[key] = self.conditions.value(column.value)
        self.conditions.aggregates = False
        for value in found.values():
            if not isinstance(value, Walked) and has_walks(value):
                names.fail("the variable of a range can only be a column", self.query.span[0])
        return tuple(Column(key, value) for key, value in found.items())

    def _order(self, columns: tuple[Column, ...], *, grouped: bool) -> tuple[Order, ...]:
        """ORDER BY: a column as it is written or called, or a value of what is in reach."""
        self.names.columns = {column.key: column.value for column in columns}
        written = {column.value: column for column in self.query.columns}
        order = []
        for term in self.query.order:
            again = written.get(term.value)
            if again is not None:
                key = again.alias.text if again.alias is not None else again.text
                value = self.names.columns[key]
            else:
                self.conditions.aggregates = grouped
                value = self.conditions.value(term.value)
                self.conditions.aggregates = False
            value = self._sortable(value, term)
            if has_walks(value):
                self.names.fail("nothing is ordered by a list of relationships", term.span[0])
            order.append(Order(value, term.descending))
        return tuple(order)

    def _sortable(self, value: Value, term: tree.OrderTerm) -> Value:
        """The value, looked at row by row where it could be a list or a map that was made."""
        types = self.conditions.types(value)
        deep = types & {"array", "object"}
        if self.names.source_of(value) is not None or not (deep or "?" in types):
            return value
        if types <= {"array", "object"}:
            self.names.fail("lists and maps have no order here; order by something in them",
                            term.span[0])  # fmt: skip
        return Call("SCALAR", (value,), "any") if deep or is_deep(value) else value

    def _group(self, values: list[Value], order: list[Value]) -> tuple[Value, ...]:
        """What rows are grouped by: the columns without an aggregate, as written.

        What is in a twin or a relationship that is one of them belongs to its group.
        """
        if has_walks(*values):
            self.names.fail(
                "lists of relationships are not grouped; leave out the aggregate or DISTINCT",
                self.query.span[0],
            )
        keys = [value for value in values if not aggregates_of(value)]
        whole = {one.source for one in keys if isinstance(one, Doc) and not one.steps}
        inside = [one for value in (*values, *order) for one in _parts_in(value, whole)]
        group = tuple(dict.fromkeys([*keys, *inside]))
        known: dict[Value, Value] = dict.fromkeys(group, Undefined())
        known |= dict.fromkeys(aggregates_of(*values, *order), Undefined())
        if self.query.distinct and set(aggregates_of(*order)) - set(aggregates_of(*values)):
            self._outside()
        # Beside an aggregate a column may stand, or what is in one, but no expression again.
        plain: dict[Value, Value] = {
            key: one for key, one in known.items() if isinstance(key, _PLAIN)
        }
        for value in (*values, *order):
            if sources_of(substitute(value, plain if aggregates_of(value) else known)):
                self._outside()
        return group

    def _outside(self) -> NoReturn:
        self.names.fail(
            "a value is neither a column nor inside an aggregate; above DISTINCT and aggregates "
            "nothing else is left of the rows",
            self.query.span[0],
        )

    def _count(self, number: int | tree.Parameter | None) -> int | None:
        """A number of rows, which decides the plan."""
        if not isinstance(number, tree.Parameter):
            return number
        self.names.notes.decides.add(number.name)
        value = self.names.given(number.name, number.span[0], "number")
        if not isinstance(value, int) or not 0 <= value < _MOST_ROWS:
            self.names.fail(f"${number.name} cannot be the number of rows", number.span[0])
        return value


def _parts_in(value: Value | Condition, sources: set[int]) -> list[Value]:
    """The values in `value` that are read from these sources, outside aggregates."""
    if isinstance(value, Doc | Field):
        return [value] if value.source in sources else []
    if isinstance(value, Aggregate | Truth):
        return []
    return [one for part in parts_of(value) for one in _parts_in(part, sources)]
