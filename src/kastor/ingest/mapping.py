"""What a rule reads from a message: sources, templates, topics, values, times. Pure.

A *source* is a text that names a place in a message: a JSON pointer into the body (`/a/0/b`, or
the empty text for the whole body), `payload` (the payload as text), `topic`, or `header:NAME`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import orjson

from kastor.clock import TICKS_PER_SECOND, UNIX_EPOCH_TICKS, from_iso
from kastor.nesting import MAX_DEPTH, is_too_deep, may_be_too_deep
from kastor.types import Json, Ticks

Form: TypeAlias = Literal["number", "text", "boolean"]
Part: TypeAlias = tuple[str, str | None]
"""Literal text, and the name of the field after it."""

_HEADER = "header:"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD = re.compile(r"\{([^{}]*)\}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 1_100
"""Characters; every double has a text that is shorter."""
_LONGEST_TEXT = 1_048_576
"""Characters that a template may make: its fields may name a large payload a hundred times."""
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_LEAST, _MOST = -(2**63), 2**64 - 1
"""Integers that JSON is written with."""
_SHORT = 128
"""Characters of a pointer whose segments are remembered."""
_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"false", "off", "no", "0"})
# An epoch in seconds has 1e11 in the year 5138, one in milliseconds in 1973.
_UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (math.inf, 1_000_000_000))
_LAST_TICK = 3_155_378_975_999_999_999


class Unreadable(Exception):
    """A message that a rule cannot read; the text says why, for people."""


class Absent(Unreadable):
    """The message does not have what a source names."""


@dataclass(slots=True)
class Message:
    """One message as it came in; the body is decoded when it is first asked for.

    Attributes:
        headers: names in lower case.
        identity: what the sender made to tell this message from others, if it did.
    """

    topic: str
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    traceparent: str | None = None
    identity: str | None = None
    _decoded: tuple[Any] | None = None
    _text: str | None = None
    _fault: str | None = None

    def body(self) -> Json:
        """Return the decoded payload; raises Unreadable if it is no JSON."""
        if self._fault is not None:  # a thousand rules may ask
            raise Unreadable(self._fault)
        if self._decoded is None:
            try:
                self._decoded = (_decoded(self.payload),)
            except Unreadable as error:
                self._fault = str(error)
                raise
        return self._decoded[0]

    def text(self) -> str:
        """Return the payload as text; raises Unreadable if it is not UTF-8."""
        if self._text is None:
            try:
                self._text = self.payload.decode()
            except UnicodeDecodeError:
                raise Unreadable("The payload is not UTF-8.") from None
        return self._text

    def read(self, source: str) -> Json:
        """Return what a source names; raises Absent, Unreadable."""
        if source == "" or source.startswith("/"):
            return follow(self.body(), source)
        if source == "payload":
            return self.text()
        if source == "topic":
            return self.topic
        name = source.removeprefix(_HEADER)
        if name.lower() not in self.headers:
            raise Absent(f"There is no header {name}.")
        return self.headers[name.lower()]


def _decoded(payload: bytes) -> Any:
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"The payload is not JSON: {error}.") from None
    require_depth(payload, value)
    return value


def require_depth(text: bytes, value: Json) -> None:
    """Refuse a text whose value is nested too deeply; raises Unreadable."""
    if may_be_too_deep(text) and is_too_deep(value):
        raise Unreadable(f"The payload is nested deeper than {MAX_DEPTH} levels.")


def check_source(source: str) -> None:
    """Refuse a text that is no source; raises ValueError."""
    if source == "" or source.startswith("/"):
        split_pointer(source)
    elif source not in ("payload", "topic") and source in ("", _HEADER):
        raise ValueError("header: needs a name after it")
    elif source not in ("payload", "topic") and not source.startswith(_HEADER):
        raise ValueError(
            f"{source!r} is no source: write a pointer such as /value, payload, topic or "
            "header:NAME"
        )


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Return the unescaped segments of a JSON pointer; raises ValueError."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer: it begins with /")
    if "~" not in pointer:
        return tuple(pointer.split("/")[1:])
    if re.search(r"~(?![01])", pointer):
        raise ValueError(f"{pointer!r} is no JSON pointer: ~ is written ~0")
    return tuple(
        segment.replace("~1", "/").replace("~0", "~") for segment in pointer.split("/")[1:]
    )


_split_short = lru_cache(maxsize=1_024)(split_pointer)


def follow(value: Json, pointer: str) -> Json:
    """Return what a JSON pointer leads to; raises Absent."""
    # Asked for every value of every message; long ones are not kept, since rules may have many.
    split = split_pointer if len(pointer) > _SHORT else _split_short
    for segment in split(pointer):
        if isinstance(value, dict) and segment in value:
            value = value[segment]
        elif isinstance(value, list) and _INDEX.fullmatch(segment) and int(segment) < len(value):
            value = value[int(segment)]
        else:
            raise Absent(f"The body has no {pointer}.")
    return value


class Template:
    """A text with fields: names that a match captured, or sources in braces."""

    __slots__ = ("_only", "_parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = tuple(_parts(text))
        whole = len(self._parts) == 2 and not any(literal for literal, _ in self._parts)  # noqa: PLR2004
        self._only = self._parts[0][1] if whole else None

    @property
    def names(self) -> frozenset[str]:
        """The captured names that it needs."""
        return frozenset(name for _, name in self._parts if name and _NAME.fullmatch(name))

    def render(self, message: Message, captured: Mapping[str, str]) -> str:
        """Fill in the fields.

        Raises:
            Unreadable: one is no text and no number, or the text becomes too long.
        """
        if self._only is not None:
            return _field(message, captured, self._only)
        texts = [
            literal if name is None else literal + _field(message, captured, name)
            for literal, name in self._parts
        ]
        if sum(map(len, texts)) > _LONGEST_TEXT:
            raise Unreadable(f"A template makes more than {_LONGEST_TEXT} characters.")
        return "".join(texts)


def _parts(text: str) -> Iterator[Part]:
    at = 0
    for match in _FIELD.finditer(text):
        yield _literal(text, text[at : match.start()]), match[1]
        at = match.end()
        if not _NAME.fullmatch(match[1]):
            if not match[1]:
                raise ValueError(f"{text!r} has an empty field")
            check_source(match[1])
    yield _literal(text, text[at:]), None


def _literal(text: str, part: str) -> str:
    if "{" in part or "}" in part:
        raise ValueError(f"{text!r} has a brace without its partner")
    return part


def _field(message: Message, captured: Mapping[str, str], name: str) -> str:
    if name in captured:
        return captured[name]
    value = message.read(name)
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unreadable(f"{name} is neither a text nor a whole number.")


class Pattern:
    """A text or a topic to be matched: `building/{room}/temperature`, `+` and `#` as in MQTT.

    A field takes one or more characters, never a `/`; of two fields in a level the first takes
    as many as it can. A match takes time in proportion to the text, whatever the sender wrote.
    """

    __slots__ = ("_levels", "_open", "filter", "literal", "names")

    def __init__(self, text: str) -> None:
        if not text:
            raise ValueError("an empty text matches nothing")
        levels = text.split("/")
        if "#" in levels[:-1]:
            raise ValueError(f"{text!r} has # before its end")
        self._open = levels[-1] == "#"
        self._levels = tuple(_Level(text, level) for level in levels[: len(levels) - self._open])
        names = [name for level in self._levels for name in level.names]
        if len(set(names)) != len(names):
            raise ValueError(f"{text!r} has a field twice")
        self.names = frozenset(names)
        plain = not self._open and all(level.is_literal for level in self._levels)
        self.literal = text if plain else None
        """The only text that matches, if there is but one."""
        self.filter = "/".join("+" if "{" in level else level for level in levels)

    def match(self, text: str) -> dict[str, str] | None:
        """Return the fields of a text that matches, None for others."""
        if not self._levels:
            return {}
        # No further than it is looked at: many rules may be held against a megabyte of slashes.
        parts = text.split("/", len(self._levels))
        if len(parts) < len(self._levels) or (len(parts) > len(self._levels) and not self._open):
            return None
        found: dict[str, str] = {}
        for level, part in zip(self._levels, parts, strict=False):
            values = level.match(part)
            if values is None:
                return None
            found.update(zip(level.names, values, strict=True))
        return found


class _Level:
    """What stands between two slashes of a pattern: literals with a field between each two."""

    __slots__ = ("_literals", "names")

    def __init__(self, text: str, level: str) -> None:
        self.names: list[str] = []
        self._literals: list[str] | None = None  # where anything matches
        if level == "+":
            return
        if "+" in level or "#" in level:
            raise ValueError(f"{text!r} has + or # beside other characters")
        self._literals, at = [], 0
        for match in _FIELD.finditer(level):
            if not _NAME.fullmatch(match[1]):
                raise ValueError(
                    f"{text!r} has the field {{{match[1]}}}: names have letters, digits, _"
                )
            self.names.append(match[1])
            self._literals.append(_literal(text, level[at : match.start()]))
            at = match.end()
        self._literals.append(_literal(text, level[at:]))

    @property
    def is_literal(self) -> bool:
        """Whether only one text matches."""
        return self._literals is not None and not self.names

    def match(self, part: str) -> list[str] | None:
        """Return the values of the fields, None where the part does not match."""
        if self._literals is None:
            return []
        first, *others = self._literals
        if not others:
            return [] if part == first else None
        if not part.startswith(first) or not part.endswith(others[-1]):
            return None
        values, end = [], len(part) - len(others[-1])
        # From the end, so that each literal is found where it leaves most to the fields before.
        for literal in others[-2::-1]:
            at = part.rfind(literal, len(first) + 1, max(end - 1, 0))
            if at < 0:
                return None
            values.append(part[at + len(literal) : end])
            end = at
        values.append(part[len(first) : end])
        return values[::-1] if end > len(first) else None


def convert(value: Json, form: Form) -> Json:
    """Return a value as number, text or boolean; raises Unreadable."""
    match form, value:
        case "number", str() if len(value) > _LONGEST_NUMBER:
            pass
        case "number", str() if _INTEGER.fullmatch(value.strip()):
            return int(value)
        case "number", str() if _NUMBER.fullmatch(value.strip()) and math.isfinite(float(value)):
            return float(value)
        case "number", int() | float():
            return int(value) if isinstance(value, bool) else value
        case "boolean", bool():
            return value
        case "boolean", str() | int() if str(value).strip().lower() in _TRUE:
            return True
        case "boolean", str() | int() if str(value).strip().lower() in _FALSE:
            return False
        case "text", str():
            return value
        case "text", bool() | int() | float():
            return orjson.dumps(value).decode()
    raise Unreadable(f"{_shown(value)} is no {form}.")


def scaled(value: object, scale: float, offset: float, digits: int | None) -> int | float:
    """Return value * scale + offset, rounded if `digits` is given; raises Unreadable."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{_shown(value)} is no number.")
    try:
        result = value if (scale, offset) == (1, 0) else value * scale + offset
        if digits is not None:
            result = round(result, digits) if digits > 0 else round(result)
        if math.isfinite(result) and (isinstance(result, float) or _LEAST <= result <= _MOST):
            return result
    except (OverflowError, ValueError):
        pass
    raise Unreadable(f"{_shown(value)} is out of range after scale and offset.")


def read_time(value: object) -> Ticks:
    """Return an ISO 8601 time (UTC without a zone), or an epoch in s, ms, µs or ns, as ticks.

    Raises:
        Unreadable: it is neither.
    """
    if isinstance(value, str):
        try:
            instant = from_iso(value.strip())
        except ValueError:
            raise Unreadable(f"{_shown(value)} is no time of this calendar.") from None
        if instant is not None:
            return instant
        if len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value.strip()):
            value = convert(value, "number")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unreadable(f"{_shown(value)} is neither an ISO 8601 time nor an epoch.")
    unit = next(unit for limit, unit in _UNITS if abs(value) < limit)
    per_unit = TICKS_PER_SECOND / unit
    ticks = value * TICKS_PER_SECOND // unit if isinstance(value, int) else round(value * per_unit)
    instant = UNIX_EPOCH_TICKS + ticks
    if not 0 <= instant <= _LAST_TICK:
        raise Unreadable(f"{_shown(value)} is no time of this calendar.")
    return instant


def _shown(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - fits a line
