"""What may lead the order of a page, so that an index gives the rows in the order of the pages.

Any total order is right; a fitting one lets the first page of a large result stop early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import And, Compare, Const, Doc, OfModel, TextTest

if TYPE_CHECKING:
    from kastor.query.plan import Condition, Plan


def _terms(plan: Plan) -> tuple[Condition, ...]:
    return plan.where.terms if isinstance(plan.where, And) else (plan.where,)


def model_order(plan: Plan) -> OfModel | None:
    """The model test that may lead the order: one that every row of source 0 passes."""
    if plan.counts or plan.order:
        return None
    for term in _terms(plan):
        if isinstance(term, OfModel) and term.source == 0 and not term.negated:
            return term
    return None


def value_order(plan: Plan, indexed: frozenset[tuple[str | int, ...]]) -> Doc | None:
    """The indexed property that may lead the order: one that every row's test pins to a kind.

    Such a test leaves no row whose value is missing, null, or of two kinds.
    """
    if not indexed or plan.counts or plan.order or plan.graph.hops:
        return None
    if plan.graph.sources[0].kind != "twin":
        return None
    for term in _terms(plan):
        match term:
            case Compare(op=op, left=Doc(steps=steps) as left, right=Const(value=value)):
                pinned = isinstance(value, int | float | str) and not isinstance(value, bool)
                if op != "!=" and pinned and steps in indexed:
                    return left
            case TextTest(name="STARTSWITH", subject=Doc(steps=steps) as subject, part=Const()):
                if not (term.ignore_case or term.negated) and steps in indexed:
                    return subject
            case _:
                pass
    return None
