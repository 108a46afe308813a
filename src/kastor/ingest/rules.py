"""Rules: which messages belong to which twin, and what they say about it. Pure.

A `Rule` is what people write; a `TwinReading` is what it makes of one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeAlias
from uuid import UUID, uuid5

import orjson
from msgspec import UNSET, Meta, Struct, UnsetType, field

from kastor.graph.readings import Path, TwinReading
from kastor.identifiers import ID_RULE, MAX_ID_LENGTH, is_id
from kastor.ingest.mapping import (
    Absent,
    Form,
    Message,
    Pattern,
    Template,
    Unreadable,
    check_source,
    convert,
    read_time,
    scaled,
    split_pointer,
)
from kastor.types import Json, Ticks

Scalar: TypeAlias = str | int | float | bool | None
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_024)]

_SPACE = UUID("5b0e2c1e-0f3f-4f2d-9d0a-9c5f2a6d7e11")


class _Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """No setting that is not declared; defaults are left out when shown."""


class Match(_Form, frozen=True, kw_only=True):
    """A text of the message that must look like a pattern.

    Attributes:
        source: where the text is; written `from`.
        like: the pattern; its fields may stand in templates.
    """

    source: str = field(name="from")
    like: _Text = "{value}"

    def __post_init__(self) -> None:
        _named("from", check_source, self.source)
        _named("like", Pattern, self.like)


class Value(_Form, frozen=True, kw_only=True):
    """Where a value comes from, and what is done to it.

    Attributes:
        source, constant, template: one of them; `source` is written `from`.
        form: what it is made into first; written `as`.
        scale, offset, round: value * scale + offset, rounded to so many digits.
        optional: a message without it, or with null, leaves the property alone.
    """

    source: str | UnsetType = field(name="from", default=UNSET)
    constant: Json | UnsetType = UNSET
    template: _Text | UnsetType = UNSET
    form: Form | None = field(name="as", default=None)
    scale: float = 1
    offset: float = 0
    round: Annotated[int, Meta(ge=0, le=15)] | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        given = [each for each in (self.source, self.constant, self.template) if each is not UNSET]
        if len(given) != 1:
            raise ValueError("a value needs one of from, constant and template")
        if isinstance(self.source, str):
            _named("from", check_source, self.source)
        if isinstance(self.template, str):
            _named("template", Template, self.template)

    @property
    def is_scaled(self) -> bool:
        """Whether it must be a number."""
        return self.round is not None or self.scale != 1 or self.offset != 0


class Rule(_Form, frozen=True, kw_only=True):
    """One rule; see docs/reference/inputs.md."""

    name: _Text | None = None
    match: _Text | Match | None = None
    when: Annotated[dict[str, Scalar], Meta(max_length=100)] = {}
    twin: _Text
    component: _Text | None = None
    patch: Annotated[dict[str, str | Value], Meta(max_length=1_000)] = {}
    sourceTime: str | None = None  # noqa: N815 - as `$metadata` spells it
    telemetry: str | None = None
    deadband: Annotated[dict[str, Annotated[float, Meta(ge=0)]], Meta(max_length=1_000)] = {}

    @property
    def weight(self) -> int:
        """How many steps it takes to read a message by it."""
        return 1 + len(self.when) + len(self.patch) + (self.telemetry is not None)

    def __post_init__(self) -> None:
        compile_rule(self)


class CompiledRule:
    """A rule ready to read messages."""

    __slots__ = ("_deadbands", "_match", "_pattern", "_rule", "_tests", "_twin", "_values", "label")

    def __init__(self, rule: Rule, label: str) -> None:
        """Raise ValueError, with the setting's name in front, for what does not fit."""
        self.label = label
        self._rule = rule
        match = rule.match
        if isinstance(match, str):
            _named("match", Pattern, match)
            match = Match(source="topic", like=match)
        self._match = match
        self._pattern = None if match is None else _named("match", Pattern, match.like)
        names = self._pattern.names if self._pattern else frozenset[str]()
        self._twin = _template("twin", rule.twin, names)
        self._tests = {key: value for key, value in rule.when.items() if key not in names}
        for key in self._tests:
            _named("when", check_source, key)
        self._values = {
            _path(rule.component, path): _value(path, value, names)
            for path, value in rule.patch.items()
        }
        self._deadbands = {
            _path(rule.component, path): band for path, band in rule.deadband.items()
        }
        _check_whole(rule)

    @property
    def weight(self) -> int:
        """How many steps it takes to read a message by it."""
        return self._rule.weight

    @property
    def wanted(self) -> tuple[str, Scalar] | None:
        """A source, and the one value of it that a message must have; None if there is no such."""
        if self._match is not None and self._pattern is not None:
            literal: str | None = self._pattern.literal
            # A whole number in the body is matched as text too.
            if literal is not None and not _is_number(literal):
                return self._match.source, literal
        return next(iter(self._tests.items()), None)

    @property
    def topic_filter(self) -> str | None:
        """The MQTT topic filter that this rule needs, if it matches topics."""
        if self._match is None or self._match.source != "topic" or self._pattern is None:
            return None
        topics: str = self._pattern.filter
        return topics

    def read(
        self, message: Message, count: Callable[[Json], None] | None = None
    ) -> TwinReading | None:
        """Return what a message says, None if the rule is not for it.

        Args:
            message: to be read.
            count: called with each value and with telemetry as it is made; may raise.

        Raises:
            Unreadable: the rule is for it and cannot read it.
        """
        captured = self._captured(message)
        if captured is None or not self._holds(message, captured):
            return None
        rule = self._rule
        twin_id = self._twin.render(message, captured)
        if not is_id(twin_id):
            raise Unreadable(f"{twin_id[:MAX_ID_LENGTH]!r} is no twin's id: {ID_RULE}.")
        values = {}
        for path, (value, template) in self._values.items():
            found = _evaluate(value, template, message, captured)
            if found is not UNSET:
                values[path] = found
                if count is not None:
                    count(found)
        time = None if rule.sourceTime is None else read_time(message.read(rule.sourceTime))
        telemetry = None
        if rule.telemetry is not None:
            sent = message.read(rule.telemetry)
            telemetry = orjson.dumps(sent)
            if count is not None:
                count(sent)
        if not values and telemetry is None:
            return None  # all that it could say is optional, and absent
        event_id = None if telemetry is None else self._event_id(message, twin_id, time)
        return TwinReading(
            twin_id,
            values,
            self._deadbands,
            time,
            telemetry,
            rule.component,
            event_id,
            message.traceparent,
        )

    def _captured(self, message: Message) -> dict[str, str] | None:
        if self._match is None or self._pattern is None:
            return {}
        try:
            text = message.read(self._match.source)
        except Absent:
            return None
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text)
        return self._pattern.match(text) if isinstance(text, str) else None

    def _holds(self, message: Message, captured: Mapping[str, str]) -> bool:
        for key, wanted in self._rule.when.items():
            try:
                found = captured[key] if key in captured else message.read(key)
            except Absent:
                return False
            if isinstance(found, bool) is not isinstance(wanted, bool) or found != wanted:
                return False
        return True

    def _event_id(self, message: Message, twin_id: str, time: Ticks | None) -> str | None:
        # Without a time or an identity two equal messages may well be two measurements.
        if message.identity is None and time is None:
            return None
        mark = message.identity or f"{message.topic} {time} {message.payload!r}"
        return str(uuid5(_SPACE, f"{self.label} {twin_id} {mark}"))


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def compile_rule(rule: Rule, label: str = "") -> CompiledRule:
    """Return a rule ready to read messages; raises ValueError."""
    return CompiledRule(rule, label)


