"""FROM, JOIN and MATCH to the sources and hops of a plan (query-language 9 and 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import Graph, Hop, Source

if TYPE_CHECKING:
    from kastor.lang import ast
    from kastor.query.scope import Scope

_KINDS = {"DIGITALTWINS": "twin", "RELATIONSHIPS": "relationship", "MODELS": "model"}


def bind_from(source: ast.From, scope: Scope) -> Graph:
    """The graph of a whole query; `scope` learns its names.

    Raises:
        QueryError: a name unknown or declared twice, a limit exceeded, clauses that exclude
            each other.
    """
    kind = _KINDS[source.collection]
    if source.joins and source.patterns:
        scope.fail("JOIN and MATCH cannot stand in one query", source.patterns[0].span[0])
    if kind != "twin" and (source.joins or source.patterns):
        clause = source.joins[0] if source.joins else source.patterns[0]
        scope.fail(f"FROM {source.collection} takes neither JOIN nor MATCH", clause.span[0])
    if source.patterns:
        return bind_patterns(source.patterns, scope)
    alias = source.alias.text if source.alias is not None else None
    first = scope.add(Source(kind, alias), source.alias)
    if not source.joins:
        scope.default = first
        return Graph(tuple(scope.sources))
    return Graph(_joined(source.joins, scope), _join_hops(source.joins, scope))


def _joined(joins: tuple[ast.Join, ...], scope: Scope) -> tuple[Source, ...]:
    """Declares two sources per JOIN, the target and its relationship."""
    limit = scope.settings.max_joins
    if len(joins) > limit:
        scope.fail(f"more than {limit} JOINs (limit max_joins)", joins[limit].span[0])
    for join in joins:
        scope.require(join.source)
        scope.add(Source("twin", join.target.text, optional=join.left), join.target)
        alias = join.alias.text if join.alias is not None else None
        index = scope.add(Source("relationship", alias, optional=join.left), join.alias)
        name = join.relationship.text
        scope.notes.relationships.add(name)
        if join.alias is None:  # an old example uses the relationship's name as an alias
            scope.joined[name] = None if name in scope.joined else index
    return tuple(scope.sources)


def _join_hops(joins: tuple[ast.Join, ...], scope: Scope) -> tuple[Hop, ...]:
    hops = []
    for number, join in enumerate(joins):
        target = scope.require(join.target)
        source = scope.require(join.source)
        if scope.sources[source].kind != "twin":
            scope.fail(f"'{join.source.text}' is not a twin", join.source.span[0])
        hops.append(
            Hop(
                source, target, "->", (join.relationship.text,),
                relationship=target + 1, group=-1 - number, optional=join.left,
            )
        )  # fmt: skip
    return tuple(hops)


def bind_patterns(patterns: tuple[ast.Pattern, ...], scope: Scope) -> Graph:
    """The graph of MATCH or EXISTS; node variables that recur mean the same twin."""
    scope.patterned = True
    hops: list[Hop] = []
    for group, pattern in enumerate(patterns):
        _check_hops(pattern, scope)
        left = _node(pattern.nodes[0], scope)
        for edge, node in zip(pattern.edges, pattern.nodes[1:], strict=True):
            # Sources stand in order of appearance: SELECT * depends on it.
            low, high = _bounds(edge, scope)
            bound = low == high == 1 and not edge.shortest
            relationship = -1
            if bound:
                alias = edge.variable.text if edge.variable is not None else None
                relationship = scope.add(Source("relationship", alias), edge.variable)
            else:
                scope.count_source(edge.span[0])
            if not bound and edge.variable is not None:
                scope.add_walk(edge.variable, len(hops))
            right = _node(node, scope)
            names = tuple(dict.fromkeys(name.text for name in edge.names))
            scope.notes.relationships.update(names)
            hops.append(
                Hop(left, right, edge.direction, names, low, high, relationship, group,
                    shortest=edge.shortest,
                    named=edge.variable is not None and not bound)
            )  # fmt: skip
            left = right
    return Graph(tuple(scope.sources), tuple(hops))


def _node(node: ast.Node, scope: Scope) -> int:
    if node.name is None:
        return scope.add(Source("twin"))
    known = scope.find(node.name)
    if known is not None:
        if scope.sources[known].kind != "twin":
            scope.fail(f"'{node.name.text}' is declared twice", node.name.span[0])
        return known
    return scope.add(Source("twin", node.name.text), node.name)


def _check_hops(pattern: ast.Pattern, scope: Scope) -> None:
    limit = scope.settings.max_hops
    if len(pattern.edges) > limit:
        scope.fail(
            f"a pattern walks more than {limit} hops (limit max_hops)",
            pattern.edges[limit].span[0],
        )
    total = 0
    for edge in pattern.edges:
        total += _bounds(edge, scope)[1]
        if scope.settings.strict and total > limit:
            scope.fail(f"a pattern walks more than {limit} hops", edge.span[0])


def _bounds(edge: ast.Edge, scope: Scope) -> tuple[int, int]:
    """The fewest and the most relationships that the hop walks; fewest > most means none."""
    hops = edge.hops
    if hops is None:
        return 1, 1
    limit = scope.settings.max_hops
    high = limit if hops.high is None else hops.high
    if high > limit:
        scope.fail(f"a hop walks more than {limit} relationships (limit max_hops)", hops.span[0])
    low = hops.low or 0
    if hops.inclusive and hops.low == 0:
        scope.fail("a hop walks at least one relationship", hops.span[0])
    included = hops.exact or hops.inclusive or scope.settings.inclusive_ranges
    return (max(low, 1), high) if included else (low + 1, high)
