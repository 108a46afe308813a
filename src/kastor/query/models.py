"""What the compiler asks of the model catalog, and nothing more.

The catalog itself lives elsewhere; a query sees one immutable snapshot of it, named by its epoch.
Plans are cached under that epoch, so a snapshot must never change its answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class ModelIndex(Protocol):
    """An immutable snapshot of the models, as far as queries need them."""

    @property
    def epoch(self) -> int:
        """The number of this snapshot; another number means other answers."""
        ...

    def matching(self, model_id: str, *, exact: bool) -> frozenset[int]:
        """The keys of all models for which IS_OF_MODEL is true (query-language 12)."""
        ...

    def model_ids(self) -> Collection[str]:
        """The ids of all stored models; none in a graph without models."""
        ...

    def labels(self) -> Mapping[int, tuple[str, ...]]:
        """By key of a model what twins of it are called in openCypher (decisions 7).

        ``Twin``, then the last words of the model's id and of its bases', nearest first.
        """
        ...

    def property_names(self) -> frozenset[str]:
        """The names of all properties and components, properties of relationships included.

        Asked for whenever a query is compiled: the same object each time.
        """
        ...

    def schemas_of(self, name: str) -> frozenset[str]:
        """What stored models call the values of members of this name.

        Terms of primitive schemas, ``object``, ``array``, or ``?`` for what is not known; nothing
        where no model declares such a member.
        """
        ...

    def relationship_names(self) -> frozenset[str]:
        """The names of all relationships that models declare; as quick."""
        ...
