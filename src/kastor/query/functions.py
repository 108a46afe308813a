"""The superset's functions: what each takes and gives."""

from __future__ import annotations

_NUMBER, _STRING, _BOOLEAN, _JSON = "number", "string", "boolean", "json"

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "+": (_NUMBER, _NUMBER),
    "-": (_NUMBER, _NUMBER),
    "*": (_NUMBER, _NUMBER),
    "/": (_NUMBER, _NUMBER),
    "%": (_NUMBER, _NUMBER),
    "ABS": (_NUMBER,),
    "CEILING": (_NUMBER,),
    "FLOOR": (_NUMBER,),
    "ROUND": (_NUMBER, _NUMBER),
    "SQRT": (_NUMBER,),
    "POWER": (_NUMBER, _NUMBER),
    "LENGTH": (_STRING,),
    "LOWER": (_STRING,),
    "UPPER": (_STRING,),
    "TRIM": (_STRING,),
    "SUBSTRING": (_STRING, _NUMBER, _NUMBER),
    "INDEX_OF": (_STRING, _STRING),
    "ARRAY_LENGTH": (_JSON,),
    "NOW": (),
    "DATETIME": (_STRING,),
    "DATETIME_ADD": (_STRING, _NUMBER, _STRING),
    "DATETIME_DIFF": (_STRING, _STRING, _STRING),
    "DATETIME_PART": (_STRING, _STRING),
    "XOR": (_BOOLEAN, _BOOLEAN),
    "AT": (_JSON, _JSON),
    "SLICE": (_JSON, _NUMBER, _NUMBER),
    "ADD": (_JSON, _JSON),
    "RANGE": (_NUMBER, _NUMBER, _NUMBER),
    "SPLIT": (_STRING, _STRING),
    "REPLACE": (_STRING, _STRING, _STRING),
    "LEFT": (_STRING, _NUMBER),
    "RIGHT": (_STRING, _NUMBER),
    "MID": (_STRING, _NUMBER, _NUMBER),
    "DIV": (_NUMBER, _NUMBER),
    "QUOTIENT": (_NUMBER, _NUMBER),
    "REMAINDER": (_NUMBER, _NUMBER),
    "TO_POWER": (_NUMBER, _NUMBER),
    **dict.fromkeys(("TRIMMED", "LTRIM", "RTRIM", "TOLOWER", "TOUPPER"), (_STRING,)),
    **dict.fromkeys(("INTEGER_TEXT", "REAL_TEXT", "SIGN", "ROUNDED"), (_NUMBER,)),
    **dict.fromkeys(("ROOT", "EXP", "LOG", "LOG10", "SIN", "COS", "TAN"), (_NUMBER,)),
    **dict.fromkeys(("ASIN", "ACOS", "ATAN", "DEGREES", "RADIANS"), (_NUMBER,)),
    **dict.fromkeys(("SIZE", "KEYS", "REVERSE", "TOSTRING", "TOINTEGER", "TOFLOAT"), (_JSON,)),
    **dict.fromkeys(("TOBOOLEAN", "AS_STRING", "AS_NUMBER", "AS_INTEGER"), (_JSON,)),
    **dict.fromkeys(("AS_BOOLEAN", "AS_LIST", "SCALAR", "SORT_KEY", "KEYED"), (_JSON,)),
    "COMPARE": (_JSON, _JSON),
    "AFTER_KEY": (_STRING,),
}
_TEXTS = frozenset(
    {"LOWER", "UPPER", "TRIM", "CONCAT", "SUBSTRING", "NOW", "DATETIME", "DATETIME_ADD"}
)


_MADE_TEXTS = frozenset(
    [
        *("REPLACE", "LEFT", "RIGHT", "MID", "TRIMMED", "LTRIM", "RTRIM", "TOLOWER", "TOUPPER"),
        *("SORT_KEY", "KEYED", "INTEGER_TEXT", "REAL_TEXT", "TOSTRING", "AS_STRING"),
    ]
)
_MADE_JSON = frozenset(
    [
        *("AT", "SLICE", "APPEND", "ADD", "KEYS", "RANGE", "SPLIT", "REVERSE", "TOBOOLEAN"),
        *("AS_BOOLEAN", "AS_LIST", "SCALAR", "XOR", "AFTER_KEY"),
    ]
)
"""Calls that give JSON text, of kinds that the plan's node tells."""


def argument_kinds(name: str, count: int) -> tuple[str, ...]:
    """The kind each of `count` arguments must have; another kind makes the call undefined."""
    if name == "CONCAT":
        return (_STRING,) * count
    if name == "APPEND":
        return (_JSON,) * count
    if name == "ST_DISTANCE":  # two points, or a point, a longitude and a latitude
        return (_JSON, _JSON) if count == 2 else (_JSON, _NUMBER, _NUMBER)  # noqa: PLR2004
    return _ARGUMENTS[name][:count]


def result_kind(name: str) -> str:
    """The kind that a call gives when it is defined; ``json`` for those of several."""
    if name in _MADE_JSON:
        return _JSON
    return _STRING if name in _TEXTS or name in _MADE_TEXTS else _NUMBER
