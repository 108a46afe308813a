"""How far two vectors are from each other; pure.

Components are rounded to float32, as they are stored, and distances are computed in doubles, so
that all ways to a distance agree: this module, the engines' SQL, and matrices of numpy but for
their rounding.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from operator import mul
from typing import Any, Literal, TypeAlias

import msgspec

Distance: TypeAlias = Literal["cosine", "l2", "l1", "dot", "product"]
"""`dot` is the negated inner product, so that smaller is nearer; `product` is the inner product."""

LARGEST, SMALLEST = 3.4028234663852886e38, 1.1754943508222875e-38
"""Of a component, whatever its sign: the range of float32. What is nearer to zero is zero."""

_NUMBERS = msgspec.json.Decoder(list[float])


def rounded(values: Sequence[Any]) -> tuple[float, ...] | None:
    """Return numbers as float32 holds them; None where something is no number in its range."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not -LARGEST <= value <= LARGEST:
            return None
    form = f"{len(values)}f"
    found = struct.unpack(form, struct.pack(form, *values))
    if any(0 < abs(value) < SMALLEST for value in found):
        return tuple([0.0 if abs(value) < SMALLEST else value for value in found])
    return found


def read(text: str | bytes) -> tuple[float, ...] | None:
    """Return the vector that a JSON text is; None where it is none."""
    try:
        return rounded(_NUMBERS.decode(text))
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None


def packed(values: Sequence[float]) -> bytes:
    """Return numbers as float32, the highest byte first."""
    return struct.pack(f">{len(values)}f", *values)


def unpacked(vector: bytes) -> tuple[float, ...]:
    """Return the numbers of a packed vector."""
    return struct.unpack(f">{len(vector) // 4}f", vector)


def norm(values: Sequence[float]) -> float:
    """Return the length of a vector in its space."""
    return math.sqrt(sum(map(mul, values, values)))


def distance(kind: Distance, a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return the distance of two vectors of components that are `rounded`.

    None where it is not defined: for other lengths, and of zero under cosine.
    """
    if len(a) != len(b):
        return None
    match kind:
        case "l2":
            return math.dist(a, b)
        case "l1":
            return float(sum([abs(x - y) for x, y in zip(a, b, strict=True)]))
        case "dot":
            return -float(sum(map(mul, a, b)))
        case "product":
            return float(sum(map(mul, a, b)))
        case "cosine":
            lengths = norm(a) * norm(b)
            if lengths == 0:
                return None
            return min(2.0, max(0.0, 1 - float(sum(map(mul, a, b))) / lengths))
