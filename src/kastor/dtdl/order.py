"""The one order of models in exports: each comes after those that it needs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kastor.dtdl.references import references

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


def in_order(needs: Mapping[str, AbstractSet[str]]) -> list[str]:
    """Return ids of interfaces, dependencies first, and otherwise in order by code point.

    Interfaces that need each other, which no valid ones do, come last, with those that need them.

    Args:
        needs: of each id what `needs_of` returns; what is needed and not among them does not count.
    """
    waits = {model: {each for each in needed if each in needs} for model, needed in needs.items()}
    wanted_by: dict[str, list[str]] = {}
    for model, needed in waits.items():
        needed.discard(model)
        for each in needed:
            wanted_by.setdefault(each, []).append(model)
    ready = sorted(model for model, needed in waits.items() if not needed)
    ordered: list[str] = []
    while ready:
        done = heapq.heappop(ready)
        del waits[done]
        ordered.append(done)
        for model in wanted_by.get(done, ()):
            waits[model].discard(done)
            if not waits[model]:
                heapq.heappush(ready, model)
    return ordered + sorted(waits)


def needs_of(document: Mapping[str, object]) -> frozenset[str]:
    """Return the ids of what one interface extends or has as components."""
    found = references(document)
    return frozenset((*found.extends, *found.components))
