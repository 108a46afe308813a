"""The nearest of a matrix are those of plain Python, whatever was put and taken before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.distances import distance, packed, rounded
from kastor.storage.vectors import METRICS, Metric, VectorIndexRow, VectorRow
from kastor.vectors.matrix import Matrix, nearest, rows_of

if TYPE_CHECKING:
    from kastor.types import Ticks

DIMS = 3
COMPONENT = st.integers(-4, 4).map(float) | st.floats(-1e6, 1e6, width=32)
VECTOR = st.lists(COMPONENT, min_size=DIMS, max_size=DIMS)
CREATED: Ticks = 1


@settings(max_examples=200, deadline=None)
@given(
    metric=st.sampled_from(METRICS),
    steps=st.lists(st.tuples(st.integers(0, 9), st.none() | VECTOR), max_size=30),
    asked=VECTOR,
    count=st.integers(1, 5),
    allowed=st.none() | st.sets(st.integers(0, 12)),
)
def test_the_nearest_are_those_of_plain_python(
    metric: Metric,
    steps: list[tuple[int, list[float] | None]],
    asked: list[float],
    count: int,
    allowed: set[int] | None,
) -> None:
    index = VectorIndexRow("i", DIMS, metric, None, (), CREATED)
    matrix, there = Matrix(DIMS, metric), dict[int, tuple[float, ...]]()
    wanted = rounded(asked)
    assert wanted is not None
    if metric == "cosine" and not any(wanted):
        return
    for key, vector in steps:
        row = None if vector is None else packed(rounded(vector) or ())
        keys, rows, missing = rows_of(index, [VectorRow(key, row)])
        matrix.put(keys, rows)
        matrix.remove(missing)
        there.pop(key, None)
        found = None if vector is None else rounded(vector)
        if found is not None and distance(metric, found, wanted) is not None:
            there[key] = found
    assert matrix.count == len(there)
    mask = None if allowed is None else np.array(sorted(allowed), np.int64)
    expected = sorted(
        distance(metric, vector, wanted) or 0.0
        for key, vector in there.items()
        if allowed is None or key in allowed
    )[:count]
    got = matrix.nearest(wanted, count, mask)
    assert len(got) == len(expected)
    assert allowed is None or {key for _, key in got} <= allowed
    for (one, key), other in zip(got, expected, strict=True):
        scale = max(1.0, *map(abs, there[key])) * max(1.0, *map(abs, wanted))
        near = 1e-5 if metric == "cosine" else 1e-5 * scale
        assert math.isclose(one, other, rel_tol=1e-5, abs_tol=near)


def test_what_is_not_allowed_never_takes_a_place() -> None:
    index = VectorIndexRow("i", 2, "l2", None, (), CREATED)
    rows = [VectorRow(key, packed((float(key), 0.0))) for key in range(100)]
    keys, vectors, _ = rows_of(index, rows)
    seen = np.array([7, 50, 98], np.int64)
    found = nearest(keys, vectors, (0.0, 0.0), "l2", 2, seen)
    assert [key for _, key in found] == [7, 50]
    assert nearest(keys, vectors, (0.0, 0.0), "l2", 2, np.array([], np.int64)) == []
