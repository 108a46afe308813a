"""Answers searches: asks the index for candidates, ranks them, and says how far the index is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import orjson

from kastor.errors import InvalidArgument
from kastor.search.follower import Follower
from kastor.search.ranking import SearchText, TextMatch, begins_words, best_match, question
from kastor.storage.search import IndexedKind, IndexQuestion
from kastor.storage.search_texts import is_near, is_tolerant, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kastor.records import Context
    from kastor.storage.events import EventStore
    from kastor.storage.search import Candidates, IndexState, SearchStore
    from kastor.vital import Vitals

Kind: TypeAlias = Literal["twin", "model", "relationship"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LONGEST = 200
"""Characters of a question."""
MOST_WORDS = 8
MOST_HITS = 100
FIND_SECONDS = 0.03
"""For all steps of one kind; kinds are asked at the same time."""
REACH_SECONDS = 5.0
MOST_NAMES = 2_000
"""Names of relationships that are looked through, the most frequent ones."""
_RANKED_BYTES = 8_192
"""Of texts that are ranked on the event loop; under a millisecond."""
_RANKING_SECONDS = 0.25
"""After which the candidates that are left are looked at no more."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found.

    Attributes:
        name: what people call it; None where that is its id.
        model: the id of a twin's model.
        count: how many relationships have this name.
    """

    kind: Kind
    id: str
    name: str | None
    model: str | None
    match: TextMatch
    count: int | None = None


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """An answer.

    Attributes:
        hits: best first.
        more: whether there may be others.
        position: the index held all that the change log tells up to here, or more.
        lag: how many entries it did not hold.
        building: whether it is being made, so that anything may be missing.
    """

    hits: list[Hit]
    more: bool
    position: int
    lag: int
    building: bool


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How far the index is.

    Attributes:
        done: how much the scan that builds it has read.
        held_by: the process that keeps it up; None where nobody does, or where only one can.
    """

    position: int
    lag: int
    building: bool
    done: int
    held_by: str | None


class SearchService:
    """The search of one graph; `start` and `stop` it."""

    def __init__(self, index: SearchStore, events: EventStore, source: str, vitals: Vitals) -> None:
        self._index, self._events = index, events
        self._follower = Follower(index, events, source, vitals)

    def start(self) -> None:
        """Begin to follow the graph."""
        self._follower.start()

    async def stop(self) -> None:
        """End following."""
        await self._follower.stop()

    @property
    def leads(self) -> bool:
        """See `Follower.leads`; other work of which one process is enough is done there too."""
        return self._follower.leads

    async def status(self) -> IndexStatus:
        """Return how far the index is.

        Raises:
            Unavailable: that cannot be told now.
        """
        state = await self._follower.state()
        lag, holder = await self._lag(state), await self._follower.holder()
        return IndexStatus(state.position, lag, state.building, state.done, holder)

    async def reach(self, change: int | None) -> None:
        """Wait until the index holds everything up to a change; None: up to the newest of now.

        Raises:
            InvalidArgument: there is no such change yet.
            Unavailable: that took too long.
        """
        _, newest = await self._events.log_bounds()
        if change is not None and change > newest:
            raise InvalidArgument(
                f"There is no change {change} yet: the newest one of this graph is {newest}."
            )
        await self._follower.reach(newest if change is None else change, REACH_SECONDS)

    async def search(
        self,
        text: str,
        kinds: Collection[Kind],
        limit: int,
        context: Context,
        seconds: float = FIND_SECONDS,
    ) -> SearchAnswer:
        """Return what answers a text.

        Args:
            text: words, or beginnings of them.
            kinds: what is looked for.
            limit: how many hits at most.
            context: who asks.
            seconds: that the index may take for one kind; what it has not found then is missing,
                and the answer says that there may be more.

        Raises:
            InvalidArgument: there is nothing to look for, or too much.
            Unavailable: the index does not answer now.
        """
        context.require_plain()
        asked = read_question(text)
        state = await self._follower.state()
        parts = await asyncio.gather(
            *(self._of_kind(asked, kind, limit, seconds) for kind in KINDS if kind in kinds)
        )
        hits = sorted((hit for part, _ in parts for hit in part), key=order_of)
        more = len(hits) > limit or any(cut for _, cut in parts)
        lag = await self._lag(state)
        return SearchAnswer(hits[:limit], more, state.position, lag, state.building)

    async def _lag(self, state: IndexState) -> int:
        _, newest = await self._events.log_bounds()
        return max(0, newest - state.position)

    async def _of_kind(
        self, asked: SearchText, kind: Kind, limit: int, seconds: float
    ) -> tuple[list[Hit], bool]:
        if kind == "relationship":
            return self._names(asked, await self._index.names(MOST_NAMES))
        found = await self._index.find(
            IndexQuestion(
                kind, asked.text, asked.words, asked.short, limit, seconds, _suits(asked.short)
            )
        )
        asked = replace(asked, resembling=found.resembling)
        if sum(len(row.fields) for row in found.rows) <= _RANKED_BYTES:
            return ranked(asked, kind, found)
        return await asyncio.to_thread(ranked, asked, kind, found)

    def _names(self, asked: SearchText, names: Iterable[tuple[str, int]]) -> tuple[list[Hit], bool]:
        hits = []
        for name, count in names:
            near = {
                word: tuple(each for each in words_of((name,)) if is_near(word, each))
                for word in asked.words
                if is_tolerant(word)
            }
            match = best_match(replace(asked, resembling=near), [("name", name)], 1)
            if match is not None:
                hits.append(Hit("relationship", name, None, None, match, count))
        return hits, False


def read_question(text: str) -> SearchText:
    """Return what a text asks for.

    Raises:
        InvalidArgument: there is nothing to look for, or too much.
    """
    if len(text) > LONGEST:
        raise InvalidArgument(f"The text to search for has more than {LONGEST} characters.")
    asked = question(text)
    if not asked.text:
        raise InvalidArgument("There is no text to search for: give the parameter q.")
    if len(asked.words) + len(asked.short) > MOST_WORDS:
        raise InvalidArgument(f"The text to search for has more than {MOST_WORDS} words.")
    return asked


def _suits(short: Sequence[str]) -> Callable[[str], bool] | None:
    """Return how a row is judged by words that are too short for the index."""
    if not short:
        return None

    def suits(fields: str) -> bool:
        read: list[tuple[str, str]] = orjson.loads(fields)
        return begins_words([text for _, text in read], short)

    return suits


def ranked(asked: SearchText, kind: IndexedKind, found: Candidates) -> tuple[list[Hit], bool]:
    """Return the hits among candidates, best first, and whether there may be more."""
    hits, is_cut, end = [], found.cut, time.monotonic() + _RANKING_SECONDS
    for row in found.rows:
        if time.monotonic() > end:
            is_cut = True
            break
        fields: list[tuple[str, str]] = orjson.loads(row.fields)
        heads = 1 + (row.name is not None)
        if kind == "model":
            heads = sum(path == "@id" or path.startswith("/displayName") for path, _ in fields)
        match = best_match(asked, fields, heads)
        if match is not None:
            hits.append(Hit(kind, row.id, row.name, row.model, match))
    hits.sort(key=order_of)
    return hits, is_cut


def order_of(hit: Hit) -> tuple[float, int, int, str]:
    """Return by what hits are sorted, the best first."""
    return -hit.match.score, KINDS.index(hit.kind), len(hit.id), hit.id
