"""Rules of a request's head that keep two programs from reading it in two ways (RFC 9112)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

import httptools

from kastor.errors import BadRequest, HeadersTooLarge, KastorError, UriTooLong

if TYPE_CHECKING:
    from kastor.edge.limits import EdgeLimits

SINGLE = frozenset(
    (
        *(b"host", b"content-length", b"transfer-encoding", b"content-type", b"content-encoding"),
        b"authorization",
    )
)
"""Headers that may stand there once: of two, one program takes the first, another the last."""


def is_too_large(size: int, target: bytes, limits: EdgeLimits) -> bool:
    """Return whether a head of `size` bytes, complete or not, is over its limits."""
    return size > limits.head_bytes or len(target) > limits.target_bytes


def too_large(target: bytes, limits: EdgeLimits) -> KastorError:
    """Return the error of a head that is over its limits."""
    if len(target) > limits.target_bytes:
        return UriTooLong(f"The address of the request is over {limits.target_bytes} bytes.")
    return HeadersTooLarge(
        f"The head of the request is over its limit of {limits.head_bytes} bytes."
    )


def require_single(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a head with two of a header that may stand there once; raises BadRequest."""
    seen = set()
    for name, _ in headers:
        if name in seen and name in SINGLE:
            raise BadRequest(f"The header {name.decode()} stands there twice.")
        seen.add(name)


def require_version(version: str, headers: Container[bytes]) -> None:
    """Refuse what is neither HTTP/1.0 nor 1.1, and what could mean two things in them.

    Raises:
        BadRequest: another version, no host, or a transfer coding of a version that has none.
    """
    if version == "1.1":
        if b"host" not in headers:
            raise BadRequest("The request has no header Host.")
    elif version != "1.0":
        raise BadRequest("The server speaks HTTP/1.1.")
    elif b"transfer-encoding" in headers:
        raise BadRequest("HTTP/1.0 has no transfer codings; send Content-Length or HTTP/1.1.")


def require_coding(coding: bytes, *, upgrades: bool) -> None:
    """Refuse a transfer coding whose end cannot be told.

    Args:
        coding: value of Transfer-Encoding.
        upgrades: whether the request asks for another protocol as well.

    Raises:
        BadRequest: it is not `chunked`, or stands in a request that asks for another protocol.
    """
    if coding.lower() != b"chunked":
        raise BadRequest("The only transfer coding that is taken is chunked.")
    if upgrades:
        raise BadRequest("A request with Upgrade needs a Content-Length for its body.")


class BodyListener(Protocol):
    """What a parser tells of a body."""

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""

    def on_message_complete(self) -> None:
        """Note that the body has ended."""


def body_parser(protocol: BodyListener, length: int) -> httptools.HttpRequestParser:
    """Return a parser that stands before a body of `length` bytes.

    The parser thinks that a request with Upgrade has no body, and would take the body for the next
    request. This one is past such a head, and tells of the body alone; it is not used further.
    """
    listener = SimpleNamespace(
        on_body=protocol.on_body, on_message_complete=protocol.on_message_complete
    )
    parser = httptools.HttpRequestParser(listener)
    parser.feed_data(b"POST / HTTP/1.1\r\nhost: -\r\ncontent-length: %d\r\n\r\n" % length)
    return parser


def absolute_target(target: bytes) -> tuple[bytes, bytes]:
    """Return host and path of an absolute target; the host counts, not the header (RFC 9112 3.2.2).

    Raises:
        BadRequest: it is something else than http://host/path.
    """
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in (b"http", b"https"):
        raise BadRequest("The target of the request must be a path, or http:// and a host.")
    end = min((at for at in map(rest.find, (b"/", b"?", b"#")) if at >= 0), default=len(rest))
    host, path = rest[:end], rest[end:]
    if not host or b"@" in host:
        raise BadRequest("The target of the request has no host, or a user.")
    if not path.startswith(b"/"):
        path = b"/" + path
    try:
        httptools.parse_url(path)
    except httptools.HttpParserInvalidURLError:
        raise BadRequest("The target of the request is no address.") from None
    return host, path
