"""Models in an order that servers take: what each needs comes before it (rest-api B.1.1).

Targets of relationships are no need: a server takes a model whose targets are not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kastor.dtdl import definitions, references

Document = dict[str, Any]
_TARGETS = ("target", "dtmi:dtdl:property:target;")


class UploadBounds(NamedTuple):
    """What one request may carry.

    Attributes:
        models: how many of them.
        size: bytes of their JSON text.
        values: commas and opening brackets in it, by which Kastor counts members and items.
    """

    models: int
    size: int
    values: int


ADT_BOUNDS = UploadBounds(250, 16_777_216, 10_000_000)
KASTOR_BOUNDS = UploadBounds(10_000, 16_777_216, 240_000)


def in_order(models: Iterable[Document]) -> list[list[Document]]:
    """Return models in groups, each after those that it needs.

    A group has one model, or several that need each other and have to be sent together. Models
    without a need among them keep the order that they came in.

    Args:
        models: valid documents, each with its own `@id`.
    """
    by_id = {model["@id"]: model for model in models}
    return [[by_id[each] for each in group] for group in _components(_needs(by_id))]


def levels(models: Iterable[Document]) -> list[list[str]]:
    """Return ids of models in portions that can be deleted one after the other.

    Nothing of a later portion is needed by what is left then, so that those of one portion can go
    at once. Models that need each other stand in one portion.
    """
    needs = _needs({model["@id"]: model for model in models})
    height: dict[str, int] = {}
    for group in _components(needs):
        below = [height[need] for each in group for need in needs[each] if need in height]
        height |= dict.fromkeys(group, 1 + max(below, default=-1))
    found: list[list[str]] = [[] for _ in range(1 + max(height.values(), default=-1))]
    for identifier, level in height.items():
        found[level].append(identifier)
    return found[::-1]


def portions(
    groups: Sequence[Sequence[Document]], bounds: UploadBounds
) -> Iterator[list[Document]]:
    """Yield the models of groups in requests within bounds.

    A group is never divided; one that is larger than the bounds stands alone, and the server says
    what it makes of it.
    """
    portion: list[Document] = []
    size = values = 0
    for group in groups:
        texts = [json.dumps(model, separators=(",", ":")) for model in group]
        group_size = sum(len(text) + 1 for text in texts)
        group_values = sum(text.count(mark) for text in texts for mark in ",[{") + len(group)
        is_full = (
            len(portion) + len(group) > bounds.models
            or size + group_size > bounds.size
            or values + group_values > bounds.values
        )
        if portion and is_full:
            yield portion
            portion, size, values = [], 0, 0
        portion += group
        size += group_size
        values += group_values
    if portion:
        yield portion


def _needs(models: Mapping[str, Document]) -> dict[str, list[str]]:
    """Return, for each model, which of the others it needs."""
    owners = {
        each.id: identifier for identifier in models for each in definitions(models[identifier])
    }
    owners |= {identifier: identifier for identifier in models}
    return {
        identifier: [
            owners[each]
            for each in dict.fromkeys(_needed(model))
            if each in owners and owners[each] != identifier
        ]
        for identifier, model in models.items()
    }


def _needed(model: Mapping[str, object]) -> Iterator[str]:
    """Yield ids that a model may need: what it extends, its components, and its schemas."""
    direct = references(model)
    yield from direct.extends
    yield from direct.components
    stack: list[object] = [model.get("contents"), model.get("schemas")]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            if value.startswith("dtmi:"):
                yield value
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, dict):
            stack += [each for key, each in value.items() if not key.startswith(_TARGETS)]


def _components(needs: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of a graph, needs first (Tarjan's algorithm).

    It keeps its own stack, since ontologies can be deeper than Python's.
    """
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_ones: dict[str, None] = {}
    for root in needs:
        if root in index:
            continue
        walk = [(root, iter(needs[root]))]
        index[root] = lowest[root] = len(index)
        open_ones[root] = None
        while walk:
            current, rest = walk[-1]
            following = next((each for each in rest if each not in index), None)
            if following is not None:
                index[following] = lowest[following] = len(index)
                open_ones[following] = None
                walk.append((following, iter(needs[following])))
                continue
            walk.pop()
            for each in needs[current]:
                if each in open_ones:
                    lowest[current] = min(lowest[current], lowest[each])
            if lowest[current] == index[current]:
                yield _taken(open_ones, current)


def _taken(open_ones: dict[str, None], root: str) -> list[str]:
    """Take what was opened since a root, the root among it."""
    found: list[str] = []
    while not found or found[-1] != root:
        found.append(open_ones.popitem()[0])
    return found[::-1]
