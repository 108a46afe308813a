"""Jobs, endpoints and exports are sent into the server's own network and disk, and get nowhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

VERSION = {"api-version": "2023-10-31"}


class Inside:
    """A service of the network inside, which counts who reaches it."""

    def __init__(self) -> None:
        self.reached: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept is not woken by a close alone.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                self.reached.append(connection.recv(1_000))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def inside() -> Iterator[Inside]:
    service = Inside()
    yield service
    service.close()


def hosts(port: int) -> list[str]:
    """Spellings of this machine and its network, and of where clouds keep credentials."""
    names = (
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "localhost.", "127.0.0.1."),
    )
    return [
        *(f"{name}:{port}" for name in names),
        *("169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "10.0.0.1"),
    ]


def locations(port: int, data: Path) -> Iterator[str]:
    for host in hosts(port):
        for scheme in ("http", "https"):
            yield f"{scheme}://{host}/container/in.ndjson"
        yield f"https://storage.example@{host}/in.ndjson"
    for file in ("/etc/passwd", data / "tokens", data / "graphs" / "default.sqlite3"):
        yield f"file://{file}"
        yield str(file)
    yield "exchange/default/../../tokens"
    yield from ("exchange/other/in.ndjson", "exchange/../tokens", "file:../tokens")
    yield from (f"gopher://127.0.0.1:{port}/x", f"ftp://127.0.0.1:{port}/x", "\\\\host\\share\\x")
    yield from ("s3://bucket/key", "gs://bucket/key", "az://container/blob", "", " ")


def test_a_job_reads_and_writes_only_where_the_operator_says(inside: Inside) -> None:
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        asked = 0
        for asked, place in enumerate(locations(inside.port, server.data_dir), 1):
            good = "exchange/default/x"
            bodies: tuple[tuple[str, str, dict[str, Any]], ...] = (
                ("PUT", f"/jobs/imports/j{asked}", {"inputBlobUri": place, "outputBlobUri": good}),
                ("PUT", f"/jobs/imports/k{asked}", {"inputBlobUri": good, "outputBlobUri": place}),
                ("POST", "/kastor/v1/jobs/exports", {"outputBlobUri": place}),
                ("POST", "/kastor/v1/jobs/backups", {"outputBlobUri": place}),
            )
            for method, path, body in bodies:
                answer = http.request(method, path, json=body)
                assert answer.status_code == 400, (path, body, answer.text)
        assert asked > 40
        assert http.get("/kastor/v1/jobs").json()["value"] == []
        # It is the name of a folder, and not the way up.
        named = {"outputBlobUri": "exchange/default/%2e%2e/%2e%2e/tokens"}
        assert http.post("/kastor/v1/jobs/exports", json=named).status_code == 202
        written = server.data_dir / named["outputBlobUri"]
        for _ in range(200):
            if written.is_file():
                break
            time.sleep(0.05)
        assert written.is_file()
        assert not (server.data_dir / "tokens").exists()
    assert inside.reached == []


def test_a_webhook_reaches_no_spelling_of_the_network_inside(inside: Inside) -> None:
    flags = ("--public-url", "https://twins.example", "--allow-anonymous")
    with (
        KastorServer(flags) as server,
        httpx2.Client(
            base_url=server.url, params=VERSION, headers={"Host": "twins.example"}
        ) as http,
    ):
        for number, host in enumerate(hosts(inside.port)):
            for scheme in ("http", "https"):
                name = f"{scheme}{number}"
                settings = {"url": f"{scheme}://{host}/hook", "timeout": 1}
                body = {"kind": "webhook", "settings": settings}
                made = http.put(f"/kastor/v1/endpoints/{name}", json=body)
                assert made.status_code in (200, 201, 400), made.text
                if made.is_success:
                    tried = http.post(f"/kastor/v1/endpoints/{name}/test", timeout=30)
                    assert tried.json().get("delivered") is not True, tried.text
    assert inside.reached == []
