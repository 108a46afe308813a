"""Many bodies at once: as large as one may be, without an end, or of as many values as fit."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx2
import pytest

from kastor.testing import KastorServer

from .watch import watched

VERSION = "api-version=2023-10-31"
MANY = 600
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:attack:Thing;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "text", "schema": "string"}],
}


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as made:
        assert httpx2.post(f"{made.url}/models?{VERSION}", json=[MODEL]).status_code == 201
        yield made


def write(server: KastorServer, size: int) -> int:
    body = {"$metadata": {"$model": MODEL["@id"]}, "text": "x" * size}
    return httpx2.put(f"{server.url}/digitaltwins/t?{VERSION}", json=body, timeout=60).status_code


def test_bodies_without_an_end_have_a_bound_together(server: KastorServer) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * MANY)), hard))
    address = urlsplit(server.url)
    head = b"PUT /digitaltwins/t?%b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000001\r\n\r\n"
    with watched(server) as cost, ExitStack() as stack:
        for _ in range(MANY):
            one = stack.enter_context(
                socket.create_connection((address.hostname, address.port), timeout=10)
            )
            one.sendall(head % VERSION.encode() + b"x" * 1_000_000)
        assert write(server, 20_000) == 200
    assert cost.bytes < MANY * 500_000, str(cost)
    deadline = time.monotonic() + 10
    while write(server, 500_000) != 200:  # once they are gone there is room again
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_many_values_have_their_turns(server: KastorServer) -> None:
    odd = b'{"query":"SELECT COUNT() FROM DIGITALTWINS","odd":[' + b"[]," * 340_000 + b"[]]}"
    statuses: Counter[int] = Counter()

    def ask() -> None:
        headers = {"content-type": "application/json"}
        url = f"{server.url}/query?{VERSION}"
        statuses[httpx2.post(url, content=odd, headers=headers, timeout=60).status_code] += 1

    with watched(server):
        threads = [threading.Thread(target=ask) for _ in range(20)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert statuses == {200: 20}
