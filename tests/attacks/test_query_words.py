"""Parameters, and names that no model knows, made to cost the server its memory or its time."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from kastor.testing import KastorServer

from .watch import watched

QUERY = "/query?api-version=2023-10-31"
SECONDS = 3.0
CLIENTS = 4


def _send(server: KastorServer, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        connection.request("POST", path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _attack(server: KastorServer, make: Callable[[int], Any]) -> tuple[set[int], int]:
    """Several clients ask for a while; the statuses they got, and how many."""
    numbers, found, until = itertools.count(), [], time.monotonic() + SECONDS

    def ask() -> None:
        while time.monotonic() < until:
            made = make(next(numbers))
            body = made if isinstance(made, bytes) else json.dumps(made).encode()
            found.append(_send(server, QUERY, body)[0])

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return set(found), len(found)


def _models(server: KastorServer, count: int) -> None:
    contents = [
        {"@type": "Property", "name": f"property{number:05}x", "schema": "double"}
        for number in range(count)
    ]
    for start in range(0, count, 250):
        model = {
            "@id": f"dtmi:attack:Many{start};1",
            "@type": "Interface",
            "@context": "dtmi:dtdl:context;3",
            "contents": contents[start : start + 250],
        }
        status, answer = _send(
            server, "/models?api-version=2023-10-31", json.dumps([model]).encode()
        )
        assert status == 201, answer


def test_large_parameters_leave_the_server_responsive() -> None:
    text = "SELECT $dtId FROM DIGITALTWINS WHERE x IN $l OR y = $s OR z LIKE $p"
    with KastorServer() as server, watched(server) as cost:
        statuses, count = _attack(
            server,
            lambda n: {
                "query": text,
                "parameters": {"l": [n, *range(9_000)], "s": f"{n}" + "s" * 200_000, "p": f"%{n}_"},
            },
        )
        assert statuses == {200}
    print(f"large parameters: {count} answers, {cost}")


def test_parameters_over_a_bound_are_refused_at_once() -> None:
    text = "SELECT $dtId FROM DIGITALTWINS WHERE x IN $l"
    deep = b'{"query": "SELECT * FROM DIGITALTWINS", "parameters": {"l": %b%b}}'
    bodies = [
        deep % (b"[" * 20_000, b"]" * 20_000),
        json.dumps({"query": text, "parameters": {f"p{n}": n for n in range(50_000)}}).encode(),
        json.dumps({"query": text, "parameters": {"l": list(range(100_000))}}).encode(),
        json.dumps({"query": text, "parameters": {"l": ["x" * 1_100_000]}}).encode(),
    ]
    with KastorServer() as server, watched(server) as cost:
        statuses, count = _attack(server, lambda n: bodies[n % len(bodies)])
        assert statuses <= {400, 413}
    print(f"refused parameters: {count} answers, {cost}")


def test_unknown_names_leave_the_server_responsive() -> None:
    with KastorServer() as server:
        _models(server, 10_000)

        def query(n: int) -> dict[str, str]:
            names = (f"T.propertz{(n * 100 + each) % 100_000:05}x" for each in range(60))
            return {"query": f"SELECT {', '.join(names)} FROM DIGITALTWINS T"}

        with watched(server) as cost:
            statuses, count = _attack(server, query)
        assert statuses == {200}
    print(f"unknown names: {count} answers, {cost}")
