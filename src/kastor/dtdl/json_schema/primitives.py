"""JSON Schemas of the primitive schemas (dtdl 11).

A pattern says what `kastor.dtdl.values` tests, without looking ahead and with plain classes of
characters, so that every engine understands it alike: that of JavaScript, which the standard
names, and those that know no look-ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl.values import FLOAT_OVERFLOW, LARGEST_DOUBLE, RANGES

if TYPE_CHECKING:
    from kastor.dtdl.rules import ValueRules

_YEAR = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_FOURTH = "(?:0[48]|[2468][048]|[13579][26])"
_LEAP = f"(?:[0-9]{{2}}{_FOURTH}|{_FOURTH}00)"
_DATE = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

# Of a duration the last number alone may have a fraction.
_WHOLE = "[0-9]+"
_LAST = r"[0-9]+(?:\.[0-9]+)?"
_MONTHS = f"(?:(?:{_WHOLE}Y)?(?:{_WHOLE}M)?|{_WHOLE}W)"
_CLOCK = f"(?:(?:{_WHOLE}H)?(?:{_WHOLE}M)?{_LAST}S|(?:{_WHOLE}H)?{_LAST}M|{_LAST}H)"
_DURATION = (
    f"P(?:{_MONTHS}(?:{_WHOLE}D)?T{_CLOCK}|{_MONTHS}{_LAST}D|(?:{_WHOLE}Y)?{_LAST}M"
    f"|{_LAST}Y|{_LAST}W)"
)
_PATTERNS = {
    "date": _DATE,
    "duration": _DURATION,
    "decimal": r"[+-]?(?:[1-9][0-9]*|0)(?:\.[0-9]*)?",
    "uuid": "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "bytes": "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}
_FORMATS = {"date": "date", "duration": "duration", "uuid": "uuid"}

SOURCE_TIME = {
    "type": ["string", "null"],
    "pattern": (
        rf"^{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,9}})?"
        "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))$"
    ),
}
"""A time in `$metadata`: with a zone, whatever the rules for values are (decisions 6.2)."""


def primitive_schema(name: str, rules: ValueRules) -> dict[str, Any]:
    """Return the JSON Schema of a primitive schema by its term, such as ``double``."""
    if name in RANGES:
        low, high = RANGES[name]
        return {"type": "integer", "minimum": low, "maximum": high}
    if name == "boolean":
        return {"type": "boolean"}
    if name == "double":
        return {"type": "number", "minimum": -LARGEST_DOUBLE, "maximum": LARGEST_DOUBLE}
    if name == "float":
        return {
            "type": "number",
            "exclusiveMinimum": -FLOAT_OVERFLOW,
            "exclusiveMaximum": FLOAT_OVERFLOW,
        }
    return _text(name, rules)


def _text(name: str, rules: ValueRules) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "string"}
    if name == "string":
        if rules.max_string_bytes is not None:
            made["maxLength"] = rules.max_string_bytes
        return made
    zone = f"{_ZONE}?" if rules.zone_optional else _ZONE
    if name == "time":
        pattern = f"{_TIME}{zone}"
    elif name == "dateTime":
        pattern = f"{_DATE}T{_TIME}{zone}"
    else:
        pattern = _PATTERNS[name]
    if name in _FORMATS:
        made["format"] = _FORMATS[name]
    elif name == "bytes":
        made["contentEncoding"] = "base64"
    made["pattern"] = f"^(?:{pattern})$"
    return made
