"""The superset's functions: what each takes and gives."""

from __future__ import annotations

_NUMBER, _STRING, _JSON = "number", "string", "json"

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
}
_TEXTS = frozenset(
    {"LOWER", "UPPER", "TRIM", "CONCAT", "SUBSTRING", "NOW", "DATETIME", "DATETIME_ADD"}
)


def argument_kinds(name: str, count: int) -> tuple[str, ...]:
    """The kind each of `count` arguments must have; another kind makes the call undefined."""
    if name == "CONCAT":
        return (_STRING,) * count
    if name == "ST_DISTANCE":  # two points, or a point, a longitude and a latitude
        return (_JSON, _JSON) if count == 2 else (_JSON, _NUMBER, _NUMBER)  # noqa: PLR2004
    return _ARGUMENTS[name][:count]


def result_kind(name: str) -> str:
    """The kind that a call gives when it is defined."""
    return _STRING if name in _TEXTS else _NUMBER
