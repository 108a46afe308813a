"""Models in an order in which each comes after those that it needs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

import orjson

from kastor.dtdl import references
from kastor.types import ModelId


def in_order(texts: Mapping[ModelId, bytes]) -> list[ModelId]:
    """Return the ids, dependencies first, and otherwise in order of id by code point.

    What is needed and not among them does not count.
    """
    waits: dict[ModelId, set[ModelId]] = {}
    wanted_by: dict[ModelId, list[ModelId]] = {}
    for model_id, text in texts.items():
        found = references(orjson.loads(text))
        waits[model_id] = {each for each in (*found.extends, *found.components) if each in texts}
        waits[model_id].discard(model_id)
        for needed in waits[model_id]:
            wanted_by.setdefault(needed, []).append(model_id)
    ready = sorted(model_id for model_id, needed in waits.items() if not needed)
    ordered: list[ModelId] = []
    while ready:
        done = heapq.heappop(ready)
        ordered.append(done)
        for model_id in wanted_by.get(done, ()):
            waits[model_id].discard(done)
            if not waits[model_id]:
                heapq.heappush(ready, model_id)
    # None is left where models were checked at their upload: nothing needs itself.
    return ordered + sorted(texts.keys() - set(ordered))
