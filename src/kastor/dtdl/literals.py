"""Literal values and language strings of models (dtdl 4.4).

Each reader takes the flattened values of a member and returns what the element keeps, or None
when there is nothing to keep; what is wrong goes to the collector.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kastor.dtdl import language as tables
from kastor.types import Json

if TYPE_CHECKING:
    from kastor.dtdl.collector import Collector
    from kastor.dtdl.metamodel import PropertySpec
    from kastor.dtdl.nodes import Path

INT32 = range(-(2**31), 2**31)
_XSD = "http://www.w3.org/2001/XMLSchema#"
_LANGUAGE = re.compile(tables.LANGUAGE_CODE)
_DURATION = re.compile(tables.DURATION)
DEFAULT_LANGUAGE = "en"


class MemberReading:
    """One member being read: where findings go and what they say of it."""

    __slots__ = ("collector", "path", "primary", "restricted", "shown", "spec")

    def __init__(
        self,
        collector: Collector,
        primary: str,
        spec: PropertySpec,
        path: Path,
        restricted: bool,
    ) -> None:
        self.collector = collector
        self.primary = primary
        self.spec = spec
        self.shown = spec.shown
        self.path = path
        self.restricted = restricted

    def report(self, identifier: str, value: str | None = None) -> None:
        """Collect a finding about this member."""
        self.collector.report(
            identifier, self.path, primary=self.primary, property=self.shown, value=value
        )


def flatten(value: object) -> list[Any]:
    """Return the values of a member: arrays in arrays are flattened (dtdl 2)."""
    if not isinstance(value, list):
        return [value]
    if not any(isinstance(entry, list) for entry in value):
        return value
    found: list[Any] = []
    stack = list(reversed(value))
    while stack:
        entry = stack.pop()
        if isinstance(entry, list):
            stack += reversed(entry)
        else:
            found.append(entry)
    return found


def placed_values(member: object, path: Path) -> list[tuple[Any, Path]]:
    """Return the values of a member, arrays in arrays flattened, with the path to each."""
    if not isinstance(member, list):
        return [(member, path)]
    found: list[tuple[Any, Path]] = []
    stack: list[tuple[Any, Path]] = [(member, path)]
    while stack:
        entry, where = stack.pop()
        if isinstance(entry, list):
            stack += [(e, (where, i)) for i, e in reversed(list(enumerate(entry)))]
        else:
            found.append((entry, where))
    return found


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_integer(value: object) -> bool:
    """Tell whether a JSON number is an integer of 32 bits: ``1``, ``1.0`` and ``1e2`` are."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value in INT32
    return isinstance(value, float) and value.is_integer() and int(value) in INT32


