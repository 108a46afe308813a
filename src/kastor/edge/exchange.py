"""One request and its answer on a connection: uvicorn's cycle, which writes an answer at once.

uvicorn writes head and body apart. Each write is a call into the system that wakes the client up,
and costs about as much as everything else that the server does with a small request.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from kastor.edge.answers import send_answer
from kastor.errors import Unavailable
from kastor.logs import library_logger
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_JOINED_BYTES = 65_536
"""A longer body is written after its head: copying it would cost more than the call."""
_silent = library_logger("kastor.edge.cut")
_silent.disabled = True
_WITHOUT_BODY = (204, 304)
_NOT_IN_VALUES = bytes(each for each in range(32) if each != ord("\t")) + b"\x7f"
"""As uvicorn's expression says; to look for them this way takes a quarter of the time."""


class Exchange(RequestResponseCycle):
    """One request and its answer.

    A head that says how long its body is waits for the body, which an application sends next; one
    of a stream is written when it is there. While a head waits another answer may take its place,
    as where the application fails.

    Attributes:
        response_started: something of the answer has been written.
        begun: the application has said how the answer begins.
    """

    def __init__(
        self,
        protocol: HttpToolsProtocol,
        scope: Any,  # any: ASGI
        *,
        keep_alive: bool,
    ) -> None:
        # All that the base class has, without its eleven arguments.
        self.scope = scope
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.message_event = asyncio.Event()
        self.on_response = protocol.on_response_complete
        self.disconnected = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.body = bytearray()
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding: bool | None = None
        self.expected_content_length = 0
        self.begun = False
        self._head = b""
        self._cut = False

    def cut_off(self) -> None:
        """Have the end of the application, which is about to be cancelled, be told as the server's.

        It is no fault, so nothing is logged.
        """
        self._cut, self.logger = True, _silent

    @override
    async def send(self, message: Any) -> None:  # any: ASGI
        """Take a part of the answer; an application that breaks ASGI gets RuntimeError."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.begun:
            _require(message, "http.response.start")
            self._begin(message["status"], message.get("headers", ()))
            self.begun = True
        elif not self.response_complete:
            _require(message, "http.response.body")
            self._go_on(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(
                f"Unexpected ASGI message '{message['type']}' sent, after response already "
                "completed."
            )

    @override
    async def send_500_response(self) -> None:
        """Answer instead of the application, which has failed."""
        self.begun, self._head = False, b""
        if not self._cut:
            await super().send_500_response()
            return
        await send_answer(
            Unavailable(
                "The server has ended before the request was done. It is not known what became of "
                "it: read the resource before you repeat a write, or repeat it with If-Match."
            ),
            self.send,
        )

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.waiting_for_100_continue = False
        self.chunked_encoding, self.expected_content_length = None, 0
        lines = [STATUS_LINE[status]]
        closes = False
        for name, value in (*self.default_headers, *headers):
            begin = _line_begin(name)
            if len(value.translate(None, _NOT_IN_VALUES)) != len(value):
                raise RuntimeError("Invalid HTTP header value.")
            lines += (begin, value, b"\r\n")
            if begin == b"content-length: ":
                if self.chunked_encoding is None:
                    self.expected_content_length = int(value)
                    self.chunked_encoding = False
            elif begin == b"transfer-encoding: " and value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
            elif begin == b"connection: " and _says_close(value):
                self.keep_alive = False
                closes = True
        if not self.keep_alive and not closes:
            lines.append(b"connection: close\r\n")
        is_head = self.scope["method"] == "HEAD"
        if self.chunked_encoding is None and not is_head and status not in _WITHOUT_BODY:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if self.chunked_encoding:
            self.response_started = True
            self.transport.write(head)
        else:
            self._head = head

    def _go_on(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        elif self.chunked_encoding:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if not more:
                body += b"0\r\n\r\n"
        else:
            if len(body) > self.expected_content_length:
                raise RuntimeError("Response content longer than Content-Length")
            self.expected_content_length -= len(body)
        self._write(body)
        if more:
            return
        if self.expected_content_length != 0:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _write(self, body: bytes) -> None:
        head, self._head = self._head, b""
        self.response_started = True
        if head and len(body) > _JOINED_BYTES:
            self.transport.write(head)
            self.transport.write(body)
        elif head or body:
            self.transport.write(head + body)


def _says_close(value: bytes) -> bool:
    return b"close" in [token.lower().strip() for token in value.split(b",")]


def _require(message: Any, kind: str) -> None:
    if message["type"] != kind:
        raise RuntimeError(f"Expected ASGI message '{kind}', but got '{message['type']}'.")


@lru_cache(maxsize=256)  # an application has few names
def _line_begin(name: bytes) -> bytes:
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower() + b": "
