"""How many rows a query will have, before it is run: as the engine guesses, else by rules of thumb.

PostgreSQL tells a guess with each step of a plan, from what it has counted of the tables. SQLite
tells none; there the shares are those that optimizers have taken for conditions of which nothing
is known since System R (Selinger and others, 1979): a tenth for what equals a value, a third for
what lies in a range.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from kastor.query.plan import (
    And,
    Compare,
    Condition,
    Const,
    Exists,
    Field,
    Hop,
    In,
    InQuery,
    IsKind,
    OfModel,
    Or,
    Plan,
    TextTest,
    Truth,
)

_EQUAL, _RANGE, _TEXT, _OTHER = 0.1, 1 / 3, 0.25, 0.5
_MOST = 10**15
_STEP = re.compile(r"^\s*(?:->\s*)?(?P<name>.*?)\s+\(cost=\S+ rows=(?P<rows>\d+) ")


@dataclass(frozen=True, slots=True)
class GraphSize:
    """What a graph holds: numbers of twins, relationships and models."""

    twins: int
    relationships: int
    models: int


def told_by_engine(steps: Sequence[str], plan: Plan) -> int | None:
    """Return the rows that PostgreSQL guesses in its EXPLAIN; None where none are told.

    The rows of the query are those that enter its LIMIT, which a page adds.
    """
    if plan.counts:
        return 1
    told = [found for each in steps if (found := _STEP.match(each)) is not None]
    for step, below in pairwise(told):
        if step["name"].startswith("Limit"):
            return _within(plan, float(below["rows"]))
    return None


def guessed(plan: Plan, held: GraphSize) -> int:
    """Return the rows that a plan may have over a graph of this size, by rules of thumb."""
    if plan.counts or (plan.grouped and not plan.group):
        return 1
    rows = float(_sources(plan, held)) * _share(plan.where, held)
    for hop in plan.graph.hops:
        rows *= _walks(hop, held)
    if plan.grouped:
        rows = rows * _EQUAL * _share(plan.having, held)
    return _within(plan, rows)


def _within(plan: Plan, rows: float) -> int:
    whole = max(round(min(rows, _MOST)) - plan.offset, 0)
    return whole if plan.top is None else min(whole, plan.top)


def _sources(plan: Plan, held: GraphSize) -> int:
    """Return how many ways there are to bind what no hop leads to."""
    counts = {"twin": held.twins, "relationship": held.relationships, "model": held.models}
    reached = {hop.right for hop in plan.graph.hops}
    reached |= {hop.relationship for hop in plan.graph.hops}
    free = [
        counts.get(each.kind, 1)
        for number, each in enumerate(plan.graph.sources)
        if number not in reached and not each.outer
    ]
    return prod(free)


def _walks(hop: Hop, held: GraphSize) -> float:
    """Return how many walks leave a twin on average."""
    each = held.relationships / max(held.twins, 1)
    if hop.direction == "-":
        each *= 2
    if hop.names:
        each *= _RANGE
    walks, of_length = 0.0, 1.0
    for length in range(hop.high + 1):
        walks += of_length if length >= hop.low else 0.0
        of_length = min(of_length * each, _MOST)
    return max(walks, 1.0) if hop.optional else walks


def _share(condition: Condition, held: GraphSize) -> float:
    """Return which share of the rows a condition may leave."""
    # Branches because there is one for each kind of condition.
    match condition:
        case Truth(value=value):
            return float(value)
        case And(terms=terms):
            return prod(_share(each, held) for each in terms)
        case Or(terms=terms):
            return min(sum(_share(each, held) for each in terms), 1.0)
        case Compare(op="=", left=Field(name="id"), right=Const()):
            return 1 / max(held.twins, 1)
        case Compare(op=op):
            return {"=": _EQUAL, "!=": 1 - _EQUAL}.get(op, _RANGE)
        case In(value=Field(name="id"), values=values, negated=False):
            return min(len(values) / max(held.twins, 1), 1.0)
        case In(values=values):
            share = min(len(values) * _EQUAL, 1.0)
        case OfModel(keys=keys):
            share = min(len(keys) / max(held.models, 1), 1.0)
        case TextTest():
            share = _TEXT
        case IsKind() | Exists() | InQuery():
            share = _OTHER
        case _:
            share = _EQUAL
    return 1 - share if getattr(condition, "negated", False) else share
