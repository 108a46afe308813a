"""The settings of every kind of input; unknown ones and wrong types are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, TypeAlias, cast

import msgspec
from msgspec import Meta

from kastor.errors import InvalidArgument, KastorError
from kastor.extras import install_extra
from kastor.ingest.rules import Match, Rule, compile_rule, rule_label
from kastor.outside.bounds import UNBOUNDED, EndpointPolicy
from kastor.outside.kinds import OutsideSettings, Port, Text
from kastor.outside.secrets import Secret
from kastor.outside.setting_places import setting_place
from kastor.wire_forms import learn

MOST_STEPS = 10_000
"""Rules of an input, with all that they read and compare."""
_RULE = re.compile(r"rules\[(\d+)\]\.?")


class _Settings(OutsideSettings, frozen=True, kw_only=True):
    """What all kinds share.

    Attributes:
        rules: every rule that matches a message is applied.
        window_ms: how long messages of one twin are gathered into one patch.
        max_ahead: seconds that a source time may lie in the future.
    """

    role: ClassVar[str] = "input"
    rules: Annotated[list[Rule], Meta(min_length=1, max_length=1_000)]
    window_ms: Annotated[int, Meta(ge=0, le=10_000)] = 50
    max_ahead: Annotated[float, Meta(ge=0)] = 300.0


class MqttInput(_Settings, frozen=True, kw_only=True):
    """Subscribes to topics of an MQTT 5 broker with QoS 1 and a session that outlives restarts.

    Attributes:
        topics: what is subscribed to; empty: what the rules' topic patterns need.
        client_id: name of the session at the broker; made from graph and input if not given.
        session_expiry: seconds for which the broker keeps messages while Kastor is away.
        receive_maximum: messages that the broker may send before they are acknowledged.
        max_bytes: of one message; the broker keeps larger ones to itself.
    """

    kind: ClassVar[str] = "mqtt"
    host: Text
    port: Port | None = None
    topics: Annotated[list[Text], Meta(max_length=1_000)] = []  # noqa: RUF012 - Structs copy it
    client_id: Text | None = None
    tls: bool = False
    ca_file: Text | None = None
    username: Text | None = None
    password: Secret | None = None
    session_expiry: Annotated[int, Meta(ge=0, le=4_294_967_295)] = 86_400
    receive_maximum: Annotated[int, Meta(ge=1, le=65_535)] = 1_000
    keepalive: Annotated[int, Meta(ge=5, le=3_600)] = 30
    max_bytes: Annotated[int, Meta(ge=1_024, le=16_777_216)] = 1_048_576

    def __post_init__(self) -> None:
        if self.password is not None and self.username is None:
            raise ValueError("username: is needed with a password")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file: is of use with tls only")
        for topic in self.topics:
            _check_filter(topic)
        if not self.filters:
            raise ValueError("topics: are needed, since no rule matches topics")

    @property
    def filters(self) -> list[str]:
        """The topic filters to subscribe to."""
        if self.topics:
            return sorted(set(self.topics))
        needed = {compile_rule(rule).topic_filter for rule in self.rules}
        return sorted(each for each in needed if each is not None)


class WebhookInput(_Settings, frozen=True, kw_only=True):
    """Takes messages by POST."""

    kind: ClassVar[str] = "webhook"

    def __post_init__(self) -> None:
        for index, rule in enumerate(self.rules):
            match = rule.match
            if isinstance(match, str) or (isinstance(match, Match) and match.source == "topic"):
                raise ValueError(
                    f"match of rule {rule_label(rule.name, index)}: messages of a webhook have no "
                    'topic; write {"from": "/pointer"} or {"from": "header:NAME"}'
                )


Input: TypeAlias = MqttInput | WebhookInput
KINDS: dict[str, type[Input]] = {"mqtt": MqttInput, "webhook": WebhookInput}
learn(*KINDS.values())


class MissingInputLibrary(KastorError):
    """The client library of a kind of input is not installed."""

    default_code = "InputLibraryMissing"


def read_input(kind: str, settings: Mapping[str, Any], policy: EndpointPolicy = UNBOUNDED) -> Input:
    """Return an input of a kind from its settings.

    Raises:
        InvalidArgument: there is no such kind, or a setting is wrong, unknown, missing or out of
            the operator's bounds; the message names it, and its rule.
    """
    form = KINDS.get(kind)
    if form is None:
        raise InvalidArgument(
            f"There is no kind of input {kind[:40]!r}; there are mqtt, webhook."
        ).at(path="/kind")
    _require_bounded(settings)
    try:
        made: Input = msgspec.convert(dict(settings), form)
    except msgspec.ValidationError as error:
        place = setting_place(str(error))
        raise InvalidArgument(_explained(settings, str(error))).at(path=place) from None
    # The bounds of endpoints hold for whatever acts with the server's rights.
    policy.check(made)
    return made


def describe(made: Input) -> dict[str, Any]:
    """Return the settings that differ from the defaults; secrets appear as references alone."""
    return cast("dict[str, Any]", msgspec.to_builtins(made))


def require_library(kind: str) -> None:
    """Raise MissingInputLibrary unless the client library of a kind is installed."""
    if kind == "mqtt" and find_spec("paho") is None:
        raise MissingInputLibrary(
            f"Inputs of kind mqtt need a library that is not installed: {install_extra('mqtt')}."
        )


def _require_bounded(settings: Mapping[str, Any]) -> None:
    """Refuse rules that are too many in all, before one of them is looked at."""
    rules = settings.get("rules")
    steps = 0
    for rule in rules if isinstance(rules, list) else ():
        parts = [rule.get(name) for name in ("when", "patch")] if isinstance(rule, dict) else []
        steps += 1 + sum(len(part) for part in parts if isinstance(part, dict))
    if steps > MOST_STEPS:
        raise InvalidArgument(
            f"The setting rules has {steps} rules, values and tests in all; at most {MOST_STEPS} "
            "are allowed. Make several inputs."
        )


def _check_filter(topic: str) -> None:
    levels = topic.split("/")
    if any(("+" in level or "#" in level) and len(level) > 1 for level in levels):
        raise ValueError(f"topics: {topic!r} has + or # beside other characters")
    if "#" in levels[:-1] or "\0" in topic:
        raise ValueError(f"topics: {topic!r} is no topic filter")


def _explained(settings: Mapping[str, Any], message: str) -> str:
    """Return the words of msgspec with the rule and the setting in front."""
    what, _, path = message.partition(" - at `")
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    within = _RULE.match(path)
    rule = ""
    if within is not None:
        path = path[within.end() :]
        rule = f" of rule {_label(settings, int(within[1]))}"
    setting = _setting(path, what)
    if setting is None:
        return f"The settings{rule} are wrong: {what}."
    if what.startswith("Object contains unknown field `"):
        return f"There is no setting {setting}{rule}."
    if what.startswith("Object missing required field `"):
        return f"The setting {setting}{rule} is missing."
    return f"The setting {setting}{rule} is wrong: {what.removeprefix(f'{setting}: ')}."


def _setting(path: str, what: str) -> str | None:
    if what.startswith(("Object contains unknown field `", "Object missing required field `")):
        name = what.split("`")[1]
        return f"{path}.{name}" if path else name
    if path:
        return path
    name, colon, _ = what.partition(": ")
    return name if colon and " is " not in name else None


def _label(settings: Mapping[str, Any], index: int) -> str:
    rules = settings.get("rules")
    rule = rules[index] if isinstance(rules, list) and index < len(rules) else None
    return rule_label(rule.get("name") if isinstance(rule, dict) else None, index)
