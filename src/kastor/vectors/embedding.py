"""Follows the change log and keeps the vectors that an embedder makes of twins' texts.

After a start all twins are looked at, and only those asked for whose text is another one than their
vector was made of; from then on what the log tells. Writes know nothing of it: an embedder that is
down makes the index lag, and is asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from kastor.distances import packed
from kastor.errors import InvalidArgument, Unavailable
from kastor.logs import get_logger
from kastor.outside.embedder import Embedder, EmbedderError
from kastor.vectors.templates import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.graph.catalog import ModelCatalog
    from kastor.storage.protocol import Store
    from kastor.storage.search import SourceRow
    from kastor.storage.vectors import VectorIndexRow
    from kastor.vectors.indexes import VectorIndexes
    from kastor.vital import Kept, Vitals

ENTRIES = 500
SCANNED = 250
READ_TOGETHER = 25
PAUSE_SECONDS = 0.25
LOOK_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
QUESTION_SECONDS = 5.0
"""For the vector of a text that somebody searches for."""
MOST_KEPT = 256
"""Vectors of such texts."""
MOST_ASKED = 2_000
"""Characters of such a text."""
_DAY = 86_400.0
_HARMLESS = "text"

_log = get_logger("kastor.vectors")


@dataclass(slots=True)
class _Progress:
    """How far one index is.

    Attributes:
        position: in the change log, from which it is followed.
        after: key of the last twin that the first look has seen; None once it has ended.
        left: twins that the first look has not seen, as far as is known.
    """

    position: int
    after: int | None = -1
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A twin whose text is another one than its vector was made of."""

    row: SourceRow
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class EmbeddingStatus:
    """What is told of an index over an embedder.

    Attributes:
        lag: twins and entries of the change log that are not worked in; None where another
            process does it.
        refused: texts that the embedder refuses for what they are, since the start.
        trouble: why it waits; empty where it does not.
    """

    lag: int | None
    refused: int
    trouble: str


