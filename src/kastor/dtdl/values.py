"""Tests for JSON values of the primitive schemas (dtdl 11).

Each test takes any decoded JSON value and tells whether it conforms. An ``int`` means that the
text had neither fraction nor exponent, a ``float`` that it had one; ``bool`` is no number.
"""

from __future__ import annotations

import re
from calendar import monthrange
from typing import TYPE_CHECKING

from kastor.dtdl.language import DURATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.dtdl.rules import ValueRules

RANGES = {
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "unsignedByte": (0, 2**8 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedInteger": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
}
LARGEST_DOUBLE = 2.0**1023 * (2 - 2.0**-52)
# From here on a number rounds to infinity in 32 bits.
FLOAT_OVERFLOW = 2.0**127 * (2 - 2.0**-24)
_LONGEST_OFFSET = 14 * 60

_DATE = r"(\d{4})-(\d{2})-(\d{2})"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
_ZONE = r"(Z|[+-](\d{2}):([0-5]\d))"
_DATE_ONLY = re.compile(_DATE, re.ASCII)
_TIME_ONLY = re.compile(f"{_TIME}{_ZONE}?", re.ASCII)
_DATE_TIME = re.compile(f"{_DATE}T{_TIME}{_ZONE}?", re.ASCII)
_PATTERNS = {
    "duration": re.compile(DURATION, re.ASCII),
    "decimal": re.compile(r"[+-]?(?:[1-9]\d*|0)(?:\.\d*)?", re.ASCII),
    "uuid": re.compile(r"[\da-fA-F]{8}-(?:[\da-fA-F]{4}-){3}[\da-fA-F]{12}", re.ASCII),
    "bytes": re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
}

# What each schema wants, as the end of a sentence.
EXPECTED = {
    "boolean": "must be true or false",
    "double": "must be a number that fits 64 bits",
    "float": "must be a number that fits 32 bits",
    "string": "must be a string",
    "date": "must be a string such as 2024-02-29, a day of the calendar",
    "dateTime": "must be a string such as 2024-02-29T13:05:00Z, with a zone",
    "time": "must be a string such as 13:05:00Z, with a zone",
    "duration": "must be a string such as P1DT2H, an ISO 8601 duration",
    "decimal": "must be a string of digits such as 12.50",
    "uuid": "must be a string of 8-4-4-4-12 hexadecimal digits",
    "bytes": "must be a string in base64 with padding",
}


class MinusZero(int):
    """The integer text ``-0``: zero for signed schemas, refused by unsigned ones."""


def primitive_test(name: str, rules: ValueRules) -> Callable[[object], bool]:
    """Return the test of a primitive schema by its term."""
    if name in RANGES:
        return _integer(*RANGES[name])
    if name in _PATTERNS:
        return _matching(_PATTERNS[name])
    if name == "string":
        return _string(rules.max_string_bytes)
    if name == "time":
        return _time(rules.zone_optional)
    if name == "dateTime":
        return _date_time(rules.zone_optional)
    return _SIMPLE[name]


def _boolean(value: object) -> bool:
    return value is True or value is False


def _double(value: object) -> bool:
    kind = type(value)
    if kind is float or kind is int or kind is MinusZero:
        return -LARGEST_DOUBLE <= value <= LARGEST_DOUBLE  # type: ignore[operator]
    return False


def _float(value: object) -> bool:
    kind = type(value)
    if kind is float or kind is int or kind is MinusZero:
        return -FLOAT_OVERFLOW < value < FLOAT_OVERFLOW  # type: ignore[operator]
    return False


def _date(value: object) -> bool:
    if type(value) is not str:
        return False
    match = _DATE_ONLY.fullmatch(value)
    return match is not None and _real_day(match)


_SIMPLE: dict[str, Callable[[object], bool]] = {
    "boolean": _boolean,
    "double": _double,
    "float": _float,
    "date": _date,
}


def _integer(low: int, high: int) -> Callable[[object], bool]:
    signed = low < 0

    def test(value: object) -> bool:
        if type(value) is int:
            return low <= value <= high
        return signed and type(value) is MinusZero

    return test


def _matching(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    full = pattern.fullmatch

    def test(value: object) -> bool:
        return type(value) is str and full(value) is not None

    return test


def _string(longest: int | None) -> Callable[[object], bool]:
    if longest is None:
        return lambda value: type(value) is str

    def test(value: object) -> bool:
        if type(value) is not str:
            return False
        # Four bytes are the most that a character takes, so short strings need no encoding.
        return len(value) * 4 <= longest or len(value.encode("utf-8", "surrogatepass")) <= longest

    return test


def _real_day(match: re.Match[str]) -> bool:
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    return year > 0 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]  # noqa: PLR2004


def _real_zone(match: re.Match[str], at: int, optional: bool) -> bool:
    if match[at] is None:
        return optional
    if match[at] == "Z":
        return True
    return int(match[at + 1]) * 60 + int(match[at + 2]) <= _LONGEST_OFFSET


def _time(optional: bool) -> Callable[[object], bool]:
    def test(value: object) -> bool:
        match = _TIME_ONLY.fullmatch(value) if type(value) is str else None
        return match is not None and _real_zone(match, 2, optional)

    return test


def _date_time(optional: bool) -> Callable[[object], bool]:
    def test(value: object) -> bool:
        match = _DATE_TIME.fullmatch(value) if type(value) is str else None
        return match is not None and _real_day(match) and _real_zone(match, 5, optional)

    return test


def describe_type(value: object) -> str:
    """Return what a JSON value is, for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a number with a fraction or exponent"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def primitive_detail(name: str, value: object, rules: ValueRules) -> str:
    """Return the sentence that says why a value does not conform to a primitive schema."""
    if value is None:
        return "null conforms to no schema; leave the member out instead"
    if name in RANGES:
        low, high = RANGES[name]
        if isinstance(value, int) and not isinstance(value, bool):
            return f"integer out of the range {low}..{high}"
        if isinstance(value, float):
            return "must be an integer, written without fraction or exponent"
        return f"must be an integer, not {describe_type(value)}"
    expected = EXPECTED[name]
    if name in ("time", "dateTime") and rules.zone_optional:
        expected = expected.removesuffix(", with a zone").replace("Z", "")
    if name == "string" and isinstance(value, str):
        return f"longer than {rules.max_string_bytes} bytes in UTF-8"
    if (
        name in ("double", "float")
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
    ):
        return expected
    if name in ("double", "float", "boolean", "string") or not isinstance(value, str):
        return f"{expected}, not {describe_type(value)}"
    return expected
