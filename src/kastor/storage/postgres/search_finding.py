"""Answers questions from a search index on PostgreSQL, step by step until enough is found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import asyncpg

from kastor.storage.postgres import search_statements as sql
from kastor.storage.search import (
    CANDIDATES,
    KINDS,
    MOST_RESEMBLING,
    NUMBERS,
    Candidates,
    IndexedRow,
)
from kastor.storage.search_texts import block_grams, is_near, is_tolerant, shortened, telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.storage.search import IndexQuestion, Shares

FIRST_BLOCKS, GROWS = 1, 4
"""Blocks that are asked at once: few where many rows answer, more while few do."""
MOST_JUDGED = 2_000
"""Rows of a portion that are judged by what the index cannot tell."""
_SIZES = (1, 3, 1 + MOST_RESEMBLING)
_FORMS_READ = 1_000
_LAST = "\U0010ffff"
_SPARE_SECONDS = 0.01


async def find(
    connection: Connection, texts: Qualified, asked: IndexQuestion, shares: Shares
) -> Candidates:
    """Return rows that answer a question."""
    finding = _Finding(connection, texts, asked, shares)
    try:
        async with connection.transaction(readonly=True):
            milliseconds = int(1_000 * (asked.seconds + _SPARE_SECONDS))
            await connection.execute(sql.QUICK.format(milliseconds))
            await finding.run()
    except asyncpg.QueryCanceledError:  # by the time limit
        finding.found.cut = True
    return finding.found


class _Finding:
    def __init__(
        self, connection: Connection, texts: Qualified, asked: IndexQuestion, shares: Shares
    ) -> None:
        self._connection, self._texts, self._asked = connection, texts, asked
        self._shares = shares
        self._deadline = time.monotonic() + asked.seconds
        self.found = Candidates()
        self._seen: set[int] = set()
        self._blocks: list[int] | None = None

    async def run(self) -> None:
        """Find; what there is by the time of an error is kept."""
        asked, found = self._asked, self.found
        await self._beginning()
        words = {word: (word,) for word in asked.words}
        for heads in (True, False) if words else ():
            if self._is_enough():
                return
            await self._holding(words, heads=heads)
        if self._is_enough():
            return
        for word in words:
            if near := await self._resembling(word):
                found.resembling[word] = near
        if found.resembling:
            both = {word: (word, *found.resembling.get(word, ())) for word in words}
            await self._holding(both, heads=False)

    def _is_over(self) -> bool:
        return time.monotonic() > self._deadline

    def _is_enough(self) -> bool:
        enough = len(self.found.rows) >= self._asked.limit
        if enough:
            self.found.cut = True
        return enough or (self.found.cut and self._is_over())

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(self._texts[text], *values)
        return rows

    async def _beginning(self) -> None:
        kind, start = KINDS[self._asked.kind], self._asked.text[: sql.INDEXED_CHARACTERS]
        most = 2 * self._asked.limit
        for statement in sql.BEGINNING:
            rows = await self._fetch(statement, kind, start, start + _LAST, most + 1)
            self._take(rows, most)

    async def _holding(self, words: Mapping[str, Sequence[str]], *, heads: bool) -> None:
        asked = self._asked
        shares = self._shares.heads if heads else self._shares.texts
        told = _in_few_sizes(telling(words.values(), shares))
        lists = [*map(list, words.values()), *([each] for each in asked.short)]
        statement = sql.holding(tuple(map(len, told)), len(lists), heads=heads)
        alternatives = [grams for each in told for grams in each]
        wanted, at, size = CANDIDATES + 1, 0, FIRST_BLOCKS
        blocks = await self._known_blocks()
        while wanted > 0 and at < len(blocks):
            if self._is_over():
                self.found.cut = True
                return
            portion = blocks[at : at + size]
            grams = [[_array(block, each) for block in portion] for each in alternatives]
            most = wanted if asked.suits is None else max(wanted, MOST_JUDGED)
            rows = await self._fetch(statement, most, *lists, *grams)
            suiting = [row for row in rows if asked.suits is None or asked.suits(row[-1])]
            if len(rows) == most > wanted > len(suiting):
                # What suits may stand behind those that do not: in smaller portions all are seen.
                if size > 1:
                    size //= 2
                    continue
                self.found.cut = True
            self._take(suiting, wanted - 1)
            wanted -= len(suiting)
            at, size = at + size, size * GROWS

    async def _known_blocks(self) -> list[int]:
        if self._blocks is None:
            first = KINDS[self._asked.kind] * NUMBERS
            rows = await self._fetch(sql.BLOCKS, first, first + NUMBERS)
            self._blocks = [block for (block,) in rows]
        return self._blocks

    def _take(self, rows: Sequence[Any], most: int) -> None:
        if len(rows) > most:
            self.found.cut = True
        for number, name, called, model, fields in rows[:most]:
            if number not in self._seen:
                self._seen.add(number)
                self.found.rows.append(IndexedRow(name, called, model, fields.encode()))

    async def _resembling(self, word: str) -> tuple[str, ...]:
        if not is_tolerant(word):
            return ()
        rows = await self._fetch(sql.RESEMBLING, sorted(shortened(word)), _FORMS_READ)
        return tuple(other for (other,) in rows if is_near(word, other))[:MOST_RESEMBLING]


def _array(block: int, grams: Sequence[str]) -> str:
    return "{" + ",".join(map(str, block_grams(block, grams))) + "}"


def _in_few_sizes(told: list[list[tuple[str, ...]]]) -> list[list[tuple[str, ...]]]:
    """Give each word as many alternatives, some twice: statements are kept by their texts."""
    most = max(map(len, told), default=1)
    size = next((each for each in _SIZES if each >= most), most)
    return [each + each[-1:] * (size - len(each)) for each in told]
