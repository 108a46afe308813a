"""Compressed bodies, refused bodies, and values of headers and parameters without bound."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from kastor.testing import KastorServer

from .raw import HOST, connect, read_all
from .watch import watched

VERSION = "api-version=2023-10-31"
JSON = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
GOAL_BYTES = 100_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as started:
        yield started


def _model(number: int, filler: str = "") -> dict[str, object]:
    return {
        "@id": f"dtmi:attack:M{number};1",
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;3",
        "description": filler,
    }


def test_compressed_bodies_are_taken(server: KastorServer) -> None:
    body = gzip.compress(json.dumps([_model(1)]).encode())
    url = f"{server.url}/models?{VERSION}"
    assert httpx2.post(url, content=body, headers=JSON).status_code == 201
    twin = {"$metadata": {"$model": "dtmi:attack:M1;1"}}
    body = gzip.compress(json.dumps(twin).encode())
    url = f"{server.url}/digitaltwins/t?{VERSION}"
    assert httpx2.put(url, content=body, headers=JSON).status_code == 200
    query = gzip.compress(b'{"query": "SELECT * FROM DIGITALTWINS"}')
    answer = httpx2.post(f"{server.url}/query?{VERSION}", content=query, headers=JSON)
    assert [each["$dtId"] for each in answer.json()["value"]] == ["t"]


def test_another_coding_is_told_which_are_taken(server: KastorServer) -> None:
    answer = httpx2.post(
        f"{server.url}/query?{VERSION}", content=b"{}", headers={**JSON, "Content-Encoding": "br"}
    )
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert answer.json()["error"]["code"] == "UnsupportedContentEncoding"


@pytest.mark.parametrize("path", ["models", "query"])
def test_bombs_do_not_go_off(server: KastorServer, path: str) -> None:
    bomb = gzip.compress(b" " * 150_000_000)
    url = f"{server.url}/{path}?{VERSION}"

    def send(_number: int) -> int:
        return httpx2.post(url, content=bomb, headers=JSON, timeout=30).status_code

    with watched(server) as cost, ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(8))) == {413}
    assert cost.bytes < 4 * GOAL_BYTES


def test_a_refused_body_does_not_take_its_answer(server: KastorServer) -> None:
    """Clients send all of it before they read."""
    body = b"x" * 40_000_000
    for _ in range(2):
        answer = httpx2.post(f"{server.url}/query?{VERSION}", content=body)
        assert answer.status_code == 413
    with connect(server) as connection:
        head = b"POST /query?api-version=2023-10-31 HTTP/1.1\r\n" + HOST
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        answers = read_all(connection)
    assert answers.startswith(b"HTTP/1.1 413")
    assert b"HTTP/1.1 200" in answers, "the connection can be used on"


DIGITS = "9" * 20_000
VALUES = {
    "parameters": ("GET", f"/models?{VERSION}" + "&a=1" * 5_000, {}),
    "names": ("GET", f"/models?{VERSION}&" + "&".join(f"a{n}" for n in range(5_000)), {}),
    "a position": ("GET", f"/kastor/v1/events?format=ndjson&after={DIGITS}", {}),
    "an event id": ("GET", "/kastor/v1/events?format=ndjson", {"Last-Event-ID": DIGITS}),
    "a filter": ("GET", "/kastor/v1/events?format=ndjson&filter=" + "(" * 20_000, {}),
    "a token": ("GET", f"/models?{VERSION}&continuationToken=" + "A" * 30_000, {}),
    "a page size": ("GET", f"/models?{VERSION}", {"max-items-per-page": "-" + DIGITS}),
    "a condition": ("PUT", f"/digitaltwins/t?{VERSION}", {"If-None-Match": '"a",' * 10_000}),
    "etags": ("DELETE", f"/digitaltwins/t?{VERSION}", {"If-Match": ",".join(['"a"'] * 10_000)}),
    "blank etags": (
        *("DELETE", f"/digitaltwins/t?{VERSION}"),
        {"If-Match": '"a"' + " " * 50_000 + "b"},
    ),
    "a model": ("GET", f"/models?{VERSION}&dependenciesFor=dtmi:" + "a:" * 15_000, {}),
    "a source": ("GET", f"/digitaltwins/t?{VERSION}", {"kastor-read": "x" * 50_000}),
    "a version": ("GET", "/models?api-version=" + "2" * 30_000, {}),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_without_bound_are_refused(server: KastorServer, name: str) -> None:
    method, path, headers = VALUES[name]
    with watched(server) as cost, httpx2.Client(base_url=server.url) as client:
        for _ in range(30):
            answer = client.request(method, path, headers={**headers, "Content-Type": ""})
            assert 400 <= answer.status_code < 500, answer.text[:200]
            assert answer.json()["error"]["code"]
    assert cost.bytes < GOAL_BYTES
