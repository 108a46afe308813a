"""What a stored model inherits and who inherits from it, for readers that want it all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl import contents_by_kind
from kastor.errors import LimitExceeded
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kastor.graph.catalog import ModelCatalog
    from kastor.types import ModelId

MAX_TEXT_BYTES = 8 * 2**20
"""Of a model and its bases together, whose contents one answer holds."""


class Lineage:
    """Bases and descendants of the models of one catalog."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog
        self._below: dict[ModelId, list[ModelId]] = {}
        for model in catalog.models.values():
            for base in dict.fromkeys(model.extends):
                self._below.setdefault(base, []).append(model.id)

    def bases(self, model_id: ModelId) -> list[ModelId]:
        """Return the ids of all that a model extends, directly or not, nearest first."""
        models = self._catalog.models
        return _walk(model_id, lambda each: models[each].extends if each in models else ())

    def descendants(self, model_id: ModelId) -> list[ModelId]:
        """Return the ids of all that extend a model, directly or not, nearest first."""
        return _walk(model_id, lambda each: self._below.get(each, ()))


def _walk(start: ModelId, following: Callable[[ModelId], Iterable[ModelId]]) -> list[ModelId]:
    found: dict[ModelId, None] = {start: None}
    level: Sequence[ModelId] = [start]
    while level:
        after = {each: None for one in level for each in following(one) if each not in found}
        found |= after
        level = list(after)
    return list(found)[1:]


def flattened(
    catalog: ModelCatalog, model_id: ModelId, bases: Sequence[ModelId]
) -> dict[str, list[Any]]:
    """Return the contents of a model and its bases as they are written, own ones first.

    Returns:
        DTDL elements by ``properties``, ``relationships``, ``components``, ``telemetries`` and
        ``commands``.

    Raises:
        LimitExceeded: the models' texts are longer than MAX_TEXT_BYTES together.
    """
    models = [catalog.models[each] for each in (model_id, *bases) if each in catalog.models]
    size = sum(len(model.text) for model in models)
    if size > MAX_TEXT_BYTES:
        raise LimitExceeded(
            f"{model_id} and its {counted(len(models) - 1, 'base')} have {size} bytes; at most "
            f"{MAX_TEXT_BYTES} can be read at once. Read the models one by one."
        )
    found: dict[str, list[Any]] = {}
    for model in models:
        for kind, elements in contents_by_kind(model.document()).items():
            found.setdefault(kind, []).extend(elements)
    return found
