"""What leads the order of a statement: a model, or the value of an indexed property.

Any total order is right; one that follows the indexes in use lets the first page of a large result
stop early, without sorting it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import And, Compare, Const, Doc, OfModel, TextTest

if TYPE_CHECKING:
    from kastor.query.plan import Condition, Plan


def model_order(plan: Plan) -> OfModel | None:
    """The model test that may lead the order: one that every row of source 0 passes."""
    if plan.counts or plan.order:
        return None
    for term in _terms(plan):
        if isinstance(term, OfModel) and term.source == 0 and not term.negated:
            return term
    return None


def value_order(plan: Plan, indexed: frozenset[tuple[str | int, ...]]) -> Doc | None:
    """The indexed property that may lead the order: one that every row's test pins to a kind."""
    if not indexed or plan.counts or plan.order or plan.graph.hops:
        return None
    sources = plan.graph.sources
    for term in _terms(plan):
        pinned = _pinned(term)
        if pinned is None or pinned.steps not in indexed:
            continue
        if sources[pinned.source].kind == "twin":
            return pinned
    return None


def searched_sources(plan: Plan, indexed: frozenset[tuple[str | int, ...]]) -> frozenset[int]:
    """The only source of a plan, where it looks for values of an indexed property."""
    if plan.graph.hops or len(plan.graph.sources) != 1 or plan.graph.sources[0].kind != "twin":
        return frozenset()
    pinned = [_pinned(term) for term in _terms(plan)]
    found = any(each is not None and each.steps in indexed for each in pinned)
    return frozenset({0}) if found else frozenset()


def _terms(plan: Plan) -> tuple[Condition, ...]:
    return plan.where.terms if isinstance(plan.where, And) else (plan.where,)


def _pinned(term: Condition) -> Doc | None:
    """The property of which a term leaves numbers only, or strings only.

    No row is left then whose value is missing, null, or of another kind, so the index has all of
    them side by side, in the order of the engine.
    """
    match term:
        case Compare(
            op="=" | "<" | ">" | "<=" | ">=", left=Doc() as left, right=Const(value=value)
        ):
            is_ordered = isinstance(value, int | float | str) and not isinstance(value, bool)
            return left if is_ordered else None
        case TextTest("STARTSWITH", Doc() as subject, Const(), ignore_case=False, negated=False):
            return subject
        case _:
            return None
