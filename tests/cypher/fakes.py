"""Runners that need no server: they answer what the kit expects, or something else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .tck.answers import Answer, Refused
from .tck.scenarios import Ask, Rows
from .tck.servers import Result
from .tck.typed import UNLABELLED, TypedGraph
from .tck.values import Edge, Node, Path, Value

Row = dict[str, Any]


@dataclass
class Wire:
    """Writes values as Kastor's documents; ids are new each time."""

    _number: Iterable[int] = field(default_factory=count)

    def value(self, value: Value) -> Any:
        if isinstance(value, Node):
            return self._node(value)
        if isinstance(value, Edge):
            return self._edge(value, "n1", "n2")
        if isinstance(value, Path):
            return self._path(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {name: self.value(each) for name, each in value.items()}
        if isinstance(value, float) and not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return value

    def rows(self, table: Rows) -> list[Row]:
        return [dict(zip(table.columns, map(self.value, row), strict=True)) for row in table.rows]

    def _id(self) -> str:
        return f"x{next(iter(self._number))}"

    def _node(self, node: Node) -> Row:
        labels = sorted(node.labels) or [UNLABELLED]
        model = {"$model": f"dtmi:tck:k1:{':'.join(labels)};1"}
        return {"$dtId": self._id(), "$metadata": model, **self._own(node.properties)}

    def _edge(self, edge: Edge, source: str, target: str) -> Row:
        return {
            "$relationshipId": self._id(),
            "$sourceId": source,
            "$targetId": target,
            "$relationshipName": edge.type,
            **self._own(edge.properties),
        }

    def _own(self, properties: dict[str, Value]) -> Row:
        return {name: self.value(each) for name, each in properties.items()}

    def _path(self, path: Path) -> list[Row]:
        nodes = [self._node(node) for node in path.nodes]
        found = nodes[:1]
        for i, edge in enumerate(path.edges):
            ends = (nodes[i]["$dtId"], nodes[i + 1]["$dtId"])
            source, target = ends if path.forward[i] else ends[::-1]
            found += [self._edge(edge, source, target), nodes[i + 1]]
        return found


@dataclass
class Fake:
    """Answers what is expected, changed by `change`; `only` limits that to one page size."""

    name: str = "fake"
    change: Callable[[list[Row]], list[Row]] = list
    raises: bool = True
    only: tuple[int | None, ...] = (None, 2)

    def load(self, graph: TypedGraph) -> str | None:
        return None

    def ask(self, ask: Ask, page_size: int | None) -> Result:
        if not isinstance(ask.expected, Rows):
            return Refused("as expected") if self.raises else Answer(())
        rows = Wire().rows(ask.expected)
        return Answer(tuple(self.change(rows) if page_size in self.only else rows))


class Refusing(Fake):
    """Refuses whatever is asked."""

    def ask(self, ask: Ask, page_size: int | None) -> Result:
        return Refused("not here")
