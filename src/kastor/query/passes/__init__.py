"""Rewrites of conditions, each a small function; `PASSES` holds them in the order they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.passes.folding import fold
from kastor.query.passes.negation import push_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.plan import Condition

PASSES: tuple[Callable[[Condition], Condition], ...] = (push_down, fold)


def rewrite(condition: Condition) -> Condition:
    """`condition` after all passes."""
    for one in PASSES:
        condition = one(condition)
    return condition
