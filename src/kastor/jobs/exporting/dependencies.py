"""Models in an order in which each comes after those that it needs."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kastor.dtdl import order
from kastor.types import ModelId


def in_order(texts: Mapping[ModelId, bytes]) -> list[ModelId]:
    """Return the ids, dependencies first, and otherwise in order of id by code point.

    What is needed and not among them does not count.
    """
    needs = {model_id: order.needs_of(orjson.loads(text)) for model_id, text in texts.items()}
    return order.in_order(needs)
