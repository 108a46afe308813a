"""One graph with its condition, as FROM and WHERE: of a whole query, an EXISTS or a sub-query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.kinds import kinds_of
from kastor.query.plan import And, Condition, Exists, Gathered, Graph, InQuery, Truth
from kastor.query.references import (
    has_queries,
    has_walks,
    is_about,
    is_mixed,
    read_apart,
    sources_of,
)
from kastor.query.sql.itinerary import itinerary
from kastor.query.sql.predicates import Predicates
from kastor.query.sql.recursion import walk
from kastor.query.sql.traverse import Branch, branches, build
from kastor.query.sql.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.plan import Value
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.traverse import Mixing

_LISTED = frozenset({"number", "string", "boolean"})
"""Kinds that IN (SELECT ..) compares."""


class Clauses:
    """Writes one graph into a statement.

    Attributes:
        mixed: makes what writes rows below and what is matched apart.
        outer: keys of sources of the query around, of those that are no table there.
        searched: sources of which indexed values are looked for.
        ways: the branches of an unrolled graph; None when it is walked by recursion.
    """

    def __init__(
        self,
        graph: Graph,
        where: Condition,
        dialect: Dialect,
        parameters: Parameters,
        mixed: Callable[[Clauses], Mixing],
        *,
        inner: bool = False,
        searched: frozenset[int] = frozenset(),
    ) -> None:
        self.graph = graph
        self.where = where
        self.dialect = dialect
        self.parameters = parameters
        self.mixed = mixed
        self.searched = searched
        self.outer: dict[int, str] = {}
        self.ways = branches(graph)
        if inner and len(self.ways or ()) > 1 and has_queries(where):
            self.ways = None  # walked, so that a query inside this one is written once
        self.values = Values(dialect, parameters, graph, self.condition, {}, self._gathered)
        self.values.renamed = {hop.step: "r" for hop in graph.hops if hop.step >= 0}
        self._predicates = Predicates(self.values, self._exists, self._subquery)

    def of(self, graph: Graph, where: Condition, *, inner: bool = False) -> Clauses:
        """Another graph of the same statement."""
        return Clauses(graph, where, self.dialect, self.parameters, self.mixed, inner=inner)

    def condition(self, condition: Condition) -> str:
        """A condition over this graph."""
        return self._predicates.sql(condition)

    def branches(
        self, needed: set[int], *, skip: Condition | None = None
    ) -> list[tuple[Branch, list[str]]]:
        """FROM and the terms of WHERE of every branch; `needed` sources have their table there.

        The text of the condition is the same in all branches. A top-level term equal to `skip` is
        left out.
        """
        terms = self.where.terms if isinstance(self.where, And) else (self.where,)
        if self.ways is None:  # terms about a start alone are in the walk already
            starts = {start for start, _ in itinerary(self.graph, self.where)}
            starts = {start for start in starts if not self.graph.sources[start].outer}
            terms = tuple(term for term in terms if not is_about(term, starts))
        needed = needed | sources_of(*terms)
        mix = None
        if is_mixed(self.graph):
            needed |= read_apart(self.graph)
            mix = self.mixed(self)
        terms = tuple([term for term in terms if term not in (Truth(value=True), skip)])
        plain = [term for term in terms if not has_walks(term)]
        walked = [term for term in terms if has_walks(term)]
        written = [self.condition(term) for term in plain]
        if self.ways is None:
            branch = walk(
                self.graph, self.where, needed, self.dialect, self.parameters, self.condition,
                self.outer,
            )  # fmt: skip
            if mix is not None:
                for hop in range(len(self.graph.hops) + 1):
                    mix.before(branch, hop, needed)
            return [(branch, branch.conditions + written + self._over_walks(branch, walked))]
        found = []
        for ways in self.ways:
            branch = build(
                self.graph, ways, needed, self.dialect, self.parameters, self.searched, self.outer,
                mix,
            )  # fmt: skip
            more = self._over_walks(branch, walked)
            found.append((branch, branch.conditions + written + more))
        return found

    def _over_walks(self, branch: Branch, terms: list[Condition]) -> list[str]:
        """Terms about what a range walked, which every branch has in another way."""
        if not terms:
            return []
        self.values.walks = branch.walks
        return [self.condition(term) for term in terms]

    def _exists(self, leaf: Exists) -> str:
        inner = self.of(leaf.graph, leaf.where, inner=True)
        selects = [select("1", branch, terms) for branch, terms in inner.branches(set())]
        return f"{'NOT ' if leaf.negated else ''}EXISTS ({' UNION ALL '.join(selects)})"

    def _gathered(self, value: Gathered) -> str:
        """The array of all matches, in the order of their keys, so that it is always the same."""
        inner = self.of(value.graph, value.where, inner=True)
        own = [number for number, one in enumerate(value.graph.sources) if not one.outer]
        selects = []
        for number, (branch, terms) in enumerate(inner.branches(sources_of(value.item))):
            inner.values.walks = branch.walks
            keys = [branch.keys[one] for one in own if one in branch.keys]
            keys = [str(number), *keys, *branch.walks.values()]
            listed = [f"{key} AS o{place}" for place, key in enumerate(keys)]
            item = f"coalesce({inner.values.json(value.item)}, 'null') AS x"
            selects.append(select(", ".join([item, *listed]), branch, terms))
        order = [f"o{place}" for place in range(len(keys))]
        return self.dialect.gathered(" UNION ALL ".join(selects), order)

    def _subquery(self, leaf: InQuery) -> str:
        """One list of values in a form in which no two of different kinds are equal."""
        column = (leaf.plan.columns or ())[0].value
        shared = kinds_of(leaf.value) & kinds_of(column) & _LISTED
        kind = next(iter(shared)) if len(shared) == 1 else "any"
        inner = self.of(leaf.plan.graph, leaf.plan.where, inner=True)
        outer = item = None
        if shared:  # engines refuse a parameter that is written and not used
            outer, item = self.guarded(kind, leaf.value), inner.guarded(kind, column)
        found = "1 = 0"
        if outer is not None and item is not None:
            selects = [
                select(item, branch, terms) for branch, terms in inner.branches(sources_of(column))
            ]
            found = f"({outer}) IN ({' UNION ALL '.join(selects)})"
        if not leaf.negated:
            return found
        defined = self._predicates.defined(leaf.value)
        return f"({defined}) AND ({found}) IS NOT TRUE"

    def guarded(self, kind: str, value: Value) -> str | None:
        """The value if it is of that kind; in a form in which values are compared."""
        return {
            "number": self.values.number,
            "string": self.values.text,
            "boolean": self.values.boolean,
            "any": self.values.comparable,
        }[kind](value)


def select(items: str, branch: Branch, terms: list[str]) -> str:
    """A SELECT over one branch."""
    text = f"SELECT {items}"
    source = branch.sql()
    if source:
        text += f" FROM {source}"
    text = f"{text} WHERE {' AND '.join(terms)}" if terms else text
    return branch.parameters.written(text)
