"""Parses the cells of the kit's tables: literals, nodes, edges, paths."""

from __future__ import annotations

from .values import Edge, Node, Path, Value
from .words import Reader, TextError


class CellReader(Reader):
    """Literals in which nodes `(:A {..})`, edges `[:T {..}]` and paths `<(..)-[..]->(..)>` occur."""

    def _value(self) -> Value:
        if self.now.text == "(":
            return self._node()
        if self.now.text == "[" and self.after.text == ":":
            return self._edge()
        if self.now.text in ("<", "<-", "<--"):
            return self._path()
        return super()._value()

    def _node(self) -> Node:
        self.need("(")
        labels = set()
        while self.take(":"):
            labels.add(self.name())
        properties = self.properties() if self.now.text == "{" else {}
        self.need(")")
        return Node(frozenset(labels), properties)

    def _edge(self) -> Edge:
        self.need("[")
        self.need(":")
        name = self.name()
        properties = self.properties() if self.now.text == "{" else {}
        self.need("]")
        return Edge(name, properties)

    def _path(self) -> Path:
        self.need("<")
        nodes, edges, forward = [self._node()], [], []
        while not self.take(">"):
            backwards = self.take("<-")
            if not backwards:
                self.need("-")
            edges.append(self._edge())
            self.need("-" if backwards else "->")
            forward.append(not backwards)
            nodes.append(self._node())
        return Path(tuple(nodes), tuple(edges), tuple(forward))


def parse(text: str) -> Value:
    """Return the value that a cell shows.

    Raises:
        TextError: it is none.
    """
    reader = CellReader(text)
    value = reader.value()
    reader.end()
    return value


__all__ = ["TextError", "parse"]
