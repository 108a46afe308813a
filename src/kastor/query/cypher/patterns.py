"""Patterns to sources and hops. Hops of one MATCH never walk the same relationship."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from kastor.lang.cypher import tree
from kastor.query.cypher.names import MODEL, CypherScope
from kastor.query.plan import Hop, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.plan import Condition, Value

    Equal = Callable[[Value, tree.Expression], Condition]


class PatternBinder:
    """Collects hops; `equal` binds a member of a pattern's map."""

    def __init__(self, names: CypherScope, equal: Equal) -> None:
        self.names = names
        self.equal = equal
        self.hops: list[Hop] = []

    def add(self, patterns: tuple[tree.Pattern, ...], group: int) -> None:
        """Binds the patterns of one clause.

        Raises:
            QueryError: a name that is taken, a range that has no end, a limit.
        """
        for pattern in patterns:
            self._pattern(pattern, group)

    def models(self, node: tree.Node) -> None:
        """Binds ``(m:Model)``, which is a collection of its own."""
        name = node.name
        source = self.names.add(Source("model", None if name is None else name.text), name)
        self._demand(source, node.labels, node.members)

    def _pattern(self, pattern: tree.Pattern, group: int) -> None:
        limit = self.names.settings.max_hops
        left = self._node(pattern.nodes[0])
        walked = 0
        for edge, node in zip(pattern.edges, pattern.nodes[1:], strict=True):
            # Sources stand in order of appearance, as in the other language.
            hop = self._edge(edge, left, group)
            walked += max(hop.low, 1)
            if walked > limit:
                self._fail(f"a pattern walks more than {limit} hops (limit max_hops)", edge.span)
            right = self._node(node)
            if hop.relationship >= 0:
                self.names.ends[hop.relationship] = (left, right, hop.direction)
            self.hops.append(
                Hop(left, right, hop.direction, hop.names, hop.low, hop.high, hop.relationship,
                    group, named=hop.named)
            )  # fmt: skip
            left = right

    def _node(self, node: tree.Node) -> int:
        names, name = self.names, node.name
        if any(label.text == MODEL for label in node.labels):
            self._fail(
                ":Model stands alone: MATCH (m:Model) RETURN m; models and twins are not joined",
                node.span,
            )
        source = None if name is None else names.find(name)
        if source is None:
            alias = None if name is None else name.text
            source = names.add(Source("twin", alias), name)
        elif names.sources[source].kind != "twin":
            self._fail(f"'{names.sources[source].alias}' is no node", node.span)
        self._demand(source, node.labels, node.members)
        return source

    def _edge(self, edge: tree.Edge, left: int, group: int) -> Hop:
        """The hop as far as it is known before its other end."""
        names, name = self.names, edge.name
        low, high = self._bounds(edge)
        types = tuple(dict.fromkeys(one.text for one in edge.types))
        names.notes.relationships.update(types)
        relationship = -1
        if edge.range is None:
            if name is not None and (name.text in names.names or name.text in names.walks):
                self._fail(
                    f"'{name.text}' is bound already; a relationship is named in one place",
                    name.span,
                )
            alias = None if name is None else name.text
            relationship = names.add(Source("relationship", alias), name)
            self._demand(relationship, (), edge.members)
        else:
            names.count_source(edge.span[0])
            if edge.members is not None:
                self._fail("a map in a range of relationships is not in the subset", edge.span)
            if name is not None:
                names.add_walk(name, len(self.hops))
        named = edge.range is not None and name is not None
        direction = edge.direction
        return Hop(left, -1, direction, types, low, high, relationship, group, named=named)

    def _bounds(self, edge: tree.Edge) -> tuple[int, int]:
        """The fewest and the most relationships, both included."""
        if edge.range is None:
            return 1, 1
        limit, span = self.names.settings.max_hops, edge.range.span
        low, high = edge.range.low, edge.range.high
        if high is None:
            self._fail(
                f"a range needs an end here, of at most {limit}: write *{low or 1}..{limit}", span
            )
        if high > limit:
            self._fail(f"a hop walks more than {limit} relationships (limit max_hops)", span)
        if low == 0 or high == 0:
            self._fail("a range begins at one relationship here; *0 is not in the subset", span)
        low = 1 if low is None else low
        if low > high:
            self.names.never = True
            return high, high
        return low, high

    def _demand(
        self, source: int, labels: tuple[tree.Name, ...], members: tree.MapOf | None
    ) -> None:
        names = self.names
        names.found += [names.labelled(source, label) for label in labels]
        if members is None:
            return
        for key, value in members.entries:
            names.found.append(self.equal(names.inside(source, (key,)), value))

    def _fail(self, message: str, span: tree.Span) -> NoReturn:
        self.names.fail(message, span[0])


def is_models(matches: tuple[tree.Match, ...]) -> bool:
    """Whether the query is about models alone."""
    patterns = [pattern for match in matches for pattern in match.patterns]
    if len(patterns) != 1 or patterns[0].edges:
        return False
    return [label.text for label in patterns[0].nodes[0].labels] == [MODEL]
