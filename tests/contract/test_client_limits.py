"""What each client may have of a server: rates, queries at once, connections; others are not held up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import pytest

from kastor.auth.tokens import create_token
from kastor.testing import KastorServer
from tests.metrics.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = {"api-version": "2023-10-31"}
RATE, BURST, QUERIES, FAILURES, CONNECTIONS = 10, 30, 2, 10, 12
SETTINGS = f"""
rate_limit = {RATE}
rate_burst = {BURST}
max_queries_per_client = {QUERIES}
failed_access_limit = {FAILURES}
"""
TWIN = "/digitaltwins/none"
QUERY = b'{"query": "SELECT * FROM DIGITALTWINS"}'


class Limited:
    """A server that asks for tokens; each test takes clients of its own."""

    def __init__(self, server: KastorServer) -> None:
        self.server = server
        self._made = 0

    def client(self, role: str = "reader") -> httpx2.Client:
        self._made += 1
        token = create_token(self.server.data_dir / "tokens", role, f"client-{self._made}")
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=self.server.url, params=VERSION, headers=headers)

    def refused(self) -> dict[tuple[str, ...], float]:
        with self.client() as scraper:
            answer = scraper.get("/metrics")
        return Scrape(answer.text).since(Scrape(""), "requests_refused_total", "limit")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    folder = tmp_path_factory.mktemp("limited")
    (folder / "kastor.toml").write_text(SETTINGS)
    flags = ("--auth", "tokens", "--config", str(folder / "kastor.toml"))
    with KastorServer(flags, data_dir=folder / "data") as server:
        yield Limited(server)


def grown(before: dict[Any, float], after: dict[Any, float], limit: str) -> float:
    return after.get((limit,), 0) - before.get((limit,), 0)


def test_who_asks_too_often_is_told_when_to_come_again(limited: Limited) -> None:
    before = limited.refused()
    with limited.client() as client:
        answers = [client.get(TWIN)]
        while answers[-1].status_code != 429:
            answers.append(client.get(TWIN))
            assert len(answers) < 1_000
        assert len(answers) > BURST
        assert {each.status_code for each in answers[:-1]} == {404}
        last = answers[-1]
        assert last.json()["error"]["code"] == last.headers["x-ms-error-code"] == "TooManyRequests"
        time.sleep(int(last.headers["retry-after"]))
        assert client.get(TWIN).status_code == 404
    assert grown(before, limited.refused(), "rate") == 1


def test_one_that_asks_without_end_does_not_hold_up_others(limited: Limited) -> None:
    """By what is answered, not by how fast: the quiet one keeps to its rate and is never refused."""
    over, counts, lock = threading.Event(), {404: 0, 429: 0}, threading.Lock()
    greedy = limited.client()

    def flood() -> None:
        while not over.is_set():
            status = greedy.get(TWIN).status_code
            with lock:
                counts[status] += 1

    with greedy, limited.client() as quiet:
        threads = [threading.Thread(target=flood) for _ in range(4)]
        begun = time.monotonic()
        for each in threads:
            each.start()
        answers = []
        while time.monotonic() < begun + 1.5:
            answers += [quiet.get(TWIN).status_code, quiet.get("/healthz").status_code]
            time.sleep(0.05)
        over.set()
        for each in threads:
            each.join()
        elapsed = time.monotonic() - begun
    assert set(answers[::2]) == {404}
    assert set(answers[1::2]) == {200}
    assert len(answers) > 4
    assert counts[429] > 0
    assert BURST <= counts[404] <= BURST + RATE * elapsed + 1


def unfinished(client: httpx2.Client) -> socket.socket:
    """A query whose body is still to come."""
    address = urlsplit(str(client.base_url))
    connection = socket.create_connection((address.hostname, address.port), 10)
    head = (
        f"POST /query?api-version=2023-10-31 HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {client.headers['authorization']}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(QUERY)}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def test_queries_under_way_are_bounded_of_each_client(limited: Limited) -> None:
    before = limited.refused()
    with limited.client() as client, limited.client() as other, ExitStack() as stack:
        running = [stack.enter_context(unfinished(client)) for _ in range(QUERIES)]
        end = time.monotonic() + 10
        while (refused := client.post("/query", content=QUERY)).status_code != 429:
            assert time.monotonic() < end
        assert refused.json()["error"]["code"] == "QuotaReachedError"
        assert "max_queries_per_client" in refused.json()["error"]["message"]
        assert refused.headers["retry-after"] == "1"
        assert client.get(TWIN).status_code == 404
        assert other.post("/query", content=QUERY).status_code == 200
        for each in running:
            each.sendall(QUERY)
            assert b" 200 " in each.recv(65_536)
        assert client.post("/query", content=QUERY).status_code == 200
    assert grown(before, limited.refused(), "queries") == 1


def test_a_query_whose_client_goes_gives_its_place_back(limited: Limited) -> None:
    with limited.client() as client:
        for _ in range(2):
            with ExitStack() as stack:
                for _ in range(QUERIES):
                    stack.enter_context(unfinished(client))
        end = time.monotonic() + 10
        while (status := client.post("/query", content=QUERY).status_code) != 200:
            assert status == 429
            assert time.monotonic() < end
            time.sleep(0.1)


def test_attempts_without_a_token_are_bounded_and_valid_tokens_pass(limited: Limited) -> None:
    before = limited.refused()
    with limited.client() as client, httpx2.Client(base_url=limited.server.url) as stranger:
        wrong = {"Authorization": "Bearer kst_wrong"}
        statuses = [stranger.get(TWIN, headers=wrong).status_code for _ in range(FAILURES + 5)]
        assert set(statuses[:FAILURES]) == {401}
        assert statuses[-1] == 429
        assert stranger.get("/nothing").headers["retry-after"].isdigit()
        assert stranger.get("/healthz").status_code == 200
        assert client.get(TWIN).status_code == 404
    assert grown(before, limited.refused(), "access") >= 2


@pytest.fixture(scope="module")
def anonymous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KastorServer]:
    file: Path = tmp_path_factory.mktemp("anonymous") / "kastor.toml"
    file.write_text(f"rate_limit = 1\nmax_connections_per_address = {CONNECTIONS}\n")
    with KastorServer(("--config", str(file))) as server:
        yield server


def of(server: KastorServer, address: str) -> httpx2.Client:
    """A client that comes from an address of this machine."""
    transport = httpx2.HTTPTransport(local_address=address)
    return httpx2.Client(base_url=server.url, params=VERSION, transport=transport)


def test_without_tokens_each_address_has_its_rate(anonymous: KastorServer) -> None:
    with of(anonymous, "127.0.0.2") as one, of(anonymous, "127.0.0.3") as other:
        statuses = [one.get(TWIN).status_code for _ in range(20)]
        assert statuses[:2] == [404, 404]
        assert 429 in statuses
        assert other.get(TWIN).status_code == 404
        assert one.get("/healthz").status_code == 200


def is_served(connection: socket.socket) -> bool:
    """Whether a connection is answered, or was ended."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection.recv(65_536).startswith(b"HTTP/1.1 200")
    return False


