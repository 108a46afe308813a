"""Pushes NOT down to the leaves, so that no three-valued logic is left for the engine.

In Kleene's logic NOT distributes over AND and OR, and two NOTs cancel. When only leaves can be
negated, AND and OR are monotone: the whole is true exactly if it is true with every undefined leaf
taken as false. So each leaf need only say when it is *true*, which SQL can (query-language 11).
"""

from __future__ import annotations

from dataclasses import replace

from kastor.query.plan import And, Compare, Condition, Not, Or, Truth

_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def push_down(condition: Condition) -> Condition:
    """The same condition without any `Not`."""
    return _push(condition, negated=False)


def negate(condition: Condition) -> Condition:
    """What is true exactly where `condition` is false."""
    return _push(condition, negated=True)


def _push(condition: Condition, *, negated: bool) -> Condition:
    match condition:
        case Not():
            return _push(condition.operand, negated=not negated)
        case And() | Or():
            terms = tuple([_push(term, negated=negated) for term in condition.terms])
            return And(terms) if isinstance(condition, And) is not negated else Or(terms)
        case Truth():
            return Truth(condition.value is not negated)
        case Compare():
            if not negated:
                return condition
            return Compare(_OPPOSITE[condition.op], condition.left, condition.right)
        case _:
            return replace(condition, negated=not condition.negated) if negated else condition
