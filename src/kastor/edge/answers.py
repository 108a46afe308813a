"""Answers that the edge gives by itself, in the envelope of all others, as bytes."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from kastor.api.http.problem import answer
from kastor.errors import KastorError, Unavailable

if TYPE_CHECKING:
    from kastor.api.http.request import Receive, Response, Scope, Send

HEALTH = frozenset(("/healthz", "/readyz", "/health"))
"""Paths that a full server answers."""


def last_answer(response: Response, defaults: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return an answer after which the connection ends.

    Args:
        response: what is answered.
        defaults: headers that every answer has.
    """
    phrase = HTTPStatus(response.status).phrase.encode()
    lines = [b"HTTP/1.1 %d %s\r\n" % (response.status, phrase)]
    for name, value in (*defaults, *_headers(response)):
        lines.append(b"%s: %s\r\n" % (name, value))
    return b"".join((*lines, b"\r\n", response.body))


async def full(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer that there are too many connections; an ASGI application."""
    del scope
    await send_answer(too_many(), send)


async def send_answer(error: KastorError, send: Send) -> None:
    """Send an error as an ASGI application does; the connection ends after it."""
    response = answer(error)
    headers = list(_headers(response))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def too_many() -> KastorError:
    """Return the error of a server whose connections are all in use."""
    return Unavailable(
        "The server has as many connections as it may (setting max_connections). Try again, and "
        "use one connection for several requests."
    )


def _headers(response: Response) -> Iterable[tuple[bytes, bytes]]:
    yield from response.headers
    if response.content_type is not None:
        yield response.content_type
    yield b"content-length", b"%d" % len(response.body)
    yield b"connection", b"close"
