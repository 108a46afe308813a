"""SIGTERM: requests in flight are finished, within a limit, and the exit status is 0."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from typing import TYPE_CHECKING

import apsw
import httpx2
import pytest

from .program import PART, ROOM, VERSION, Served, room, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = json.dumps(room(7)).encode()
HEAD = (
    f"PUT /digitaltwins/late?{VERSION} HTTP/1.1\r\nHost: localhost\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server that waits two seconds for what is in flight."""
    with serving(tmp_path, KASTOR_SHUTDOWN_SECONDS="2") as started:
        made = httpx2.post(f"{started.url}/models?{VERSION}", json=[ROOM, PART])
        assert made.status_code == 201
        yield started


def _begin(served: Served) -> socket.socket:
    """A request whose body is half sent; the server has read its head when this returns."""
    connection = socket.create_connection(served.address, timeout=20)
    connection.sendall(HEAD.replace(b"Host: localhost", b"Host: localhost\r\nExpect: 100-continue"))
    assert connection.recv(100).startswith(b"HTTP/1.1 100")
    connection.sendall(BODY[:10])
    return connection


def _wait_until_closed(served: Served) -> None:
    """Until no new connection is taken any more."""
    end = time.monotonic() + 10
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            assert time.monotonic() < end
            socket.create_connection(served.address, timeout=5).close()
            time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_slow_request_is_finished_and_kept(
    served: Served, tmp_path: Path, number: signal.Signals
) -> None:
    with _begin(served) as connection:
        served.process.send_signal(number)
        _wait_until_closed(served)
        assert served.process.poll() is None
        connection.sendall(BODY[10:])
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
    assert served.process.wait(10) == 0
    database = apsw.Connection(str(tmp_path / "graphs" / "default.sqlite3"))
    ((text,),) = database.execute("SELECT json(doc) FROM twins WHERE id = 'late'").fetchall()
    database.close()
    assert json.loads(str(text))["size"] == 7


def test_a_request_that_never_ends_is_given_up_after_the_limit(served: Served) -> None:
    with _begin(served):
        started = time.monotonic()
        served.process.terminate()
        assert served.process.wait(20) == 0
        assert 1.5 < time.monotonic() - started < 8


def test_an_idle_connection_holds_nothing_up(served: Served) -> None:
    with httpx2.Client(base_url=served.url) as client:
        assert client.get("/healthz").status_code == 200
        started = time.monotonic()
        served.process.terminate()
        assert served.process.wait(10) == 0
        assert time.monotonic() - started < 1.5


def test_a_signal_right_after_the_first_lines_is_an_orderly_end_too(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert served.stop() == 0
    assert served.log == []
