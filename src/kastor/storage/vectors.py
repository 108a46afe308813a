"""Vectors for search by meaning: indexes, and vectors that clients put beside twins (decisions 7).

An index over a property has no rows of its own: its vectors stand in the twins' documents. What
clients gave beside a twin is data of the graph, goes with the twin, and has no part in its past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Protocol, TypeAlias, get_args

import msgspec
from msgspec import Struct

from kastor.types import Ticks, TwinId

Metric: TypeAlias = Literal["cosine", "l2", "dot"]
METRICS: tuple[Metric, ...] = get_args(Metric)

MOST_DIMS = 4_096
FUNCTION = "kastor_distance"
"""Of kind, subject and packed vector, in every connection to SQLite."""
COLUMNS = "name, dims, metric, property, models, created, template"
"""Of the table of indexes."""
PORTION_BYTES = 4 * 2**20
"""Of vectors that are read at once."""
JSON_NUMBER = 24
"""Bytes of a number in a document, at most as a rule."""
LONGEST_NUMBER = 400
"""Bytes beyond which no number of a document goes, with all its digits."""


class VectorIndexRow(Struct, frozen=True):
    """An index.

    Attributes:
        dims: length of its vectors.
        path: of its property, names with dots between them; None where vectors stand beside twins.
        models: ids; twins of these and of what extends them are in it. Empty: all twins.
        template: of the texts that vectors are made of; they stand beside twins, and are no data
            of clients. None where nobody makes them.
    """

    name: str
    dims: int
    metric: Metric
    path: str | None
    models: tuple[str, ...]
    created: Ticks
    template: str | None = None

    @property
    def row(self) -> tuple[str, int, Metric, str | None, str, Ticks, str | None]:
        """Its row, in the order of COLUMNS."""
        models = msgspec.json.encode(self.models).decode()
        place = (self.path, models, self.created, self.template)
        return self.name, self.dims, self.metric, *place

    @property
    def shown(self) -> dict[str, Any]:  # any: JSON
        """What clients and exports are told of it."""
        shown: dict[str, Any] = {"name": self.name, "dims": self.dims, "metric": self.metric}
        given = {"property": self.path, "template": self.template}
        shown |= {name: value for name, value in given.items() if value is not None}
        return shown | {"models": list(self.models)}

    @property
    def longest(self) -> int:
        """Bytes that the JSON text of one of its vectors has at most."""
        return 2 + LONGEST_NUMBER * self.dims

    @property
    def steps(self) -> tuple[str, ...]:
        """The path of its property."""
        return tuple((self.path or "").split("."))


def index_of(row: Sequence[Any]) -> VectorIndexRow:
    """Return the index of a row, in the order of COLUMNS."""
    name, dims, metric, path, models, created, template = row
    listed = msgspec.json.decode(models, type=tuple[str, ...])
    return VectorIndexRow(name, dims, metric, path, listed, created, template)


class VectorRow(Struct, frozen=True):
    """What stands beside one twin, or in its property.

    Attributes:
        key: of the twin.
        vector: as `distances.packed`, or the JSON text of a property's value; None: there is none.
    """

    key: int
    vector: bytes | None


class ChangedVectors(Struct, frozen=True):
    """What was written beside twins since a mark.

    Attributes:
        mark: since which to ask the next time; rows may come twice.
    """

    rows: list[VectorRow]
    mark: int


class NearestRows(Struct, frozen=True):
    """What an engine found nearest.

    Attributes:
        rows: distances and keys of twins, nearest first.
        exact: whether each vector that might have been among them was looked at.
    """

    rows: list[tuple[float, int]]
    exact: bool


JudgeIndex: TypeAlias = Callable[[Sequence[VectorIndexRow]], "VectorIndexRow | None"]
"""Takes the indexes there are; returns what is to be written, None for nothing, or raises."""


class VectorStore(Protocol):
    """One graph's vector indexes, and the vectors beside its twins."""

    async def vector_indexes(self) -> list[VectorIndexRow]:
        """Return the indexes, by name."""

    async def put_vector_index(self, judge: JudgeIndex) -> None:
        """Write an index, made new or other than it was; `judge` is asked in the transaction."""

    async def drop_vector_index(self, name: str) -> bool:
        """Drop an index with its vectors; return whether there was one."""

    async def put_vectors(
        self, index: VectorIndexRow, vectors: Mapping[TwinId, bytes]
    ) -> AbstractSet[TwinId]:
        """Put packed vectors beside twins, in one transaction; return the twins that have one now.

        Those that are gone are left out; all of them are where the index is gone.
        """

    async def put_made(
        self, index: VectorIndexRow, vectors: Mapping[int, tuple[int, bytes]]
    ) -> None:
        """Put vectors beside twins that were made of texts, in one transaction.

        Args:
            index: with a template; where it is gone, nothing is written.
            vectors: by key of the twin, the number of the text and the packed vector. Twins that
                are gone are left out.
        """

    async def made_of(self, index: VectorIndexRow, keys: Sequence[int]) -> dict[int, int]:
        """Return by key of the twin the number of the text that its vector was made of."""

    async def vector(self, index: VectorIndexRow, twin: TwinId) -> VectorRow | None:
        """Return what stands beside a twin, or in its property; None where there is no twin."""

    async def remove_vector(self, index: VectorIndexRow, twin: TwinId) -> bool:
        """Take back what stands beside a twin; return whether there was something."""

    async def vectors_after(self, index: VectorIndexRow, after: int) -> list[VectorRow]:
        """Return a portion of all there are, in order of keys, strictly after a key.

        What has no vector of the index's length may be left out. An empty portion is the last one.
        """

    async def vectors_of(self, index: VectorIndexRow, twins: Sequence[TwinId]) -> list[VectorRow]:
        """Return what twins have; those that do not exist are left out."""

    async def vectors_since(self, index: VectorIndexRow, mark: int) -> ChangedVectors:
        """Return what was written or taken back beside twins since a mark; see `ChangedVectors`.

        Args:
            index: whose vectors stand beside twins.
            mark: of an earlier answer; -1 for the mark alone.
        """

    async def nearest(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        models: Sequence[int] | None,
        among: Sequence[TwinId] | None,
    ) -> NearestRows | None:
        """Return the twins whose vectors are nearest; None where the engine does not compute them.

        Args:
            index: which one.
            vector: of its length.
            count: how many at most.
            models: only twins of these (keys); None: of all.
            among: only these twins; None: all.
        """

    async def vector_keys(self, models: Sequence[int] | None) -> bytes:
        """Return the keys of twins of these models (keys; None: of all), as int64, in order."""

    async def vector_counts(
        self, index: VectorIndexRow, models: Sequence[int] | None
    ) -> tuple[int, int]:
        """Return how many twins of these models there are, and what stands beside them.

        The latter is 0 for an index of a property. No vector is read.
        """

    async def twins_by_key(self, keys: Sequence[int]) -> list[tuple[int, TwinId]]:
        """Return keys and ids of those of these twins that exist."""
