"""What binding a query notes beside its plan: names to warn of, and parameters that decide it.

One for a whole query, shared by the scopes of all queries inside it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from kastor.lang.words import suggestion

if TYPE_CHECKING:
    from collections.abc import Collection

    from kastor.query.given import Given
    from kastor.query.models import ModelIndex

_MOST = 9
_MOST_COMPARED = 200
_LONGEST = 100
_FAR = 2


class Notes:
    """Collects while a query is bound.

    Attributes:
        given: values of the parameters, if the request has some.
        decides: parameters on whose values, and not only kinds, the plan depends.
        properties: first names of the paths into twins and relationships.
        relationships: names that relationships are asked by.
        models: ids that no stored model is.
        warnings: what is odd at the spot already.
    """

    __slots__ = ("decides", "given", "models", "properties", "relationships", "warnings")

    def __init__(self, given: Given | None = None) -> None:
        self.given = given
        self.decides: set[str] = set()
        self.properties: set[str] = set()
        self.relationships: set[str] = set()
        self.models: set[str] = set()
        self.warnings: list[str] = []

    def told(self, models: ModelIndex) -> tuple[str, ...]:
        """The warnings: names that no stored model knows, each with the nearest that one does."""
        if not models.model_ids():
            return tuple(dict.fromkeys(self.warnings))
        found = list(self.warnings)
        unknown = self.properties - models.property_names()
        for name in _some(unknown):
            hint = nearest(name, models.property_names())
            found.append(f"no model declares a property {name[:_LONGEST]}.{hint}")
        unknown = self.relationships - models.relationship_names()
        for name in _some(unknown):
            hint = nearest(name, models.relationship_names())
            found.append(f"no model declares a relationship {name[:_LONGEST]}.{hint}")
        for name in _some(self.models):
            hint = nearest(name, frozenset(models.model_ids()))
            found.append(f"there is no model {name[:_LONGEST]}, nor one that extends it.{hint}")
        return tuple(dict.fromkeys(found))


def nearest(name: str, known: frozenset[str]) -> str:
    """`` Did you mean X?``; looks at few names, since models may declare very many."""
    if len(name) > _LONGEST:
        return ""
    near: list[str] = []
    for far in range(-_FAR, _FAR + 1):
        near += _shelves(known).get((name[:1].casefold(), len(name) + far), ())
    return suggestion(name, frozenset(near[:_MOST_COMPARED]))


@lru_cache(maxsize=8)
def _shelves(known: frozenset[str]) -> dict[tuple[str, int], list[str]]:
    """Names by first letter and length."""
    found: dict[tuple[str, int], list[str]] = {}
    for name in sorted(known):
        found.setdefault((name[:1].casefold(), len(name)), []).append(name)
    return found


def _some(names: Collection[str]) -> list[str]:
    return list(islice(sorted(names), _MOST))