def compile_rules(rules: Iterable[Rule]) -> tuple[CompiledRule, ...]:
    """Return rules ready to read messages; they were checked when they were made."""
    return tuple(compile_rule(rule, rule_label(rule.name, n)) for n, rule in enumerate(rules))


def rule_label(name: object, index: int) -> str:
    """Return how a rule is spoken of: by its name, or its number from 1."""
    return f"{name!r}" if isinstance(name, str) else f"{index + 1}"


def _evaluate(
    value: Value, template: Template | None, message: Message, captured: Mapping[str, str]
) -> Any:
    try:
        if template is not None:
            found: Any = template.render(message, captured)
        elif isinstance(value.source, str):
            found = message.read(value.source)
        else:
            found = value.constant
    except Absent:
        if value.optional:
            return UNSET
        raise
    if found is None and value.optional:
        return UNSET
    if value.form is not None:
        found = convert(found, value.form)
    if not value.is_scaled:
        return found
    if value.form is None and value.source == "payload":
        found = convert(found, "number")
    return scaled(found, value.scale, value.offset, value.round)


def _check_whole(rule: Rule) -> None:
    if not rule.patch and rule.telemetry is None:
        raise ValueError("patch: the rule has neither patch nor telemetry, so it does nothing")
    if rule.sourceTime is not None:
        _named("sourceTime", check_source, rule.sourceTime)
    if rule.telemetry is not None:
        _named("telemetry", check_source, rule.telemetry)
    strangers = [path for path in rule.deadband if path not in rule.patch]
    if strangers:
        raise ValueError(f"deadband: {strangers[0]} is not in patch")
    if rule.component is not None and ("/" in rule.component or rule.component.startswith("$")):
        raise ValueError("component: is a name, not a path")


def _path(component: str | None, pointer: str) -> Path:
    path = _named("patch", split_pointer, pointer)
    if not path or "" in path:
        raise ValueError(f"patch: {pointer!r} is no path of a property such as /temperature")
    if any(segment.startswith("$") for segment in path):
        raise ValueError(f"patch: {pointer} is kept by the server; use sourceTime for times")
    return path if component is None else (component, *path)


def _value(path: str, given: str | Value, names: frozenset[str]) -> tuple[Value, Template | None]:
    setting = f"patch {path}"
    value: Value = _named(setting, lambda source: Value(source=source), given)
    if not isinstance(value.template, str):
        return value, None
    return value, _template(setting, value.template, names)


def _template(setting: str, text: str, names: frozenset[str]) -> Template:
    template: Template = _named(setting, Template, text)
    missing = sorted(template.names - names - {"payload", "topic"})
    if missing:
        raise ValueError(f"{setting}: has the field {{{missing[0]}}}, which match does not capture")
    return template


def _named(setting: str, make: Any, given: Any) -> Any:
    """Return `make(given)`; a fault says which setting it is in."""
    if isinstance(given, Struct):
        return given
    try:
        return make(given)
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from None
