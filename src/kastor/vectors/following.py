"""Keeps the vectors of indexes in memory, by the change log and by what is put beside twins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from kastor.vectors.matrix import Matrix, among_them, nearest, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kastor.storage.events import EventStore, LoggedChange
    from kastor.storage.vectors import VectorIndexRow, VectorRow, VectorStore
    from kastor.types import TwinId
    from kastor.vectors.budget import VectorBudget
    from kastor.vectors.matrix import Array

P = ParamSpec("P")
T = TypeVar("T")

ENTRIES = 1_000
"""Of the log that are read at once."""
MOST_BEHIND = 20_000
"""Entries behind which a matrix is read anew and does not follow."""
_SHRANK = 2
"""Times that what is left of an index that was too large has to fit, before it is kept again."""
_TWINS = "Twin."
_READ_TOGETHER = 500


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Kept:
    """What is in memory of one index.

    Attributes:
        position: in the change log, up to which it holds all of it.
        mark: the same of what was put beside twins.
        lock: held by whoever reads or changes the matrix.
        whole: whether it holds all up to there.
    """

    matrix: Matrix
    position: int = 0
    mark: int = -1
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    whole: bool = False

    def give_up(self) -> bool:
        """Let go of the matrix, unless somebody works with it."""
        if not self.lock.locked():
            self.clear()
            return True
        return False

    def clear(self) -> None:
        """Begin anew."""
        self.matrix = Matrix(self.matrix.dims, self.matrix.metric)
        self.whole = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for; see `VectorMemory.nearest`."""

    index: VectorIndexRow
    vector: Sequence[float]
    count: int
    allowed: Array | None

    def better(
        self, best: list[tuple[float, int]], rows: Sequence[VectorRow]
    ) -> list[tuple[float, int]]:
        """Return the best of what there was and of these rows."""
        index = self.index
        keys, vectors, _ = rows_of(index, rows)
        found = nearest(keys, vectors, self.vector, index.metric, self.count, self.allowed)
        return sorted([*best, *found])[: self.count]


class VectorMemory:
    """The matrices of one graph, within a budget of bytes; what has no room is streamed."""

    def __init__(self, store: VectorStore, events: EventStore, budget: VectorBudget) -> None:
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
        asked = _Asked(index, vector, count, allowed)
        if among is not None:
            return await self._among(asked, among)
        form = _form(index)
        if form not in self._too_large:
            kept = self._kept_of(form)
            async with kept.lock:
                if await self._current(form, kept):
                    return await _in_thread(kept.matrix.nearest, vector, count, allowed)
        async with self._budget.streams:
            return await self._streamed(asked)

    async def count(self, index: VectorIndexRow, allowed: bytes | None) -> int | None:
        """Return how many usable vectors there are; None where they are not in memory.

        Args:
            index: which one.
            allowed: sorted keys, as int64, of the twins that count; None: all.
        """
        form = _form(index)
        kept = self._kept.get(form)
        if kept is None or not kept.whole:
            return None
        async with kept.lock:
            if not kept.whole or not await self._current(form, kept):
                return None
            if allowed is None:
                return kept.matrix.count
            return await _in_thread(among_them, kept.matrix.keys, allowed)

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
            self._budget.release(self._kept.pop(form))
        self._too_large &= forms

    def _kept_of(self, form: VectorIndexRow) -> _Kept:
        kept = self._kept.get(form)
        if kept is None:
            kept = self._kept[form] = _Kept(Matrix(form.dims, form.metric))
        return kept

    async def _current(self, index: VectorIndexRow, kept: _Kept) -> bool:
        """Make it hold all that was written before now; return False where there is no room."""
        _, newest = await self._events.log_bounds()
        there = kept.whole and await self._follow(index, kept, newest)
        if there or await self._load(index, kept):
            return True
        if kept.matrix.size > self._budget.size:
            self._too_large.add(index)
        kept.clear()
        self._budget.release(kept)
        return False

    async def _load(self, index: VectorIndexRow, kept: _Kept) -> bool:
        """Read everything anew; return False where it has no room."""
        kept.clear()
        _, position = await self._events.log_bounds()
        mark = -1
        if index.path is None:
            mark = (await self._store.vectors_since(index, -1)).mark
        after = -1
        while rows := await self._store.vectors_after(index, after):
            await _in_thread(_put, index, kept.matrix, rows)
            after = rows[-1].key
            if not self._budget.hold(kept, kept.matrix.size):
                return False
        kept.position, kept.mark, kept.whole = position, mark, True
        _, newest = await self._events.log_bounds()
        return newest == position or await self._follow(index, kept, newest)

    async def _follow(self, index: VectorIndexRow, kept: _Kept, newest: int) -> bool:
        """Work in what was written since; return False where it has to be read anew."""
        if not 0 <= newest - kept.position <= MOST_BEHIND:
            return False
        while kept.position < newest:
            entries = await self._events.changes_after(kept.position, ENTRIES)
            if not entries or entries[0].seq != kept.position + 1:
                return False
            for twins in _portions(_touched(entries)):
                rows = await self._store.vectors_of(index, twins)
                await _in_thread(_put, index, kept.matrix, rows)
            if any(entry.kind == "Twin.Delete" for entry in entries):
                await self._sweep(kept)
            kept.position = entries[-1].seq
        if index.path is None:
            changed = await self._store.vectors_since(index, kept.mark)
            await _in_thread(_put, index, kept.matrix, changed.rows)
            kept.mark = changed.mark
        return self._budget.hold(kept, kept.matrix.size)

    async def _sweep(self, kept: _Kept) -> None:
        """Take out the vectors of twins that are gone."""
        there = await self._store.vector_keys(None)
        await _in_thread(kept.matrix.keep_only, there)

    async def _among(self, asked: _Asked, among: Collection[TwinId]) -> list[tuple[float, int]]:
        best: list[tuple[float, int]] = []
        for twins in _portions(sorted(among)):
            rows = await self._store.vectors_of(asked.index, twins)
            best = await _in_thread(asked.better, best, rows)
        return best

    async def _streamed(self, asked: _Asked) -> list[tuple[float, int]]:
        """Return the nearest without keeping anything, a portion of vectors at a time."""
        best: list[tuple[float, int]] = []
        after, read = -1, 0
        while rows := await self._store.vectors_after(asked.index, after):
            best = await _in_thread(asked.better, best, rows)
            after = rows[-1].key
            read += len(rows)
        if _SHRANK * Matrix.least(read, asked.index.dims) <= self._budget.size:
            self._too_large.discard(_form(asked.index))
        return best


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a thread makes; it is over before anything else goes on, also when cancelled."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _form(index: VectorIndexRow) -> VectorIndexRow:
    """Return the index as far as its vectors depend on it."""
    return type(index)(index.name, index.dims, index.metric, index.path, (), index.created)


def _put(index: VectorIndexRow, matrix: Matrix, rows: Sequence[VectorRow]) -> None:
    keys, vectors, missing = rows_of(index, rows)
    matrix.put(keys, vectors)
    matrix.remove(missing)


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
