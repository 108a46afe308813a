"""Bytes on a socket, as no client library would send them."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from kastor.testing import KastorServer

HOST = b"Host: localhost\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = (
    b"POST /query?api-version=2023-10-31 HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n"
)


def connect(server: KastorServer, seconds: float = 10.0) -> socket.socket:
    address = urlsplit(server.url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 80), seconds)


@contextlib.contextmanager
def connected(server: KastorServer, count: int) -> Iterator[list[socket.socket]]:
    """So many connections, which say nothing by themselves."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(server)) for _ in range(count)]


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            found += piece
    return found


def talk(server: KastorServer, *parts: bytes) -> bytes:
    """Send, then read until the server ends the connection."""
    with connect(server) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        return read_all(connection)


def pour(connection: socket.socket, piece: bytes, most: int) -> int:
    """Send a piece again and again, until `most` bytes or until the server has had enough."""
    sent = 0
    connection.settimeout(1.0)
    with contextlib.suppress(OSError):
        while sent < most:
            sent += connection.send(piece)
    return sent


def descriptors(server: KastorServer) -> int:
    """How many the server's process has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def ended(connections: list[socket.socket], seconds: float) -> int:
    """How many of them the server has ended within that time."""
    until, left = time.monotonic() + seconds, list(connections)
    while left and time.monotonic() < until:
        left = [each for each in left if not _is_ended(each)]
        time.sleep(0.05)
    return len(connections) - len(left)


def _is_ended(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
