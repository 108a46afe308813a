"""Writes batches into an index file: rows, trigrams, vocabulary, counts and state together."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from kastor.storage.search import KINDS, MODEL, MOST_WORDS, TWIN
from kastor.storage.search_rows import index_row, state_text, words_in
from kastor.storage.search_texts import fold, shortened
from kastor.storage.sqlite import search_statements as sql
from kastor.storage.sqlite.connection import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import apsw

    from kastor.storage.search import IndexBatch, IndexedText

GIVES_WAY = 8
"""Documents after which the thread lets others run; about half a millisecond of Python."""
_SWEPT = 500
_MERGED_AFTER, _MERGED_PAGES = 2_000, 500
"""Documents after which lists in many pieces are brought together a little."""
_OPTIMIZED_AFTER = 100_000
"""Documents after which each list becomes one piece again; seconds for a million rows."""


class IndexWriting:
    """What writes into one open file; all of it is called in one thread."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._run: Callable[..., Any] = connection.execute
        self._words = self._count_words()
        self._delta: Counter[str] = Counter()
        self._written = self._apart = 0

    def write(self, batch: IndexBatch) -> None:
        """Write a batch in one transaction."""
        self._delta.clear()
        try:
            with writing(self._connection):
                for count, text in enumerate(batch.put, 1):
                    self._put(text, batch.state.scan)
                    if count % GIVES_WAY == 0:
                        time.sleep(0)
                for kind, ids in ((TWIN, batch.twins), (MODEL, batch.models)):
                    for each in ids:
                        self._remove_id(kind, each)
                self._count(batch)
                self._keep_words()
                self._run(sql.SET_STATE, (state_text(batch.state),)).fetchall()
        except BaseException:
            self._words = self._count_words()
            raise
        if self._written >= _MERGED_AFTER:
            self._apart += self._written
            self._written = 0
            for statement in sql.MERGE:
                self._run(statement, (_MERGED_PAGES,)).fetchall()
        if self._apart >= _OPTIMIZED_AFTER and batch.state.place is None:
            self.optimize()

    def sweep(self, scan: int, after: int) -> int | None:
        """Remove rows that no scan has met lately; return where to go on, None at the end."""
        rows = self._run(sql.UNMET, (scan, after, _SWEPT)).fetchall()
        self._delta.clear()
        with writing(self._connection):
            for number, fields in rows:
                self._remove(number, fields)
            self._keep_words()
        return rows[-1][0] if rows else None

    def optimize(self) -> None:
        """Bring the lists of trigrams together, each into one piece."""
        self._apart = 0
        for statement in sql.OPTIMIZE:
            self._run(statement).fetchall()

    def _count_words(self) -> int:
        count: int = self._run(sql.WORDS).fetchall()[0][0]
        return count

    def _put(self, text: IndexedText, scan: int) -> None:
        number, row = text.number, index_row(text)
        stored = self._run(sql.STORED, (number,)).fetchall()
        if stored:
            digest, met, fields = stored[0]
            if digest == row.digest:
                if met != scan:
                    self._run(sql.MET, (scan, number)).fetchall()
                return
            self._remove(number, fields)
        else:
            # Made again under another number while nobody looked: the old row goes.
            self._remove_id(KINDS[text.kind], text.id)
        name = None if text.name is None else fold(text.name)
        self._run(
            sql.PUT,
            (
                *(number, KINDS[text.kind], text.id, fold(text.id), text.name, name, text.model),
                *(row.fields, row.folded, row.heads, row.digest, scan),
            ),
        ).fetchall()
        self._written += 1
        heads, whole = sql.PUT_GRAMS
        self._run(heads, (number, row.folded, row.heads)).fetchall()
        self._run(whole, (number, row.folded)).fetchall()
        self._delta.update(words_in(row.fields))

    def _remove_id(self, kind: int, name: str) -> None:
        for number, fields in self._run(sql.NUMBER, (kind, fold(name), name)).fetchall():
            self._remove(number, fields)

    def _remove(self, number: int, fields: bytes) -> None:
        for statement in (*sql.DELETE_GRAMS, sql.DELETE):
            self._run(statement, (number,)).fetchall()
        self._delta.subtract(words_in(fields))

    def _count(self, batch: IndexBatch) -> None:
        counts: Iterable[tuple[str, int]] = batch.counted.items()
        if batch.counts is not None:
            self._run(sql.NO_NAMES).fetchall()
            counts = batch.counts.items()
        for name, count in counts:
            self._run(sql.COUNT_NAME, (name, count)).fetchall()

    def _keep_words(self) -> None:
        for word, delta in self._delta.items():
            if not delta:
                continue
            known = self._run(sql.MORE, (word, delta)).fetchall()
            if known and known[0][0] <= 0:
                self._run(sql.NO_WORD, (word,)).fetchall()
                for form in shortened(word):
                    self._run(sql.NO_FORM, (form, word)).fetchall()
                self._words -= 1
            elif not known and delta > 0 and self._words < MOST_WORDS:
                self._run(sql.NEW_WORD, (word, delta)).fetchall()
                for form in shortened(word):
                    self._run(sql.NEW_FORM, (form, word)).fetchall()
                self._words += 1
