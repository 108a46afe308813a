"""Which models differ between two states, and the order in which they can be brought back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

import orjson
from msgspec import Struct

from kastor.jobs.exporting.dependencies import in_order

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog, StoredModel
    from kastor.records import AsOf
    from kastor.types import Document, ModelId


class ModelDifference(Struct, frozen=True):
    """A model that two states have in different form; None where it was not there."""

    id: ModelId
    before: StoredModel | None
    after: StoredModel | None


def models_of(at: AsOf) -> ModelCatalog:
    """Return the models of a state."""
    return cast("ModelCatalog", at.catalog)


def model_differences(before: ModelCatalog, after: ModelCatalog) -> list[ModelDifference]:
    """Return what differs in content or in being in service, in order of id."""
    pairs = [
        ModelDifference(each, before.models.get(each), after.models.get(each))
        for each in sorted(before.models.keys() | after.models.keys())
    ]
    return [each for each in pairs if not _equal(each.before, each.after)]


def same_content(one: StoredModel, other: StoredModel) -> bool:
    """Return whether two uploads say the same."""
    return one.text == other.text or _sorted(one) == _sorted(other)


def shown(model: StoredModel) -> Document:
    """Return how a line of a difference has a model."""
    return {"decommissioned": model.decommissioned, "model": orjson.Fragment(model.text)}


def with_dependents(
    ids: Collection[ModelId], models: Mapping[ModelId, StoredModel]
) -> set[ModelId]:
    """Return models with all that need them, directly or not."""
    needed_by: dict[ModelId, list[ModelId]] = {}
    for model in models.values():
        for need in model.needs:
            needed_by.setdefault(need, []).append(model.id)
    found: set[ModelId] = set()
    pending = list(ids)
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += needed_by.get(each, ())
    return found


def ordered(ids: Collection[ModelId], models: Mapping[ModelId, StoredModel]) -> list[ModelId]:
    """Return models in an order in which each comes after those that it needs."""
    return in_order({each: models[each].text for each in ids})


def _equal(one: StoredModel | None, other: StoredModel | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.decommissioned == other.decommissioned and same_content(one, other)


def _sorted(model: StoredModel) -> bytes:
    return orjson.dumps(model.document(), option=orjson.OPT_SORT_KEYS)
