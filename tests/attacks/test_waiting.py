"""Endpoints that never answer: the standard output whose reader has stopped, a silent broker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.ports import free_port

VERSION = {"api-version": "2023-10-31"}
MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:attack:Thing;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "text", "schema": "string"}],
}
THREADS = min(32, (os.cpu_count() or 1) + 4)
"""Of the event loop's own pool."""


@contextmanager
def unread_server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx2.Client]]:
    """A server whose standard output nobody reads."""
    port = free_port()
    program = subprocess.Popen(
        [sys.executable, "-m", "kastor", "serve", "--data", str(folder), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", params=VERSION, timeout=10)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                client.get("/healthz")
                break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield program, client
    finally:
        client.close()
        program.kill()
        program.wait()


@pytest.fixture
def silent_broker() -> Iterator[int]:
    with socket.socket() as listener:  # takes connections, and says nothing
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def test_endpoints_that_wait_hold_up_neither_requests_nor_the_end(
    tmp_path: Path, silent_broker: int
) -> None:
    with unread_server(tmp_path) as (program, client):
        assert client.post("/models", json=[MODEL]).status_code == 201
        assert client.put("/kastor/v1/endpoints/out", json={"kind": "stdout"}).is_success
        settings = {"host": "127.0.0.1", "port": silent_broker, "tls": True, "timeout": 300}
        broker = {"kind": "mqtt", "settings": settings}
        assert client.put("/kastor/v1/endpoints/mute", json=broker).is_success
        for number in range(THREADS):
            for name in ("out", "mute"):
                route = {"endpointName": name, "filter": "true"}
                assert client.put(f"/eventroutes/{name}{number}", json=route).is_success
        twin = {"$metadata": {"$model": MODEL["@id"]}, "text": "x" * 60_000}
        for number in range(3):  # a pipe takes 65,536 bytes
            assert client.put(f"/digitaltwins/t{number}", json=twin).is_success
        time.sleep(1)
        assert client.post("/models", json=[MODEL | {"@id": "dtmi:attack:B;1"}]).is_success
        assert client.put("/digitaltwins/t", json=twin | {"text": "x" * 100_000}).is_success
        began = time.monotonic()
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
        print(f"ended after {time.monotonic() - began:.1f} s")