def is_number(value: object) -> bool:
    """Tell whether a value is a JSON number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class _Silent:
    """Takes the findings of a value that is only tried."""

    def report(self, identifier: str, value: str | None = None) -> None:
        """Forget the finding."""


def literal_of(value: object) -> Json:
    """Return a free literal without reporting what is wrong with it, or None."""
    if isinstance(value, dict):
        silent: Any = _Silent()
        silent.restricted = False
        return _read_any_object(silent, value)
    return value


def shown_value(value: object) -> str:
    """Return a literal as problems show it."""
    return str(value)


_CHECKS: dict[str, Any] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": is_integer,
    "decimal": is_number,
    "duration": lambda v: isinstance(v, str),
}
# Kind of a property: word that begins its problem ids, word for what a value is, word for what
# @type of a value object is.
_WORDS = {
    "string": ("string", "String", "String"),
    "boolean": ("boolean", "Boolean", "Boolean"),
    "integer": ("integer", "Integer", "Integer"),
    "decimal": ("numeric", "Numeric", "Numeric"),
    "duration": ("duration", "String", "Duration"),
}


def read_literal(reading: MemberReading, values: list[Json]) -> Json:
    """Return the value of a literal property, or None."""
    spec = reading.spec
    if spec.kind == "any":
        return _read_any(reading, values)
    word, what, _ = _WORDS[spec.kind]
    if len(values) != 1:
        if values:
            reading.report(f"{word}MultipleValues")
        elif spec.low:
            reading.report(f"{word}CountBelowMin")
        return None
    value = values[0]
    if isinstance(value, dict):
        value = _read_value_object(reading, value, spec.kind)
        if value is None:
            return None
    elif not _CHECKS[spec.kind](value):
        reading.report(f"{word}Not{what}")
        return None
    return _check_value(reading, value)


def _check_value(reading: MemberReading, value: Any) -> Any:
    """Check limits of a value of the right type; a wrong one is kept all the same."""
    spec = reading.spec
    if spec.kind == "string":
        if spec.length is not None and utf16_length(value) > spec.length:
            reading.report("stringTooLong", value)
        if spec.pattern is not None and not spec.pattern.search(value):
            reading.report("stringInvalid", value)
    elif spec.kind == "integer":
        value = int(value)
        _check_range(reading, value)
    elif spec.kind == "duration" and not _DURATION.search(value):
        reading.report("durationInvalid", value)
    return value


def _check_range(reading: MemberReading, value: int) -> None:
    low, high = reading.spec.minimum, reading.spec.maximum
    below = low is not None and value < low
    above = high is not None and value > high
    if not below and not above:
        return
    if low is not None and low == high:
        reading.report("valueNotExact", str(value))
    elif below:
        reading.report("valueBelowMin" if high is None else "valueBelowRange", str(value))
    else:
        reading.report("valueAboveRange", str(value))


def _report_members(reading: MemberReading, value: dict[str, Any]) -> None:
    """Report what may not stand in a value object."""
    for key in value:
        if key in ("@value", "@type"):
            continue
        if not key.startswith("@"):
            reading.report("valueObjectInvalidProp", key)
        elif key in ("@id", "@context", "@graph"):
            reading.report(f"valueObject{key[1:].capitalize()}")
        elif reading.restricted:
            if key == "@language":
                reading.report("valueObjectLanguage")
            else:
                reading.report("valueObjectKeyword", key)


def _type_of(reading: MemberReading, value: dict[str, Any]) -> tuple[bool, str | None]:
    """Return whether `@type` of a value object can be used, and the XSD type it names."""
    if "@type" not in value:
        return True, None
    given = value["@type"]
    types = flatten(given) if isinstance(given, (str, list)) else []
    if len(types) != 1:
        reading.report("literalTypeNotSingular")
        return False, None
    name = types[0] if isinstance(types[0], str) else ""
    for prefix in ("xsd:", _XSD):
        if name.startswith(prefix):
            return True, name.removeprefix(prefix)
    return True, ""


def _read_value_object(reading: MemberReading, value: dict[str, Any], kind: str) -> Any:
    word, what, type_word = _WORDS[kind]
    _report_members(reading, value)
    if "@value" not in value:
        reading.report(f"{word}ObjectNoValue")
        return None
    usable, named = _type_of(reading, value)
    if not usable:
        return None
    if named is not None and named != kind:
        reading.report(f"{word}TypeNot{type_word}")
        return None
    inner = value["@value"]
    if not _CHECKS[kind](inner):
        reading.report(f"{word}ValueNot{what}")
        return None
    return inner


def _read_any(reading: MemberReading, values: list[Any]) -> Any:
    """Return a literal of free type: string, integer, other number or boolean."""
    if len(values) != 1:
        if values:
            reading.report("literalMultipleValues")
        elif reading.spec.low:
            reading.report("literalCountBelowMin")
        return None
    value = values[0]
    if isinstance(value, dict):
        return _read_any_object(reading, value)
    if value is None or isinstance(value, list):
        reading.report("literalNotValid")
        return None
    return value


# The types that a free literal is tried as, in this order; each try reports the members anew.
_TRIES = ("string", "integer", "decimal", "boolean")


def _read_any_object(reading: MemberReading, value: dict[str, Any]) -> Any:
    for kind in _TRIES:
        _report_members(reading, value)
        if "@value" not in value:
            reading.report("literalObjectNoValue")
            continue
        usable, named = _type_of(reading, value)
        if not usable or named not in (None, kind):
            continue
        inner = value["@value"]
        if _CHECKS[kind](inner):
            return inner
        if named is not None:
            word, what, _ = _WORDS[kind]
            reading.report(f"{word}ValueNot{what}")
    reading.report("literalNotValid")
    return None


# --- language strings -------------------------------------------------------------------------


def read_text(reading: MemberReading, value: object) -> dict[str, str]:
    """Return the language -> text of a language string (dtdl 4.4)."""
    if isinstance(value, str):
        _check_text(reading, value, value)
        return {DEFAULT_LANGUAGE: value}
    if isinstance(value, dict):
        return _read_language_map(reading, value)
    if not isinstance(value, list):
        reading.report("langStringElementNotStringOrObject")
        return {}
    found: dict[str, str] = {}
    for entry in flatten(value):
        tagged = _read_element(reading, entry)
        if tagged is None:
            continue
        code, text = tagged
        if code in found:
            reading.report("langStringElementCodeNotUnique", code)
            continue
        _check_text(reading, text, text)
        found[code] = text
    return found


def _check_text(reading: MemberReading, text: str, shown: str) -> None:
    length = reading.spec.length
    if length is not None and utf16_length(text) > length:
        reading.report("langStringValueTooLong", shown)


def _read_element(reading: MemberReading, entry: object) -> tuple[str, str] | None:
    """Return the language and text of one member of the array form."""
    if isinstance(entry, str):
        return DEFAULT_LANGUAGE, entry
    if not isinstance(entry, dict):
        reading.report("langStringElementNotStringOrObject")
        return None
    _report_element_members(reading, entry)
    code = _element_code(reading, entry)
    if "@value" not in entry:
        reading.report("langStringElementNoValue")
        return None
    if not isinstance(entry["@value"], str):
        reading.report("langStringElementValueNotString")
        return None
    return None if code is None else (code, entry["@value"])


def _element_code(reading: MemberReading, entry: dict[str, Any]) -> str | None:
    if "@language" not in entry:
        return DEFAULT_LANGUAGE
    code = entry["@language"]
    if not isinstance(code, str) or not code:
        reading.report("langStringElementCodeNotString")
        return None
    if not _LANGUAGE.search(code):
        reading.report("langStringElementInvalidCode", code)
        return None
    return code


def _report_element_members(reading: MemberReading, entry: dict[str, Any]) -> None:
    for key in entry:
        if key in ("@value", "@language"):
            continue
        if not key.startswith("@"):
            reading.report("langStringElementInvalidProp", key)
        elif key in ("@id", "@context", "@graph"):
            reading.report(f"langStringElement{key[1:].capitalize()}")
        elif reading.restricted:
            if key == "@type":
                reading.report("langStringElementType")
            else:
                reading.report("langStringElementKeyword", key)


def _read_language_map(reading: MemberReading, value: dict[str, Any]) -> dict[str, str]:
    if value.keys() == {"@value", "@language"} and isinstance(value["@value"], str):
        code = value["@language"] if isinstance(value["@language"], str) else ""
        reading.report("langTagValueInLangMap", f'{{ "{code}": "{value["@value"]}" }}')
        return {}
    found: dict[str, str] = {}
    pairs = getattr(value, "pairs", None) or list(value.items())
    for code, text in pairs:
        if code.startswith("@"):
            reading.report("langMapObjKeyword", code)
        elif code in found:
            reading.report("langStringCodeNotUnique", code)
        else:
            if not _LANGUAGE.search(code):
                reading.report("langStringInvalidCode", code)
            if isinstance(text, str):
                _check_text(reading, text, text)
                found[code] = text
            else:
                reading.report("langStringValueNotString", code)
    return found
