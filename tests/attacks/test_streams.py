"""Streams under attack: snapshots that nobody reads, one client that wants every place."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from kastor.auth.tokens import create_token
from kastor.testing import KastorServer

from .watch import watched

VERSION = {"api-version": "2023-10-31"}
LIVE = "/kastor/v1/query/live"
ALL = "SELECT * FROM DIGITALTWINS"
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:attack:Thing;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "text", "schema": "string"}],
}
HTTP = httpx2.Client(timeout=60)


class Raw:
    """A request on a socket of its own, of which no more is read than is asked for."""

    def __init__(
        self, server: KastorServer, method: str, path: str, body: Any = None, token: str = ""
    ) -> None:
        address = urlsplit(server.url)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(30)
        self.socket.connect((address.hostname, address.port))
        text = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        self.socket.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + text)

    def status(self) -> int:
        """Read the status line, and no more."""
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.socket.recv(1)
        return int(line.split()[1])

    def rest(self) -> bytes:
        """Read to the end."""
        parts = []
        while part := self.socket.recv(65_536):
            parts.append(part)
        return b"".join(parts)


def fill(server: KastorServer, twins: int, size: int, token: str = "") -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(base_url=server.url, params=VERSION, headers=headers, timeout=60) as client:
        assert client.post("/models", json=[MODEL]).status_code == 201
        body = {"$metadata": {"$model": MODEL["@id"]}, "text": "x" * size}
        for number in range(twins):
            assert client.put(f"/digitaltwins/t{number}", json=body).status_code == 200


@pytest.fixture(scope="module")
def heavy() -> Iterator[KastorServer]:
    """A graph whose whole result has 20 MB."""
    with KastorServer() as server:
        fill(server, 40, 500_000)
        yield server


def test_forty_snapshots_of_twenty_megabytes_that_nobody_reads(heavy: KastorServer) -> None:
    with watched(heavy), ExitStack() as stack:
        opened = [Raw(heavy, "POST", LIVE, {"query": ALL}) for _ in range(40)]
        for each in opened:
            stack.callback(each.socket.close)
        statuses = [each.status() for each in opened]
        print({status: statuses.count(status) for status in set(statuses)})
        assert statuses.count(200) in range(1, 5)
        assert statuses.count(429) == 40 - statuses.count(200)
        answer = HTTP.post(f"{heavy.url}{LIVE}", json={"query": ALL})
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "5"
        assert "max_stream_bytes_per_client" in answer.json()["error"]["message"]


def test_places_and_bytes_come_back_with_a_client_that_goes(heavy: KastorServer) -> None:
    for _ in range(12):
        with Raw(heavy, "POST", LIVE, {"query": ALL}).socket:
            time.sleep(0.05)
    end = time.monotonic() + 10
    while (kept := metric(heavy, "kastor_stream_bytes")) or metric(heavy, "kastor_live_queries"):
        assert time.monotonic() < end, kept
        time.sleep(0.05)


def test_deaf_readers_of_the_feed_keep_little(heavy: KastorServer) -> None:
    with watched(heavy), ExitStack() as stack:
        opened = [Raw(heavy, "GET", "/kastor/v1/events?after=0") for _ in range(60)]
        for each in opened:
            stack.callback(each.socket.close)
            assert each.status() == 200
        end = time.monotonic() + 20
        while not (kept := metric(heavy, "kastor_stream_bytes")):
            assert time.monotonic() < end
        time.sleep(2)
        kept = max(kept, metric(heavy, "kastor_stream_bytes"))
    assert 0 < kept < 60 * 1_100_000


def test_who_does_not_read_loses_the_stream_and_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kastor.toml"
    file.write_text("stream_stall_seconds = 1\n")
    with KastorServer(("--config", str(file))) as server:
        fill(server, 20, 500_000)
        deaf = Raw(server, "POST", LIVE, {"query": ALL})
        assert deaf.status() == 200
        end = time.monotonic() + 10
        while not metric(server, "kastor_stream_bytes"):
            assert time.monotonic() < end
        while metric(server, "kastor_stream_bytes") or metric(server, "kastor_live_queries"):
            assert time.monotonic() < end
            time.sleep(0.05)
        last = deaf.rest().split(b"event: ")[-1]
        assert last.startswith(b"error\n")
        assert b"stream_stall_seconds" in last
        assert last.endswith(b"0\r\n\r\n")  # the answer is whole
        assert "Traceback" not in server.output
        assert "ASGI" not in server.output


def test_one_reader_does_not_take_every_place(tmp_path: Path) -> None:
    file = tmp_path / "kastor.toml"
    file.write_text(
        "max_live_queries = 6\nmax_live_queries_per_client = 4\nmax_streams_per_client = 5\n"
    )
    data = tmp_path / "data"
    greedy = create_token(data / "tokens", "owner", "greedy")
    modest = create_token(data / "tokens", "reader", "modest")
    flags = ("--config", str(file), "--auth", "tokens")
    with KastorServer(flags, data_dir=data) as server, ExitStack() as stack:
        fill(server, 1, 1, greedy)

        def status(path: str, token: str) -> int:
            method, body = ("POST", {"query": ALL}) if path == LIVE else ("GET", None)
            one = Raw(server, method, path, body, token)
            stack.callback(one.socket.close)
            return one.status()

        assert [status(LIVE, greedy) for _ in range(5)] == [200] * 4 + [429]
        assert [status("/kastor/v1/events", greedy) for _ in range(2)] == [200, 429]
        assert [status(LIVE, modest) for _ in range(3)] == [200, 200, 429]
        answer = HTTP.get(
            f"{server.url}/kastor/v1/events", headers={"Authorization": f"Bearer {greedy}"}
        )
        assert "max_streams_per_client" in answer.json()["error"]["message"]


def model_of(size: int) -> bytes:
    """A model (GLB) whose buffer has so many bytes."""
    head = json.dumps({"asset": {"version": "2.0"}, "buffers": [{"byteLength": size}]}).encode()
    head += b" " * (-len(head) % 4)
    chunks = struct.pack("<II", len(head), 0x4E4F534A) + head
    chunks += struct.pack("<II", size, 0x004E4942) + os.urandom(size)
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def test_large_scene_files_that_are_read_slowly_take_little(tmp_path: Path) -> None:
    model = model_of(20_000_000)
    path = "/kastor/v1/explorer/files/hall"
    with KastorServer(data_dir=tmp_path) as server:
        stored = HTTP.put(
            f"{server.url}{path}", content=model, headers={"content-type": "model/gltf-binary"}
        )
        assert stored.status_code == 200, stored.text
        with watched(server) as cost, ExitStack() as open_sockets:
            clients = [Raw(server, "GET", path) for _ in range(20)]
            for each in clients:
                open_sockets.enter_context(each.socket)
            assert [each.status() for each in clients] == [200] * len(clients)
            ends = time.monotonic() + 4
            while time.monotonic() < ends:
                for each in clients:
                    assert each.socket.recv(65_536)
                time.sleep(0.02)
            assert metric(server, "kastor_stream_bytes") <= len(clients) * 1_048_576
        assert cost.bytes < 150_000_000, str(cost)
        assert HTTP.get(f"{server.url}{path}").content == model
        deadline = time.monotonic() + 30
        while metric(server, "kastor_stream_bytes") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert metric(server, "kastor_stream_bytes") == 0, "places are given back"


def metric(server: KastorServer, name: str) -> float:
    text = HTTP.get(f"{server.url}/metrics").text
    return sum(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name}{{")
    )
