"""Where a walk through a graph begins, and in which order it takes the hops.

What the engine reads first decides what a query costs, and the same way through is the order of its
rows: an engine that walks along its indexes finds them in it without sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.query.plan import And, Compare, Const, Field, In, OfModel
from kastor.query.references import bound_apart, sources_of

if TYPE_CHECKING:
    from kastor.query.plan import Condition, Graph

STORED = frozenset({"twin", "relationship", "model"})
"""Kinds of sources that have a table."""
_OUTER, _ID, _IDS, _EQUAL, _TEST, _MODEL, _NOTHING = range(7)
"""How good a start a node is, the best first: a value is rarer than a model."""


@dataclass(frozen=True, slots=True)
class Step:
    """A hop on the way from a start; `forward` if it is walked from its left end."""

    hop: int
    forward: bool


def itinerary(graph: Graph, where: Condition) -> list[tuple[int, tuple[Step, ...]]]:
    """Per connected part of the graph: the most selective node, and the hops outward from it."""
    left = [number for number, hop in enumerate(graph.hops) if not hop.optional]
    known = known_beforehand(graph)
    reached = set(known)
    found = []
    for node in sorted(known):
        steps = _outward(node, graph, left, reached)
        if steps:
            found.append((node, steps))
    for node in sorted(_starts(graph), key=lambda node: (_rank(node, graph, where), node)):
        if node not in reached:
            steps = _outward(node, graph, left, reached)
            found.append((node, steps))
    return found


def known_beforehand(graph: Graph) -> set[int]:
    """Twins and relationships whose keys rows below or blocks hold."""
    sources = enumerate(graph.sources)
    tied = {number for number, one in sources if one.tied is not None or one.item >= 0}
    return tied | set(bound_apart(graph))


def _starts(graph: Graph) -> list[int]:
    """The nodes that a walk could begin at.

    A node of the query around is one only where a hop leads from it. What hangs on an optional hop
    alone is none: it may be missing.
    """
    if not graph.hops:
        return [
            node
            for node, source in enumerate(graph.sources)
            if not source.outer and source.kind in STORED
        ]
    inner = {end for hop in graph.hops if not hop.optional for end in (hop.left, hop.right)}
    optional = {hop.right for hop in graph.hops if hop.optional}
    return [
        node
        for node, source in enumerate(graph.sources)
        if source.kind == "twin" and node not in optional and (node in inner or not source.outer)
    ]


def _outward(start: int, graph: Graph, left: list[int], reached: set[int]) -> tuple[Step, ...]:
    """All hops that hang together with a start; moves them from `left`, and nodes to `reached`."""
    reached.add(start)
    steps = []
    while (number := _next(graph, left, reached)) is not None:
        hop = graph.hops[number]
        steps.append(Step(number, forward=hop.left in reached))
        reached.update((hop.left, hop.right))
        left.remove(number)
    return tuple(steps)


def _next(graph: Graph, left: list[int], reached: set[int]) -> int | None:
    """The first hop of the query's text that has an end in what is reached."""
    for number in left:
        if graph.hops[number].left in reached or graph.hops[number].right in reached:
            return number
    return None


def _rank(node: int, graph: Graph, where: Condition) -> int:
    """How good a node is to start from; less is better."""
    if graph.sources[node].outer:
        return _OUTER  # one twin, which the query around has found
    terms = where.terms if isinstance(where, And) else (where,)
    return min((_rank_of(term) for term in terms if sources_of(term) == {node}), default=_NOTHING)


def _rank_of(term: Condition) -> int:
    """How few twins a term about one node is likely to leave."""
    match term:
        case Compare(op="=", left=Field(name="id"), right=Const()):
            return _ID
        case In(value=Field(name="id"), negated=False):
            return _IDS
        case Compare(op="="):
            return _EQUAL
        case OfModel(negated=False):
            return _MODEL
        case _:
            return _TEST
