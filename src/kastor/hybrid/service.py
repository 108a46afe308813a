"""Finds twins by words, by vectors, or by both, and says where each stands in which list."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import orjson

from kastor.errors import InvalidArgument, NotFound, Unavailable
from kastor.hybrid.fusion import Fused, candidates, fused
from kastor.search.documents import LONGEST_TEXT, naming
from kastor.vectors.indexes import require_vector
from kastor.vectors.service import VectorsNotInstalledError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.graph.catalog import ModelCatalog
    from kastor.query.service import QueryService
    from kastor.records import Context
    from kastor.search.service import Hit, Kind, SearchAnswer, SearchService
    from kastor.storage.vectors import VectorIndexRow
    from kastor.vectors.service import Near, VectorService

Mode: TypeAlias = Literal["auto", "words", "vector", "hybrid"]
MODES: tuple[Mode, ...] = get_args(Mode)
TEXT_SECONDS = 0.1
"""For the words, of which more candidates are looked at than a search by words alone shows."""
_TWINS: tuple[Kind, ...] = ("twin",)
_DOCUMENTS = "SELECT T FROM DIGITALTWINS T WHERE T.$dtId IN $ids"


@dataclass(frozen=True, slots=True)
class HybridQuestion:
    """What is looked for.

    Attributes:
        text: words.
        like: the id of a twin that others are to be near to; it is none of them.
        vector: what they are to be near to; not beside `like`.
        index: the name of a vector index; None: the only one there is.
        mode: `auto` uses what is given, and does without vectors where they cannot be used beside a
            text; the others need what they name. Without `like` and `vector` an index whose vectors
            are made of texts looks for the text's meaning.
        model: only its twins.
        subtypes: whether twins of what extends that model count.
        among: only these twins, by id; None: all.
        limit: how many hits.
        skip: how many of the best are left out.
        most: of each list that are looked at; None: as many as there should be for the limit. Pages
            of one order keep to the same.
    """

    text: str | None = None
    like: str | None = None
    vector: object = None
    index: str | None = None
    mode: Mode = "auto"
    model: str | None = None
    subtypes: bool = True
    among: frozenset[str] | None = None
    limit: int = 10
    skip: int = 0
    most: int | None = None

    @property
    def names_vector(self) -> bool:
        """Whether it says what hits are to be near to."""
        return self.like is not None or self.vector is not None


@dataclass(frozen=True, slots=True)
class HybridHit:
    """A twin that was found.

    Attributes:
        place: where it stands in each list.
        document: as it is now, or at the instant that was asked for.
        hit: what of its texts answers the words; None where it is near alone.
        distance: from what was asked for; None where only words found it.
    """

    place: Fused
    document: dict[str, Any]
    hit: Hit | None
    distance: float | None

    @property
    def id(self) -> str:
        """Of the twin."""
        return self.place.id

    @property
    def model(self) -> str:
        """The id of the twin's model."""
        model: str = self.document["$metadata"]["$model"]
        return model

    @property
    def name(self) -> str | None:
        """What people call the twin; None where that is its id."""
        named = naming(self.document)
        return None if named is None else self.document[named][:LONGEST_TEXT]

    def ranks(self) -> dict[str, int | float]:
        """Return where it stands in each list and how far it is, as far as there is something."""
        told = {
            "textRank": self.place.text_rank,
            "vectorRank": self.place.vector_rank,
            "distance": self.distance,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class HybridAnswer:
    """An answer.

    Attributes:
        found: best first.
        more: whether there may be others.
        goes_on: whether there are others in this order, behind those that were found.
        most: of each list that were looked at.
        ranking: by what they are ordered.
        index: whose vectors were compared; None: none were.
        words: what the index of texts said; None where it was not asked.
        degraded: why vectors were not used although they were asked for.
        exact: whether each vector was compared that might have been among the nearest.
    """

    found: list[HybridHit]
    more: bool
    goes_on: bool
    most: int
    ranking: Literal["words", "vector", "hybrid"]
    index: VectorIndexRow | None = None
    words: SearchAnswer | None = None
    degraded: str | None = None
    exact: bool = True


class HybridService:
    """Hybrid search in one graph."""

    def __init__(
        self,
        search: SearchService | None,
        vectors: VectorService,
        query: QueryService,
        models: Callable[[], ModelCatalog],
    ) -> None:
        self._search, self._vectors, self._query = search, vectors, query
        self._models = models

    async def find(
        self, asked: HybridQuestion, context: Context, hits: Sequence[Hit] | None = None
    ) -> HybridAnswer:
        """Return the twins that answer a question.

        What the caller may not see is left out before the best are taken.

        Args:
            asked: the question.
            context: who asks, and of which state.
            hits: what answers the words, best first, where somebody has found that already.

        Raises:
            InvalidArgument: what the mode needs is missing, or cannot be together.
            NotFound: there is no such index, twin or vector, or no search by words.
            VectorsNotInstalledError: there is no numpy, and nothing but vectors was asked for.
            Unavailable: an index does not answer now.
        """
        by_words, by_vectors = _wanted(asked, embeds=await self._embeds(asked))
        most = candidates(asked.limit) if asked.most is None else asked.most
        words, near = await asyncio.gather(
            self._by_words(asked, most, context) if by_words and hits is None else _none(),
            self._by_vectors(asked, most, context, optional=by_words and asked.mode == "auto")
            if by_vectors
            else _none(),
        )
        if hits is None:
            hits = [] if words is None else self._hits(words, asked)
        hits = hits[:most]
        nearest = [] if near is None else near.found
        order = fused([each.id for each in hits], [each.id for each in nearest])
        shown = order[asked.skip : asked.skip + asked.limit]
        found = await self._told(shown, hits, nearest, context)
        uses_vectors = near is not None and near.degraded is None
        goes_on = len(order) > asked.skip + asked.limit
        return HybridAnswer(
            found,
            goes_on or (words is not None and words.more),
            goes_on,
            most,
            "words" if not uses_vectors else "hybrid" if by_words else "vector",
            None if near is None else near.index,
            words,
            None if near is None else near.degraded,
            exact=near is None or near.exact,
        )

    async def _embeds(self, asked: HybridQuestion) -> bool:
        """Return whether the meaning of the text alone can be looked for."""
        if asked.text is None or asked.names_vector or self._vectors.embedding is None:
            return False
        there = await self._vectors.indexes.refresh()
        named = [each for each in there if asked.index in (None, each.name)]
        return len(named) == 1 and named[0].template is not None

    async def _by_words(self, asked: HybridQuestion, most: int, context: Context) -> SearchAnswer:
        if self._search is None:
            raise NotFound(
                "This server has no search: its setting `search` is off.", code="SearchOff"
            )
        if context.at is not None:
            raise InvalidArgument(
                "Words are looked for in the present: leave asOf out, or the text."
            )
        return await self._search.search(asked.text or "", _TWINS, most, context, TEXT_SECONDS)

    def _hits(self, words: SearchAnswer, asked: HybridQuestion) -> list[Hit]:
        hits = words.hits
        if asked.model is not None:
            models = self._models()
            keys = models.matching(asked.model, exact=not asked.subtypes)
            hits = [
                each
                for each in hits
                if each.model is not None
                and each.model in models.keys
                and models.key_of(each.model) in keys
            ]
        return [each for each in hits if asked.among is None or each.id in asked.among]

    async def _by_vectors(
        self, asked: HybridQuestion, most: int, context: Context, *, optional: bool
    ) -> _Nearest:
        try:
            return await self._nearest(asked, most, context)
        except (NotFound, Unavailable, VectorsNotInstalledError) as error:
            if not optional:
                raise
            return _Nearest(None, [], error.message)

    async def _nearest(self, asked: HybridQuestion, most: int, context: Context) -> _Nearest:
        index = await self._vectors.choose(asked.index, context)
        if asked.like is not None and context.at is not None:
            raise InvalidArgument("Of a past state give a vector: like is of the present.")
        if asked.like is not None:
            vector = await self._vectors.vector_of(index, asked.like, context)
        elif asked.vector is None:
            vector = await self._vectors.vector_of_text(index, asked.text or "")
        else:
            vector = require_vector(asked.vector, index.metric, index.dims)
        found = await self._vectors.nearest(
            *(index, vector, most + 1, context),
            model=asked.model,
            subtypes=asked.subtypes,
            among=asked.among,
        )
        near = [each for each in found.found if each.id != asked.like][:most]
        return _Nearest(index, near, exact=found.exact)

    async def _told(
        self, places: list[Fused], hits: Sequence[Hit], near: Sequence[Near], context: Context
    ) -> list[HybridHit]:
        """Return the places with their twins as they are; whose twin is gone is left out."""
        if not places:
            return []
        ids = [each.id for each in places]
        page = await self._query.run(
            _DOCUMENTS, context, max_items=len(ids), parameters={"ids": ids}
        )
        documents = {row["T"]["$dtId"]: row["T"] for row in orjson.loads(page.value)}
        by_id = {each.id: each for each in hits}
        distances = {each.id: each.distance for each in near}
        return [
            HybridHit(each, documents[each.id], by_id.get(each.id), distances.get(each.id))
            for each in places
            if each.id in documents
        ]


@dataclass(frozen=True, slots=True)
class _Nearest:
    index: VectorIndexRow | None
    found: list[Near]
    degraded: str | None = None
    exact: bool = True


def _wanted(asked: HybridQuestion, *, embeds: bool) -> tuple[bool, bool]:
    """Return whether words and whether vectors are looked for.

    Raises:
        InvalidArgument: what the mode needs is missing, or cannot be together.
    """
    if asked.like is not None and asked.vector is not None:
        raise InvalidArgument("A search has one of vector and like, the id of a twin.")
    is_near = asked.names_vector or embeds
    if asked.mode in ("vector", "hybrid") and not is_near:
        raise InvalidArgument(
            f"The mode {asked.mode} needs what twins are to be near to: give vector, or like with"
            " the id of a twin; or a text and an index whose vectors are made of texts."
        )
    if asked.mode in ("words", "hybrid") and asked.text is None:
        raise InvalidArgument(f"The mode {asked.mode} needs a text.")
    if asked.mode == "auto":
        if asked.text is None and not is_near:
            raise InvalidArgument(
                "There is nothing to look for: give text, vector, or like with the id of a twin."
            )
        return asked.text is not None, is_near
    return asked.mode != "vector", asked.mode != "words"


async def _none() -> None:
    return None
