"""Functions by name, and what is known of values without a look at the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.distances import FUNCTIONS
from kastor.query.kinds import kinds_of
from kastor.query.plan import ALL_KINDS, Aggregate, Call, Const, Doc, Field

if TYPE_CHECKING:
    from kastor.query.models import ModelIndex
    from kastor.query.plan import Value

PREFIX = "digitaltwins."
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max"})
TYPE_TESTS = {
    "is_object": frozenset({"object"}),
    "is_number": frozenset({"number"}),
    "is_string": frozenset({"string"}),
    "is_bool": frozenset({"boolean"}),
    "is_primitive": frozenset({"string", "boolean", "number"}),
}
DISTANCES = {
    "cosine_distance": "cosine",
    "l2_distance": "l2",
    "l1_distance": "l1",
    "inner_product": "product",
}
NUMBERS = {"abs": "ABS", "ceil": "CEILING", "floor": "FLOOR"}
NAMES = frozenset(
    [
        *AGGREGATES,
        *TYPE_TESTS,
        *NUMBERS,
        "substring",
        "size",
        "id",
        "elementId",
        "type",
        "is_of_model",
        *DISTANCES,
    ]
)

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
NUMERIC = frozenset({"integer", "real"})
_ROUNDED = frozenset({"CEILING", "FLOOR"})


def types_of(value: Value, models: ModelIndex) -> frozenset[str]:
    """What the value can be when it is not null.

    ``integer``, ``real``, ``string``, ``boolean``, ``array``, ``object``, or ``?`` for what no
    model tells.
    """
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
            return frozenset(_KNOWN.get(one, "?") for one in schemas) or frozenset({"?"})
        case Call(kind="number"):
            return _of_call(value, models)
        case Aggregate(name="COUNT"):
            return frozenset({"integer"})
        case Aggregate(name="AVG"):
            return frozenset({"real"})
        case Aggregate(argument=Call() | Doc() | Const() | Field() as argument):
            return types_of(argument, models)
        case _:
            kinds = kinds_of(value)
            unknown = kinds == ALL_KINDS or "number" in kinds
            return frozenset({"?"}) if unknown else frozenset(kinds - {"null"})


def _of_call(value: Call, models: ModelIndex) -> frozenset[str]:
    """What arithmetic of these values gives."""
    if value.name in {"LENGTH", "ARRAY_LENGTH"}:
        return frozenset({"integer"})
    if value.name in _ROUNDED or value.name == "/" or value.name in FUNCTIONS.values():
        return frozenset({"real"})
    inner = [types_of(arg, models) for arg in value.args]
    if all(types == {"integer"} for types in inner):
        return frozenset({"integer"})
    return frozenset({"real"}) if {"real"} in inner else NUMERIC