class Embedding:
    """Keeps the vectors of one graph's indexes that have a template; `start` and `stop` it."""

    def __init__(
        self,
        store: Store[ModelCatalog],
        indexes: VectorIndexes,
        embedder: Embedder,
        vitals: Vitals,
        leads: Callable[[], bool],
    ) -> None:
        """Prepare.

        Args:
            store: of the graph.
            indexes: of the graph.
            embedder: is closed with this.
            vitals: where its task is watched.
            leads: whether this process is the one that does it.
        """
        self._store, self._indexes, self._embedder = store, indexes, embedder
        self._vitals, self._leads = vitals, leads
        self._part: Kept | None = None
        self._progress: dict[VectorIndexRow, _Progress] = {}
        self._newest = 0
        self._trouble = ""
        self._refused: dict[str, int] = {}
        self._sent, self._day = 0, time.monotonic()
        self._kept: OrderedDict[tuple[VectorIndexRow, str], tuple[float, ...]] = OrderedDict()

    def start(self) -> None:
        """Begin to follow."""
        self._part = self._vitals.keep("embedder", self._follow_for_ever)

    async def stop(self) -> None:
        """End."""
        part, self._part = self._part, None
        if part is not None:
            await part.stop()
        await self._embedder.close()

    async def status(self, index: VectorIndexRow) -> EmbeddingStatus:
        """Return how far an index is."""
        refused = self._refused.get(index.name, 0)
        if not self._leads():
            return EmbeddingStatus(None, refused, "")
        _, newest = await self._store.events.log_bounds()
        at = self._progress.get(index)
        if at is None:  # it is new
            twins = len(await self._store.vectors.vector_keys(None)) // 8
            return EmbeddingStatus(twins, refused, self._trouble)
        return EmbeddingStatus(at.left + max(0, newest - at.position), refused, self._trouble)

    @property
    def lag(self) -> int:
        """Twins and entries of the log that are not worked in, as far as is known; of all."""
        return sum(each.left + max(0, self._newest - each.position) for each in self._all)

    @property
    def waits(self) -> bool:
        """Whether the embedder failed the last time it was asked."""
        return bool(self._trouble)

    @property
    def _all(self) -> list[_Progress]:
        return list(self._progress.values())

    async def vector_of_text(self, index: VectorIndexRow, text: str) -> tuple[float, ...]:
        """Return the vector of a text that somebody searches for.

        Raises:
            InvalidArgument: the index has no template, or the text is empty or too long.
            Unavailable: the embedder gives none in time.
        """
        if index.template is None:
            raise no_embedder(index)
        if not 1 <= len(text.strip()) <= MOST_ASKED:
            raise InvalidArgument(f"A text to search for has 1 to {MOST_ASKED} characters.")
        kept = self._kept.get((index, text))
        if kept is None:
            try:
                [kept] = await self._embedder.embed([text], index.dims, seconds=QUESTION_SECONDS)
            except EmbedderError as error:
                raise Unavailable(
                    f"The text has no vector now: {error}. Try again, or search by words or by a"
                    " vector.",
                    retry_after=5,
                ) from None
        self._kept[index, text] = kept
        self._kept.move_to_end((index, text))
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _follow_for_ever(self) -> None:
        self._progress.clear()
        pause = FIRST_PAUSE
        while True:
            try:
                await self._turn()
            except (EmbedderError, Unavailable) as error:
                told = error.message if isinstance(error, Unavailable) else str(error)
                if told != self._trouble:
                    _log.warning("vectors of texts wait", reason=told)
                self._trouble = told
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
            else:
                self._trouble, pause = "", FIRST_PAUSE

    async def _turn(self) -> None:
        """Do one step for each index, or wait where there is nothing to do."""
        if self._part is not None:
            self._part.beat()
        wanted = [each for each in await self._indexes.refresh() if each.template is not None]
        for gone in self._progress.keys() - set(wanted):
            del self._progress[gone]
        if not wanted or not self._leads():
            self._progress.clear()
            await asyncio.sleep(LOOK_SECONDS)
            return
        _, self._newest = await self._store.events.log_bounds()
        moved = False
        for index in wanted:
            at = self._progress.get(index)
            if at is None:
                count = len(await self._store.vectors.vector_keys(None)) // 8
                at = self._progress[index] = _Progress(self._newest, left=count)
            moved = await self._step(index, at) or moved
        if not moved:
            await self._rest()

    async def _rest(self) -> None:
        await asyncio.sleep(PAUSE_SECONDS)  # changes of a twin meanwhile are one
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._store.events.log_wake(min(each.position for each in self._all))
        except TimeoutError:
            return

    async def _step(self, index: VectorIndexRow, at: _Progress) -> bool:
        """Work some twins in; return whether there may be more."""
        if at.after is not None:
            rows = await self._store.search.next_rows("twin", at.after, SCANNED)
            await self._bring(index, rows)
            at.after = rows[-1].key if rows else None
            at.left = max(0, at.left - len(rows)) if rows else 0
            return True
        if at.position >= self._newest:
            return False
        entries = await self._store.events.changes_after(at.position, ENTRIES)
        if not entries or entries[0].seq != at.position + 1:
            del self._progress[index]  # the log does not reach back: all are looked at again
            return True
        touched = {
            each.subject: None
            for each in entries
            if each.kind.startswith("Twin.") and each.kind != "Twin.Delete"
        }
        ids = list(touched)
        for begin in range(0, len(ids), READ_TOGETHER):
            rows = await self._store.search.twins(ids[begin : begin + READ_TOGETHER])
            await self._bring(index, rows)
        at.position = entries[-1].seq
        return True

    async def _bring(self, index: VectorIndexRow, rows: Sequence[SourceRow]) -> None:
        """Have vectors made of those texts that are others than before."""
        texts = await asyncio.to_thread(self._texts, index, rows)
        keys = [row.key for row in rows]
        made_of = await self._store.vectors.made_of(index, keys)
        wanted: list[_Wanted] = []
        for row in rows:
            text = texts.get(row.key)
            if text is None:
                if row.key in made_of:
                    await self._store.vectors.remove_vector(index, row.id)
                continue
            number = number_of(text, str(index.template), self._embedder.settings.model)
            if made_of.get(row.key) != number:
                wanted.append(_Wanted(row, number, text))
        size = self._embedder.settings.batch
        portions = [wanted[begin : begin + size] for begin in range(0, len(wanted), size)]
        at_once = self._embedder.settings.at_once
        for begin in range(0, len(portions), at_once):
            together = portions[begin : begin + at_once]
            done = await asyncio.gather(
                *(self._make(index, each) for each in together), return_exceptions=True
            )
            for each in done:  # all have ended: what came is stored
                if isinstance(each, BaseException):
                    raise each

    def _texts(self, index: VectorIndexRow, rows: Sequence[SourceRow]) -> dict[int, str]:
        models = self._models(index)
        found: dict[int, str] = {}
        for row in rows:
            document = orjson.loads(row.doc)
            if models is not None and document["$metadata"]["$model"] not in models:
                continue
            text = text_of(str(index.template), document)
            if text is not None:
                found[row.key] = text
        return found

    def _models(self, index: VectorIndexRow) -> set[str] | None:
        if not index.models:
            return None
        catalog = self._store.catalog
        keys = {key for each in index.models for key in catalog.matching(each, exact=False)}
        return {catalog.id_of(key) for key in keys}

    async def _make(self, index: VectorIndexRow, wanted: Sequence[_Wanted]) -> None:
        """Have vectors made and store them; a text that is refused by itself has none."""
        if self._part is not None:
            self._part.beat()
        self._spend(sum(len(each.text.encode("utf-8", "replace")) for each in wanted))
        try:
            vectors = await self._embedder.embed([each.text for each in wanted], index.dims)
        except EmbedderError as error:
            if not error.of_texts:
                raise
            await self._apart(index, wanted)
            return
        made = {
            each.row.key: (each.number, packed(vector))
            for each, vector in zip(wanted, vectors, strict=True)
        }
        await self._store.vectors.put_made(index, made)

    async def _apart(self, index: VectorIndexRow, wanted: Sequence[_Wanted]) -> None:
        """Find which of some texts are refused."""
        if half := len(wanted) // 2:
            await self._make(index, wanted[:half])
            await self._make(index, wanted[half:])
            return
        try:
            await self._embedder.embed([_HARMLESS], index.dims)
        except EmbedderError as error:
            raise EmbedderError(str(error)) from None  # it refuses everything
        self._refused[index.name] = self._refused.get(index.name, 0) + 1
        await self._store.vectors.remove_vector(index, wanted[0].row.id)

    def _spend(self, size: int) -> None:
        """Count what is sent against the budget of a day."""
        most = self._embedder.settings.daily_bytes
        now = time.monotonic()
        if now - self._day >= _DAY:
            self._day, self._sent = now, 0
        if most and self._sent and self._sent + size > most:
            raise EmbedderError(f"the budget of {most} bytes a day is used up")
        self._sent += size


def no_embedder(index: VectorIndexRow) -> InvalidArgument:
    """Return what is said to who searches an index by a text that nothing makes a vector of."""
    return InvalidArgument(
        f"The index {index.name} has no embedder to make a vector of a text. Give a vector, or the"
        " id of a twin that others are to be like."
    )
