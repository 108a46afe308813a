"""A query's tree to its plan: names resolved, models looked up, limits and restrictions checked.

Everything that is wrong with a query beyond its grammar is found here, with the spot in the text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kastor.lang import ast
from kastor.lang.errors import query_error
from kastor.query.bind_from import bind_from
from kastor.query.bind_where import Conditions
from kastor.query.passes.substitution import substitute
from kastor.query.plan import (
    Aggregate,
    And,
    Column,
    Compare,
    Condition,
    Const,
    Doc,
    Field,
    Graph,
    In,
    Or,
    Order,
    Plan,
    Truth,
    Undefined,
    Value,
    Walked,
)
from kastor.query.references import aggregates_of, has_walks, sources_of
from kastor.query.scope import Scope

if TYPE_CHECKING:
    from kastor.query.models import ModelIndex
    from kastor.query.notes import Notes
    from kastor.query.settings import QuerySettings


def bind(
    query: ast.Query,
    text: str,
    models: ModelIndex,
    settings: QuerySettings,
    notes: Notes | None = None,
) -> Plan:
    """The plan of `query`, which was parsed from `text`.

    `notes` holds the values of parameters, if there are some, and gets what is noted on the way.

    Raises:
        QueryError: an unknown or doubled name, a combination that has no meaning, a limit, or in
            strict mode an extension.
    """
    if settings.strict and query.extensions:
        feature, at = query.extensions[0]
        raise query_error(text, at, f"{feature} is an extension, and this request is strict")
    if settings.strict and query.synonyms:
        message, at = query.synonyms[0]
        raise query_error(text, at, f"{message} (this request is strict)")
    return _plan(query, Scope(text, models, settings, notes=notes))


def _plan(query: ast.Query, scope: Scope) -> Plan:
    graph = bind_from(query.source, scope)
    conditions = Conditions(scope, _subplan)
    where = conditions.where(query.where)
    _check_filter(query, graph, where, scope)
    _check_shape(query, scope)
    if any(hop.low > hop.high for hop in graph.hops):
        where = Truth(value=False)
    columns = _columns(query, graph, conditions)
    top = _least(conditions.count(query.top), conditions.count(query.limit))
    offset = conditions.count(query.offset) or 0
    plan = Plan(graph, where, columns, top=top, offset=offset, explain=query.explain)
    _check_walks(query, plan, where, scope)
    if columns is not None and [column.value for column in columns] == [Aggregate("COUNT")]:
        plan = replace(plan, counts=not query.group)
    return _ordered(query, _grouped(query, plan, conditions), conditions)


def _grouped(query: ast.Query, plan: Plan, conditions: Conditions) -> Plan:
    """GROUP BY, aggregates and DISTINCT: the rows are groups."""
    scope = conditions.scope
    columns = plan.columns or ()
    aggregated = bool(aggregates_of(*(column.value for column in columns))) and not plan.counts
    if query.distinct and (aggregated or query.group or plan.counts):
        scope.fail("DISTINCT cannot be used with COUNT() or GROUP BY", query.span[0])
    if query.distinct and plan.columns is not None:
        return replace(plan, grouped=True, group=tuple(column.value for column in columns))
    if not aggregated and not query.group:
        return plan
    if plan.columns is None:
        scope.fail("'*' cannot be used with GROUP BY", query.group[0].span[0])
    group = tuple(scope.resolve(path) for path in query.group)
    having = conditions.having(query.having)
    return replace(plan, grouped=True, group=group, having=having)


def _ordered(query: ast.Query, plan: Plan, conditions: Conditions) -> Plan:
    """ORDER BY; and above groups the check that every value is one of the group's."""
    scope = conditions.scope
    if plan.counts and (query.order or query.limit is not None or query.offset is not None):
        scope.fail("ORDER BY, LIMIT and OFFSET cannot be used with COUNT()", query.span[0])
    aliases = {column.key: column.value for column in plan.columns or ()}
    order = []
    for term in query.order:
        value = _order_value(term, aliases, conditions, aggregates=plan.grouped)
        if has_walks(value):
            scope.fail("the variable of a range can only be a column of SELECT", term.span[0])
        order.append(Order(value, term.descending))
    plan = replace(plan, order=tuple(order))
    if plan.grouped:
        _check_grouped(query, plan, scope)
    return plan


def _check_grouped(query: ast.Query, plan: Plan, scope: Scope) -> None:
    """Above groups there is nothing left of the rows but what they were grouped by."""
    values: list[Value | Condition] = [column.value for column in plan.columns or ()]
    values += [plan.having, *(order.value for order in plan.order)]
    known: dict[Value, Value] = dict.fromkeys(plan.group, Undefined())
    known |= dict.fromkeys(aggregates_of(*values), Undefined())
    if any(sources_of(substitute(value, known)) for value in values):
        scope.fail(
            "a value is neither in GROUP BY (or DISTINCT) nor inside an aggregate",
            query.group[0].span[0] if query.group else query.span[0],
        )


def _order_value(
    term: ast.OrderTerm, aliases: dict[str, Value], conditions: Conditions, *, aggregates: bool
) -> Value:
    """A column of the row by its key, or any value."""
    if isinstance(term.value, ast.Parameter) and f"${term.value.name}" in aliases:
        return aliases[f"${term.value.name}"]
    if isinstance(term.value, ast.Path) and len(term.value.steps) == 1:
        step = term.value.steps[0]
        if isinstance(step, ast.Name) and step.text in aliases:
            return aliases[step.text]
    return conditions.expression(term.value, aggregates=aggregates)


