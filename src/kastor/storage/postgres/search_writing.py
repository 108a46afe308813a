"""Writes batches into a search index on PostgreSQL, each in a transaction of its holder."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.storage.postgres import search_statements as sql
from kastor.storage.search import KINDS, MODEL, MOST_WORDS, TWIN
from kastor.storage.search_rows import index_row, state_text, words_in
from kastor.storage.search_texts import block_grams, fold, grams_of, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.storage.search import IndexBatch, IndexedText

GIVES_WAY = 4
_SWEPT = 500
WRITE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Row:
    """What is stored of a document: its values in order of the statement."""

    number: int
    digest: str
    fields: bytes
    values: tuple[str | None, ...]


class IndexLostError(Exception):
    """Another process has the index; the transaction is taken back."""


class IndexWrites:
    """The writes of one graph's index."""

    def __init__(self, texts: Qualified) -> None:
        self._texts = texts
        self.words = 0
        """How many there are in the vocabulary, as far as this process knows."""

    async def write(self, connection: Connection, owner: str, batch: IndexBatch) -> None:
        """Write a batch.

        Raises:
            IndexLostError: nothing was written.
        """
        rows = await asyncio.to_thread(_rows, batch.put)
        async with connection.transaction():
            await self._set_state(connection, owner, batch)
            words: Counter[str] = Counter()
            await self._put(connection, rows, batch.state.scan, words)
            for kind, ids in ((TWIN, batch.twins), (MODEL, batch.models)):
                if ids:
                    folded = [_start(fold(each)) for each in ids]
                    gone = await connection.fetch(self._texts[sql.DELETE], kind, folded, ids)
                    _take_off(words, gone)
            await self._keep_words(connection, words)
            if batch.counts is not None:
                await connection.execute(self._texts[sql.NO_NAMES])
            await self._count(connection, batch.counted if batch.counts is None else batch.counts)

    async def sweep(self, connection: Connection, owner: str, batch: IndexBatch) -> None:
        """Remove what the scan has not met, in steps, then write the rest.

        Raises:
            IndexLostError: somebody else goes on.
        """
        gone: Sequence[Any] = (0,)
        while gone:
            async with connection.transaction():
                if await connection.fetchval(self._texts[sql.STILL_HELD], owner) is None:
                    raise IndexLostError
                words: Counter[str] = Counter()
                gone = await connection.fetch(
                    self._texts[sql.SWEEP], batch.state.scan, _SWEPT, timeout=WRITE_SECONDS
                )
                _take_off(words, gone)
                await self._keep_words(connection, words)
        await self.write(connection, owner, batch)

    async def _set_state(self, connection: Connection, owner: str, batch: IndexBatch) -> None:
        text = state_text(batch.state)
        if await connection.fetchval(self._texts[sql.SET_STATE], text, owner) is None:
            raise IndexLostError

    async def _put(
        self, connection: Connection, rows: Sequence[_Row], scan: int, words: Counter[str]
    ) -> None:
        if not rows:
            return
        stored = await connection.fetch(
            self._texts[sql.STORED], [str(each.number) for each in rows]
        )
        known = {number: (digest, met, fields) for number, digest, met, fields in stored}
        same = [each for each in rows if known.get(each.number, ("",))[0] == each.digest]
        met = [str(each.number) for each in same if known[each.number][1] != scan]
        if met:
            await connection.execute(self._texts[sql.MET], scan, met)
        left = {each.number for each in same}
        new = [each for each in rows if each.number not in left]
        if not new:
            return
        await self._forget_namesakes(connection, [e for e in new if e.number not in known], words)
        columns = zip(*(each.values for each in new), strict=True)
        await connection.execute(
            self._texts[sql.PUT], scan, *(list(each) for each in columns), timeout=WRITE_SECONDS
        )
        for each in new:
            if each.number in known:
                words.subtract(words_in(known[each.number][2]))
            words.update(words_in(each.fields))

    async def _forget_namesakes(
        self, connection: Connection, fresh: Sequence[_Row], words: Counter[str]
    ) -> None:
        """Remove rows of what was made again under another number while nobody looked."""
        for kind in (TWIN, MODEL):
            of_kind = [each.values for each in fresh if each.values[1] == str(kind)]
            if of_kind:
                ids, folded = ([str(each[at]) for each in of_kind] for at in (2, 3))
                gone = await connection.fetch(self._texts[sql.DELETE], kind, folded, ids)
                _take_off(words, gone)

    async def _keep_words(self, connection: Connection, words: Counter[str]) -> None:
        deltas = {word: delta for word, delta in sorted(words.items()) if delta}
        if not deltas:
            return
        known = await connection.fetch(self._texts[sql.MORE], *_pairs(deltas))
        empty = [word for word, count in known if count <= 0]
        if empty:
            await connection.execute(self._texts[sql.NO_WORDS], empty)
            await connection.execute(self._texts[sql.NO_FORMS], *_forms(empty))
        there = {word for word, _ in known}
        new = {word: delta for word, delta in deltas.items() if word not in there and delta > 0}
        if new and self.words < MOST_WORDS:
            await connection.execute(self._texts[sql.NEW_WORDS], *_pairs(new))
            await connection.execute(self._texts[sql.NEW_FORMS], *_forms(new))
            self.words += len(new)
        self.words -= len(empty)

    async def _count(self, connection: Connection, counts: Mapping[str, int]) -> None:
        if counts:
            await connection.execute(self._texts[sql.COUNT_NAMES], *_pairs(counts))


def _rows(put: Sequence[IndexedText]) -> list[_Row]:
    """Return what is stored of documents; in a thread, which lets others run now and then."""
    rows = []
    for count, text in enumerate(put, 1):
        row = index_row(text)
        block = text.number // sql.BLOCK
        grams = [
            "{" + ",".join(map(str, sorted(set(block_grams(block, grams_of(part)))))) + "}"
            for part in (row.folded[: row.heads], row.folded)
        ]
        values = (
            *(str(text.number), str(KINDS[text.kind]), text.id, _start(fold(text.id))),
            *(_storable(text.name), None if text.name is None else _start(fold(text.name))),
            *(text.model, row.fields.decode(), row.folded, str(row.heads), row.digest.hex()),
            *grams,
        )
        rows.append(_Row(text.number, row.digest.hex(), row.fields, values))
        if count % GIVES_WAY == 0:
            time.sleep(0)
    return rows


def _start(folded: str) -> str:
    return folded[: sql.INDEXED_CHARACTERS]


def _storable(name: str | None) -> str | None:
    return None if name is None else name.replace("\0", " ")


def _take_off(words: Counter[str], gone: Sequence[Any]) -> None:
    for (fields,) in gone:
        words.subtract(words_in(fields))


def _pairs(counts: Mapping[str, int]) -> tuple[list[str], list[str]]:
    return list(counts), [str(each) for each in counts.values()]


def _forms(words: Iterable[str]) -> tuple[list[str], list[str]]:
    pairs = [(form, word) for word in words for form in sorted(shortened(word))]
    return [form for form, _ in pairs], [word for _, word in pairs]
