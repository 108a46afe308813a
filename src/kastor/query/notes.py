"""What binding a query notes beside its plan: names to warn of, and values that decide it.

One for a whole query, shared by the scopes of all queries inside it.
"""

from __future__ import annotations

import contextlib
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from kastor.lang.words import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kastor.query.given import Given
    from kastor.query.models import ModelIndex
    from kastor.storage.vectors import VectorIndexRow

_MOST = 9
"""Warnings of one query; the header of an answer holds ten."""
_MOST_COMPARED = 100
_LONGEST = 100
_FAR = 2


class Notes:
    """Collects while a query is bound.

    Attributes:
        given: values of the parameters, if the request has some.
        literals: names of the text's literals by where they begin, while a condition is bound in
            which the plan is to keep them.
        decides: parameters and literals on whose values, not only kinds, the plan depends.
        properties: first names of the paths into twins and relationships.
        relationships: names that relationships are asked by.
        models: ids that no stored model is.
        vectors: the vector indexes that the text may mean.
        warnings: what is odd at the spot already.
    """

    __slots__ = (
        *("decides", "given", "literals", "models", "properties", "relationships", "vectors"),
        "warnings",
    )

    def __init__(
        self,
        given: Given | None = None,
        literals: Mapping[int, str] | None = None,
        vectors: Sequence[VectorIndexRow] = (),
    ) -> None:
        self.given = given
        self.vectors = vectors
        self.literals: Mapping[int, str] = literals or {}
        self.decides: set[str] = set()
        self.properties: set[str] = set()
        self.relationships: set[str] = set()
        self.models: set[str] = set()
        self.warnings: list[str] = []

    def doubt(self, warning: str) -> None:
        """Warn of the spot at hand; a few are enough."""
        if len(self.warnings) < _MOST and warning not in self.warnings:
            self.warnings.append(warning)

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """While values are bound that are compared with each other: names would part equal ones."""
        literals, self.literals = self.literals, {}
        try:
            yield
        finally:
            self.literals = literals

    def told(self, models: ModelIndex) -> tuple[str, ...]:
        """The warnings: names that no stored model knows, each with the nearest that one does."""
        found = self.warnings[:_MOST]
        if not models.model_ids():
            return tuple(dict.fromkeys(found))
        members, relationships = models.property_names(), models.relationship_names()
        known_all = self.properties <= members and self.relationships <= relationships
        if known_all and not self.models:
            return ()
        for what, unknown, known in (
            ("no model declares a property {}.", self.properties - members, members),
            (
                "no model declares a relationship {}.",
                self.relationships - relationships,
                relationships,
            ),
            ("there is no model {}, nor one that extends it.", self.models, None),
        ):
            for name in islice(sorted(unknown), _MOST - len(found)):
                hint = nearest(name, frozenset(models.model_ids()) if known is None else known)
                found.append(what.format(name[:_LONGEST]) + hint)
        return tuple(dict.fromkeys(found))


def nearest(name: str, known: frozenset[str]) -> str:
    """`` Did you mean X?``; looks at few names, since models may declare very many."""
    if len(name) > _LONGEST:
        return ""
    near: list[str] = []
    shelves, (initial, length) = _shelves(known), _shelf(name)
    for far in sorted(range(-_FAR, _FAR + 1), key=abs):
        near += shelves.get((initial, length + far), ())
    return suggestion(name, frozenset(near[:_MOST_COMPARED]))


@lru_cache(maxsize=8)
def _shelves(known: frozenset[str]) -> dict[tuple[str, int], list[str]]:
    """Names by what is likely to be right in a name that is wrong."""
    found: dict[tuple[str, int], list[str]] = {}
    for name in sorted(known):
        found.setdefault(_shelf(name), []).append(name)
    return found


def _shelf(name: str) -> tuple[str, int]:
    """First letter, of an id's last part, and length."""
    return name.rpartition(":")[2][:1].casefold(), len(name)
