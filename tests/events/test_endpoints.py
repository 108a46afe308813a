"""Endpoint settings: what is read, refused, shown; bounds; secrets."""

from __future__ import annotations

import importlib.util
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kastor.errors import InvalidArgument
from kastor.events.endpoint_kinds import WebhookEndpoint
from kastor.events.endpoints import (
    KINDS,
    EndpointPolicy,
    MissingLibrary,
    describe,
    make_sink,
    read_endpoint,
    require_library,
)
from kastor.events.templates import render
from kastor.outside.hiding import hide
from kastor.outside.secrets import Secret, SecretError, read_header, read_secret

from .factory import event

SMALLEST: dict[str, dict[str, Any]] = {
    "webhook": {"url": "https://example.org/hook"},
    "kafka": {"brokers": ["localhost:9092"], "topic": "twins"},
    "mqtt": {"host": "localhost"},
    "amqp": {"url": "amqp://localhost/"},
    "nats": {"servers": ["nats://localhost:4222"]},
    "file": {"path": "/tmp/events.ndjson"},
    "stdout": {},
}


def test_there_is_a_sink_for_every_kind() -> None:
    assert set(SMALLEST) == set(KINDS)
    for kind, settings in SMALLEST.items():
        sink = make_sink("name", read_endpoint(kind, settings))
        assert type(sink).__name__.lower() == f"{kind}sink"


@pytest.mark.parametrize("kind", sorted(SMALLEST))
def test_settings_are_shown_as_they_were_given(kind: str) -> None:
    settings = SMALLEST[kind]
    assert describe(read_endpoint(kind, settings)) == settings
    again = msgspec.json.decode(msgspec.json.encode(describe(read_endpoint(kind, settings))))
    assert read_endpoint(kind, again) == read_endpoint(kind, settings)


def test_secrets_are_shown_as_references() -> None:
    settings = {
        "url": {"file": "/run/secrets/url"},
        "secret": {"env": "KASTOR_SECRET_HOOK"},
        "headers": {"Authorization": {"env": "KASTOR_SECRET_TOKEN"}, "X-Plant": "7"},
    }
    assert describe(read_endpoint("webhook", settings)) == settings


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("webhook", {"url": None}, "The setting url of the endpoint is wrong"),
        ("webhook", {"url": "ftp://x"}, "url: must be http://host or https://host"),
        ("webhook", {"url": "https://"}, "url: must be http"),
        ("webhook", {"url": "https://u:p@example.org"}, "url: has no user and password"),
        ("webhook", {"url": "https://example.org:x"}, "url: is not a URL"),
        ("webhook", {"url": "https://example.org/a b"}, "url: is not a URL"),
        ("webhook", {"timeout": 0}, "The setting timeout of the endpoint is wrong"),
        ("webhook", {"timeout": "5"}, "The setting timeout of the endpoint is wrong"),
        ("webhook", {"color": 1}, "Endpoints of kind webhook have no setting 'color'"),
        ("webhook", {"secret": "plain"}, "The setting secret of the endpoint is wrong"),
        ("webhook", {"secret": {}}, "a secret is either"),
        ("webhook", {"batch": 5, "mode": "binary"}, "batch: binary mode"),
        ("webhook", {"mode": "xml"}, "The setting mode of the endpoint is wrong"),
        ("webhook", {"headers": {"Host": "x"}}, "headers: Host is set by Kastor"),
        ("webhook", {"headers": {"CE-Id": "x"}}, "headers: CE-Id is set by Kastor"),
        ("webhook", {"headers": {"a b": "x"}}, "headers: 'a b' is not a header"),
        ("webhook", {"headers": {"a": "x\r\ny"}}, "headers: 'a' is not a header"),
        ("kafka", {"brokers": []}, "The setting brokers of the endpoint is wrong"),
        ("kafka", {"topic": ""}, "The setting topic of the endpoint is wrong"),
        ("kafka", {"password": {"env": "X"}}, "username: is needed"),
        ("mqtt", {"port": 70_000}, "The setting port of the endpoint is wrong"),
        ("mqtt", {"topic": "a/#"}, "topic: a topic to publish to"),
        ("mqtt", {"topic": "a/{room}"}, "topic: has the unknown field {room}"),
        ("mqtt", {"topic": "a/{twin"}, "topic: has a brace without its partner"),
        ("mqtt", {"topic": "a/{twin.__class__}"}, "topic: has the unknown field"),
        ("amqp", {"url": "http://localhost"}, "url: must be amqp://host or amqps://host"),
        ("amqp", {"url": "amqp://guest:guest@localhost"}, "url: has no user and password"),
        ("nats", {"servers": ["localhost:4222"]}, "servers: must be nats://host"),
        ("nats", {"subject": "a.>"}, "subject: a subject to publish to"),
        ("nats", {"credentials": {"env": "X"}}, "credentials: must be"),
        ("file", {"path": "events"}, "path: must be absolute"),
        ("stdout", {"path": "x"}, "Endpoints of kind stdout have no setting 'path'"),
    ],
)
def test_what_is_wrong_is_named(kind: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read_endpoint(kind, SMALLEST[kind] | change)
    assert message in caught.value.message


@pytest.mark.parametrize("kind", ["kafka", "webhook", "amqp"])
def test_what_is_missing_is_named(kind: str) -> None:
    with pytest.raises(InvalidArgument, match="is missing"):
        read_endpoint(kind, {})


def test_unknown_kinds() -> None:
    with pytest.raises(InvalidArgument, match="there are amqp, file, kafka"):
        read_endpoint("carrier-pigeon", {})


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kastor.events.endpoints.find_spec", lambda _name: None)
    with pytest.raises(MissingLibrary, match=r"pip install '\.\[kafka\]'"):
        make_sink("name", read_endpoint("kafka", SMALLEST["kafka"]))
    for kind in ("file", "stdout"):
        require_library(kind)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    for kind in set(KINDS) - {"file", "stdout"}:
        with pytest.raises(MissingLibrary, match=re.escape(f"pip install '.[{kind}]'")):
            require_library(kind)
        assert kind in extras


def test_the_libraries_are_named_rightly() -> None:
    for kind in KINDS:
        require_library(kind)
    assert importlib.util.find_spec("confluent_kafka")


def test_bounds_of_files_and_secrets(tmp_path: Path) -> None:
    policy = EndpointPolicy(
        file_folder=tmp_path / "events",
        secret_folder=tmp_path / "secrets",
        secret_variables="KASTOR_SECRET_",
    )
    inside = {"path": str(tmp_path / "events" / "a.ndjson")}
    read_endpoint("file", inside, policy)
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "out").symlink_to(tmp_path)
    for path in ("/etc/passwd", f"{tmp_path}/events/../x", f"{tmp_path}/events/out/x"):
        with pytest.raises(InvalidArgument, match="path of the endpoint may only name files below"):
            read_endpoint("file", {"path": path}, policy)
    hook = SMALLEST["webhook"]
    read_endpoint("webhook", hook | {"secret": {"env": "KASTOR_SECRET_A"}}, policy)
    with pytest.raises(InvalidArgument, match="begin with KASTOR_SECRET_"):
        read_endpoint("webhook", hook | {"secret": {"env": "AWS_SECRET_ACCESS_KEY"}}, policy)
    with pytest.raises(InvalidArgument, match=r"headers\.A of the endpoint may only name files"):
        read_endpoint("webhook", hook | {"headers": {"A": {"file": "/etc/shadow"}}}, policy)
    with pytest.raises(InvalidArgument, match="may only name files"):
        make_sink("name", read_endpoint("file", {"path": "/etc/x"}), policy)


