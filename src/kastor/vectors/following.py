"""Keeps the vectors of indexes in memory, by the change log and by what is put beside twins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kastor.vectors.matrix import Matrix, nearest, rows_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kastor.storage.events import EventStore, LoggedChange
    from kastor.storage.vectors import VectorIndexRow, VectorRow, VectorStore
    from kastor.types import TwinId
    from kastor.vectors.matrix import Array

ENTRIES = 1_000
"""Of the log that are read at once."""
MOST_BEHIND = 20_000
"""Entries behind which a matrix is read anew and does not follow."""
_TWINS = "Twin."
_READ_TOGETHER = 500


@dataclass(slots=True)
class _Kept:
    """What is in memory of one index.

    Attributes:
        position: in the change log, up to which it holds all of it.
        mark: the same of what was put beside twins.
    """

    matrix: Matrix
    position: int = 0
    mark: int = -1
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    whole: bool = False


class VectorMemory:
    """The matrices of one graph, within a budget of bytes; what has no room is streamed."""

    def __init__(self, store: VectorStore, events: EventStore, budget: int) -> None:
        self._store, self._events = store, events
        self._budget = budget
        self._kept: dict[VectorIndexRow, _Kept] = {}
        self._too_large: set[VectorIndexRow] = set()

    async def nearest(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        allowed: Array | None,
        among: Collection[TwinId] | None = None,
    ) -> list[tuple[float, int]]:
        """Return distances and keys of the nearest twins; holds all that was written before.

        Args:
            index: which one.
            vector: of its length.
            count: how many at most.
            allowed: sorted keys of twins that may be among them; None: all. What the caller may not
                see is left out before the best are chosen.
            among: only these twins; few enough to read their vectors one by one.
        """
        if among is not None:
            return await self._among(index, vector, count, allowed, among)
        form = _form(index)
        kept = None if form in self._too_large else await self._current(form)
        if kept is None:
            return await self._streamed(index, vector, count, allowed)
        async with kept.lock:
            return await asyncio.to_thread(kept.matrix.nearest, vector, count, allowed)

    def lag(self, index: VectorIndexRow, newest: int) -> int:
        """Return how many entries of the log the memory of an index lacks; none is read yet: 0.

        A question waits until there are none.
        """
        kept = self._kept.get(_form(index))
        return 0 if kept is None or not kept.whole else max(0, newest - kept.position)

    def forget(self, indexes: Sequence[VectorIndexRow]) -> None:
        """Keep nothing but these indexes."""
        forms = {_form(index) for index in indexes}
        for form in self._kept.keys() - forms:
            del self._kept[form]
        self._too_large &= forms

    async def _current(self, index: VectorIndexRow) -> _Kept | None:
        """Return what holds all that was written before now; None where there is no room for it."""
        kept = self._kept.get(index)
        if kept is None:
            kept = self._kept[index] = _Kept(Matrix(index.dims, index.metric))
        async with kept.lock:
            _, newest = await self._events.log_bounds()
            if kept.whole and not await self._follow(index, kept, newest):
                kept.whole = False
            if not kept.whole and not await self._load(index, kept):
                self._kept.pop(index, None)
                self._too_large.add(index)
                return None
        return kept

    async def _load(self, index: VectorIndexRow, kept: _Kept) -> bool:
        """Read everything anew; return False where it has no room."""
        kept.matrix = Matrix(index.dims, index.metric)
        _, position = await self._events.log_bounds()
        mark = -1
        if index.path is None:
            mark = (await self._store.vectors_since(index, -1)).mark
        after = -1
        while rows := await self._store.vectors_after(index, after):
            await asyncio.to_thread(_put, index, kept.matrix, rows)
            after = rows[-1].key
            others = sum(each.matrix.size for each in self._kept.values() if each is not kept)
            if kept.matrix.size + others > self._budget:
                return False
        kept.position, kept.mark, kept.whole = position, mark, True
        _, newest = await self._events.log_bounds()
        return newest == position or await self._follow(index, kept, newest)

    async def _follow(self, index: VectorIndexRow, kept: _Kept, newest: int) -> bool:
        """Work in what was written since; return False where it has to be read anew."""
        if newest - kept.position > MOST_BEHIND:
            return False
        while kept.position < newest:
            entries = await self._events.changes_after(kept.position, ENTRIES)
            if not entries or entries[0].seq != kept.position + 1:
                return False
            for twins in _portions(_touched(entries)):
                rows = await self._store.vectors_of(index, twins)
                await asyncio.to_thread(_put, index, kept.matrix, rows)
            if any(entry.kind == "Twin.Delete" for entry in entries):
                await self._sweep(kept)
            kept.position = entries[-1].seq
        if index.path is None:
            changed = await self._store.vectors_since(index, kept.mark)
            await asyncio.to_thread(_put, index, kept.matrix, changed.rows)
            kept.mark = changed.mark
        return True

    async def _sweep(self, kept: _Kept) -> None:
        """Take out the vectors of twins that are gone."""
        there = await self._store.vector_keys(None)
        await asyncio.to_thread(kept.matrix.keep_only, there)

    async def _among(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        allowed: Array | None,
        among: Collection[TwinId],
    ) -> list[tuple[float, int]]:
        best: list[tuple[float, int]] = []
        for twins in _portions(sorted(among)):
            rows = await self._store.vectors_of(index, twins)
            found = await asyncio.to_thread(_nearest_of, index, rows, vector, count, allowed)
            best = sorted([*best, *found])[:count]
        return best

    async def _streamed(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        allowed: Array | None,
    ) -> list[tuple[float, int]]:
        """Return the nearest without keeping anything, a portion of vectors at a time."""
        best: list[tuple[float, int]] = []
        after = -1
        while rows := await self._store.vectors_after(index, after):
            found = await asyncio.to_thread(_nearest_of, index, rows, vector, count, allowed)
            best = sorted([*best, *found])[:count]
            after = rows[-1].key
        return best


def _form(index: VectorIndexRow) -> VectorIndexRow:
    """Return the index as far as its vectors depend on it."""
    return type(index)(index.name, index.dims, index.metric, index.path, (), index.created)


def _put(index: VectorIndexRow, matrix: Matrix, rows: Sequence[VectorRow]) -> None:
    keys, vectors, missing = rows_of(index, rows)
    matrix.put(keys, vectors)
    matrix.remove(missing)


def _nearest_of(
    index: VectorIndexRow,
    rows: Sequence[VectorRow],
    vector: Sequence[float],
    count: int,
    allowed: Array | None,
) -> list[tuple[float, int]]:
    keys, vectors, _ = rows_of(index, rows)
    return nearest(keys, vectors, vector, index.metric, count, allowed)


def _touched(entries: Sequence[LoggedChange]) -> list[str]:
    return list(
        dict.fromkeys(
            entry.subject
            for entry in entries
            if entry.kind.startswith(_TWINS) and entry.kind != "Twin.Delete"
        )
    )


def _portions(twins: list[str]) -> list[list[str]]:
    return [twins[at : at + _READ_TOGETHER] for at in range(0, len(twins), _READ_TOGETHER)]
