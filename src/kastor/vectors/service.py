"""The twins whose vectors are nearest to one: what is asked, by which index, and who is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from kastor.errors import InvalidArgument, KastorError, NotFound, Unavailable
from kastor.extras import install_extra
from kastor.storage.vectors import NearestRows
from kastor.vectors.budget import VectorBudget
from kastor.vectors.embedding import no_embedder
from kastor.vectors.indexes import VectorIndexes, require_vector, usable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kastor.graph.catalog import ModelCatalog
    from kastor.query.service import QueryService
    from kastor.records import Context
    from kastor.storage.protocol import Store
    from kastor.storage.vectors import VectorIndexRow
    from kastor.vectors.embedding import Embedding, EmbeddingStatus
    from kastor.vectors.following import VectorMemory

MOST_NEAREST = 200
SECONDS = 20.0


class VectorsNotInstalledError(KastorError):
    """What search by vectors is computed with is not installed."""

    default_code = "VectorsNotInstalled"


@dataclass(frozen=True, slots=True)
class Near:
    """A twin that was found.

    Attributes:
        key: of the twin.
        id: of the twin.
        distance: smaller is nearer.
    """

    key: int
    id: str
    distance: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The twins that were found.

    Attributes:
        found: nearest first.
        exact: whether each vector that might have been among them was looked at.
    """

    found: list[Near]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class VectorStatus:
    """What is in an index.

    Attributes:
        twins: that belong into it, by their models.
        usable: those of them with a usable vector.
        lag: entries of the change log that the memory lacks; a question works them in first.
        embedding: how far an index with a template is; None of others, and without an embedder.
    """

    twins: int
    usable: int
    lag: int
    embedding: EmbeddingStatus | None = None

    @property
    def without(self) -> int:
        """How many twins have no usable vector."""
        return self.twins - self.usable