@pytest.mark.parametrize("kind", ["webhook", "kafka", "mqtt", "amqp", "nats"])
def test_authorities_keep_to_the_folder_of_the_secrets(kind: str, tmp_path: Path) -> None:
    policy = EndpointPolicy(secret_folder=tmp_path / "secrets")
    inside = str(tmp_path / "secrets" / "ca.pem")
    read_endpoint(kind, SMALLEST[kind] | {"ca_file": inside}, policy)
    for path in ("/etc/shadow", f"{tmp_path}/secrets/../x", "relative.pem"):
        with pytest.raises(InvalidArgument, match="ca_file of the endpoint may only name files"):
            read_endpoint(kind, SMALLEST[kind] | {"ca_file": path}, policy)
    read_endpoint(kind, SMALLEST[kind] | {"ca_file": "/etc/ca.pem"})


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="path of the endpoint names no file"):
        read_endpoint("file", {"path": "/a\0b"})


def test_secrets_are_read_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASTOR_SECRET_A", "value")
    assert read_secret(Secret(env="KASTOR_SECRET_A")) == "value"
    file = tmp_path / "secret"
    file.write_text("from file\r\n")
    assert read_secret(Secret(file=str(file))) == "from file"
    file.write_text("")
    for missing in (Secret(env="KASTOR_SECRET_B"), Secret(file=str(file))):
        with pytest.raises(SecretError, match="holds no secret"):
            read_secret(missing)
    with pytest.raises(SecretError, match="cannot be read: No such file"):
        read_secret(Secret(file=str(tmp_path / "none")))


@pytest.mark.parametrize("kind", ["pipe", "folder", "large", "binary"])
def test_what_is_no_file_of_a_secret_is_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"x" * 65_537 if kind == "large" else b"\xff\xfe")
    with pytest.raises(SecretError, match="cannot be read"):
        read_secret(Secret(file=str(path)))


@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: b", "a\nb", "a\x00b", "a\x7fb", "t\u00f6ken", "a\tb"]
)
def test_a_header_takes_no_secret_that_it_cannot_have(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "\0" not in value:
        monkeypatch.setenv("KASTOR_SECRET_A", value)
        with pytest.raises(SecretError, match="header Authorization has a line break") as caught:
            read_header("Authorization", Secret(env="KASTOR_SECRET_A"))
        assert value not in str(caught.value)


def test_secrets_are_hidden_in_texts() -> None:
    assert hide("a s3 b\nc", ["s3", None, ""]) == "a *** b c"


def test_templates() -> None:
    odd = event(subject="a+b.c %é")
    assert render("{{x}}/{twin}/{kind}", odd, "+#/") == "{x}/a%2Bb.c %25é/Twin.Update"
    assert render("{twin}.{type}", odd, ".*> ") == (
        "a+b%2Ec%20%25é.Microsoft.DigitalTwins.Twin.Update"
    )


def test_defaults_are_those_of_the_documentation() -> None:
    endpoint = read_endpoint("webhook", SMALLEST["webhook"])
    assert isinstance(endpoint, WebhookEndpoint)
    assert (endpoint.mode, endpoint.batch, endpoint.timeout) == ("structured", 1, 10.0)
