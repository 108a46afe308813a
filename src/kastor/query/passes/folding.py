"""Decides at compile time what no data can change, and simplifies AND and OR around it.

Runs after `negation`: an undefined leaf may be taken as false here, because no NOT is above it.
"""

from __future__ import annotations

from kastor.query.kinds import compare_constants, kinds_of
from kastor.query.plan import (
    Among,
    And,
    ArrayHas,
    Compare,
    Condition,
    Const,
    In,
    IsKind,
    OfModel,
    Or,
    Same,
    TextTest,
    Truth,
    Undefined,
    Value,
)

_TRUE, _FALSE = Truth(value=True), Truth(value=False)
_ORDERINGS = frozenset({"<", ">", "<=", ">="})
_ORDERED_KINDS = frozenset({"number", "string", "boolean"})
_MIRROR = {"=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def fold(condition: Condition) -> Condition:
    """The same condition, with everything decided that can be."""
    match condition:
        case And():
            return _join(And, condition.terms, stop=_FALSE, skip=_TRUE)
        case Or():
            return _join(Or, condition.terms, stop=_TRUE, skip=_FALSE)
        case Compare():
            return _compare(condition)
        case In():
            return _membership(condition)
        case IsKind():
            return _kind_test(condition)
        case TextTest():
            both = kinds_of(condition.subject) & kinds_of(condition.part)
            return condition if "string" in both else _FALSE
        case Same():
            return _FALSE if _is_null(condition.left, condition.right) else condition
        case ArrayHas() | Among():
            return condition if "array" in kinds_of(condition.array) else _FALSE
        case OfModel() if not condition.keys:
            return Truth(condition.negated)
        case _:
            return condition


def _join(
    kind: type[And | Or], terms: tuple[Condition, ...], *, stop: Truth, skip: Truth
) -> Condition:
    kept: list[Condition] = []
    for term in terms:
        folded = fold(term)
        if folded == stop:
            return stop
        if isinstance(folded, kind):
            kept.extend(folded.terms)
        elif folded != skip:
            kept.append(folded)
    if not kept:
        return skip
    return kept[0] if len(kept) == 1 else kind(tuple(kept))


def _compare(leaf: Compare) -> Condition:
    if isinstance(leaf.left, Const):
        if isinstance(leaf.right, Const):
            return Truth(compare_constants(leaf.op, leaf.left.value, leaf.right.value) is True)
        leaf = Compare(_MIRROR[leaf.op], leaf.right, leaf.left)
    both = kinds_of(leaf.left) & kinds_of(leaf.right)
    if leaf.op in _ORDERINGS:
        both &= _ORDERED_KINDS
    if leaf.op == "!=":
        both -= {"null"}
    return leaf if both else _FALSE


def _membership(leaf: In) -> Condition:
    if isinstance(leaf.value, Undefined):
        return _FALSE
    if isinstance(leaf.value, Const):
        own = leaf.value.value
        found = any(compare_constants("=", own, value) is True for value in leaf.values)
        return Truth(found is not leaf.negated)
    return leaf


def _is_null(*values: Value) -> bool:
    return any(kinds_of(value) <= {"null"} for value in values)


def _kind_test(leaf: IsKind) -> Condition:
    kinds = kinds_of(leaf.value)
    if isinstance(leaf.value, Const):
        return Truth((kinds <= leaf.kinds) is not leaf.negated)
    if not kinds & leaf.kinds:
        return Truth(leaf.negated)
    return leaf