def test_an_address_has_only_so_many_connections(anonymous: KastorServer) -> None:
    port = urlsplit(anonymous.url).port

    def connect(stack: ExitStack, address: str) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", port), 10, source_address=(address, 0))
        return stack.enter_context(made)

    with of(anonymous, "127.0.0.9") as scraper, ExitStack() as stack:
        before = Scrape(scraper.get("/metrics").text)
        held = [connect(stack, "127.0.0.4") for _ in range(CONNECTIONS)]
        assert all(map(is_served, held))
        assert not any(is_served(connect(stack, "127.0.0.4")) for _ in range(5))
        assert is_served(connect(stack, "127.0.0.5"))
        after = Scrape(scraper.get("/metrics").text)
        assert after.since(before, "connections_ended_total", "reason") == {("address",): 5}
        opened = after("connections", worker="0"), before("connections", worker="0")
        assert opened[0] == (opened[1] or 0) + CONNECTIONS + 1
        for each in held[:3]:
            each.close()
        end, again = time.monotonic() + 10, 0
        while again < 3:
            assert time.monotonic() < end
            again += is_served(connect(stack, "127.0.0.4"))
        assert not is_served(connect(stack, "127.0.0.4"))
        while "max_connections_per_address" not in anonymous.output:
            assert time.monotonic() < end
            time.sleep(0.05)
