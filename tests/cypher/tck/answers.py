"""Reads answers of `POST /query`: documents become nodes and edges again, arrays stay lists.

What a document does not tell is left to the comparison, which knows what is expected: whether an
array is a list or a path, and whether a document is a node or `properties(n)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .typed import UNLABELLED, labels_of
from .values import Edge, Node, Value

TWIN = "Twin"
OWN_KEYS = frozenset(
    {"$dtId", "$etag", "$metadata", "$relationshipId", "$sourceId", "$targetId"}
    | {"$relationshipName"}
)


@dataclass(frozen=True)
class FoundNode(Node):
    """A node with the id that paths need."""

    id: str = ""


@dataclass(frozen=True)
class FoundEdge(Edge):
    """An edge with the ids of its ends."""

    source: str = ""
    target: str = ""


@dataclass(frozen=True)
class Answer:
    """The rows of all pages, each an object by column."""

    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Refused:
    """A 400; `late` tells that pages had come before."""

    message: str
    late: bool = False


@dataclass(frozen=True)
class Broken:
    """Neither an answer nor a refusal: another status, pages without an end, no JSON."""

    message: str


def value(found: Any) -> Value:
    """Return what a member of a row holds."""
    if isinstance(found, list):
        return _list(found)
    if not isinstance(found, dict):
        return found
    own = {name: value(each) for name, each in found.items() if not name.startswith("$")}
    if "$relationshipId" in found and "$sourceId" in found:
        ends = (found["$sourceId"], found["$targetId"])
        return FoundEdge(found["$relationshipName"], own, *ends)
    if "$dtId" in found and "$metadata" in found:
        return FoundNode(labels_of(found["$metadata"]["$model"]), own, found["$dtId"])
    return own


def _list(found: list[Any]) -> list[Value]:
    """Labels begin with `Twin`, and keys hold those of the document: both are Kastor's own."""
    if found and all(isinstance(each, str) for each in found):
        labels = found[0] == TWIN
        own = found[1:] if labels else found
        return [
            each for each in own if each not in OWN_KEYS and not (labels and each == UNLABELLED)
        ]
    return [value(each) for each in found]
