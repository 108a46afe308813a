"""Vector indexes and vectors beside twins, as exports of Kastor hold them (decisions 7).

They are no commands: nothing of them stands in the change log. What is written again after a crash
is the same as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from kastor.errors import InvalidArgument, KastorError, Unavailable
from kastor.identifiers import ID_RULE, is_id
from kastor.types import Document, Json, TwinId
from kastor.vectors.indexes import among, require_fit

if TYPE_CHECKING:
    from kastor.storage.vectors import VectorIndexRow
    from kastor.vectors.indexes import VectorIndexes

VECTOR_INDEXES, VECTORS = "Kastor.VectorIndexes", "Kastor.Vectors"
VECTOR_SECTIONS = (VECTOR_INDEXES, VECTORS)
"""In the order of the file, after all others."""

_LONGEST_NAME = 100
_MEMBERS = frozenset({"$dtId", "index", "vector"})


class GivenIndex(Struct, frozen=True):
    """An index, as the body of its PUT says it."""

    name: str
    body: Document


class GivenVector(Struct, frozen=True):
    """A vector beside a twin, not looked at yet."""

    twin: TwinId
    index: str
    vector: Json


Given: TypeAlias = GivenIndex | GivenVector


def read_given(section: str, document: Document) -> tuple[str, Given]:
    """Return what a line is about, for people, and what it gives.

    Raises:
        InvalidArgument: a member is missing, or is none of the section's.
    """
    if section == VECTOR_INDEXES:
        name = _text(document, "name")
        body = {member: value for member, value in document.items() if member != "name"}
        return name[:_LONGEST_NAME], GivenIndex(name, body)
    if unknown := sorted(document.keys() - _MEMBERS):
        raise InvalidArgument(f"A vector beside a twin has no member {unknown[0][:100]!r}.")
    twin, index = _text(document, "$dtId"), _text(document, "index")
    if not is_id(twin):
        raise InvalidArgument(f"$dtId {twin[:_LONGEST_NAME]} is invalid: {ID_RULE}.")
    return twin[:_LONGEST_NAME], GivenVector(twin, index, document.get("vector"))


class VectorWriter:
    """Writes what the lines of a batch give."""

    def __init__(self, indexes: VectorIndexes) -> None:
        self._indexes = indexes

    async def write(self, given: Sequence[Given]) -> list[KastorError | None]:
        """Return for each what it was refused for; they are of one section.

        Raises:
            Unavailable: what comes after some of them was not written.
        """
        found: list[KastorError | None] = [None] * len(given)
        together: dict[str, list[tuple[int, TwinId, Json]]] = {}
        for place, each in enumerate(given):
            if isinstance(each, GivenIndex):
                found[place] = await self._put_index(each)
            else:
                together.setdefault(each.index, []).append((place, each.twin, each.vector))
        for name, rows in together.items():
            outcomes = await self._indexes.put_many_beside(name, [row[1:] for row in rows])
            for (place, *_), outcome in zip(rows, outcomes, strict=True):
                found[place] = outcome
        return found

    async def _put_index(self, given: GivenIndex) -> KastorError | None:
        try:
            await self._indexes.put(given.name, given.body)
        except Unavailable:
            raise
        except KastorError as error:
            return error
        return None


class VectorTrial:
    """Judges what the lines of a batch give; nothing is written.

    An index that comes in the file counts for the vectors after it.
    """

    def __init__(self, indexes: VectorIndexes) -> None:
        self._indexes = indexes
        self._there: dict[str, VectorIndexRow] | None = None

    async def judge(self, given: Given) -> KastorError | None:
        """Return what one would be refused for, the twin aside."""
        if self._there is None:
            self._there = {each.name: each for each in await self._indexes.refresh()}
        try:
            if isinstance(given, GivenIndex):
                wanted = self._indexes.read(given.name, given.body)
                index, _ = among(list(self._there.values()), wanted)
                self._there[given.name] = index
            else:
                found = self._there.get(given.index)
                require_fit(found or await self._indexes.require(given.index), given.vector)
        except Unavailable:
            raise
        except KastorError as error:
            return error
        return None


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidArgument(f"The line needs {name}, a string.")
    return value
