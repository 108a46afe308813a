"""What a cell holds: JSON's values, and nodes, edges and paths."""

from __future__ import annotations

from dataclasses import dataclass, field

Value = object
"""None, bool, int, float, str, a list or dict of values, or one of the classes below."""


@dataclass(frozen=True)
class Node:
    """A node; two with equal labels and properties are equal here, as in the kit's tables."""

    labels: frozenset[str]
    properties: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Edge:
    """A relationship without its ends."""

    type: str
    properties: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Path:
    """Nodes and the edges between them; `forward` tells of each whether it is walked along."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    forward: tuple[bool, ...] = ()
