"""Patterns to sources and hops. Hops of one MATCH never walk the same relationship."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, cast

from kastor.lang.cypher import tree
from kastor.query.cypher.names import MODEL, CypherScope
from kastor.query.plan import And, Doc, Field, Hop, IsKind, Source, Trail, Walked

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.plan import Condition, Scalar, Value

    Equal = Callable[[Value, tree.Expression], Condition]


class PatternBinder:
    """Collects hops; `equal` binds a member of a pattern's map."""

    def __init__(self, names: CypherScope, equal: Equal) -> None:
        self.names = names
        self.equal = equal
        self.hops: list[Hop] = []
        self.fresh: set[str] = set()

    def add(self, patterns: tuple[tree.Pattern, ...], group: int) -> None:
        """Binds the patterns of one clause.

        Raises:
            QueryError: a name that is taken, a range that has no end, a limit.
        """
        self.fresh = set()
        for pattern in patterns:
            self._pattern(pattern, group)

    def join(self, clause: tree.Match, group: int) -> bool:
        """Binds an OPTIONAL MATCH as a LEFT JOIN does, where it is no more than one.

        That is a new relationship of known types to a new twin of which nothing is demanded.
        """
        step = joined(clause)
        if step is None or self.names.find(step[0]) is None:
            return False
        begin, edge, end = step
        names, left = self.names, self.names.names.get(begin.text)
        taken = [one for one in (edge.name, end) if one is not None and _is_taken(names, one)]
        if left is None or names.sources[left].kind != "twin" or taken or end == begin:
            return False
        hop = replace(self._edge(edge, left, group, listed=False), direction="->", optional=True)
        alias = None if end is None else end.text
        right = names.add(Source("twin", alias, optional=True), end)
        names.sources[hop.relationship] = replace(names.sources[hop.relationship], optional=True)
        names.ends[hop.relationship] = (left, right, "->")
        self.hops.append(replace(hop, right=right))
        return True

    def models(self, node: tree.Node) -> None:
        """Binds ``(m:Model)``, which is a collection of its own."""
        name = node.name
        source = self.names.add(Source("model", None if name is None else name.text), name)
        self._demand(source, node.labels, node.members)

    def _pattern(self, pattern: tree.Pattern, group: int) -> None:
        names = self.names
        left = self._node(pattern.nodes[0], alone=not pattern.edges)
        parts: list[Value] = [Doc(left)]
        walked = 0
        for edge, node in zip(pattern.edges, pattern.nodes[1:], strict=True):
            # Sources stand in order of appearance, as in the other language.
            hop = self._edge(edge, left, group, listed=pattern.path is not None)
            walked += max(hop.low, 1)
            self._check_length(walked, edge)
            right = self._node(node)
            if hop.relationship >= 0:
                names.ends[hop.relationship] = (left, right, hop.direction)
            parts.append(Doc(hop.relationship) if hop.relationship >= 0 else Walked(len(self.hops)))
            parts.append(Doc(right))
            if pattern.shortest is not None:
                hop = self._shortest(pattern, hop)
            self.hops.append(replace(hop, right=right))
            left = right
        if pattern.path is not None:
            names.claim(pattern.path)
            path = Trail(tuple(parts))
            names.paths[pattern.path.text] = path
            names.bound[pattern.path.text] = path

    def _check_length(self, walked: int, edge: tree.Edge) -> None:
        settings = self.names.settings
        limit = max(settings.max_hops, settings.max_open_hops)
        if walked > limit:
            self._fail(f"a pattern walks more than {limit} hops (limit max_hops)", edge.span)

    def _shortest(self, pattern: tree.Pattern, hop: Hop) -> Hop:
        """Each of the shortest walks between two twins, or one of them."""
        if hop.relationship >= 0:
            self._fail("a shortest path is of a range: -[*..5]-", pattern.span)
        if hop.low > 1:
            self._fail("a shortest path has no least length but 0 or 1", pattern.span)
        return replace(hop, shortest=True, named=True, paths=str(pattern.shortest))

    def _node(self, node: tree.Node, *, alone: bool = False) -> int:
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
        elif alone and names.sources[source].optional:
            names.found.append(present(source))
        self._demand(source, node.labels, node.members)
        return source

    def _edge(self, edge: tree.Edge, left: int, group: int, *, listed: bool) -> Hop:
        """The hop as far as it is known before its other end."""
        names, name = self.names, edge.name
        low, high = self._bounds(edge)
        types = tuple(dict.fromkeys(one.text for one in edge.types))
        names.notes.relationships.update(types)
        relationship = -1
        if edge.range is None:
            relationship = self._relationship(name)
            self._demand(relationship, (), edge.members)
        else:
            names.count_source(edge.span[0])
            if name is not None:
                names.add_walk(name, len(self.hops))
        ranged = edge.range is not None
        each, step = self._each(edge) if ranged else (None, -1)
        return Hop(
            left, -1, edge.direction, types, low, high, relationship, group,
            named=ranged and (listed or name is not None),
            open=edge.range is not None and edge.range.high is None, each=each, step=step,
        )  # fmt: skip

    def _each(self, edge: tree.Edge) -> tuple[Condition | None, int]:
        """What a map demands of every relationship of a range, and what stands for one of them."""
        if edge.members is None or not edge.members.entries:
            return None, -1
        names = self.names
        step = names.add(Source("relationship", outer=True))
        terms = []
        for key, value in edge.members.entries:
            if not isinstance(value, tree.Literal | tree.Parameter):
                self._fail("a map in a range has literals and parameters alone", edge.span)
            if isinstance(value, tree.Parameter):
                names.notes.decides.add(value.name)
            with names.notes.apart():
                terms.append(self.equal(names.inside(step, (key,)), self._plain(value)))
        return And(tuple(terms)), step

    def _plain(self, value: tree.Literal | tree.Parameter) -> tree.Expression:
        """The value itself, on which the plan depends."""
        if isinstance(value, tree.Literal):
            return value
        found = self.names.given(value.name, value.span[0], "null", "boolean", "number", "string")
        return tree.Literal(cast("Scalar", found), value.span)

    def _relationship(self, name: tree.Name | None) -> int:
        """A relationship; one that is bound already is the same again, in another clause."""
        names = self.names
        if name is None:
            return names.add(Source("relationship"))
        known = names.find(name)
        if known is not None:
            if names.sources[known].kind != "relationship":
                self._fail(f"'{name.text}' is no relationship", name.span)
            if name.text in self.fresh:
                self._fail(f"'{name.text}' is bound twice in one MATCH", name.span)
            return names.add(Source("relationship", same=known))
        self.fresh.add(name.text)
        return names.add(Source("relationship", name.text), name)

    def _bounds(self, edge: tree.Edge) -> tuple[int, int]:
        """The fewest and the most relationships, both included."""
        if edge.range is None:
            return 1, 1
        settings, span = self.names.settings, edge.range.span
        low = 1 if edge.range.low is None else edge.range.low
        high = settings.max_open_hops if edge.range.high is None else edge.range.high
        if edge.range.high is not None and high > settings.max_hops:
            limit = settings.max_hops
            self._fail(f"a hop walks more than {limit} relationships (limit max_hops)", span)
        if low > settings.max_open_hops:
            limit = settings.max_open_hops
            self._fail(f"a range walks more than {limit} relationships (limit max_open_hops)", span)
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


