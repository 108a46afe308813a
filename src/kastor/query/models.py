"""What the compiler asks of the model catalog, and nothing more.

The catalog itself lives elsewhere; a query sees one immutable snapshot of it, named by its epoch.
Plans are cached under that epoch, so a snapshot must never change its answers.
"""

from __future__ import annotations

from typing import Protocol


class ModelIndex(Protocol):
    """An immutable snapshot of the models, as far as queries need them."""

    @property
    def epoch(self) -> int:
        """The number of this snapshot; another number means other answers."""
        ...

    def matching(self, model_id: str, *, exact: bool) -> frozenset[int]:
        """The keys of all models for which IS_OF_MODEL is true (spec query-language 12)."""
        ...

    def property_names(self) -> frozenset[str]:
        """Every property name of every model; only asked for when an error wants a suggestion."""
        ...
