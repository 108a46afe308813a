"""Queries of which each row is a whole twin or relationship, as exports need them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from kastor.errors import QueryError
from kastor.lang.ast import Name
from kastor.lang.cursor import ParseLimits
from kastor.lang.parser import parse
from kastor.lang.printer import print_name, print_query
from kastor.query.plan import Plan

Whole: TypeAlias = Literal["twin", "relationship"]

_IDENTITY = {
    "twin": ("DIGITALTWINS", ("$dtId",)),
    "relationship": ("RELATIONSHIPS", ("$sourceId", "$relationshipId")),
}
_REFUSAL = (
    "Only the result of a query of one collection, whose rows are whole twins or relationships, "
    "can be exported: SELECT * FROM DIGITALTWINS or RELATIONSHIPS, with WHERE, TOP and ORDER BY."
)


def kind_of(plan: Plan) -> Whole:
    """Return what the rows of a plan are.

    Raises:
        QueryError: they are not whole twins or relationships of one collection.
    """
    graph = plan.graph
    first = graph.sources[0].kind if len(graph.sources) == 1 and not graph.hops else None
    made = plan.columns is not None or plan.grouped or plan.counts or plan.explain or plan.nulls
    if made or first not in _IDENTITY:
        raise QueryError(_REFUSAL)
    return "twin" if first == "twin" else "relationship"


def by_identity(text: str, plan: Plan, limits: ParseLimits) -> str:
    """Return the text of the same query in order of identity, unless it says its order itself.

    Raises:
        QueryError: it has a window and no order, so what is in the window is not settled.
    """
    query = parse(text, limits)
    if query.order:
        return text
    if query.limit is not None or query.offset is not None:
        raise QueryError("LIMIT and OFFSET need ORDER BY where a result is exported.")
    collection, members = _IDENTITY[kind_of(plan)]
    alias = plan.graph.sources[0].alias
    name = "" if alias is None else print_name(Name(alias))
    terms = ", ".join(f"{name}.{each}" if name else each for each in members)
    pattern = parse(f"SELECT * FROM {collection} {name} ORDER BY {terms}", limits)
    return print_query(replace(query, order=pattern.order))