def joined(clause: tree.Clause) -> tuple[tree.Name, tree.Edge, tree.Name | None] | None:
    """Start, edge and end of an OPTIONAL MATCH that may be a LEFT JOIN; None of any other clause.

    An edge is followed from its source, which has a name.
    """
    if not isinstance(clause, tree.Match) or not clause.optional or clause.where is not None:
        return None
    [first, *more] = clause.patterns
    if more or len(first.edges) != 1 or first.path is not None or first.shortest is not None:
        return None
    [edge] = first.edges
    plain = edge.range is None and edge.members is None and edge.types and edge.direction != "-"
    if not plain or any(node.labels or node.members is not None for node in first.nodes):
        return None
    begin, end = first.nodes if edge.direction == "->" else reversed(first.nodes)
    return None if begin.name is None else (begin.name, edge, end.name)


def _is_taken(names: CypherScope, name: tree.Name) -> bool:
    return name.text in {*names.names, *names.walks, *names.bound}


def present(source: int) -> Condition:
    """A twin or a relationship is there."""
    return IsKind(Field(source, "id"), frozenset({"string"}))


def is_models(match: tree.Match) -> bool:
    """Whether a clause is about models."""
    patterns = match.patterns
    if len(patterns) != 1 or patterns[0].edges:
        return False
    return [label.text for label in patterns[0].nodes[0].labels] == [MODEL]
