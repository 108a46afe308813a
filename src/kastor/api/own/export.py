"""The export of a graph over HTTP: one state of it, sent as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.api.http.compression import Gzip, takes_gzip
from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, StreamResponse
from kastor.auth.roles import Permission as P
from kastor.clock import twin_time
from kastor.errors import Forbidden, InvalidArgument
from kastor.jobs.exporting.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kastor.budget import StreamShare
    from kastor.hosting.services import Services
    from kastor.jobs.exporting.service import Export

NDJSON = b"application/x-ndjson"
AS_OF_HEADER = b"kastor-as-of"
_SETTINGS = (P.ROUTES_READ, P.INPUTS_READ, P.INDEXES_READ)
_FLAGS = {"true": True, "false": False}
_DIGITS = 18


async def export(services: Services, request: Request) -> StreamResponse:
    """Answer GET /kastor/v1/export; what is wrong with it is said before the stream."""
    wanted = Wanted(
        query=request.first("query"),
        since=_since(request),
        kastor=_flag(request, "kastor"),
        system=_flag(request, "system"),
    )
    if wanted.kastor and not request.actor.permissions.issuperset(_SETTINGS):
        raise Forbidden("Routes, inputs and indexes may not be read.")
    share = request.server.streams.enter(request.client)
    try:
        found = await request.unless_gone(services.exports.open(wanted, request.context))
    except BaseException:
        share.leave()
        raise
    instant = b"%b; change=%d" % (twin_time(found.instant.time).encode(), found.instant.position)
    headers = [(AS_OF_HEADER, instant), (b"vary", b"accept-encoding")]
    chunks: AsyncIterator[bytes] = _Shared(found, share)
    if takes_gzip(request.headers.get(b"accept-encoding", b"")):
        headers.append((b"content-encoding", b"gzip"))
        chunks = Gzip(chunks)
    return StreamResponse(chunks, NDJSON, headers, ends=True)


class _Shared:
    """An export that has its place among the streams for as long as it is open."""

    def __init__(self, found: Export, share: StreamShare) -> None:
        self._found = found
        self._share = share

    def __aiter__(self) -> _Shared:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._found)

    async def aclose(self) -> None:
        self._share.leave()
        await self._found.aclose()


def _since(request: Request) -> int | None:
    text = request.first("since")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidArgument("since must be the number of a change, a whole number from 0.")
    return int(text)


def _flag(request: Request, name: str) -> bool:
    text = request.first(name)
    if text is None:
        return False
    if text.lower() not in _FLAGS:
        raise InvalidArgument(f"{name} must be true or false.")
    return _FLAGS[text.lower()]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Export",
        "GET",
        "/kastor/v1/export",
        P.EXPORT_READ,
        export,
        "Export the graph, or a part of it, as a file that can be imported",
        errors={400: ("InvalidArgument", "SqlQueryError"), 410: ("ChangesGone",)},
        query=("query", "since", "kastor", "system"),
        headers=("Accept-Encoding",),
        versioned=False,
        streams=("application/x-ndjson",),
        in_adt=False,
    ),
)
