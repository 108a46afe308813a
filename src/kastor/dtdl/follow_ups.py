"""Tells problems from what only follows from them, for people.

A parse reports what the reference parser does: one misspelt schema is a word that is not known and
a property without a usable value, and a literal of free type is tried as four types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.dtdl.problem import Problem

# Ids that say no more than that something at the place, or below it, is wrong.
_FOLLOWING = frozenset({"objectCountBelowMin", "literalNotValid"})


def causes(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems without follow-ups, and each one once, in their order."""
    found = tuple(dict.fromkeys(problems))
    reasons = {
        place for problem in found if problem.id not in _FOLLOWING for place in _above(problem)
    }
    return tuple(
        problem
        for problem in found
        if problem.id not in _FOLLOWING or (problem.document, problem.pointer) not in reasons
    )


def _above(problem: Problem) -> list[tuple[int, str]]:
    """Return the place of a problem and those that it stands in; there are at most 64."""
    keys = problem.pointer.split("/")
    return [(problem.document, "/".join(keys[:end])) for end in range(1, len(keys) + 1)]
