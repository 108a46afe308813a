"""Judges an answer: rows as a multiset or in order, values by what is expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from .answers import Answer, FoundEdge, FoundNode, value
from .scenarios import Rows
from .values import Edge, Node, Path, Value

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
SHOWN = 200

Equal = Callable[[Value, Value], bool]


def difference(expected: Rows, answer: Answer) -> str | None:
    """Return how an answer differs from the table that has to come, None if it does not."""
    if len(answer.rows) != len(expected.rows):
        return f"{len(answer.rows)} rows instead of {len(expected.rows)}: {_shown(answer.rows)}"
    for row in answer.rows:
        if set(row) != set(expected.columns):
            return f"columns {sorted(row)} instead of {sorted(expected.columns)}"
    rows = [[value(row[column]) for column in expected.columns] for row in answer.rows]
    equal = Comparison(lists_in_order=expected.lists_in_order)
    if expected.in_order:
        pairs = zip(expected.rows, rows, strict=True)
        wrong = [row for wanted, row in pairs if not equal.row(wanted, row)]
    else:
        wrong = _unmatched(expected.rows, rows, equal.row)
    return f"not expected{' there' * expected.in_order}: {_shown(wrong)}" if wrong else None


class Comparison:
    """Whether a found value is the expected one."""

    def __init__(self, *, lists_in_order: bool = True) -> None:
        self._lists_in_order = lists_in_order

    def row(self, wanted: Sequence[Value], found: Sequence[Value]) -> bool:
        """Whether two rows are equal, cell by cell."""
        return len(wanted) == len(found) and all(map(self.equal, wanted, found))

    def equal(self, wanted: Value, found: Value) -> bool:
        """Whether two values are equal; `1` and `1.0` are, `1` and `true` are not."""
        if isinstance(wanted, Path):
            return isinstance(found, list) and self._path(wanted, found)
        if isinstance(wanted, Node):
            return isinstance(found, Node) and self._node(wanted, found)
        if isinstance(wanted, Edge):
            return isinstance(found, Edge) and self._edge(wanted, found)
        if isinstance(wanted, list):
            return isinstance(found, list) and self._list(wanted, found)
        if isinstance(wanted, dict):
            return self._map(wanted, found)
        return _scalars(wanted, found)

    def _node(self, wanted: Node, found: Node) -> bool:
        return wanted.labels == found.labels and self._map(wanted.properties, found.properties)

    def _edge(self, wanted: Edge, found: Edge) -> bool:
        return wanted.type == found.type and self._map(wanted.properties, found.properties)

    def _list(self, wanted: list[Value], found: list[Value]) -> bool:
        if self._lists_in_order or len(wanted) != len(found):
            return self.row(wanted, found)
        return not _unmatched(wanted, found, self.equal)

    def _map(self, wanted: dict[str, Value], found: Value) -> bool:
        if isinstance(found, Node | Edge):  # `properties(n)` is the document
            found = found.properties
        return (
            isinstance(found, dict)
            and wanted.keys() == found.keys()
            and all(self.equal(wanted[name], found[name]) for name in wanted)
        )

    def _path(self, wanted: Path, found: list[Value]) -> bool:
        nodes, edges = found[::2], found[1::2]
        if len(nodes) != len(wanted.nodes) or len(edges) != len(wanted.edges):
            return False
        steps = zip(edges, pairwise(nodes), wanted.forward, strict=True)
        return (
            all(map(self.equal, wanted.nodes, nodes))
            and all(map(self.equal, wanted.edges, edges))
            and all(_leads(edge, *ends, forward=forward) for edge, ends, forward in steps)
        )


def _leads(edge: Value, left: Value, right: Value, *, forward: bool) -> bool:
    if not (
        isinstance(edge, FoundEdge) and isinstance(left, FoundNode) and isinstance(right, FoundNode)
    ):
        return False
    ends = (left.id, right.id) if forward else (right.id, left.id)
    return (edge.source, edge.target) == ends


def _scalars(wanted: Value, found: Value) -> bool:
    if isinstance(wanted, float) and not math.isfinite(wanted):
        other = NOT_FINITE.get(found) if isinstance(found, str) else None
        return other is not None and (wanted == other or (wanted != wanted and other != other))  # noqa: PLR0124
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    return type(found) in (str, int, float, type(None)) and wanted == found


def _unmatched(
    wanted: Sequence[Any], found: Sequence[Any], equal: Callable[[Any, Any], bool]
) -> list[Any]:
    """Return what of `found` is nowhere in `wanted`, each of which serves once."""
    left, wrong = list(wanted), []
    for each in found:
        at = next((i for i, other in enumerate(left) if equal(other, each)), None)
        if at is None:
            wrong.append(each)
        else:
            del left[at]
    return wrong


def _shown(rows: Sequence[object]) -> str:
    return ", ".join(map(str, rows[:3]))[:SHOWN] or "none"
