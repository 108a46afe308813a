"""MATCH patterns (query-language 10), and EXISTS of the superset, which holds one."""

from __future__ import annotations

from kastor.lang import ast
from kastor.lang.expressions import Expressions
from kastor.lang.tokens import NUMBER
from kastor.types import override


class Patterns(Expressions):
    """Adds patterns to the expressions."""

    def pattern(self) -> ast.Pattern:
        """``(a)-[..]->(b)..``, at least one node."""
        start = self.start()
        nodes = [self._node()]
        edges = []
        while self.keys[self.at] in {"-", "<"}:
            edges.append(self._edge())
            nodes.append(self._node())
        return ast.Pattern(tuple(nodes), tuple(edges), self.span(start))

    def _node(self) -> ast.Node:
        start = self.expect("(", "'(' of a node")
        name = None
        if self.keys[self.at] != ")":
            name = self.name("the name of a node")
        self.expect(")")
        return ast.Node(name, self.span(start))

    def _edge(self) -> ast.Edge:
        start = self.start()
        backward = self._backward()
        self.expect("-")
        self.expect("[", "'[' of a hop")
        variable = self.name("a variable") if self.keys[self.at] not in {":", "*", "]"} else None
        names = self._names()
        hops = self._hops() if self.keys[self.at] == "*" else None
        if not names and hops is None and variable and self.keys[self.at] == "|":
            self.fail(f"a list of names begins with a colon: [:{variable.text}|..]")
        self.expect("]", "']'")
        direction = self._arrow(start, backward)
        shortest = False
        if variable and hops and (hops.low, hops.high) != (1, 1):
            shortest = variable.text.upper() == "SHORTEST"
            self.extend("SHORTEST" if shortest else "variable on a range", variable.span[0])
            variable = None if shortest else variable
        return ast.Edge(direction, variable, names, hops, shortest, self.span(start))

    def _backward(self) -> bool:
        """Whether the edge begins with the head of an arrow."""
        if self.keys[self.at] != "<":
            return False
        if self.key(1) != "-" or not self.adjacent():
            self.mismatch("'-[' or '<-['")
        self.at += 1
        return True

    def _names(self) -> tuple[ast.Name, ...]:
        """The names behind a colon; none mean any."""
        if not self.take(":"):
            return ()
        names = [self.name("a relationship name")]
        while self.take("|"):
            names.append(self.name("a relationship name"))
        return tuple(names)

    def _arrow(self, start: int, backward: bool) -> str:
        touching = self.key(1) == ">" and self.adjacent()
        self.expect("-", "'-' or '->'")
        if not touching:
            return "<-" if backward else "-"
        self.at += 1
        if backward:
            self.fail("an edge has an arrow head at one end only", start)
        return "->"

    def _hops(self) -> ast.Hops:
        start = self.expect("*")
        if self.take("{"):
            return self._inclusive(start)
        low = high = None
        if self.kinds[self.at] == NUMBER:
            low = self.unsigned("a number of hops")
            if not self.take(".."):
                if low == 0:
                    self.fail("a hop walks at least one relationship", start)
                return ast.Hops(low, low, exact=True, inclusive=False, span=self.span(start))
        else:
            self.take("..")
        if self.kinds[self.at] == NUMBER:
            if self.keys[self.at - 1] != "..":
                self.mismatch("'..'")
            high = self.unsigned("a number of hops")
        else:
            self.extend("range without an end", start)
        return ast.Hops(low, high, span=self.span(start))

    def _inclusive(self, start: int) -> ast.Hops:
        """``*{n}``, ``*{n,m}``, ``*{n,}``, ``*{,m}``: both ends belong to the range (superset)."""
        self.extend("inclusive range", start)
        low = high = None
        if self.kinds[self.at] == NUMBER:
            low = high = self.unsigned("a number of hops")
        if self.take(","):
            high = None
            if self.kinds[self.at] == NUMBER:
                high = self.unsigned("a number of hops")
        elif low is None:
            self.mismatch("a number of hops")
        self.expect("}")
        return ast.Hops(low, high, inclusive=True, span=self.span(start))

    @override
    def exists(self) -> ast.Condition:
        """``EXISTS { [MATCH] pattern [WHERE condition] }``."""
        start = self.expect("EXISTS")
        self.extend("EXISTS", start)
        self.expect("{")
        self.enter_query()
        self.take("MATCH")
        pattern = self.pattern()
        where = self.condition() if self.take("WHERE") else None
        self.leave_query()
        self.expect("}")
        return ast.Exists(pattern, where, self.span(start))
