"""What values are known to be without a look at the data: from literals and from models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.cypher.functions import NUMERIC
from kastor.query.distances import FUNCTIONS
from kastor.query.kinds import kinds_of
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
    Gathered,
    ListOf,
    PartOf,
    Slot,
    Trail,
    Walked,
)

if TYPE_CHECKING:
    from kastor.query.models import ModelIndex
    from kastor.query.plan import Value

UNKNOWN = frozenset({"?"})
_INTEGERS = frozenset(
    ["integer", "long", "byte", "short", "unsignedByte", "unsignedShort", "unsignedInteger"]
)
_REALS = frozenset({"float", "double"})
_STRINGS = frozenset({"string", "date", "dateTime", "time", "duration", "uuid", "bytes"})
_KNOWN = {
    **dict.fromkeys(_INTEGERS, "integer"),
    **dict.fromkeys(_REALS, "real"),
    **dict.fromkeys(_STRINGS, "string"),
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}
_WHOLE = frozenset(
    [
        *("LENGTH", "ARRAY_LENGTH", "SIZE", "TOINTEGER", "AS_INTEGER", "SIGN", "DIV"),
        *("REMAINDER", "%"),
    ]
)
_REAL = frozenset(
    [
        *("CEILING", "FLOOR", "/", "QUOTIENT", "TOFLOAT", "TO_POWER", "ROUNDED", "ROOT", "EXP"),
        *("LOG", "LOG10", "SIN", "COS", "TAN", "ASIN", "ACOS", "ATAN", "DEGREES", "RADIANS"),
    ]
)


def types_of(value: Value, models: ModelIndex) -> frozenset[str]:
    """What the value can be when it is not null.

    ``integer``, ``real``, ``string``, ``boolean``, ``array``, ``object``, or ``?`` for what no
    model tells.
    """
    # Branches because each kind of node tells its types in its own way.
    match value:
        case Const(value=bool()):
            return frozenset({"boolean"})
        case Const(value=int()):
            return frozenset({"integer"})
        case Const(value=float()):
            return frozenset({"real"})
        case Const(value=str()) | Field():
            return frozenset({"string"})
        case Doc(steps=(str() as name,)) if not name.startswith("$"):
            schemas = models.schemas_of(name)
            return frozenset(_KNOWN.get(one, "?") for one in schemas) or UNKNOWN
        case Case():
            values = [*(one for _, one in value.branches), value.otherwise]
            return _all([types_of(one, models) for one in values])
        case Call():
            return _of_call(value, models)
        case Aggregate():
            return _of_aggregate(value, models)
        case Slot(source=source) if source >= 0:
            return value.types
        case ElementOf():
            return value.types
        case _:
            kinds = kinds_of(value)
            unknown = kinds == ALL_KINDS or "number" in kinds
            return UNKNOWN if unknown else frozenset(kinds - {"null"})


def _all(found: list[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*found)


def _of_aggregate(value: Aggregate, models: ModelIndex) -> frozenset[str]:
    known = {"COUNT": "integer", "AVG": "real", "COLLECT": "array"}.get(value.name)
    if known is not None:
        return frozenset({known})
    return UNKNOWN if value.argument is None else types_of(value.argument, models)


def _of_call(value: Call, models: ModelIndex) -> frozenset[str]:
    first = value.args[0] if value.args else Const(None)
    if value.name == "COALESCE":
        return _all([types_of(arg, models) for arg in value.args])
    if value.name == "AT":
        return elements_of(first, models)
    if value.name in {"SCALAR", "REVERSE"}:
        return types_of(first, models)
    if value.kind != "number":
        return UNKNOWN if value.kind == "any" else frozenset({value.kind})
    if value.name in _WHOLE:
        return frozenset({"integer"})
    if value.name in _REAL or value.name in FUNCTIONS.values():
        return frozenset({"real"})
    inner = [types_of(arg, models) for arg in value.args]
    if value.name == "AS_NUMBER":
        return NUMERIC if "?" in inner[0] else inner[0] & NUMERIC
    if all(types <= {"integer"} for types in inner):
        return frozenset({"integer"})
    return frozenset({"real"}) if {"real"} in inner else NUMERIC


def elements_of(value: Value, models: ModelIndex) -> frozenset[str]:
    """The same of the elements of a list."""
    match value:
        case ListOf():
            return _all([types_of(item, models) for item in value.items])
        case Aggregate(name="COLLECT", argument=argument) if argument is not None:
            return types_of(argument, models)
        case Call(name="SLICE" | "REVERSE" | "AS_LIST"):
            return elements_of(value.args[0], models)
        case Call(name="APPEND"):
            return _all(
                [
                    elements_of(arg, models) if types_of(arg, models) == {"array"}
                    else types_of(arg, models)
                    for arg in value.args
                ]
            )  # fmt: skip
        case Each() | Gathered():
            return types_of(value.item, models)
        case Call(name="RANGE"):
            return frozenset({"integer"})
        case Call(name="SPLIT" | "KEYS") | ByModel():
            return frozenset({"string"})
        case Walked() | Trail():
            return frozenset({"object"})
        case PartOf() | _:
            return UNKNOWN
