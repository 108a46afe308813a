"""Patterns inside expressions: conditions that they match, and lists of their matches."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Self

from kastor.lang.cypher import tree
from kastor.query.cypher.calls import CypherCalls
from kastor.query.cypher.patterns import PatternBinder, present
from kastor.query.passes.folding import fold
from kastor.query.plan import And, Exists, Gathered, Graph
from kastor.types import override

if TYPE_CHECKING:
    from kastor.query.cypher.names import CypherScope
    from kastor.query.plan import Condition, Value


class CypherQueries(CypherCalls):
    """Binds patterns within one scope.

    Attributes:
        tests: whether a WHERE is bound, in which patterns may stand.
    """

    tests = False

    @abstractmethod
    def where(self, node: tree.Expression | None) -> Condition:
        """A whole condition, folded; true when there is none."""

    @abstractmethod
    def equal(self, left: Value, node: tree.Expression) -> Condition:
        """A member of a pattern's map: it has the value."""

    def _inside(self, node: tree.Exists | tree.Matches) -> CypherScope:
        """The scope of a pattern, which sees the names around it."""
        if self.names.nested:
            self.fail("a pattern inside a comprehension or a quantifier is not in the subset", node)
        return self.names.within()

    def _matched(
        self,
        inner: CypherScope,
        patterns: tuple[tree.Pattern, ...],
        where: tree.Expression | None,
    ) -> tuple[Self, Graph, Condition]:
        """What binds expressions over the matches, their graph, and what must hold of each."""
        conditions = type(self)(inner)
        binder = PatternBinder(inner, conditions.equal)
        binder.add(patterns, 0)
        terms = (*inner.where(), conditions.where(where))
        graph = Graph(tuple(inner.sources), tuple(binder.hops))
        return conditions, graph, fold(And(terms))

    @override
    def matches(self, node: tree.Matches) -> Value:
        inner = self._inside(node)
        with self.names.notes.apart():
            conditions, graph, where = self._matched(inner, (node.pattern,), node.where)
            item = conditions.value(node.item)
        found = Gathered(graph, where, item)
        source = inner.source_of(item)
        if source is not None:
            self.names.listed[found] = source.kind
        return found

    def exists(self, node: tree.Exists, *, wanted: bool) -> Condition:
        """A pattern has a match."""
        inner = self._inside(node)
        if not node.braces:
            if not self.tests:
                self.fail("a pattern stands in WHERE; as a value, write EXISTS { .. }", node)
            self._check_bound(node)
        _, graph, where = self._matched(inner, node.patterns, node.where)
        found = Exists(graph, where, negated=not wanted)
        return found if node.braces else self._of_present(found, graph)

    def _of_present(self, found: Exists, graph: Graph) -> Condition:
        """A pattern over a node that may be missing is null there, not false."""
        ends = {end for hop in graph.hops for end in (hop.left, hop.right)}
        missing = [end for end in sorted(ends) if graph.sources[end].outer]
        terms = [present(end) for end in missing if graph.sources[end].optional]
        return And((*terms, found)) if terms and found.negated else found

    def _check_bound(self, node: tree.Exists) -> None:
        """A pattern that is a condition binds no names."""
        for pattern in node.patterns:
            named = [one.name for one in pattern.nodes] + [one.name for one in pattern.edges]
            for name in named:
                if name is not None and name.text not in self.names.names:
                    self.names.named(tree.Variable(name.text, name.span))
