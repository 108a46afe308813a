"""Distances in openCypher.

``cosine_distance(t.property, $v [, 'index'])``, ``cosine_distance(t, 'index', $v)`` and their like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.lang.cypher import tree
from kastor.query.cypher.functions import DISTANCES, PREFIX
from kastor.query.distances import AskedDistance, bind_distance

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.cypher.names import CypherScope
    from kastor.query.given import Item
    from kastor.query.plan import Value


def distance(
    node: tree.Call, names: CypherScope, value: Callable[[tree.Expression], Value]
) -> Value:
    """The value of a distance.

    Raises:
        QueryError: it is none of these forms, or what it names is not there.
    """
    at = node.span[0]
    vectors = [one for one in node.args[1:] if isinstance(one, tree.Parameter | tree.ListOf)]
    texts = [one for one in node.args[1:] if isinstance(one, tree.Literal)]
    if len(vectors) != 1 or len(texts) > 1 or len(node.args) != 1 + len(vectors) + len(texts):
        names.fail(f"write {node.name}(t.property, $v) or {node.name}(t, 'index', $v)", at)
    index: str | None = None
    if texts:
        index = str(texts[0].value)
        known = names.notes.literals.get(texts[0].span[0])
        if known is not None:
            names.notes.decides.add(known)
    kind = DISTANCES[node.name.lower().removeprefix(PREFIX)]
    vector, parameter = _vector(vectors[0], names)
    asked = AskedDistance(kind, value(node.args[0]), index, parameter, vector, at)
    return bind_distance(asked, names)


def _vector(node: tree.Parameter | tree.ListOf, names: CypherScope) -> tuple[Item, str | None]:
    """What is given, and the parameter that gives it."""
    if isinstance(node, tree.Parameter):
        return names.given(node.name, node.span[0], "list"), node.name
    found: list[str | int | float | bool | None] = []
    for item in node.items:
        sign, number = 1, item
        while isinstance(number, tree.Negative):
            sign, number = -sign, number.operand
        value = number.value if isinstance(number, tree.Literal) else None
        if value is None or isinstance(value, bool | str):
            names.fail("a vector holds numbers", node.span[0])
        found.append(sign * value)
    return tuple(found), None
