"""Makes typed twins of a setup's graph: models, twins, relationships.

Each label is an empty interface, `dtmi:tck:label:A;1`. Each set of labels and kinds of properties
is an interface that extends them, `dtmi:tck:k1:B:A;1`: behind its number stand the labels, so that
a twin's model tells them, and its last word is the first label, so that it adds none of its own.
That one declares the relationships as well, which a root for all would do with one word more.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from .creation import Graph, NewEdge, NewNode
from .values import Value

UNLABELLED = "Unlabelled"
RESERVED = frozenset({UNLABELLED, "Twin", "Model"})
SEGMENT = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")
LONG = 2**63
KINDS: dict[type, str] = {bool: "boolean", int: "long", float: "double", str: "string"}
MAX_STRING = 4096

Document = dict[str, Any]


class NotTyped(Exception):
    """The graph cannot be typed twins; the message says why, in words that serve as a group."""


@dataclass(frozen=True)
class TypedGraph:
    """What is loaded: models in one upload, then twins, then relationships."""

    key: str
    models: tuple[Document, ...] = ()
    twins: tuple[Document, ...] = ()
    relationships: tuple[Document, ...] = ()


EMPTY = TypedGraph("")


@dataclass
class _Maker:
    graph: Graph
    out: dict[int, list[NewEdge]]
    leaves: dict[str, Document] = field(default_factory=dict)

    def leaf(self, number: int, node: NewNode) -> str:
        """Return the id of the interface of a node; a new one where none is like it."""
        contents = [_declared("Property", *each) for each in _kinds(node.properties)]
        contents += self._edges_of(number)
        names = [each["name"] for each in contents]
        if len(set(names)) < len(names):
            raise NotTyped("a property and an edge of one name")
        key = repr((sorted(node.labels), contents))
        if key not in self.leaves:
            labels = sorted(node.labels) or [UNLABELLED]
            model = f"dtmi:tck:k{len(self.leaves) + 1}:{':'.join(reversed(labels))};1"
            document = _interface(model, contents)
            if node.labels:
                document["extends"] = [_label_model(each) for each in labels]
            self.leaves[key] = document
        leaf: str = self.leaves[key]["@id"]
        return leaf

    def _edges_of(self, number: int) -> list[Document]:
        """The relationships that a node declares: its own ones, each with its properties."""
        kinds: dict[str, dict[str, Any]] = {}
        for edge in self.out.get(number, ()):
            _check_name(edge.type, "type")
            known = kinds.setdefault(edge.type, {})
            for name, kind in _kinds(edge.properties):
                if known.setdefault(name, kind) != kind:
                    raise NotTyped("edges of one node and type with properties of other kinds")
        found = []
        for name in sorted(kinds):
            properties = [_declared("Property", *each) for each in sorted(kinds[name].items())]
            more = {"properties": properties} if properties else {}
            found.append({"@type": "Relationship", "name": name, **more})
        return found


def typed(graph: Graph) -> TypedGraph:
    """Return a graph as models, twins `n0` .. and relationships `e0` ...

    Raises:
        NotTyped: DTDL or the contract cannot hold it.
    """
    out: dict[int, list[NewEdge]] = {}
    for edge in graph.edges:
        if edge.source == edge.target:
            raise NotTyped("an edge from a node to itself")
        out.setdefault(edge.source, []).append(edge)
    maker = _Maker(graph, out)
    labels = sorted({label for node in graph.nodes for label in node.labels})
    for label in labels:
        _check_name(label, "label")
        if label in RESERVED:
            raise NotTyped(f"a label that is a word of ours: {label}")
    twins = tuple(
        {"$dtId": f"n{i}", "$metadata": {"$model": maker.leaf(i, node)}, **node.properties}
        for i, node in enumerate(graph.nodes)
    )
    bases = [_interface(_label_model(label), []) for label in labels]
    return TypedGraph(
        graph.key,
        (*bases, *maker.leaves.values()),
        twins,
        tuple(_relationship(i, edge) for i, edge in enumerate(graph.edges)),
    )


def labels_of(model: str) -> frozenset[str]:
    """Return the labels that an interface of a node stands for."""
    labels = model.partition(";")[0].split(":")[3:]
    return frozenset(labels) - {UNLABELLED}


def _relationship(number: int, edge: NewEdge) -> Document:
    return {
        "$sourceId": f"n{edge.source}",
        "$relationshipId": f"e{number}",
        "$targetId": f"n{edge.target}",
        "$relationshipName": edge.type,
        **edge.properties,
    }


def _interface(model: str, contents: list[Document]) -> Document:
    return {
        "@id": model,
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;3",
        "contents": contents,
    }


def _label_model(label: str) -> str:
    return f"dtmi:tck:label:{label};1"


def _declared(kind: str, name: str, schema: Any) -> Document:
    return {"@type": kind, "name": name, "schema": schema}


def _kinds(properties: dict[str, Value]) -> list[tuple[str, Any]]:
    """Return the names of properties with their schemas, by name."""
    for name in properties:
        _check_name(name, "property")
    return [(name, _schema(properties[name])) for name in sorted(properties)]


def _schema(value: Value) -> Any:
    if isinstance(value, list):
        schemas = [_schema(item) for item in value] or ["string"]
        if any(each != schemas[0] for each in schemas):
            raise NotTyped("a list property with items of several kinds")
        return {"@type": "Array", "elementSchema": schemas[0]}
    kind = KINDS.get(type(value))
    if kind is None:
        raise NotTyped("a property that is a map, or a list with null")
    if isinstance(value, float) and not math.isfinite(value):
        raise NotTyped("a property that is no finite number")
    if kind == "long" and isinstance(value, int) and not -LONG <= value < LONG:
        raise NotTyped("an integer of more than 64 bits")
    if isinstance(value, str) and len(value) > MAX_STRING:
        raise NotTyped("a string that is too long")
    return kind


def _check_name(name: str, what: str) -> None:
    if not SEGMENT.fullmatch(name):
        raise NotTyped(f"a name that DTDL refuses: {what} {name}")
