"""The vectors of one index in memory, and the best of them; the only user of numpy.

Rows are float32 as they are stored. Under cosine they are kept with length 1, so that one product
of a matrix and a vector gives all similarities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kastor.distances import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.vectors import Metric, VectorIndexRow, VectorRow

Array: TypeAlias = Any  # any: numpy's generic arrays say little
_ROOM = 1_024
_GROWTH = 1.5
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
    """Vectors by the keys of their twins; grows by parts, and reuses the room of what went."""

    def __init__(self, dims: int, metric: Metric) -> None:
        self.dims, self.metric = dims, metric
        self._keys: Array = np.zeros(0, np.int64)
        self._rows: Array = np.zeros((0, dims), np.float32)
        self._used = 0
        self._place: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return self._used

    @property
    def size(self) -> int:
        """What it takes, in bytes."""
        return int(self._rows.nbytes + self._keys.nbytes)

    def put(self, keys: Array, rows: Array) -> None:
        """Add vectors, in place of those of the same keys."""
        self._make_room(len(keys))
        for key, row in zip(keys.tolist(), rows, strict=True):
            place = self._place.get(key)
            if place is None:
                place = self._place[key] = self._used
                self._keys[place] = key
                self._used += 1
            self._rows[place] = row

    def remove(self, keys: Array | Sequence[int]) -> None:
        """Take vectors out; the last ones take their places."""
        for key in keys.tolist() if isinstance(keys, np.ndarray) else keys:
            place = self._place.pop(int(key), None)
            if place is None:
                continue
            self._used -= 1
            last = self._used
            if place != last:
                moved = int(self._keys[last])
                self._keys[place], self._rows[place] = moved, self._rows[last]
                self._place[moved] = place

    def keep_only(self, keys: bytes) -> None:
        """Take out the vectors of all other keys.

        Args:
            keys: as int64, in order.
        """
        there = np.frombuffer(keys, np.int64)
        self.remove(np.setdiff1d(self._keys[: self._used], there, assume_unique=True))

    def _make_room(self, more: int) -> None:
        needed = self._used + more
        if needed <= len(self._keys):
            return
        size = max(_ROOM, needed, int(len(self._keys) * _GROWTH))
        keys, rows = np.zeros(size, np.int64), np.zeros((size, self.dims), np.float32)
        keys[: self._used], rows[: self._used] = self._keys[: self._used], self._rows[: self._used]
        self._keys, self._rows = keys, rows

    def nearest(
        self, vector: Sequence[float], count: int, allowed: Array | None
    ) -> list[tuple[float, int]]:
        """Return distances and keys of the nearest vectors, nearest first, ties by key.

        Args:
            vector: what they are compared with.
            count: how many at most.
            allowed: sorted keys of twins that may be among them; None: all.
        """
        keys, rows = self._keys[: self._used], self._rows[: self._used]
        return nearest(keys, rows, vector, self.metric, count, allowed)


def nearest(
    keys: Array,
    rows: Array,
    vector: Sequence[float],
    metric: Metric,
    count: int,
    allowed: Array | None,
) -> list[tuple[float, int]]:
    """Return distances and keys of the nearest rows; see `Matrix.nearest`."""
    if allowed is not None and len(keys):
        places: Array = np.searchsorted(allowed, keys)
        places[places == len(allowed)] = 0
        seen = allowed[places] == keys if len(allowed) else np.zeros(len(keys), bool)
        keys, rows = keys[seen], rows[seen]
    if not len(keys):
        return []
    wanted = np.array(vector, np.float32)
    scores = _scores(rows, wanted, metric)
    if _MORE * count < len(keys):
        # More than are wanted, since scores are rounded more than distances.
        nth = _MORE * count - 1
        edge = np.partition(scores, nth)[nth]
        chosen = np.flatnonzero(scores <= edge)  # with all that are as far as the last one
        keys, rows = keys[chosen], rows[chosen]
    distances = _exact(rows, wanted, metric)
    order = np.lexsort((keys, distances))[:count]
    return [(float(distances[n]), int(keys[n])) for n in order]


def _scores(rows: Array, wanted: Array, metric: Metric) -> Array:
    """Return what orders rows as their distances do."""
    with np.errstate(over="ignore", invalid="ignore"):
        scores = -(rows @ wanted)
        if metric == "l2":
            scores = 2 * scores + np.einsum("ij,ij->i", rows, rows)
    return scores if np.isfinite(scores).all() else _exact(rows, wanted, metric)


def _exact(rows: Array, wanted: Array, metric: Metric) -> Array:
    """Return distances in doubles."""
    rows, wanted = rows.astype(np.float64), wanted.astype(np.float64)
    if metric == "l2":
        return np.sqrt(((rows - wanted) ** 2).sum(axis=1))
    products = rows @ wanted
    if metric == "dot":
        return -products
    return np.clip(1 - products / np.sqrt(wanted @ wanted), 0.0, 2.0)
