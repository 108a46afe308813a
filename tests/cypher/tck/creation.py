"""Parses the setups: what CREATE texts make, as nodes and edges.

Only CREATE with literals: what a setup finds or computes before it creates, this does not do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .values import Value
from .words import Reader, TextError

MAX_THINGS = 20_000


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


class _CreateReader(Reader):
    def __init__(self, text: str, graph: Graph) -> None:
        super().__init__(text)
        self._graph = graph
        self._named: dict[str, int] = {}

    def statement(self) -> None:
        self._named = {}
        while not self.take(";") and self.now.kind != "end":
            if not self.take("CREATE"):
                raise TextError(f"the setup has more than CREATE: {self.now.text}")
            self._path()
            while self.take(","):
                self._path()

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
            return self._named[name]
        self._bound(len(self._graph.nodes))
        self._graph.nodes.append(NewNode(tuple(dict.fromkeys(labels)), properties))
        number = len(self._graph.nodes) - 1
        if name is not None:
            self._named[name] = number
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
        self._bound(len(self._graph.edges))
        self._graph.edges.append(NewEdge(source, target, kind, properties))
        return right

    def _properties(self) -> dict[str, Value]:
        """A property that is null is none."""
        found = self.properties() if self.now.text == "{" else {}
        return {name: value for name, value in found.items() if value is not None}

    def _bound(self, count: int) -> None:
        if count == MAX_THINGS:
            raise TextError(f"the setup makes more than {MAX_THINGS} nodes or edges")
