"""A server that does with each request what a test says, and counts what arrived whole."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[["Peer"], None]


@dataclass(frozen=True)
class Arrived:
    """A request that was read to its end."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """One connection, and the request on it."""

    socket: socket.socket
    buffer: bytes = b""

    def request(self) -> Arrived | None:
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        fields = [line.partition(": ") for line in lines if line]
        headers = {name.lower(): value for name, _, value in fields}
        body = self._body(headers)
        return None if body is None else Arrived(method, path, headers, body)

    def _body(self, headers: dict[str, str]) -> bytes | None:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while (size := self._until(b"\r\n")) is not None:
                piece = self._take(int(size, 16) + 2)
                if piece is None:
                    return None
                body += piece[:-2]
                if int(size, 16) == 0:
                    return body
            return None
        return self._take(int(headers.get("content-length", "0")))

    def _until(self, end: bytes) -> bytes | None:
        while end not in self.buffer:
            if not self._more():
                return None
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def _take(self, size: int) -> bytes | None:
        while len(self.buffer) < size:
            if not self._more():
                return None
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def _more(self) -> bool:
        try:
            piece = self.socket.recv(65_536)
        except OSError:
            return False
        self.buffer += piece
        return bool(piece)


def raw(data: bytes) -> Behaviour:
    """Send these bytes and close."""

    def behave(peer: Peer) -> None:
        peer.socket.sendall(data)

    return behave


def answer(status: int = 200, body: Any = None, **headers: str) -> Behaviour:
    """Answer, and close."""
    text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in {**named, "content-length": len(text)}.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Word", *lines, "connection: close", "", ""])
    return raw(head.encode() + text)


def drop(_peer: Peer) -> None:
    """Close after the request was read."""


def unread(_peer: Peer) -> None:
    """Close before the request is read; `Misbehaving` looks for this one."""


@dataclass(frozen=True)
class early:  # noqa: N801 - it stands among functions
    """Do something when the head has come, and throw the rest away."""

    behave: Behaviour

    def __call__(self, peer: Peer) -> None:
        self.behave(peer)
        peer.socket.shutdown(socket.SHUT_WR)
        while peer.socket.recv(1 << 20):
            pass


HALF = raw(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"half": ')
HALF_CHUNK = raw(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{"half": ')
FEATURES = ("batch", "dry-run", "import-upload", "events", "live-queries", "export", "jobs")
KASTOR = answer(body={"name": "Kastor", "features": FEATURES})


@dataclass
class Misbehaving:
    """Does with the requests, in their order, what it is told to, and then the last of it again.

    Attributes:
        arrived: what was read whole, without the questions for features.
        root: what `/` answers.
        then: called after a request, before its connection is closed.
        close: lets nobody in any more.
    """

    behaviours: Sequence[Behaviour]
    root: Behaviour = KASTOR
    arrived: list[Arrived] = field(default_factory=list)
    asked: int = 0
    then: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    _turn: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            peer = Peer(connection)
            first = self._behaviour()
            is_root = connection.recv(6, socket.MSG_PEEK) == b"GET /?"
            if not is_root and (first is unread or isinstance(first, early)):
                with suppress(OSError):
                    self._next()(peer)
                return
            request = peer.request()
            if request is None:
                return
            if request.path.startswith("/?"):
                self.asked += 1
                self.root(peer)
                return
            with self._lock:
                self.arrived.append(request)
            behave = self._next()
            with suppress(OSError):
                behave(peer)
            self.then()

    def _behaviour(self) -> Behaviour:
        return self.behaviours[min(self._turn, len(self.behaviours) - 1)]

    def _next(self) -> Behaviour:
        with self._lock:
            found = self._behaviour()
            self._turn += 1
            return found


@contextmanager
def misbehaving(
    *behaviours: Behaviour, root: Behaviour = KASTOR
) -> Iterator[tuple[Misbehaving, str]]:
    """Yield a server and its address."""
    server = Misbehaving(behaviours, root)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()

    def close() -> None:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.close = close
    try:
        yield server, url
    finally:
        close()
        thread.join(5)
