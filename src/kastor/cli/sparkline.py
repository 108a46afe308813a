"""A series of numbers in one line of a terminal."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """Return bars from the least to the greatest value; of more values than cells the means.

    Args:
        values: in order, finite; without any there are no bars.
        width: cells that there are at most.
    """
    count = min(len(values), max(1, width))
    if not count:
        return ""
    edges = [len(values) * at // count for at in range(count + 1)]
    means = [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
    least, most = min(means), max(means)
    if least == most:
        return BARS[len(BARS) // 2] * count
    step = (most - least) / len(BARS)
    return "".join(BARS[min(len(BARS) - 1, int((each - least) / step))] for each in means)
