"""Connections of one address: how many it may have, and that each gives its place back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import pytest
import uvicorn
from uvicorn.server import ServerState

from kastor.edge.accept import Acceptor
from kastor.edge.limits import EdgeLimits
from kastor.edge.places import AddressPlaces
from kastor.edge.protocol import EdgeProtocol
from kastor.edge.watch import Edge
from kastor.server.certificate import ensure_development_certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio
EACH = 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Listening:
    """An acceptor of a server whose application is never asked."""

    def __init__(self, tls: ssl.SSLContext | None = None, **limits: Any) -> None:
        config = uvicorn.Config(_nothing, lifespan="off", ws="none", log_config=None)
        config.load()
        state = ServerState()
        connections: Any = state.connections
        self.edge = Edge(EdgeLimits(connections_each=EACH, **limits), lambda _status: None)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.acceptor = Acceptor(
            self._listener,
            self.edge,
            lambda: EdgeProtocol(config, state, self.edge),
            connections,
            tls,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.acceptor.close()
        await self.acceptor.wait_closed()
        self._listener.close()
        await until(lambda: len(self.edge.places) == 0)
        assert self.edge.meter.open == 0

    async def connect(self, stack: AsyncExitStack, address: str = "127.0.0.2") -> socket.socket:
        made = socket.socket()
        stack.callback(made.close)
        made.bind((address, 0))
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, self._listener.getsockname())
        return made


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    pass


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.002)


async def is_ended(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        return await asyncio.get_running_loop().sock_recv(connection, 1) == b""
    return True


def certificate(folder: Path) -> ssl.SSLContext:
    made = ensure_development_certificate(folder, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context


async def test_an_address_has_so_many_and_gets_each_place_back() -> None:
    async with Listening() as there, AsyncExitStack() as stack:
        held = [await there.connect(stack) for _ in range(EACH)]
        await until(lambda: there.edge.meter.open == EACH)
        assert await is_ended(await there.connect(stack))
        await there.connect(stack, "127.0.0.3")
        await until(lambda: there.edge.meter.open == EACH + 1)
        assert len(there.edge.places) == 2
        held[0].close()
        await until(lambda: there.edge.meter.open == EACH)
        await there.connect(stack)
        await until(lambda: there.edge.meter.open == EACH + 1)
        assert there.edge.meter.ended == {"full": 0, "evicted": 0, "address": 1}


async def test_handshakes_have_places_until_they_fail(tmp_path: Path) -> None:
    async with Listening(certificate(tmp_path / "tls")) as there, AsyncExitStack() as stack:
        for _ in range(2):
            held = [await there.connect(stack) for _ in range(EACH)]
            assert await is_ended(await there.connect(stack))
            for each in held[1:]:
                await asyncio.get_running_loop().sock_sendall(each, b"no handshake at all\r\n\r\n")
            held[0].close()
            await until(lambda: len(there.edge.places) == 0)
        assert there.edge.meter.open == 0


async def test_handshakes_that_are_under_way_at_the_end_give_theirs_back(tmp_path: Path) -> None:
    stack = AsyncExitStack()  # which ends after the acceptor
    async with stack, Listening(certificate(tmp_path / "tls")) as there:
        for _ in range(EACH):
            await there.connect(stack)
        await until(lambda: len(there.edge.places))


async def test_what_is_not_taken_in_has_no_place() -> None:
    async with Listening(connections=1, spare=0) as there, AsyncExitStack() as stack:
        await there.connect(stack)
        await until(lambda: there.edge.meter.open == 1)
        for number in range(5):
            await there.connect(stack, f"127.0.0.{number + 10}")
        ended = there.edge.meter.ended
        await until(lambda: ended["full"] + ended["evicted"] + there.edge.meter.open == 6)
        assert ended["full"] > 0
        await until(lambda: len(there.edge.places) == there.edge.meter.open)


def test_without_a_limit_nothing_is_counted() -> None:
    places = AddressPlaces(0)
    assert all(places.enter(f"10.0.0.{number % 2}") for number in range(1_000))
    assert len(places) == 0


def test_a_network_of_ipv6_is_one_address() -> None:
    places = AddressPlaces(2)
    first = places.enter("2001:db8::1")
    assert first is not None
    assert places.enter("2001:db8::2")
    assert places.enter("2001:db8::3") is None
    assert places.enter("2001:db8:0:1::3")
    first.leave()
    first.leave()
    assert places.enter("2001:db8::4")
    assert places.enter("2001:db8::5") is None
