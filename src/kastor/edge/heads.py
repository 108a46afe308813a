"""Rules of a request's head that keep two programs from reading it in two ways (RFC 9112)."""

from __future__ import annotations

from collections.abc import Sequence

import httptools

from kastor.errors import BadRequest

SINGLE = frozenset(
    (
        *(b"host", b"content-length", b"transfer-encoding", b"content-type", b"content-encoding"),
        b"authorization",
    )
)
"""Headers that may stand there once: of two, one program takes the first, another the last."""


def require_sound_head(version: str, singles: Sequence[bytes]) -> None:
    """Refuse a head that could mean two things.

    Args:
        version: of HTTP.
        singles: names of the head's headers that are among SINGLE.

    Raises:
        BadRequest: it is no head of HTTP/1.0 or 1.1, or nobody can say which host it is for.
    """
    if version == "1.1":
        if b"host" not in singles:
            raise BadRequest("The request has no header Host.")
    elif version != "1.0":
        raise BadRequest("The server speaks HTTP/1.1.")
    elif b"transfer-encoding" in singles:
        raise BadRequest("HTTP/1.0 has no transfer codings; send Content-Length or HTTP/1.1.")


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
