"""Inputs under attack: many messages for many rules, a sender that goes, rules by the thousand."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.ingest.world import MODELS, ROOM

from .watch import watched

VERSION = {"api-version": "2023-10-31"}


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as made:
        with api(made) as client:
            assert client.post("/models", json=MODELS).status_code == 201
            body = {"$metadata": {"$model": ROOM}, "part": {"$metadata": {}}}
            for number in range(10):
                assert client.put(f"/digitaltwins/r{number}", json=body).status_code == 200
        yield made


def api(server: KastorServer) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, params=VERSION, timeout=60)


def put_input(client: httpx2.Client, name: str, rules: list[Any]) -> None:
    body = {"kind": "webhook", "settings": {"rules": rules}}
    answer = client.put(f"/kastor/v1/inputs/{name}", json=body)
    assert answer.status_code == 200, answer.text


def exact(kind: str) -> dict[str, Any]:
    return {"when": {"/kind": kind}, "twin": "{/room}", "patch": {"/temperature": "/value"}}


def fuzzy(number: int) -> dict[str, Any]:
    match = {"from": "/kind", "like": f"{number}-{{any}}"}
    return {"match": match, "twin": "{/room}", "patch": {"/temperature": "/value"}}


def messages(count: int) -> list[Any]:
    return [{"room": f"r{n % 10}", "kind": f"k{n % 1_000}", "value": n} for n in range(count)]


def test_a_thousand_rules_that_ask_for_a_value_are_looked_up(server: KastorServer) -> None:
    with api(server) as client:
        put_input(client, "exact", [exact(f"k{n}") for n in range(1_000)])
        with watched(server):
            started = time.monotonic()
            answer = client.post("/kastor/v1/inputs/exact/messages", json=messages(10_000))
        print(f"10,000 messages, 1,000 rules: {time.monotonic() - started:.2f} s")
        assert answer.status_code == 200
        assert answer.json()["rejected"] == 0
        assert answer.json()["received"] == 10_000


def test_more_work_than_a_request_may_cost_is_refused(server: KastorServer) -> None:
    with api(server) as client:
        put_input(client, "fuzzy", [fuzzy(n) for n in range(1_000)])
        with watched(server) as cost:
            answer = client.post("/kastor/v1/inputs/fuzzy/messages", json=messages(10_000))
            assert answer.status_code == 400
            assert "1000000 steps" in answer.json()["error"]["message"]
            answer = client.post("/kastor/v1/inputs/fuzzy/messages", json=messages(500))
        assert answer.status_code == 200
        assert answer.json()["rejected"] == 500
        assert cost.answers > 1


def test_readings_by_the_hundred_thousand_are_made_bit_by_bit(server: KastorServer) -> None:
    rules = [{"twin": "r0", "patch": {"/temperature": "/value"}}] * 40
    with api(server) as client:
        put_input(client, "many", rules)
        with watched(server):
            answer = client.post("/kastor/v1/inputs/many/messages", json=messages(10_000))
        assert answer.status_code == 200
        assert answer.json()["rejected"] == 0


def test_reasons_are_bounded(server: KastorServer) -> None:
    missing = {"twin": "r0", "patch": {"/temperature": f"/{'x' * 900}"}}
    with api(server) as client:
        put_input(client, "faulty", [missing] * 400)
        with watched(server):
            answer = client.post("/kastor/v1/inputs/faulty/messages", json=messages(1_200))
        assert answer.status_code == 200
        assert answer.json()["rejected"] == 1_200
        assert len(answer.json()["errors"]) == 1_000
        assert len(answer.content) < 3_000_000
        assert "And 395 more faults." in answer.json()["errors"][0]["reason"]


def test_rules_have_a_bound_in_all(server: KastorServer) -> None:
    patch = {f"/p{n}": "/value" for n in range(900)}
    settings = {"rules": [{"twin": "t", "patch": patch}] * 25}
    with api(server) as client, watched(server):
        body = {"kind": "webhook", "settings": settings}
        answer = client.put("/kastor/v1/inputs/wide", json=body)
    assert answer.status_code == 400
    assert "10000" in answer.json()["error"]["message"]


def test_nothing_more_is_taken_when_the_sender_has_gone(server: KastorServer) -> None:
    with api(server) as client:
        put_input(client, "gone", [fuzzy(n) for n in range(200)])
        address = urlsplit(server.url)
        body = json.dumps(messages(2_000)).encode()
        head = (
            f"POST /kastor/v1/inputs/gone/messages HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with watched(server):
            with socket.create_connection((address.hostname or "", address.port or 0)) as sender:
                sender.sendall(head.encode() + body)
            counts = settled(client, "gone")
        print(counts["received"], "of 2,000 were taken")
        assert counts["received"] < 2_000
        assert counts["received"] == counts["rejected"]


def settled(client: httpx2.Client, name: str) -> Any:
    """The counts of an input once they stand still."""
    before: Any = None
    while True:
        time.sleep(0.3)
        counts = client.get(f"/kastor/v1/inputs/{name}/status").json()
        if counts == before:
            return counts
        before = counts


def try_message(client: httpx2.Client, payload: str, rules: list[Any]) -> httpx2.Response:
    body = {"payload": payload, "kind": "webhook", "settings": {"rules": rules}}
    return client.post("/kastor/v1/inputs/tried/try", json=body)


def test_a_message_that_is_tried_is_bounded(server: KastorServer) -> None:
    match = {"from": "payload", "like": "+/x"}
    slow = [{"match": match, "twin": "r0", "patch": {"/temperature": "/value"}}] * 1_000
    with api(server) as client, watched(server) as cost:
        answer = try_message(client, "/" * 900_000, slow)
        assert answer.status_code == 400
        assert "65536 are tried" in answer.json()["error"]["message"]
        answer = try_message(client, "/" * 60_000, slow)
        assert answer.status_code == 400
        assert "2000 steps" in answer.json()["error"]["message"]
        assert try_message(client, "/" * 16_000, slow).status_code == 200
    assert cost.answers > 1


def test_what_is_read_in_a_trial_is_bounded(server: KastorServer) -> None:
    wide = {"twin": "r0", "patch": {f"/p{n}": "payload" for n in range(300)}}
    filled = {"template": "{payload}" * 100}
    long = {"twin": "r0", "patch": {f"/p{n}": filled for n in range(100)}}
    sent = [{"twin": "r0", "telemetry": ""}] * 300
    many = [{"twin": "r0", "patch": {"/temperature": "/value"}}] * 1_000
    with api(server) as client, watched(server):
        asked: list[tuple[str, list[Any]]] = [
            ('"' * 50_000, [wide]),
            ("x" * 10_000, [long]),
            (json.dumps("x" * 50_000), sent),
        ]
        for payload, rules in asked:
            answer = try_message(client, payload, rules)
            assert answer.status_code == 400
            assert "more than 4000000 bytes" in answer.json()["error"]["message"]
        answer = try_message(client, "x" * 60_000, [long])
        assert "1048576 characters" in answer.json()["reason"]
        answer = try_message(client, '{"value": 21}', many)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "written"
