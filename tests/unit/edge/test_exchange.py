"""What is written of an answer, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from kastor.edge.exchange import Exchange
from kastor.edge.limits import EdgeLimits
from kastor.edge.protocol import EdgeProtocol
from kastor.edge.watch import Edge

pytestmark = pytest.mark.anyio
LENGTH = [(b"content-length", b"4")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wire:
    """A transport that keeps each write apart."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def start(headers: Any = (), status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(text: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": more}


@asynccontextmanager
async def exchange(method: str = "GET", head: str = "") -> AsyncIterator[tuple[Exchange, Wire]]:
    """A request that was just read, whose application does nothing of itself."""
    idle = asyncio.Event()

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await idle.wait()

    config = uvicorn.Config(app, lifespan="off", ws="none", http="httptools", log_config=None)
    config.load()
    state, wire = ServerState(), Wire()
    protocol = EdgeProtocol(config, state, Edge(EdgeLimits(), lambda _status: None))
    transport: Any = wire
    protocol.connection_made(transport)
    protocol.data_received(f"{method} / HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode())
    found = protocol.cycle
    assert isinstance(found, Exchange)
    try:
        yield found, wire
    finally:
        for task in state.tasks:
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def test_an_answer_of_known_length_is_one_write() -> None:
    async with exchange() as (found, wire):
        await found.send(start([*LENGTH, (b"ETag", b'W/"1"')]))
        assert wire.writes == []
        await found.send(body(b"four"))
        text = b'HTTP/1.1 200 OK\r\ncontent-length: 4\r\netag: W/"1"\r\n\r\nfour'
        assert wire.writes == [text]
        assert found.response_complete
        assert not wire.closed


async def test_a_long_body_is_not_copied_behind_its_head() -> None:
    async with exchange() as (found, wire):
        await found.send(start([(b"content-length", b"70000")]))
        await found.send(body(b"x" * 70_000))
        assert [len(each) > 1_000 for each in wire.writes] == [False, True]
        assert wire.writes[1] == b"x" * 70_000


async def test_parts_of_a_body_follow_as_they_come() -> None:
    async with exchange() as (found, wire):
        await found.send(start(LENGTH))
        await found.send(body(b"fo", more=True))
        assert len(wire.writes) == 1
        assert wire.writes[0].endswith(b"\r\n\r\nfo")
        assert not found.response_complete
        await found.send(body(b"ur"))
        assert wire.writes[1:] == [b"ur"]
        assert found.response_complete


async def test_the_head_of_a_stream_leaves_at_once() -> None:
    async with exchange() as (found, wire):
        await found.send(start())
        assert wire.writes == [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]
        await found.send(body(b"0123456789", more=True))
        await found.send(body(more=True))
        assert wire.writes[1:] == [b"a\r\n0123456789\r\n"]
        await found.send(body())
        assert wire.writes[2:] == [b"0\r\n\r\n"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_an_answer_without_a_body_is_a_head(method: str, status: int) -> None:
    async with exchange(method) as (found, wire):
        await found.send(start(LENGTH if method == "HEAD" else (), status))
        await found.send(body(b"four" if method == "HEAD" else b""))
        (text,) = wire.writes
        assert text.endswith(b"\r\n\r\n")
        assert b"chunked" not in text
        assert found.response_complete


async def test_a_body_of_another_length_is_a_fault_of_the_application() -> None:
    async with exchange() as (found, _):
        await found.send(start(LENGTH))
        with pytest.raises(RuntimeError, match="longer than Content-Length"):
            await found.send(body(b"fives"))
    async with exchange() as (found, _):
        await found.send(start(LENGTH))
        with pytest.raises(RuntimeError, match="shorter than Content-Length"):
            await found.send(body(b"two"))


@pytest.mark.parametrize("control", [0, 1, 8, 10, 13, 31, 127])
async def test_no_value_of_a_header_begins_another_one(control: int) -> None:
    async with exchange() as (found, wire):
        with pytest.raises(RuntimeError, match="header value"):
            await found.send(start([*LENGTH, (b"x", b"a%cb" % control)]))
        assert wire.writes == []


@pytest.mark.parametrize("name", [b"a b", b"a:", b"a\r\nb", b"a\x00"])
async def test_no_name_of_a_header_begins_another_one(name: bytes) -> None:
    async with exchange() as (found, wire):
        with pytest.raises(RuntimeError, match="header name"):
            await found.send(start([*LENGTH, (name, b"b")]))
        assert wire.writes == []


async def test_tabs_and_bytes_beyond_ascii_may_stand_in_values() -> None:
    async with exchange() as (found, wire):
        await found.send(start([*LENGTH, (b"x", b"a\tb\xc3\xa9")]))
        await found.send(body(b"four"))
        assert b"\r\nx: a\tb\xc3\xa9\r\n" in wire.writes[0]


@pytest.mark.parametrize(("head", "headers"), [("Connection: close\r\n", LENGTH), ("", LENGTH)])
async def test_it_says_when_the_connection_ends(head: str, headers: Any) -> None:
    own = [] if head else [(b"Connection", b"keep, Close")]
    async with exchange(head=head) as (found, wire):
        await found.send(start([*headers, *own]))
        await found.send(body(b"four"))
        assert wire.writes[0].lower().count(b"connection: ") == 1
        assert wire.closed


async def test_what_comes_out_of_turn_is_a_fault_of_the_application() -> None:
    async with exchange() as (found, _):
        with pytest.raises(RuntimeError, match="Expected ASGI message"):
            await found.send(body(b"four"))
        await found.send(start(LENGTH))
        with pytest.raises(RuntimeError, match="Expected ASGI message"):
            await found.send(start(LENGTH))
        await found.send(body(b"four"))
        with pytest.raises(RuntimeError, match="after response already completed"):
            await found.send(body(b"more"))


@pytest.mark.parametrize(
    "parts", [[start(LENGTH)], [start(LENGTH), body(b"fives")], [start([*LENGTH, (b"x", b"a\nb")])]]
)
async def test_a_fault_before_anything_is_written_is_answered(parts: list[dict[str, Any]]) -> None:
    """A connection that ends without a word looks to clients as if they might ask again."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for part in parts:
            await send(part)
        raise ValueError

    async with exchange() as (found, wire):
        await found.run_asgi(app)
        assert found.response_complete
    text = b"".join(wire.writes)
    assert text.startswith(b"HTTP/1.1 500 ")
    assert text.endswith(b"\r\n\r\nInternal Server Error")
    assert text.count(b"content-length: 21\r\n") == text.count(b"content-length: ") == 1
    assert wire.closed


async def test_a_fault_behind_the_first_bytes_ends_the_connection() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(LENGTH))
        await send(body(b"fo", more=True))
        raise ValueError

    async with exchange() as (found, wire):
        await found.run_asgi(app)
    assert b"".join(wire.writes).endswith(b"content-length: 4\r\n\r\nfo")
    assert wire.closed
