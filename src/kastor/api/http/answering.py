"""Sends answers that are whole."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kastor.api.http.compression import SMALLEST, gzipped, takes_gzip

if TYPE_CHECKING:
    from kastor.api.http.request import Response, Scope, Send

_NOT_MODIFIED = 304
_TRACE = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = b"0" * 32
_VARY = (b"vary", b"accept-encoding")
_CODED = (b"content-encoding", b"gzip")
_TERMINAL = (b"curl/", b"HTTPie/", b"xh/")


async def send_response(
    scope: Scope, asked: Mapping[bytes, bytes], response: Response, send: Send
) -> None:
    """Send an answer, with what its request asks for beside it.

    Args:
        scope: of the request.
        asked: headers of the request.
        response: the answer.
        send: of the connection.
    """
    headers, body = response.headers, response.body
    if response.content_type is not None:
        headers.append(response.content_type)
    if b"traceparent" in asked:
        traces = [value for name, value in scope["headers"] if name == b"traceparent"]
        headers += [(b"traceresponse", _trace_response(each)) for each in traces]
    if body and asked.get(b"user-agent", b"").startswith(_TERMINAL):
        body += b"\n"  # or the next prompt stands behind the answer
    if len(body) >= SMALLEST and _is_json(response):
        headers.append(_VARY)
        if b"accept-encoding" in asked and takes_gzip(asked[b"accept-encoding"]):
            body = await gzipped(body)
            headers.append(_CODED)
    if response.status != _NOT_MODIFIED:  # it would tell the length of what is not sent
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_json(response: Response) -> bool:
    kind = response.content_type
    return kind is not None and kind[1].startswith(b"application/json")


def _trace_response(traceparent: bytes) -> bytes:
    match = _TRACE.fullmatch(traceparent)
    trace = match[1] if match and match[1] != _NO_TRACE else secrets.token_hex(16).encode()
    return b"00-%s-%s-01" % (trace, secrets.token_hex(8).encode())