class VectorService:
    """Search by meaning in one graph.

    Attributes:
        indexes: of the graph.
        budget: of the process, for vectors in memory.
    """

    def __init__(
        self,
        store: Store[ModelCatalog],
        indexes: VectorIndexes,
        query: QueryService,
        budget: VectorBudget | None = None,
        embedding: Embedding | None = None,
    ) -> None:
        self._store, self._vectors = store, store.vectors
        self.indexes = indexes
        self._query = query
        self.budget = budget or VectorBudget()
        self._counted: dict[VectorIndexRow, tuple[int, int]] = {}
        self.embedding = embedding
        self._memory: VectorMemory | None = None

    async def vector_of(
        self, index: VectorIndexRow, twin: str, context: Context
    ) -> tuple[float, ...]:
        """Return the vector of a twin that others are to be like.

        Raises:
            NotFound: there is no such twin, or it has no usable vector.
        """
        context.require_plain()
        row = await self._vectors.vector(index, twin)
        if row is None:
            raise NotFound(f"There is no twin {twin[:200]}.", code="DigitalTwinNotFound")
        found = None if row.vector is None else usable(index, row.vector)
        if found is None:
            raise NotFound(f"The twin has no vector of {index.name}.", code="VectorNotFound")
        return found

    async def vector_of_text(self, index: VectorIndexRow, text: str) -> tuple[float, ...]:
        """Return the vector of a text, by the embedder that makes those of an index.

        Raises:
            InvalidArgument: nothing makes vectors of texts for the index, or the text is empty or
                too long.
            Unavailable: the embedder gives none in time.
        """
        if self.embedding is None:
            raise no_embedder(index)
        return await self.embedding.vector_of_text(index, text)

    async def choose(self, name: str | None, context: Context) -> VectorIndexRow:
        """Return the index of a name, or the only one there is.

        Raises:
            NotFound: there is none.
            InvalidArgument: there are several, and none is named.
        """
        context.require_all()
        if name is not None:
            return await self.indexes.require(name)
        there = await self.indexes.refresh()
        if not there:
            raise NotFound(
                "The graph has no vector index: make one with PUT /kastor/v1/vectors/{name}.",
                code="VectorIndexNotFound",
            )
        if len(there) > 1:
            names = ", ".join(each.name for each in there)
            raise InvalidArgument(f"The graph has several vector indexes: name one of {names}.")
        return there[0]

    async def nearest(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        context: Context,
        *,
        model: str | None = None,
        subtypes: bool = True,
        among: Collection[str] | None = None,
    ) -> Nearest:
        """Return the twins whose vectors are nearest, nearest first.

        What the caller may not see is left out before they are chosen.

        Args:
            index: which one.
            vector: of its length.
            count: how many at most.
            context: who asks; of a past state vectors of properties are read by a query.
            model: only its twins.
            subtypes: whether twins of what extends that model count.
            among: only these twins, by id; not of a past state.

        Raises:
            InvalidArgument: the past is asked for of vectors beside twins.
            VectorsNotInstalledError: there is no numpy.
            Unavailable: it took too long.
        """
        if context.at is not None:
            past = await self._past(index, vector, count, context, model, subtypes=subtypes)
            return Nearest(past)
        context.require_plain()
        keys = self._keys(index, model, subtypes=subtypes)
        some = None if among is None else sorted(among)
        try:
            async with asyncio.timeout(SECONDS):
                rows = await self._vectors.nearest(index, vector, count, keys, some)
                if rows is None:
                    rows = await self._computed(index, vector, count, keys, some)
        except TimeoutError as error:
            raise Unavailable("The search by vectors took too long; ask again.") from error
        ids = dict(await self._vectors.twins_by_key([key for _, key in rows.rows]))
        found = [Near(key, ids[key], distance) for distance, key in rows.rows if key in ids]
        return Nearest(found, rows.exact)

    async def _computed(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        keys: list[int] | None,
        among: Sequence[str] | None,
    ) -> NearestRows:
        """Return what is nearest by the memory of vectors, where the engine computes nothing."""
        memory = await self._ready()
        allowed = None if keys is None else await self._twins_of(keys)
        found = await memory.nearest(index, vector, count, allowed, among)
        return NearestRows(found, exact=True)

    async def status(self, index: VectorIndexRow, context: Context) -> VectorStatus:
        """Return what is in an index.

        Raises:
            Unavailable: it took too long to count.
        """
        context.require_plain()
        _, newest = await self._store.events.log_bounds()
        lag = 0 if self._memory is None else self._memory.lag(index, newest)
        keys = self._keys(index, None, subtypes=True)
        made = None
        if self.embedding is not None and index.template is not None:
            made = await self.embedding.status(index)
        twins, beside = await self._vectors.vector_counts(index, keys)
        if index.path is None:
            return VectorStatus(twins, beside, lag, made)
        try:
            async with asyncio.timeout(SECONDS):
                found = await self._usable(index, keys, newest)
        except TimeoutError as error:
            raise Unavailable("Counting the vectors took too long; ask again.") from error
        return VectorStatus(twins, found, lag, made)

    async def _usable(self, index: VectorIndexRow, keys: list[int] | None, newest: int) -> int:
        """Return how many vectors of a property are usable, of which no engine keeps count.

        What is in memory tells it. Without that all are read, once for a state of the graph.
        """
        counted = self._counted.get(index)
        if counted is not None and counted[0] == newest:
            return counted[1]
        allowed = None if keys is None else await self._vectors.vector_keys(keys)
        found = None if self._memory is None else await self._memory.count(index, allowed)
        if found is None:
            async with self.budget.streams:
                found = await self._read_all(index, allowed)
        there = self.indexes.known()
        kept = {known: each for known, each in self._counted.items() if known in there}
        self._counted = {**kept, index: (newest, found)}
        return found

    async def _read_all(self, index: VectorIndexRow, allowed: bytes | None) -> int:
        seen = None if allowed is None else set(memoryview(allowed).cast("q"))
        after, found = -1, 0
        while rows := await self._vectors.vectors_after(index, after):
            found += await asyncio.to_thread(_usable, index, rows, seen)
            after = rows[-1].key
        return found

    async def _ready(self) -> VectorMemory:
        """Return the memory, which needs numpy; that is imported when somebody asks, in a thread.

        Others are answered meanwhile: it takes about a second on a slow machine.
        """
        if self._memory is None:
            try:
                following = await asyncio.to_thread(import_module, "kastor.vectors.following")
            except ImportError as error:
                raise VectorsNotInstalledError(
                    "Search by vectors needs numpy, which this server does not have:"
                    f" {install_extra('vectors')}; or order a query by VECTOR_DISTANCE."
                ) from error
            if self._memory is None:  # nobody was quicker
                self._memory = following.VectorMemory(
                    self._vectors, self._store.events, self.budget
                )
        memory: VectorMemory = self._memory
        memory.forget(self.indexes.known())
        return memory

    def _keys(
        self, index: VectorIndexRow, model: str | None, *, subtypes: bool
    ) -> list[int] | None:
        """Return the keys of the models whose twins count; None for all."""
        models = self._store.catalog
        keys: set[int] | None = None
        for each in index.models:
            keys = (keys or set()) | set(models.matching(each, exact=False))
        if model is not None:
            named = set(models.matching(model, exact=not subtypes))
            keys = named if keys is None else keys & named
        return None if keys is None else sorted(keys)

    async def _twins_of(self, keys: list[int]) -> Any:
        """Return the keys of twins of these models, in order."""
        import numpy as np  # noqa: PLC0415 - an extra

        return np.frombuffer(await self._vectors.vector_keys(keys), np.int64)

    async def _past(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        context: Context,
        model: str | None,
        *,
        subtypes: bool,
    ) -> list[Near]:
        if index.path is None:
            raise InvalidArgument(
                f"The vectors of {index.name} stand beside twins and have no past. Ask for now, or"
                " by an index of a property."
            )
        # Ids of models are texts of a caller; they go in as parameters.
        parameters: dict[str, Any] = {"v": list(vector), "i": index.name}
        where = ""
        if model is not None:
            where = f" WHERE IS_OF_MODEL(T, $m{'' if subtypes else ', exact'})"
            parameters["m"] = model
        text = (
            f"SELECT TOP({count}) T.$dtId, VECTOR_DISTANCE(T, $i, $v) AS d"
            f" FROM DIGITALTWINS T{where} ORDER BY d, T.$dtId"
        )
        page = await self._query.run(text, context, max_items=count, parameters=parameters)
        return [Near(0, row["$dtId"], row["d"]) for row in orjson.loads(page.value)]


def _usable(index: VectorIndexRow, rows: Sequence[Any], seen: set[int] | None) -> int:
    return sum(
        row.vector is not None
        and (seen is None or row.key in seen)
        and usable(index, row.vector) is not None
        for row in rows
    )


def vector_given(given: object, index: VectorIndexRow) -> tuple[float, ...]:
    """Return the vector that a search gives; see `require_vector`."""
    return require_vector(given, index.metric, index.dims)
