"""Functions by name, and which of them give conditions."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "digitaltwins."
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max", "collect"})
TYPE_TESTS = {
    "is_object": frozenset({"object"}),
    "is_number": frozenset({"number"}),
    "is_string": frozenset({"string"}),
    "is_bool": frozenset({"boolean"}),
    "is_primitive": frozenset({"string", "boolean", "number"}),
}
CONDITIONS = frozenset({"is_of_model", "exists", "isempty", *TYPE_TESTS})
"""Functions that are true, false or null whatever the data is."""

STRING = frozenset({"string"})
INTEGER = frozenset({"integer"})
NUMERIC = frozenset({"integer", "real"})


@dataclass(frozen=True, slots=True)
class Simple:
    """A function whose arguments are all needed and each of known types."""

    call: str
    takes: tuple[frozenset[str], ...]
    kind: str


def _number(call: str) -> Simple:
    return Simple(call, (NUMERIC,), "number")


def _text(call: str) -> Simple:
    return Simple(call, (STRING,), "string")


SIMPLE = {
    "abs": _number("ABS"),
    "ceil": _number("CEILING"),
    "floor": _number("FLOOR"),
    "round": _number("ROUNDED"),
    "sign": _number("SIGN"),
    "sqrt": _number("ROOT"),
    "exp": _number("EXP"),
    "log": _number("LOG"),
    "log10": _number("LOG10"),
    **{
        name: _number(name.upper())
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "degrees", "radians")
    },
    "tolower": _text("TOLOWER"),
    "toupper": _text("TOUPPER"),
    "trim": _text("TRIMMED"),
    "ltrim": _text("LTRIM"),
    "rtrim": _text("RTRIM"),
    "left": Simple("LEFT", (STRING, INTEGER), "string"),
    "right": Simple("RIGHT", (STRING, INTEGER), "string"),
    "replace": Simple("REPLACE", (STRING, STRING, STRING), "string"),
    "split": Simple("SPLIT", (STRING, STRING), "array"),
}
CONVERSIONS = {"tostring", "tointeger", "tofloat", "toboolean"}
LISTS = {"head", "last", "tail", "reverse", "range", "size", "keys", "properties"}
GRAPH = {"id", "elementid", "type", "labels", "startnode", "endnode"}
DISTANCES = {
    "cosine_distance": "cosine",
    "l2_distance": "l2",
    "l1_distance": "l1",
    "inner_product": "product",
}
NAMES = frozenset(
    [
        *AGGREGATES,
        *TYPE_TESTS,
        *(name for name in SIMPLE if not name.startswith("to")),
        *("toLower", "toUpper", "toString", "toInteger", "toFloat", "toBoolean", "coalesce"),
        *LISTS,
        *("substring", "id", "elementId", "type", "labels", "startNode", "endNode"),
        *("exists", "isEmpty", "is_of_model"),
        *DISTANCES,
    ]
)
LEFT_OUT = {
    **dict.fromkeys(
        ("percentilecont", "percentiledisc", "stdev", "stdevp"),
        "percentiles and deviations are not in the subset",
    ),
    **dict.fromkeys(
        ("date", "datetime", "localdatetime", "localtime", "time", "duration"),
        "types of time are not in the subset; what models call times are texts here",
    ),
    **dict.fromkeys(
        ("rand", "randomuuid", "timestamp"), "what changes with every look is left out"
    ),
    **dict.fromkeys(("any", "all", "none", "single"), "it is written any(x IN list WHERE ..)"),
}
