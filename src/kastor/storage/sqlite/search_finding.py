"""Answers questions from an index file, step by step until enough is found or time is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import apsw
import orjson

from kastor.storage.search import (
    CANDIDATES,
    KINDS,
    MOST_RESEMBLING,
    NUMBERS,
    Candidates,
    IndexedRow,
)
from kastor.storage.search_texts import is_near, is_tolerant, shortened, telling
from kastor.storage.sqlite import search_statements as sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kastor.storage.search import IndexQuestion, Shares

FIRST_STRETCH, LONGEST_STRETCH = 16_384, 262_144
"""Rows that a statement looks at: FTS5 tells nobody anything while it looks for the next row."""
_SHORT, _LONG = 0.002, 0.006
"""Seconds below and above which the next stretch is longer or shorter."""
_STEPS = 500
"""Of SQLite's machine between two looks at the time; a fraction of a millisecond."""
_FORMS_READ = 1_000


def find(connection: apsw.Connection, asked: IndexQuestion, shares: Shares) -> Candidates:
    """Return rows that answer a question.

    Raises:
        apsw.InterruptError: somebody else ended it.
    """
    return _Finding(connection, asked, shares).run()


class _Finding:
    def __init__(self, connection: apsw.Connection, asked: IndexQuestion, shares: Shares) -> None:
        self._connection, self._asked, self._shares = connection, asked, shares
        self._run: Callable[..., Any] = connection.execute
        self._deadline = time.monotonic() + asked.seconds
        self._found = Candidates()
        self._seen: set[int] = set()
        first = KINDS[asked.kind] * NUMBERS
        self._first, self._end = first, first + NUMBERS

    def run(self) -> Candidates:
        self._connection.set_progress_handler(self._is_over, _STEPS)
        try:
            self._steps()
        except apsw.InterruptError:
            if not self._is_over():
                raise
            self._found.cut = True
        finally:
            self._connection.set_progress_handler(None)
        return self._found

    def _is_over(self) -> bool:
        return time.monotonic() > self._deadline

    def _steps(self) -> None:
        asked, found = self._asked, self._found
        self._beginning()
        words = {word: (word,) for word in asked.words}
        for table in ("head_grams", "text_grams") if words else ():
            if self._is_enough():
                return
            self._holding(table, words)
        if self._is_enough():
            return
        found.resembling = {word: near for word in words if (near := self._resembling(word))}
        if found.resembling:
            self._holding(
                "text_grams", {word: (word, *found.resembling.get(word, ())) for word in words}
            )

    def _is_enough(self) -> bool:
        """Whether further steps would only find what comes after all that is wanted."""
        enough = len(self._found.rows) >= self._asked.limit
        if enough:
            self._found.cut = True
        return enough or (self._found.cut and self._is_over())

    def _beginning(self) -> None:
        kind, text, most = KINDS[self._asked.kind], self._asked.text, 2 * self._asked.limit
        for statement in sql.BEGINNING:
            rows = self._run(statement, (kind, text, most + 1)).fetchall()
            self._take(rows, most)

    def _holding(self, table: str, words: Mapping[str, Sequence[str]]) -> None:
        asked, heads = self._asked, table == "head_grams"
        lists = [*words.values(), *((each,) for each in asked.short)]
        checks = [orjson.dumps(each).decode() for each in lists]
        statement = sql.holding(table, len(checks), heads=heads)
        shares = self._shares.heads if heads else self._shares.texts
        expression = " AND ".join(_any_of(each) for each in telling(words.values(), shares))
        wanted, start, stretch = CANDIDATES + 1, self._next(self._first), FIRST_STRETCH
        while wanted > 0 and start is not None:
            if self._is_over():
                self._found.cut = True
                return
            end, began = start + stretch, time.monotonic()
            rows = self._run(statement, (expression, start, end - 1, *checks, wanted)).fetchall()
            suiting = [row for row in rows if self._suits(row[-1])]
            self._take(suiting, wanted - 1)
            is_cut_off, wanted = len(rows) == wanted, wanted - len(suiting)
            if is_cut_off and wanted > 0:  # of this stretch there may be more
                start = self._next(rows[-1][0] + 1)
                continue
            took = time.monotonic() - began
            if took < _SHORT:
                stretch = min(2 * stretch, LONGEST_STRETCH)
            elif took > _LONG:
                stretch = max(stretch // 2, FIRST_STRETCH // 4)
            start = self._next(end) if wanted > 0 else None

    def _suits(self, fields: str) -> bool:
        suits = self._asked.suits
        return suits is None or suits(fields)

    def _next(self, start: int) -> int | None:
        found: int | None = self._run(sql.NEXT_NUMBER, (start, self._end)).fetchall()[0][0]
        return found

    def _take(self, rows: list[tuple[Any, ...]], most: int) -> None:
        if len(rows) > most:
            self._found.cut = True
        for number, *row in rows[:most]:
            if number not in self._seen:
                self._seen.add(number)
                self._found.rows.append(IndexedRow(*row))

    def _resembling(self, word: str) -> tuple[str, ...]:
        if not is_tolerant(word):
            return ()
        forms = orjson.dumps(sorted(shortened(word))).decode()
        rows = self._run(sql.RESEMBLING, (forms, _FORMS_READ)).fetchall()
        return tuple(other for other, _ in rows if is_near(word, other))[:MOST_RESEMBLING]


def _any_of(alternatives: Sequence[Sequence[str]]) -> str:
    """Return the expression for rows that have all trigrams of one of these texts."""
    return "(" + " OR ".join(f"({_all_of(grams)})" for grams in alternatives) + ")"


def _all_of(grams: Sequence[str]) -> str:
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in grams)
