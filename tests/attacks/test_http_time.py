"""Connections that say nothing, or say it slowly, or do not listen."""

from __future__ import annotations

import resource
import socket
import ssl
import threading
import time

import pytest

from kastor.testing import KastorServer

from .raw import CHUNKED, HEALTH, HOST, connect, connected, descriptors, ended, read_all, talk
from .watch import watched

POST = b"POST /query?api-version=2023-10-31 HTTP/1.1\r\n" + HOST
LARGE = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD", "BODY", "SEND"):
        monkeypatch.setenv(f"KASTOR_{name}_SECONDS", "1")


def test_a_thousand_silent_connections_and_slow_ones_are_ended() -> None:
    with (
        KastorServer() as server,
        connected(server, 1_000) as silent,
        connected(server, 50) as slow,
        watched(server) as cost,
    ):
        for each in slow:
            each.sendall(b"GET /healthz HTTP/1.1\r\n")
        stop = threading.Event()
        trickle = threading.Thread(target=_trickle, args=(slow[:25], stop))
        trickle.start()
        assert ended(silent, 5.0) == 1_000
        stop.set()
        trickle.join()
        assert ended(slow, 3.0) == 50
    print(cost)


def _trickle(connections: list[socket.socket], stop: threading.Event) -> None:
    while not stop.wait(0.1):
        for each in connections:
            try:
                each.sendall(b"X: y\r\n")
            except OSError:
                return


def test_a_slow_head_is_told_why() -> None:
    with KastorServer() as server:
        answer = talk(server, HEALTH, b"GET /healthz HTTP/1.1\r\nHo")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in answer
    assert b"RequestTimeout" in answer


@pytest.mark.parametrize("head", [POST + b"Content-Length: 1000\r\n\r\n{", CHUNKED + b"3e8\r\n{"])
def test_a_body_that_does_not_come_is_not_waited_for(head: bytes) -> None:
    with KastorServer() as server:
        started = time.monotonic()
        answer = talk(server, head)
        elapsed = time.monotonic() - started
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.4 <= elapsed < 5


def test_a_body_that_trickles_is_ended() -> None:
    """A byte now and then is no silence, but at that speed nobody sends anything."""
    with KastorServer() as server, connect(server) as connection:
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n{")
        stop = threading.Event()
        trickle = threading.Thread(target=_trickle, args=([connection], stop))
        trickle.start()
        started = time.monotonic()
        answer = connection.recv(65_536)
        elapsed = time.monotonic() - started
        stop.set()
        trickle.join()
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.4 <= elapsed < 5


def test_a_large_body_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"query": "SELECT * FROM DIGITALTWINS"}'
    head = POST + b"Content-Type: application/json\r\nConnection: close\r\n"
    head += b"Content-Length: %d\r\n\r\n" % (len(body) + 9 * 1_000)
    with KastorServer() as server, connect(server) as connection:
        connection.sendall(head + body)
        for _ in range(9):
            time.sleep(0.4)
            connection.sendall(b" " * 1_000)
        assert read_all(connection).startswith(b"HTTP/1.1 200")


def test_answers_that_nobody_takes_end_their_connection() -> None:
    with KastorServer() as server, connected(server, 20) as deaf, watched(server) as cost:
        talk(server, LAST)
        before = descriptors(server) - len(deaf)
        for each in deaf:
            each.sendall(LARGE * 20)  # 28 MB each, far more than sockets hold
        until = time.monotonic() + 8
        while descriptors(server) > before + 2 and time.monotonic() < until:
            time.sleep(0.1)
        assert descriptors(server) <= before + 2
    assert cost.bytes < 100_000_000


def test_a_slow_reader_gets_its_answer() -> None:
    with KastorServer() as server, connect(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.sendall(LARGE * 5 + LAST)
        size, started = 0, time.monotonic()
        while piece := connection.recv(65_536):
            size += len(piece)
            if time.monotonic() - started < 3:
                time.sleep(0.05)
    assert size > 5_000_000


def test_streams_stay_open() -> None:
    with KastorServer() as server, connect(server) as connection:
        stream = b"GET /kastor/v1/events HTTP/1.1\r\n" + HOST + b"\r\n"
        connection.sendall(stream)
        assert b"200" in connection.recv(65_536)
        assert ended([connection], 4.0) == 0


def test_a_full_server_answers_about_its_health(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting connections make room; those at work keep theirs, and health has a few spare ones."""
    monkeypatch.setenv("KASTOR_MAX_CONNECTIONS", "40")
    monkeypatch.setenv("KASTOR_HEAD_SECONDS", "60")
    with KastorServer() as server:
        with connected(server, 200):
            assert _slowest_of(server, 10) < 1
        time.sleep(0.5)
        with connected(server, 40) as busy:
            for each in busy:
                each.sendall(b"GET /kastor/v1/events HTTP/1.1\r\n" + HOST + b"\r\n")
            for each in busy:
                assert b" 200 " in each.recv(65_536)
            assert talk(server, LAST).startswith(b"HTTP/1.1 200")
            answer = talk(
                server, b"GET /models?api-version=2023-10-31 HTTP/1.1\r\n" + HOST + b"\r\n"
            )
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 1\r\n" in answer
            assert b"max_connections" in answer
            with connected(server, 100) as silent:
                assert ended(silent, 5.0) == 100
                assert talk(server, LAST).startswith(b"HTTP/1.1 200")
            assert ended(busy, 0.5) == 0


def test_without_descriptors_the_waiting_ones_make_room() -> None:
    """The limit is lowered behind the server's back, as by other users of the process's files."""
    with KastorServer() as server:
        _slowest_of(server, 3)
        most = descriptors(server) + 40
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (most, most))
        with connected(server, 200):
            assert _slowest_of(server, 10) < 2


def _slowest_of(server: KastorServer, count: int) -> float:
    """Ask for the health over new connections, since kept ones may have made room."""
    worst = 0.0
    for _ in range(count):
        started = time.monotonic()
        assert talk(server, LAST).startswith(b"HTTP/1.1 200")
        worst = max(worst, time.monotonic() - started)
    print(f"/healthz {worst * 1000:.0f} ms")
    return worst


def _tls(server: KastorServer) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=server.ca_file)
    return context.wrap_socket(connect(server), server_hostname="127.0.0.1")


def test_handshakes_that_do_not_end_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASTOR_MAX_CONNECTIONS", "40")
    with KastorServer(tls=True) as server, connected(server, 200):
        started = time.monotonic()
        with _tls(server) as connection:
            connection.sendall(LAST)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_idle_connections_do_not_hold_up_the_end(tls: bool) -> None:
    with KastorServer(tls=tls) as server:
        connection = _tls(server) if tls else connect(server)
        with connection:
            connection.sendall(HEALTH)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            with connected(server, 5) as others:
                others[0].sendall(b"GET /heal")
                others[1].sendall(POST + b"Content-Length: 5\r\n\r\n")
                time.sleep(0.3)
                others[1].close()
                started = time.monotonic()
                server.process.terminate()
                assert server.process.wait(15) == 0
                elapsed = time.monotonic() - started
    print(f"stopped in {elapsed:.2f} s")
    assert elapsed < 2


def test_who_takes_nothing_does_not_hold_up_the_end() -> None:
    with KastorServer() as server, connected(server, 3) as deaf:
        for each in deaf:
            each.sendall(LARGE * 20)
        time.sleep(0.3)
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(15) == 0
        elapsed = time.monotonic() - started
    print(f"stopped in {elapsed:.2f} s")
    assert elapsed < 4
