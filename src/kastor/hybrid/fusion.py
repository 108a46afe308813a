"""One order of two: reciprocal rank fusion, which compares ranks and never scores.

Scores of words and distances of vectors have no common measure; where something stands in each
list has (Cormack, Clarke and Buettcher, 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DAMPING = 60
"""Added to each rank, so that the first few of one list do not outweigh the other list."""
FEWEST_CANDIDATES, CANDIDATES_EACH = 100, 5


@dataclass(frozen=True, slots=True)
class Fused:
    """Where something stands.

    Attributes:
        text_rank, vector_rank: in each list, from 1; None where it is not in it.
    """

    id: str
    text_rank: int | None
    vector_rank: int | None

    @property
    def score(self) -> float:
        """What it is ordered by; greater is better."""
        ranks = (self.text_rank, self.vector_rank)
        return sum(1 / (DAMPING + rank) for rank in ranks if rank is not None)


def candidates(limit: int) -> int:
    """Return how many of each list are looked at for so many hits."""
    return max(FEWEST_CANDIDATES, CANDIDATES_EACH * limit)


def fused(by_text: Sequence[str], by_vector: Sequence[str]) -> list[Fused]:
    """Return everything of two lists, best first, ties by id.

    Args:
        by_text: ids, best first.
        by_vector: ids, nearest first.
    """
    text_ranks = {each: rank for rank, each in enumerate(by_text, 1)}
    vector_ranks = {each: rank for rank, each in enumerate(by_vector, 1)}
    found = [
        Fused(each, text_ranks.get(each), vector_ranks.get(each))
        for each in text_ranks | vector_ranks
    ]
    return sorted(found, key=lambda each: (-each.score, each.id))
