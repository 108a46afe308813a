"""Where a statement begins and what leads its order.

Any total order is right; one that follows the indexes in use lets the first page of a large result
stop early, without sorting it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.query.plan import And, Compare, Const, Doc, Field, In, OfModel, TextTest
from kastor.query.references import sources_of

if TYPE_CHECKING:
    from kastor.query.plan import Condition, Graph, Plan

_OUTER, _ID, _IDS, _EQUAL, _TEST, _MODEL, _NOTHING = range(7)


@dataclass(frozen=True, slots=True)
class Step:
    """A hop on the way from a start; `forward` if it is walked from its left end."""

    hop: int
    forward: bool


def itinerary(graph: Graph, where: Condition) -> list[tuple[int, tuple[Step, ...]]]:
    """Per connected part of the graph: the most selective node, and the hops outward from it."""
    inner = [hop for hop in graph.hops if not hop.optional]
    touched = {end for hop in inner for end in (hop.left, hop.right)}
    optional = {end for hop in graph.hops if hop.optional for end in (hop.right, hop.relationship)}
    nodes = [
        index
        for index, source in enumerate(graph.sources)
        if source.kind == "twin"
        and index not in optional
        and (index in touched or not source.outer)
    ]
    if not graph.hops:
        nodes = [index for index, source in enumerate(graph.sources) if not source.outer]
    bound: set[int] = set()
    todo = [number for number, hop in enumerate(graph.hops) if not hop.optional]
    found = []
    for node in sorted(nodes, key=lambda node: (_rank(node, graph, where), node)):
        if node in bound:
            continue
        bound.add(node)
        steps = []
        while True:
            reached = [n for n in todo if {graph.hops[n].left, graph.hops[n].right} & bound]
            if not reached:
                break
            hop = graph.hops[reached[0]]
            steps.append(Step(reached[0], hop.left in bound))
            bound |= {hop.left, hop.right}
            todo.remove(reached[0])
        found.append((node, tuple(steps)))
    return found


def _rank(node: int, graph: Graph, where: Condition) -> int:
    """How good a node is to start from; less is better."""
    if graph.sources[node].outer:
        return _OUTER
    best = _NOTHING
    for term in where.terms if isinstance(where, And) else (where,):
        if sources_of(term) != {node}:
            continue
        match term:
            case Compare(op="=", left=Field(name="id"), right=Const()):
                rank = _ID
            case In(value=Field(name="id"), negated=False):
                rank = _IDS
            case Compare(op="="):
                rank = _EQUAL
            case OfModel(negated=False):
                rank = _MODEL
            case _:
                rank = _TEST
        best = min(best, rank)
    return best


def _terms(plan: Plan) -> tuple[Condition, ...]:
    return plan.where.terms if isinstance(plan.where, And) else (plan.where,)


def model_order(plan: Plan) -> OfModel | None:
    """The model test that may lead the order: one that every row of source 0 passes."""
    if plan.counts or plan.order:
        return None
    for term in _terms(plan):
        if isinstance(term, OfModel) and term.source == 0 and not term.negated:
            return term
    return None


def value_order(plan: Plan, indexed: frozenset[tuple[str | int, ...]]) -> Doc | None:
    """The indexed property that may lead the order: one that every row's test pins to a kind.

    Such a test leaves no row whose value is missing, null, or of two kinds.
    """
    if not indexed or plan.counts or plan.order or plan.graph.hops:
        return None
    if plan.graph.sources[0].kind != "twin":
        return None
    for term in _terms(plan):
        match term:
            case Compare(op=op, left=Doc(steps=steps) as left, right=Const(value=value)):
                pinned = isinstance(value, int | float | str) and not isinstance(value, bool)
                if op != "!=" and pinned and steps in indexed:
                    return left
            case TextTest(name="STARTSWITH", subject=Doc(steps=steps) as subject, part=Const()):
                if not (term.ignore_case or term.negated) and steps in indexed:
                    return subject
            case _:
                pass
    return None
