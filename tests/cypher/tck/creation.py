"""Parses the setups: what CREATE texts make, as nodes and edges.

CREATE with literals, alone or for each item of UNWIND lists and each node of MATCH patterns that
are nodes with labels. What a setup finds or changes otherwise, this does not do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from kastor.types import override

from .values import Value
from .words import Reader, TextError

MAX_THINGS = 10_000


@dataclass(frozen=True)
class NewNode:
    """A node that a setup makes."""

    labels: tuple[str, ...] = ()
    properties: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class NewEdge:
    """An edge that a setup makes; its ends are numbers of nodes."""

    source: int
    target: int
    type: str
    properties: dict[str, Value] = field(default_factory=dict)


@dataclass
class Graph:
    """What all setups of a scenario make together."""

    nodes: list[NewNode] = field(default_factory=list)
    edges: list[NewEdge] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Equal for equal graphs."""
        return repr((self.nodes, self.edges))


def create(graph: Graph, text: str) -> None:
    """Add what a text of CREATE clauses makes; `;` ends a statement and its names.

    Raises:
        TextError: it has other clauses, or is wrong.
    """
    reader = _CreateReader(text, graph)
    while reader.now.kind != "end":
        reader.statement()


@dataclass(frozen=True)
class _Source:
    """What stands before CREATE: a name and the items, or numbers of nodes, that it goes through."""

    name: str
    rows: Sequence[Value]
    is_node: bool = False


class _CreateReader(Reader):
    def __init__(self, text: str, graph: Graph) -> None:
        super().__init__(text)
        self._graph = graph
        self._named: dict[str, Value] = {}
        self._items: dict[str, Value] = {}

    def statement(self) -> None:
        """Read one statement, its CREATE clauses once for each row that stands before them."""
        sources = self._sources()
        start = self._at
        for row in product(*(source.rows for source in sources)):
            self._at = start
            self._named, self._items = {}, {}
            for source, found in zip(sources, row, strict=True):
                names = self._named if source.is_node else self._items
                names[source.name] = found
            self._creates()

    def _creates(self) -> None:
        while not self.take(";") and self.now.kind != "end":
            if not self.take("CREATE"):
                raise TextError(f"the setup has more than CREATE: {self.now.text}")
            self._path()
            while self.take(","):
                self._path()

    def _sources(self) -> list[_Source]:
        sources: list[_Source] = []
        while self.now.word in ("UNWIND", "MATCH"):
            if self.take("UNWIND"):
                rows = self._range() if self.now.word == "RANGE" else self._listed()
                self.need("AS")
                sources.append(_Source(self.name(), rows))
            else:
                self.need("MATCH")
                sources.append(self._match())
                while self.take(","):
                    sources.append(self._match())
        self._bound(prod(len(source.rows) for source in sources))
        return sources

    def _range(self) -> Sequence[Value]:
        self.need("RANGE")
        self.need("(")
        first = self.value()
        self.need(",")
        last = self.value()
        self.need(")")
        if not isinstance(first, int) or not isinstance(last, int):
            raise self.wrong("a range needs two integers")
        self._bound(last - first + 1)
        return range(first, last + 1)

    def _listed(self) -> Sequence[Value]:
        self.need("[")
        return self.items()

    def _match(self) -> _Source:
        """A node by its labels; each row of the setup has one of those there are."""
        self.need("(")
        name = self.name()
        labels = set()
        while self.take(":"):
            labels.add(self.name())
        if not self.take(")") or self.now.text in ("-", "<-", "-->", "<--"):
            raise TextError("the setup has more than CREATE: MATCH")
        found = [i for i, node in enumerate(self._graph.nodes) if labels <= set(node.labels)]
        return _Source(name, found, is_node=True)

    def _path(self) -> None:
        if self.now.kind == "name" and self.after.text == "=":
            self.name()
            self.need("=")
        left = self._node()
        while self.now.text in ("-", "<-", "-->", "<--"):
            left = self._edge(left)

    def _node(self) -> int:
        self.need("(")
        name = self.name() if self.now.kind == "name" else None
        labels = []
        while self.take(":"):
            labels.append(self.name())
        properties = self._properties()
        self.need(")")
        if name in self._named and name is not None:
            if labels or properties:
                raise self.wrong(f"{name} is there already")
            return self._number(name)
        self._bound(len(self._graph.nodes) + 1)
        self._graph.nodes.append(NewNode(tuple(dict.fromkeys(labels)), properties))
        number = len(self._graph.nodes) - 1
        if name is not None:
            self._named[name] = number
        return number

    def _number(self, name: str) -> int:
        number = self._named[name]
        assert isinstance(number, int)
        return number

    def _edge(self, left: int) -> int:
        if self.now.text in ("-->", "<--"):
            raise self.wrong("an edge needs a type")
        backwards = self.take("<-")
        if not backwards:
            self.need("-")
        self.need("[")
        if self.now.kind == "name":
            self.name()
        self.need(":")
        kind = self.name()
        properties = self._properties()
        self.need("]")
        self.need("-" if backwards else "->")
        right = self._node()
        source, target = (right, left) if backwards else (left, right)
        self._bound(len(self._graph.edges) + 1)
        self._graph.edges.append(NewEdge(source, target, kind, properties))
        return right

    @override
    def _value(self) -> Value:
        """Beside literals, an item, a property of a node that is there, and texts put together."""
        value = self._operand()
        while isinstance(value, str) and self.take("+"):
            more = self._operand()
            if not isinstance(more, str):
                raise self.wrong("only texts are put together")
            value += more
        return value

    def _operand(self) -> Value:
        name = self.now.text
        if name in self._items:
            return self._items[self.name()]
        if name in self._named and self.after.text == ".":
            node = self._graph.nodes[self._number(self.name())]
            self.need(".")
            return node.properties.get(self.name())
        return super()._value()

    def _properties(self) -> dict[str, Value]:
        """A property that is null is none."""
        found = self.properties() if self.now.text == "{" else {}
        return {name: value for name, value in found.items() if value is not None}

    def _bound(self, count: int) -> None:
        if count > MAX_THINGS:
            raise TextError(f"the setup makes more than {MAX_THINGS} nodes, edges or rows")
