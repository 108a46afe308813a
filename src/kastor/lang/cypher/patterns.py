"""Patterns, and EXISTS, which holds some."""

from __future__ import annotations

from kastor.lang.cypher import tree
from kastor.lang.cypher.expressions import ExpressionReader
from kastor.lang.tokens import NUMBER
from kastor.types import override

_SHORTEST = {"SHORTESTPATH": "one", "ALLSHORTESTPATHS": "all"}


class PatternReader(ExpressionReader):
    """Adds patterns to the expressions."""

    def patterns(self) -> tuple[tree.Pattern, ...]:
        """One or more, with commas between them."""
        found = [self.pattern()]
        while self.take(","):
            found.append(self.pattern())
            self.require_room(len(found), self.limits.max_columns, "patterns")
        return tuple(found)

    def pattern(self) -> tree.Pattern:
        """``(a)-[..]->(b)..``, at least one node."""
        start = self.start()
        path = None
        if self.is_name() and self.key(1) == "=":
            path = self.any_word()
            self.at += 1
        shortest = _SHORTEST.get(self.keys[self.at]) if self.key(1) == "(" else None
        if shortest is not None:
            self.at += 2
        nodes, edges = self._chain()
        if shortest is not None:
            self.expect(")")
            if len(edges) != 1:
                self.fail("a shortest path is of one relationship or range", start)
        return tree.Pattern(nodes, edges, path, shortest, self.span(start))

    def _chain(self) -> tuple[tuple[tree.Node, ...], tuple[tree.Edge, ...]]:
        """Nodes and the edges between them."""
        nodes = [self._node()]
        edges: list[tree.Edge] = []
        while self.keys[self.at] in {"-", "<"}:
            edges.append(self._edge())
            nodes.append(self._node())
            self.require_room(len(edges), self.limits.max_columns, "relationships in a pattern")
        return tuple(nodes), tuple(edges)

    def _node(self) -> tree.Node:
        start = self.expect("(", "'(' of a node")
        name = self.identifier("the name of a node") if self.is_name() else None
        labels = self.labels()
        members = self._members()
        if self.keys[self.at] == "WHERE":
            self.fail("WHERE stands behind the patterns, not in a node")
        self.expect(")", "a name, ':', '{' or ')'")
        return tree.Node(name, labels, members, self.span(start))

    def _members(self) -> tree.MapOf | None:
        if self.texts[self.at][:1] == "$":
            self.fail("a parameter cannot stand for a map; write {name: $value}")
        return self.map_of() if self.keys[self.at] == "{" else None

    def _edge(self) -> tree.Edge:
        start = self.start()
        backward = self.take("<")
        self.expect("-")
        name = hops = members = None
        types: tuple[tree.Name, ...] = ()
        if self.take("["):
            name = self.identifier("the name of a relationship") if self.is_name() else None
            types = self._types()
            hops = self._range() if self.keys[self.at] == "*" else None
            members = self._members()
            self.expect("]", "a name, ':', '*', '{' or ']'")
        self.expect("-", "'-' or '->'")
        forward = self.take(">")
        # <--> is either way, as -- is.
        direction = "-" if forward is backward else "->" if forward else "<-"
        if self.keys[self.at] == "{":
            self.fail("a range stands inside the brackets: -[*1..3]->")
        return tree.Edge(direction, name, types, hops, members, self.span(start))

    def _types(self) -> tuple[tree.Name, ...]:
        """The types behind a colon; none mean any. A second colon is an old spelling."""
        if not self.take(":"):
            return ()
        found = [self.schema_name("the type of a relationship")]
        while self.take("|"):
            self.take(":")
            found.append(self.schema_name("the type of a relationship"))
            self.require_room(len(found), self.limits.max_columns, "types")
        return tuple(found)

    def _range(self) -> tree.Range:
        start = self.expect("*")
        low = high = None
        if self.kinds[self.at] == NUMBER:
            low = high = self.unsigned("a number of relationships")
        if self.take(".."):
            high = None
            if self.kinds[self.at] == NUMBER:
                high = self.unsigned("a number of relationships")
        return tree.Range(low, high, self.span(start))

    @override
    def is_pattern(self, ahead: int = 0) -> bool:
        if self.key(ahead) != "(":
            return False
        ahead += 1
        if self.is_name(ahead):
            ahead += 1
        while self.key(ahead) == ":":
            ahead += 2
        if self.key(ahead) == "{":
            ahead = self._behind_map(ahead)
        if self.key(ahead) != ")":
            return False
        first, second, third = self.key(ahead + 1), self.key(ahead + 2), self.key(ahead + 3)
        if first == "<":
            return second == "-" and third in {"[", "-"}
        return first == "-" and (second == "[" or (second == "-" and third in {"(", ">"}))

    def _behind_map(self, ahead: int) -> int:
        """Where a map ends; it may stand in a node, or in parentheses as a value."""
        depth = 0
        while self.at + ahead < len(self.keys):
            depth += {"{": 1, "}": -1}.get(self.key(ahead), 0)
            ahead += 1
            if depth == 0:
                break
        return ahead

    @override
    def pattern_condition(self) -> tree.Expression:
        start = self.start()
        self.enter_query()
        pattern = self.pattern()
        self.leave_query()
        if not pattern.edges:
            self.fail("a pattern that is a condition has a relationship", start)
        return tree.Exists((pattern,), None, braces=False, span=self.span(start))

    @override
    def matches(self, start: int) -> tree.Matches:
        self.enter_query()
        pattern = self.pattern()
        where = self._item() if self.take("WHERE") else None
        self.expect("|", "WHERE or '|'")
        item = self._item()
        self.leave_query()
        self.expect("]")
        return tree.Matches(pattern, where, item, self.span(start))

    def _returned(self) -> None:
        """RETURN inside EXISTS, which says nothing while it holds literals and variables alone."""
        if self.take("*"):
            return
        while True:
            start = self.start()
            if not isinstance(self.expression(), tree.Literal | tree.Variable):
                self.fail("RETURN inside EXISTS has literals and variables alone", start)
            if self.take("AS"):
                self.identifier("the name of a column")
            if not self.take(","):
                return

    @override
    def exists(self) -> tree.Expression:
        start = self.expect("EXISTS")
        self.expect("{")
        self.enter_query()
        self.take("MATCH")
        patterns = self.patterns()
        where = None
        if self.take("WHERE"):
            where = self.expression()
        if self.take("RETURN"):
            self._returned()
        self.leave_query()
        self.expect("}", "'}'; a whole query inside EXISTS is not in the subset")
        return tree.Exists(patterns, where, span=self.span(start))