def _subplan(query: ast.Query, outer: Scope) -> Plan:
    """A query inside another one; it sees its own names only."""
    plan = _plan(query, Scope(outer.text, outer.models, outer.settings, notes=outer.notes))
    if plan.counts or plan.grouped or plan.order or plan.top is not None or plan.offset:
        outer.fail("the query inside IN takes a plain column, FROM and WHERE", query.span[0])
    if plan.columns is None or len(plan.columns) != 1:
        outer.fail("the query inside IN needs exactly one column", query.span[0])
    return plan


def _check_walks(query: ast.Query, plan: Plan, where: Condition, scope: Scope) -> None:
    """A variable of a range is an array that exists only in the row."""
    nested = [c.value for c in plan.columns or () if not isinstance(c.value, Walked)]
    aggregated = aggregates_of(*(column.value for column in plan.columns or ()))
    walks = has_walks(*(column.value for column in plan.columns or ()))
    grouped = query.distinct or query.group or aggregated
    if has_walks(where, *nested) or (walks and grouped):
        scope.fail("the variable of a range can only be a column of SELECT", query.span[0])


def _least(first: int | None, second: int | None) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)


def _check_shape(query: ast.Query, scope: Scope) -> None:
    """Restrictions that the grammar does not express (query-language 6)."""
    if query.columns is None:
        if query.source.joins:
            scope.fail("'*' cannot be used with JOIN; name the aliases", query.span[0])
        if scope.settings.strict and query.source.patterns:
            scope.fail("'*' cannot be used with MATCH; name the variables", query.span[0])
        return
    counts = [column for column in query.columns if _is_count(column)]
    if not counts:
        return
    if query.top is not None:
        scope.fail("TOP cannot be used with COUNT()", counts[0].span[0])
    if len(query.columns) > 1 and (scope.settings.strict or not _may_group(query)):
        scope.fail("COUNT() stands alone, or beside the columns of GROUP BY", counts[0].span[0])


def _is_count(column: ast.Column) -> bool:
    return isinstance(column.value, ast.Aggregate) and column.value.argument is None


def _may_group(query: ast.Query) -> bool:
    columns = query.columns or ()
    return bool(query.group) or all(isinstance(one.value, ast.Aggregate) for one in columns)


def _check_filter(query: ast.Query, graph: Graph, where: Condition, scope: Scope) -> None:
    """The cloud's cost guard: JOIN and MATCH begin at a known twin (query-language 9, 10)."""
    if not scope.settings.require_id_filter or not (query.source.joins or query.source.patterns):
        return
    if not _has_id_filter(where, graph):
        scope.fail(
            "a query with JOIN or MATCH needs an equality or IN filter on a $dtId",
            query.source.span[0],
        )


def _has_id_filter(where: Condition, graph: Graph) -> bool:
    match where:
        case And():
            return any(_has_id_filter(term, graph) for term in where.terms)
        case Or():
            return all(_has_id_filter(term, graph) for term in where.terms)
        case Compare(op="=", left=Field(name="id") as field, right=Const()):
            return graph.sources[field.source].kind == "twin"
        case In(value=Field(name="id") as field, negated=False):
            return graph.sources[field.source].kind == "twin"
        case Truth(value=False):
            return True
        case _:
            return False


def _columns(query: ast.Query, graph: Graph, conditions: Conditions) -> tuple[Column, ...] | None:
    """The members of a row, each key once (query-language 8)."""
    if query.columns is None:
        if not query.source.patterns:
            return None
        found: dict[str, Value] = {
            source.alias: Doc(index)
            for index, source in enumerate(graph.sources)
            if source.alias is not None
        }
        found |= {name: Walked(hop) for name, hop in conditions.scope.walks.items()}
        return tuple(Column(key, value) for key, value in found.items())
    found = {}
    for column in query.columns:
        value = conditions.expression(column.value, aggregates=True)
        short, *longer = _keys(column, len(found), conditions.scope)
        if short not in found:
            found[short] = value
            continue
        for key in longer:
            if found.setdefault(key, value) == value:
                break
    return tuple(Column(key, value) for key, value in found.items())


def _keys(column: ast.Column, number: int, scope: Scope) -> list[str]:
    """The key of a column, and what to take when it is taken."""
    if column.alias is not None:
        short = column.alias.text
    else:
        match column.value:
            case ast.Path():
                last = column.value.steps[-1]
                short = last.text if isinstance(last, ast.Name) else f"[{last.value}]"
            case ast.Aggregate() | ast.Call():
                short = column.value.name
            case ast.Parameter() if scope.alias_of(column.value) is not None:
                short = f"${column.value.name}"
            case _:
                short = f"${number + 1}"
    full = short
    if isinstance(column.value, ast.Path):
        full = ""
        for step in column.value.steps:
            full += f"[{step.value}]" if isinstance(step, ast.Index) else f".{step.text}"
        full = full.removeprefix(".")
    return [short, full, *(f"{full}#{again}" for again in range(2, number + 3))]
