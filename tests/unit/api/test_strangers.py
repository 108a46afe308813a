"""Hosts and origins that a server without tokens answers to, and those of strangers."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.api.http.origins import StrangerCheck
from kastor.errors import ForwardedNotAllowed, HostNotAllowed, OriginNotAllowed

from .wire import scope_of

OURS: dict[str, Any] = {
    "any_host": False,
    "public_url": "https://twins.example:444",
    "graph_domain": "graphs.test",
    "origins": ("https://app.example",),
}
PROXIED: dict[str, Any] = {"any_host": False, "trusted_proxies": ("127.0.0.1",), "handed_on": True}


def ask(check: StrangerCheck, host: str | None, origin: str | None = None, **more: str) -> None:
    headers = {"Host": host, "Origin": origin, **{k.replace("_", "-"): v for k, v in more.items()}}
    scope = scope_of(headers={k: v for k, v in headers.items() if v is not None})
    check.check(scope, dict(scope["headers"]))


@pytest.mark.parametrize(
    "host",
    [
        None,
        "127.0.0.1",
        "127.0.0.1:8080",
        "127.0.0.9:1",
        "[::1]:8080",
        "localhost",
        "LocalHost:8080",
        "a.localhost:8080",
        "twins.example",
        "TWINS.example:443",
        "graphs.test",
        "by-host.graphs.test:8080",
    ],
)
def test_names_of_the_server_are_answered(host: str | None) -> None:
    ask(StrangerCheck(**OURS), host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
        "evilgraphs.test",
        "graphs.test.evil.example",
        "twins.example.evil.example",
        "graphs.test@evil",
        "192.168.0.1",
        "8.8.8.8:8080",
        ":8080",
        "[",
        "localhost, evil.example",
    ],
)
def test_other_names_are_refused_on_loopback_alone(host: str) -> None:
    with pytest.raises(HostNotAllowed, match="--public-url"):
        ask(StrangerCheck(**OURS), host)
    with pytest.raises(HostNotAllowed):
        ask(StrangerCheck(any_host=False), host)
    ask(StrangerCheck(any_host=True), host)


def test_a_name_that_a_trusted_proxy_was_asked_for_is_answered() -> None:
    proxied: dict[str, Any] = {"X_Forwarded_Host": "Out.example, inner"}
    ask(StrangerCheck(**PROXIED), "out.example", "https://out.example", **proxied)
    ask(StrangerCheck(**PROXIED), "127.0.0.1:8080", "https://out.example", **proxied)
    with pytest.raises(HostNotAllowed):
        ask(StrangerCheck(**PROXIED), "evil.example", **proxied)
    ours = {**OURS, "handed_on": True}
    for other in (ours, {**ours, "trusted_proxies": ("127.0.0.1",)}):
        with pytest.raises(HostNotAllowed):
            ask(StrangerCheck(**other), "out.example", **proxied)


@pytest.mark.parametrize(
    "name", ["Forwarded", "Via", "X_Forwarded_For", "X_Forwarded_x", "X_Real_IP"]
)
def test_what_a_proxy_hands_on_is_refused_unless_everybody_may_come(name: str) -> None:
    for any_host in (False, True):
        with pytest.raises(ForwardedNotAllowed, match=r"--auth tokens .*--allow-anonymous"):
            ask(StrangerCheck(any_host=any_host), "127.0.0.1", **{name: "1.2.3.4"})
        ask(StrangerCheck(any_host=any_host, handed_on=True), "127.0.0.1", **{name: "1.2.3.4"})
    ask(StrangerCheck(any_host=False), "127.0.0.1", X_Forward="a", Viaduct="b", X_Request_Id="c")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("by-host.graphs.test", "https://by-host.graphs.test"),
        ("127.0.0.1:8080", "https://twins.example:444"),
        ("127.0.0.1:8080", "https://app.example"),
    ],
)
def test_origins_of_the_server_and_those_named_are_answered(host: str, origin: str) -> None:
    ask(StrangerCheck(**OURS), host, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1:9999",
        "http://localhost:8080",
        "https://app.example.evil",
        "https://twins.example",
        "127.0.0.1:8080",
    ],
)
def test_other_origins_are_refused_on_every_address(origin: str) -> None:
    for any_host in (False, True):
        check = StrangerCheck(**{**OURS, "any_host": any_host})
        with pytest.raises(OriginNotAllowed, match="--cors-origin"):
            ask(check, "127.0.0.1:8080", origin)
    ask(StrangerCheck(any_host=False, origins=("*",)), "127.0.0.1:8080", origin)
