"""Where commands send the token, and what they say of servers that are none."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kastor.cli.connection import Connection

from .answering import Answering
from .program import kastor

TOKEN = "kst_" + "t0ken" * 8


@pytest.fixture
def other() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_does_not_follow_to_another_server(other: Answering, status: int) -> None:
    first = Answering(status, f"{other.url}/kastor/v1/graphs")
    for url in (first.url, first.url.replace("127.0.0.1", "localhost")):
        done = kastor("graph", "list", "--url", url, KASTOR_TOKEN=TOKEN)
        assert done.returncode == 1
        assert "sends this on to" in done.stderr
        assert other.url in done.stderr
        assert TOKEN not in done.stderr + done.stdout
    first.close()
    assert other.seen == []
    assert {token for _, token in first.seen} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("to", ["https://127.0.0.1:1/x", "http://[::1]:1/", "//evil.example/"])
def test_nor_to_another_scheme_or_name(to: str) -> None:
    first = Answering(302, to)
    done = kastor("graph", "list", "--url", first.url, KASTOR_TOKEN=TOKEN)
    first.close()
    assert done.returncode == 1
    assert "sends this on to" in done.stderr


def test_within_a_server_it_does() -> None:
    first = Answering(302, "/again")
    done = kastor("graph", "list", "--url", first.url, KASTOR_TOKEN=TOKEN)
    first.close()
    assert done.returncode == 0, done.stderr
    path, token = first.seen[-1]
    assert (path.partition("?")[0], token) == ("/again", f"Bearer {TOKEN}")


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_gets_nothing_that_is_for_this_machine(other: Answering, variable: str) -> None:
    proxy = Answering()
    for url in (other.url, other.url.replace("127.0.0.1", "localhost")):
        variables = {variable: proxy.url, "KASTOR_TOKEN": TOKEN}
        done = kastor("graph", "list", "--url", url, **variables)
        assert done.returncode == 0, done.stderr
    proxy.close()
    assert proxy.seen == []
    assert {path.partition("?")[0] for path, _ in other.seen} == {"/", "/kastor/v1/graphs"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "must be http://"),
        ("ftp://127.0.0.1/", "must be http://"),
        ("http://user:s3cret@127.0.0.1:1", "KASTOR_TOKEN"),
        ("http://[::1", "must be http://"),
        ("http://127.0.0.1:s3cret", "must be http://"),
        ("http://127.0.0.1:1/\r\nX-A: b", "must be http://"),
    ],
)
def test_what_is_no_address_is_told(url: str, words: str) -> None:
    done = kastor("graph", "list", "--url", url, KASTOR_TOKEN=TOKEN)
    assert done.returncode == 2
    assert words in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("token", ["a\r\nX-Evil: b", "t\u00f6ken", "a\tb"])
def test_a_token_that_is_none_is_told_and_not_shown(other: Answering, token: str) -> None:
    done = kastor("graph", "list", "--url", other.url, KASTOR_TOKEN=token)
    assert done.returncode == 2
    assert "KASTOR_TOKEN holds no token" in done.stderr
    assert "Traceback" not in done.stderr
    assert other.seen == []


def test_a_line_end_behind_a_token_is_none_of_it(other: Answering) -> None:
    assert kastor("graph", "list", "--url", other.url, KASTOR_TOKEN=f"{TOKEN}\n").returncode == 0
    assert other.seen[0][1] == f"Bearer {TOKEN}"


def test_what_answers_and_is_no_kastor_is_told() -> None:
    for body in (b"<html>", b"\xff"):
        server = Answering(body=body)
        done = kastor("graph", "list", "--url", server.url)
        server.close()
        assert done.returncode == 1
        assert "is no Kastor" in done.stderr
        assert "Traceback" not in done.stderr


def test_certificates_that_are_none_are_told(other: Answering) -> None:
    done = kastor("graph", "list", "--url", other.url, "--ca-file", "/nowhere.pem")
    assert done.returncode == 2
    assert "/nowhere.pem cannot be used" in done.stderr


def test_http_that_is_asked_for_https_is_told(other: Answering) -> None:
    done = kastor("graph", "list", "--url", other.url.replace("http://", "https://"))
    assert done.returncode == 6
    assert "write http:// in front of the address" in done.stderr


def test_nobody_is_waited_for_long() -> None:
    began = time.monotonic()
    done = kastor("graph", "list", "--url", "http://127.0.0.1:1")
    assert (done.returncode, time.monotonic() - began < 5) == (6, True)
    with Connection(url="http://192.0.2.1").client() as client:
        assert client._transport._connection.http().timeout.connect == 10.0
