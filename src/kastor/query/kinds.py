"""Kinds of values (query-language 11): which a value can have, how constants compare."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from kastor.query.plan import (
    ALL_KINDS,
    Aggregate,
    ByModel,
    Call,
    Case,
    Const,
    Doc,
    Each,
    ElementOf,
    Field,
    Flag,
    Gathered,
    ListOf,
    MapOf,
    PartOf,
    Scalar,
    Slot,
    Trail,
    Undefined,
    Value,
    Walked,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RANKS = {"null": 1, "boolean": 2, "number": 3, "string": 4, "array": 5, "object": 6}
"""The order of kinds in ORDER BY; what is missing has rank 0."""

_KINDS = {
    "integer": "number",
    "real": "number",
    **{kind: kind for kind in ("boolean", "number", "string", "array", "object")},
}
"""The kind of what is known as one of these."""

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def kind_of(value: Scalar) -> str:
    """The kind of a constant."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def kinds_of(value: Value) -> frozenset[str]:
    """The kinds that `value` can have when it is defined."""
    # Branches because the kinds of a value are known from its node, and from each in its own way.
    match value:
        case Const():
            return frozenset({kind_of(value.value)})
        case Doc():
            return ALL_KINDS if value.steps else frozenset({"object"})
        case Field():
            return frozenset({"string"})
        case Undefined():
            return frozenset()
        case Call():
            return ALL_KINDS if value.kind == "any" else frozenset({value.kind})
        case Flag():
            return frozenset({"boolean"})
        case Walked() | Trail() | ListOf() | ByModel() | Each() | Gathered():
            return frozenset({"array"})
        case MapOf():
            return frozenset({"object"})
        case Slot() | ElementOf():
            return _kinds_of_types(value)
        case PartOf():
            return ALL_KINDS
        case Case():
            values = [one for _, one in value.branches]
            return frozenset().union(*map(kinds_of, [*values, value.otherwise]))
        case Aggregate():
            if value.name == "COLLECT":
                return frozenset({"array"})
            if value.name in {"MIN", "MAX"}:
                return frozenset({"number", "string"})
            return frozenset({"number"})


def _kinds_of_types(value: Slot | ElementOf) -> frozenset[str]:
    """The kinds that types are of; an element may be null."""
    kinds = frozenset(_KINDS.get(one, "?") for one in value.types)
    if isinstance(value, ElementOf):
        kinds |= {"null"}
    return ALL_KINDS if "?" in kinds or not kinds else kinds


def compare_constants(op: str, left: Scalar, right: Scalar) -> bool | None:
    """True, false or None for undefined."""
    kind = kind_of(left)
    if kind != kind_of(right):
        return None
    if kind == "null":
        return op == "=" if op in {"=", "!="} else None
    return _OPERATORS[op](left, right)
