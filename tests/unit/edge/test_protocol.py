"""One connection without a socket: contexts of requests, the end of TLS, how many there may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from kastor.edge.limits import EdgeLimits, connection_limit, raise_descriptor_limit
from kastor.edge.protocol import EdgeProtocol
from kastor.edge.watch import Edge

pytestmark = pytest.mark.anyio
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wire:
    """A transport that takes everything, or as much as `unsent` leaves."""

    def __init__(self, *, tls: bool = False) -> None:
        self.tls = tls
        self.unsent = 0
        self.written = b""
        self.closed = False
        self.reads = True

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.tls if name == "sslcontext" else default

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


def _open(app: Any, wire: Wire, **limits: Any) -> tuple[EdgeProtocol, Edge]:
    config = uvicorn.Config(app, lifespan="off", ws="none", http="httptools", log_config=None)
    config.load()
    edge = Edge(EdgeLimits(**limits), lambda _status: None)
    protocol = EdgeProtocol(config, ServerState(), edge)
    transport: Any = wire
    protocol.connection_made(transport)
    return protocol, edge


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


_chosen: ContextVar[str] = ContextVar("_chosen", default="none")


async def _app(_scope: Any, _receive: Any, send: Any) -> None:
    body = _chosen.get().encode()
    _chosen.set("one that another request has set")
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("pieces", [[GET * 3], [GET, GET, GET], [GET + GET[:20], GET[20:] + GET]])
async def test_a_request_begins_with_a_clean_context(pieces: list[bytes]) -> None:
    """The end of a request starts the one behind it, and that must not inherit anything."""
    wire = Wire()
    protocol, _ = _open(_app, wire)
    for piece in pieces:
        protocol.data_received(piece)
    await _until(lambda: wire.written.count(b"HTTP/1.1 200") == 3)
    assert wire.written.count(b"\r\n\r\nnone") == 3


async def test_a_body_that_is_wrong_is_refused_while_a_head_waits() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        begun.set()
        await ended.wait()
        await send({"type": "http.response.body", "body": b"ok"})

    wire = Wire()
    protocol, _ = _open(app, wire)
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await begun.wait()
    protocol.data_received(b"no number\r\n")
    ended.set()
    await asyncio.gather(*protocol.tasks)
    assert bytes(wire.written).startswith(b"HTTP/1.1 400 ")
    assert wire.written.count(b"HTTP/1.1 ") == 1


async def test_tls_is_not_closed_before_the_answer_has_left() -> None:
    """Once it is closing, what is left has a second; then it is lost."""
    wire = Wire(tls=True)
    protocol, edge = _open(_app, wire)
    wire.unsent = 60_000
    protocol.data_received(LAST)
    await _until(lambda: wire.written)
    await asyncio.sleep(0.01)
    for step in range(20):
        wire.unsent -= 1_000
        protocol.check(edge.now + step, 1.0)
        assert not wire.closed
    wire.unsent = 10
    protocol.check(edge.now + 21, 1.0)
    assert wire.closed


async def test_who_takes_nothing_of_the_last_answer_is_left() -> None:
    wire = Wire(tls=True)
    protocol, edge = _open(_app, wire)
    wire.unsent = 60_000
    protocol.data_received(LAST)
    await _until(lambda: wire.written)
    await asyncio.sleep(0.01)
    for step in range(8):
        protocol.check(edge.now + step, 1.0)
    assert wire.closed


async def test_what_waits_is_bounded_over_all_connections() -> None:
    released = asyncio.Event()

    async def never(_scope: Any, _receive: Any, _send: Any) -> None:
        await released.wait()

    wire = Wire()
    protocol, edge = _open(never, wire, held_bytes=10_000)
    protocol.data_received(GET * 100)
    assert not wire.reads
    assert 0 < edge.held < 10_000
    other = EdgeProtocol(protocol.config, protocol.server_state, edge)
    transport: Any = Wire()
    other.connection_made(transport)
    other.data_received(GET * 300)
    assert edge.held < 10_000
    protocol.connection_lost(None)
    other.connection_lost(None)
    assert edge.held == 0
    released.set()
    await _until(lambda: not protocol.tasks)


@pytest.mark.parametrize(
    ("wanted", "descriptors", "limit"),
    [
        (10_000, None, 10_000),
        (10_000, 20_000, 10_000),
        (10_000, 1_024, 768),
        (10_000, 8_192, 7_168),
        (10_000, 100, 36),
        (10_000, 10, 1),
        (50, 1_024, 50),
    ],
)
def test_files_and_databases_keep_descriptors(
    wanted: int, descriptors: int | None, limit: int
) -> None:
    assert connection_limit(wanted, descriptors) == limit


def test_the_soft_limit_of_descriptors_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    limits = [1_024, 4_096]
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, new: limits.__setitem__(0, new[0]))
    assert raise_descriptor_limit() == 4_096
    assert limits == [4_096, 4_096]
    limits[:] = [1_024, resource.RLIM_INFINITY]
    assert raise_descriptor_limit() == 65_536


def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    def refuse(*_: Any) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (1_024, 4_096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit() == 1_024


async def test_a_body_of_known_length_is_none_of_chunks() -> None:
    """What one request said about its body does not hold for the next."""
    seen = []

    async def read(_scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        seen.append(len(body))
        await _app(_scope, receive, send)

    wire = Wire()
    protocol, _ = _open(read, wire)
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    protocol.data_received(post + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
    await _until(lambda: len(seen) == 1)
    protocol.data_received(post + b"Content-Length: 50000\r\n\r\n")
    for _ in range(50_000):
        protocol.data_received(b"y")
    protocol.data_received(GET)
    await _until(lambda: len(seen) == 3)
    assert seen == [1, 50_000, 0]
