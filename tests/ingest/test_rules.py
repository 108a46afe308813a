"""Rules: what they refuse to be, and what they make of messages."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from kastor.clock import job_time
from kastor.errors import InvalidArgument
from kastor.ingest.inputs import MqttInput, describe, read_input
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.rules import Rule, TwinReading, compile_rule
from kastor.outside.bounds import EndpointPolicy

RULE: dict[str, Any] = {
    "name": "temp",
    "match": "building/{room}/temperature",
    "twin": "room-{room}",
    "patch": {"/temperature": "/value"},
    "sourceTime": "/ts",
}
TOPIC = "building/r1/temperature"


def read(body: Any, topic: str = TOPIC, headers: Any = None, **changes: Any) -> TwinReading | None:
    rule = {key: value for key, value in {**RULE, **changes}.items() if value is not ...}
    payload = body if isinstance(body, bytes) else orjson.dumps(body)
    message = Message(topic, payload, headers or {})
    return compile_rule(msgspec.convert(rule, Rule), "'temp'").read(message)


def test_a_message_becomes_a_reading() -> None:
    reading = read({"value": 21.5, "ts": "2024-05-01T10:00:00.5+02:00"})
    assert reading is not None
    assert (reading.twin_id, reading.values) == ("room-r1", {("temperature",): 21.5})
    assert job_time(reading.source_time or 0) == "2024-05-01T08:00:00.5Z"
    assert (reading.telemetry, reading.event_id) == (None, None)


def test_a_rule_is_for_what_it_matches() -> None:
    body = {"value": 1, "ts": 0, "type": "t", "on": True}
    assert read(body, topic="building/r1/humidity") is None
    assert read(body, when={"/type": "t", "room": "r1", "/on": True}) is not None
    for when in ({"/type": "u"}, {"/none": None}, {"room": "r2"}, {"/on": 1}, {"/value": True}):
        assert read(body, when=when) is None


def test_a_match_may_look_at_the_body_or_a_header() -> None:
    body = {"value": 1, "ts": 0, "device": {"id": "d-7"}, "number": 7}
    match = {"from": "/device/id", "like": "d-{n}"}
    assert (r := read(body, match=match, twin="t{n}")) is not None
    assert r.twin_id == "t7"
    assert (r := read(body, match={"from": "/number"}, twin="t{value}")) is not None
    assert r.twin_id == "t7"
    match = {"from": "header:CE-Subject", "like": "rooms/{room}"}
    assert (r := read(body, match=match, headers={"ce-subject": "rooms/9"})) is not None
    assert r.twin_id == "room-9"
    assert read(body, match=match) is None
    assert read({**body, "device": 7}, match={"from": "/device/id"}, twin="{value}") is None


def test_values_come_from_everywhere() -> None:
    patch = {
        "/a": {"from": "payload"},
        "/b": {"constant": [1]},
        "/c": {"template": "{room}:{/n}"},
        "/d": {"from": "/n", "scale": 0.1, "offset": -20, "round": 1},
        "/e": {"from": "/text", "as": "number"},
        "/f": {"from": "/none", "optional": True},
        "/g": {"from": "/null", "optional": True},
        "/h/i": "/deep",
    }
    body = {"n": 217, "text": "1.5", "null": None, "deep": {"x": 1}, "ts": 0}
    reading = read(body, patch=patch)
    assert reading is not None
    assert reading.values == {
        ("a",): orjson.dumps(body).decode(),
        ("b",): [1],
        ("c",): "r1:217",
        ("d",): 1.7,
        ("e",): 1.5,
        ("h", "i"): {"x": 1},
    }


def test_the_payload_itself_may_be_the_value() -> None:
    plain: dict[str, Any] = {"sourceTime": ...}
    for value in ({"from": "payload", "as": "number"}, {"from": "payload", "round": 1}, ""):
        reading = read(b"21.5", patch={"/temperature": value}, **plain)
        assert reading is not None
        assert reading.values == {("temperature",): 21.5}
    on = {"from": "payload", "as": "boolean"}
    assert (r := read(b"ON", patch={"/on": on}, **plain)) is not None
    assert r.values == {("on",): True}


def test_a_component_stands_before_its_paths() -> None:
    reading = read({"value": 1, "ts": 0}, component="thermostat", deadband={"/temperature": 2})
    assert reading is not None
    assert reading.values == {("thermostat", "temperature"): 1}
    assert reading.deadbands == {("thermostat", "temperature"): 2}
    assert reading.component == "thermostat"


def test_telemetry_is_the_body_or_a_part_of_it() -> None:
    body = {"value": 1, "ts": 5, "data": {"b": 1, "a": 2}}
    whole = read(body, telemetry="", patch={})
    part = read(body, telemetry="/data", patch={})
    assert whole is not None
    assert part is not None
    assert (whole.telemetry, part.telemetry) == (orjson.dumps(body), b'{"b":1,"a":2}')


def test_the_same_message_has_the_same_event_id_and_others_have_others() -> None:
    ids = []
    for value, ts, room in [(1, 5, "r1"), (1, 5, "r1"), (1, 6, "r1"), (2, 5, "r1"), (1, 5, "r2")]:
        topic = f"building/{room}/temperature"
        reading = read({"value": value, "ts": ts}, topic=topic, telemetry="")
        assert reading is not None
        ids.append(reading.event_id)
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    untimed = read({"value": 1}, telemetry="", sourceTime=...)
    assert untimed is not None
    assert untimed.event_id is None


@pytest.mark.parametrize(
    ("body", "changes", "words"),
    [
        ({"ts": 0}, {}, "has no /value"),
        ({"value": 1}, {}, "has no /ts"),
        ({"value": 1, "ts": "soon"}, {}, "neither an ISO 8601 time nor an epoch"),
        (b"21.5 C", {}, "not JSON"),
        ({"value": "warm", "ts": 0}, {"patch": {"/t": {"from": "/value", "scale": 2}}}, "number"),
        ({"value": 1, "ts": 0}, {"twin": "{/id}"}, "has no /id"),
        ({"value": 1, "ts": 0, "id": {}}, {"twin": "{/id}"}, "neither a text nor a whole number"),
        ({"value": 1, "ts": 0, "id": "x" * 200}, {"twin": "{/id}"}, "1 to 128 characters"),
        ({"value": 1, "ts": 0, "id": "a\0b"}, {"twin": "{/id}"}, "control character"),
    ],
)
def test_what_cannot_be_read_says_why(body: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(body, **changes)


def test_a_rule_whose_values_are_all_optional_may_have_nothing_to_say() -> None:
    assert read({"ts": 0}, patch={"/t": {"from": "/value", "optional": True}}) is None


SETTINGS = {"host": "broker", "rules": [RULE]}


def refused(change: Any, kind: str = "mqtt") -> str:
    settings = copy.deepcopy(SETTINGS)
    change(settings, settings["rules"][0])
    with pytest.raises(InvalidArgument) as caught:
        read_input(kind, settings)
    return caught.value.message


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("twin", "x-{rm}", "The setting twin of rule 'temp' is wrong: has the field {rm}"),
        ("twin", 7, "The setting twin of rule 'temp' is wrong: Expected `str`"),
        ("tw", "x", "There is no setting tw of rule 'temp'."),
        ("match", "a/{room", "The setting match of rule 'temp' is wrong"),
        ("match", None, "The setting twin of rule 'temp' is wrong: has the field {room}"),
        ("match", {"from": "head"}, "'head' is no source"),
        ("match", {"from": "/a", "lik": ""}, "There is no setting match.lik of rule 'temp'."),
        ("patch", {"/t": "v"}, "The setting patch /t of rule 'temp' is wrong"),
        ("patch", {"t": "/v"}, "'t' is no JSON pointer"),
        ("patch", {"": "/v"}, "no path of a property"),
        ("patch", {"/$metadata/x": "/v"}, "is kept by the server"),
        ("patch", {"/a/$metadata/x": "/v"}, "is kept by the server"),
        ("patch", {}, "neither patch nor telemetry"),
        ("patch", {"/t": {}}, "one of from, constant and template"),
        ("patch", {"/t": {"from": "/v", "constant": 1}}, "one of from, constant and template"),
        ("patch", {"/t": {"from": "/v", "scale": "x"}}, "scale of rule 'temp' is wrong"),
        ("patch", {"/t": {"template": "{x}"}}, "The setting patch /t of rule 'temp' is wrong"),
        ("sourceTime", "ts", "The setting sourceTime of rule 'temp' is wrong"),
        ("telemetry", "x", "The setting telemetry of rule 'temp' is wrong"),
        ("deadband", {"/q": 1}, "The setting deadband of rule 'temp' is wrong: /q is not in patch"),
        ("deadband", {"/temperature": -1}, "deadband"),
        ("when", {"q": 1}, "The setting when of rule 'temp' is wrong"),
        ("component", "a/b", "The setting component of rule 'temp' is wrong"),
    ],
)
def test_faults_name_the_rule_and_the_setting(setting: str, value: Any, words: str) -> None:
    assert words in refused(lambda _, rule: rule.update({setting: value}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"port": 0}, "The setting port is wrong"),
        ({"pot": 1}, "There is no setting pot."),
        ({"rules": []}, "The setting rules is wrong"),
        ({"password": {"env": "X"}}, "The setting username is wrong: is needed with a password"),
        ({"username": "u", "password": "secret"}, "The setting password is wrong"),
        ({"username": "u", "password": {"env": "A", "file": "b"}}, "password"),
        ({"topics": ["a/#/b"]}, "The setting topics is wrong"),
        ({"ca_file": "/ca.pem"}, "The setting ca_file is wrong"),
    ],
)
def test_faults_of_an_mqtt_input_name_the_setting(changes: dict[str, Any], words: str) -> None:
    message = refused(lambda settings, _: settings.update(changes))
    assert words in message
    assert "secret" not in message.replace("a secret is", "")


def test_faults_of_whole_inputs() -> None:
    assert "no kind of input 'kafka'" in refused(lambda *_: None, "kafka")
    assert refused(lambda s, _: s.pop("host")) == "The setting host is missing."
    assert refused(lambda _, r: r.pop("twin")) == "The setting twin of rule 'temp' is missing."
    unnamed = refused(lambda _, r: (r.pop("name"), r.pop("twin")))
    assert unnamed == "The setting twin of rule 1 is missing."
    assert "have no topic" in refused(lambda s, _: s.pop("host"), "webhook")


def test_topics_come_from_the_rules_unless_they_are_given() -> None:
    made = read_input("mqtt", SETTINGS)
    assert isinstance(made, MqttInput)
    assert made.filters == ["building/+/temperature"]
    made = read_input("mqtt", {**SETTINGS, "topics": ["$share/g/building/#"]})
    assert isinstance(made, MqttInput)
    assert made.filters == ["$share/g/building/#"]


def test_an_input_is_shown_as_it_was_given() -> None:
    given = {**SETTINGS, "username": "u", "password": {"env": "NAME"}}
    assert describe(read_input("mqtt", given)) == given


def test_secrets_keep_to_the_bounds_of_the_server() -> None:
    given = {**SETTINGS, "username": "u", "password": {"env": "NAME"}}
    with pytest.raises(InvalidArgument, match="password"):
        read_input("mqtt", given, EndpointPolicy(secret_variables="KASTOR_SECRET_"))


def test_authorities_keep_to_the_bounds_of_the_server(tmp_path: Path) -> None:
    policy = EndpointPolicy(secret_folder=tmp_path)
    given = {**SETTINGS, "tls": True}
    read_input("mqtt", {**given, "ca_file": str(tmp_path / "ca.pem")}, policy)
    with pytest.raises(InvalidArgument, match="ca_file"):
        read_input("mqtt", {**given, "ca_file": "/etc/shadow"}, policy)
