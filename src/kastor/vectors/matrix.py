"""The vectors of one index in memory, and the best of them; the only user of numpy.

Rows are float32 as they are stored. Under cosine they are kept with length 1, so that one product
of a matrix and a vector gives all similarities.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kastor.distances import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.vectors import Metric, VectorIndexRow, VectorRow

Array: TypeAlias = Any  # any: numpy's generic arrays say little
_ROOM = 64
_BLOCK_BYTES = 2**20
"""Of rows that stand together: what grows is never copied as a whole, nor is what is compared."""
_PLACE_BYTES = 64
"""Of the two numbers of an entry in a dictionary, beside its own table."""
_MORE = 4


def rows_of(index: VectorIndexRow, rows: Sequence[VectorRow]) -> tuple[Array, Array, Array]:
    """Return keys, vectors that are usable, and the keys of rows without one."""
    keys, found, missing = [], [], []
    for row in rows:
        vector = _array(index, row.vector)
        if vector is None:
            missing.append(row.key)
            continue
        keys.append(row.key)
        found.append(vector)
    matrix = np.array(found, np.float32) if found else np.zeros((0, index.dims), np.float32)
    if index.metric == "cosine" and found:
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
        good = lengths > 0
        missing += [key for key, usable in zip(keys, good, strict=True) if not usable]
        matrix = (matrix[good] / lengths[good, None]).astype(np.float32)
        keys = [key for key, usable in zip(keys, good, strict=True) if usable]
    return np.array(keys, np.int64), matrix, np.array(missing, np.int64)


def _array(index: VectorIndexRow, stored: bytes | None) -> Array | None:
    if stored is None:
        return None
    if index.path is None:
        found = np.frombuffer(stored, ">f4")
    else:
        values = read(stored)
        if values is None:
            return None
        found = np.array(values, np.float32)
    return found if len(found) == index.dims else None


class Matrix:
    """Vectors by the keys of their twins; grows by blocks, and reuses the room of what went."""

    def __init__(self, dims: int, metric: Metric) -> None:
        self.dims, self.metric = dims, metric
        self._keys: Array = np.zeros(0, np.int64)
        self._each = max(1, _BLOCK_BYTES // (4 * dims))
        self._blocks: list[Array] = []
        self._used = 0
        self._place: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return self._used

    @property
    def keys(self) -> Array:
        """The keys of twins that have one, in no order."""
        return self._keys[: self._used]

    @property
    def size(self) -> int:
        """What it takes, in bytes, with the room that is not used yet."""
        rows = sum(block.nbytes for block in self._blocks)
        places = sys.getsizeof(self._place) + _PLACE_BYTES * len(self._place)
        return int(rows + self._keys.nbytes + places)

    @staticmethod
    def least(count: int, dims: int) -> int:
        """Return the bytes that so many vectors take at least."""
        return count * (4 * dims + 8 + _PLACE_BYTES)

    def put(self, keys: Array, rows: Array) -> None:
        """Add vectors, in place of those of the same keys."""
        self._make_room(self._used + len(keys))
        for key, row in zip(keys.tolist(), rows, strict=True):
            place = self._place.get(key)
            if place is None:
                place = self._place[key] = self._used
                self._keys[place] = key
                self._used += 1
            self._blocks[place // self._each][place % self._each] = row

    def remove(self, keys: Array | Sequence[int]) -> None:
        """Take vectors out; the last ones take their places."""
        each = self._each
        for key in keys.tolist() if isinstance(keys, np.ndarray) else keys:
            place = self._place.pop(int(key), None)
            if place is None:
                continue
            self._used -= 1
            last = self._used
            if place != last:
                moved = int(self._keys[last])
                self._keys[place] = moved
                self._blocks[place // each][place % each] = self._blocks[last // each][last % each]
                self._place[moved] = place

    def keep_only(self, keys: bytes) -> None:
        """Take out the vectors of all other keys.

        Args:
            keys: as int64, in order.
        """
        there = np.frombuffer(keys, np.int64)
        self.remove(np.setdiff1d(self.keys, there, assume_unique=True))

    def _make_room(self, needed: int) -> None:
        if needed > len(self._keys):
            keys = np.zeros(max(_ROOM, needed, len(self._keys) * 3 // 2), np.int64)
            keys[: self._used] = self.keys
            self._keys = keys
        if needed > self._each:
            missing = -(-needed // self._each) - len(self._blocks)
            first = self._blocks[:1]
            if first and len(first[0]) < self._each:
                self._blocks[0] = self._longer(first[0], self._each)
            self._blocks += [self._longer(None, self._each) for _ in range(missing)]
        elif not self._blocks or needed > len(self._blocks[0]):
            block = self._blocks[0] if self._blocks else None
            had = 0 if block is None else len(block)
            self._blocks[:1] = [self._longer(block, min(self._each, max(_ROOM, needed, 2 * had)))]

    def _longer(self, block: Array | None, length: int) -> Array:
        made = np.zeros((length, self.dims), np.float32)
        if block is not None:
            made[: len(block)] = block
        return made

    def nearest(
        self, vector: Sequence[float], count: int, allowed: Array | None
    ) -> list[tuple[float, int]]:
        """Return distances and keys of the nearest vectors, nearest first, ties by key.

        Args:
            vector: what they are compared with.
            count: how many at most.
            allowed: sorted keys of twins that may be among them; None: all.
        """
        full, rest = divmod(self._used, self._each)
        blocks = self._blocks[:full] + ([self._blocks[full][:rest]] if rest else [])
        return _nearest(self.keys, blocks, vector, self.metric, count, allowed)


def nearest(
    keys: Array,
    rows: Array,
    vector: Sequence[float],
    metric: Metric,
    count: int,
    allowed: Array | None,
) -> list[tuple[float, int]]:
    """Return distances and keys of the nearest rows; see `Matrix.nearest`."""
    return _nearest(keys, [rows], vector, metric, count, allowed)


def among(keys: Array, allowed: Array) -> Array:
    """Return for each key whether it is one of these, which are sorted."""
    if not len(allowed):
        return np.zeros(len(keys), bool)
    places: Array = np.searchsorted(allowed, keys)
    places[places == len(allowed)] = 0
    return allowed[places] == keys


def among_them(keys: Array, allowed: bytes) -> int:
    """Return how many of the keys are among these, which are int64 in order."""
    return int(np.count_nonzero(among(keys, np.frombuffer(allowed, np.int64))))


def _nearest(
    keys: Array,
    blocks: Sequence[Array],
    vector: Sequence[float],
    metric: Metric,
    count: int,
    allowed: Array | None,
) -> list[tuple[float, int]]:
    """Return the nearest of blocks of rows, which are of one length but for the last."""
    places: Array = np.arange(len(keys))
    if allowed is not None:
        places = np.flatnonzero(among(keys, allowed))
    if not len(places):
        return []
    wanted = np.array(vector, np.float32)
    if _MORE * count < len(places):
        # More than are wanted, since scores are rounded more than distances.
        scores = _scores(blocks, wanted, metric)[places]
        nth = _MORE * count - 1
        edge = np.partition(scores, nth)[nth]
        places = places[scores <= edge]  # with all that are as far as the last one
    each = len(blocks[0])
    pieces = (places[at : at + each] for at in range(0, len(places), each))
    distances = np.concatenate([_exact(_rows(blocks, some), wanted, metric) for some in pieces])
    order = np.lexsort((keys[places], distances))[:count]
    return [(float(distances[n]), int(keys[places[n]])) for n in order]


def _rows(blocks: Sequence[Array], places: Array) -> Array:
    each = len(blocks[0])
    found = np.empty((len(places), blocks[0].shape[1]), np.float32)
    numbers = places // each
    for number in np.unique(numbers).tolist():
        here = numbers == number
        found[here] = blocks[number][places[here] - number * each]
    return found


def _scores(blocks: Sequence[Array], wanted: Array, metric: Metric) -> Array:
    """Return what orders rows as their distances do."""
    with np.errstate(over="ignore", invalid="ignore"):
        scores = np.concatenate([_score(block, wanted, metric) for block in blocks])
    if np.isfinite(scores).all():
        return scores
    return np.concatenate([_exact(block, wanted, metric) for block in blocks])


def _score(rows: Array, wanted: Array, metric: Metric) -> Array:
    scores = -(rows @ wanted)
    if metric == "l2":
        scores = 2 * scores + np.einsum("ij,ij->i", rows, rows)
    return scores


def _exact(rows: Array, wanted: Array, metric: Metric) -> Array:
    """Return distances in doubles."""
    rows, wanted = rows.astype(np.float64), wanted.astype(np.float64)
    if metric == "l2":
        return np.sqrt(((rows - wanted) ** 2).sum(axis=1))
    products = rows @ wanted
    if metric == "dot":
        return -products
    return np.clip(1 - products / np.sqrt(wanted @ wanted), 0.0, 2.0)
