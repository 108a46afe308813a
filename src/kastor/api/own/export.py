"""The export of a graph over HTTP: one state of it, sent as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from kastor.api.http.compression import Gzip, takes_gzip
from kastor.api.http.jobs import OPERATION_ID, accepted, begin_job
from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import AS_OF_HEADER, Request, Response, StreamResponse
from kastor.api.http.streaming import Shared
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.graph.instants import read_instant, shown
from kastor.jobs.exporting.kind import OUTPUT, STATE, ExportKind, wanted_of
from kastor.jobs.exporting.wanted import Wanted
from kastor.records import AsOf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kastor.hosting.services import Services

NDJSON = b"application/x-ndjson"
_SETTINGS = (P.ROUTES_READ, P.ENDPOINTS_READ, P.INPUTS_READ, P.INDEXES_READ)
_FLAGS = {"true": True, "false": False}
_DIGITS = 18
_MEMBERS: dict[str, type] = {
    OUTPUT: str,
    "query": str,
    "asOf": str,
    "since": int,
    "kastor": bool,
    "system": bool,
}


async def export(services: Services, request: Request) -> StreamResponse:
    """Answer GET /kastor/v1/export; what is wrong with it is said before the stream."""
    wanted = Wanted(
        query=request.first("query"),
        since=_since(request),
        kastor=_flag(request, "kastor"),
        system=_flag(request, "system"),
    )
    _require_permissions(request, wanted)
    share = request.server.streams.enter(request.client)
    try:
        found = await request.unless_gone(services.exports.open(wanted, request.context))
    except BaseException:
        share.leave()
        raise
    headers = [(b"vary", b"accept-encoding")]
    if request.at is None:  # else every answer names it
        now = AsOf(found.instant.position, found.instant.time)
        headers.append((AS_OF_HEADER.encode(), shown(now).encode()))
    chunks: AsyncIterator[bytes] = Shared(found, share)
    if takes_gzip(request.headers.get(b"accept-encoding", b"")):
        headers.append((b"content-encoding", b"gzip"))
        chunks = Gzip(chunks)
    return StreamResponse(chunks, NDJSON, headers, ends=True)


async def begin_export(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/jobs/exports."""
    body = await request.document(request.server.limits.body_bytes)
    for name, value in body.items():
        if name not in _MEMBERS or not isinstance(value, _MEMBERS[name]):
            raise InvalidArgument(
                f"{name[:80]} cannot be there as it is. An export job has outputBlobUri, and may "
                "have query (a text), asOf (an instant), since (a whole number), kastor and system "
                "(true or false)."
            )
    if isinstance(body.get("since"), bool) or body.get("since", 0) < 0:
        raise InvalidArgument("since must be the number of a change, a whole number from 0.")
    if OUTPUT not in body:
        raise InvalidArgument("An export job needs outputBlobUri.")
    location = services.locations.check(body[OUTPUT], setting=OUTPUT)
    wanted, context = wanted_of(body), request.context
    _require_permissions(request, wanted)
    asked = {**body, "shown": {OUTPUT: location.shown}}
    if "asOf" in body:
        at = await services.graph.at(read_instant(body["asOf"], "asOf"))
        context = structs.replace(context, at=at)
        asked |= {STATE: [at.change, at.time]}
        asked["shown"] |= {"asOf": shown(at)}
    await services.exports.check(wanted, context)
    row, _ = await begin_job(services, request, ExportKind.name, asked)
    return accepted(request, row)


def _require_permissions(request: Request, wanted: Wanted) -> None:
    request.require(P.EXPORT_READ, *(_SETTINGS if wanted.kastor else ()))


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
        errors={400: ("InvalidArgument", "SqlQueryError"), 410: ("ChangesGone", "HistoryExpired")},
        query=("query", "since", "kastor", "system"),
        headers=("Accept-Encoding",),
        versioned=False,
        streams=("application/x-ndjson",),
        in_adt=False,
        as_of=True,
    ),
    Operation(
        "Kastor_ExportJob",
        "POST",
        "/kastor/v1/jobs/exports",
        P.OWN_JOBS_WRITE,
        begin_export,
        "Export the graph, or a part of it, into a file or blob",
        202,
        errors={
            400: ("InvalidArgument", "SqlQueryError"),
            409: ("OperationIdReused",),
            410: ("HistoryExpired",),
            429: ("TooManyRequests",),
        },
        result="OwnJob",
        body=(JSON_BODY, "ExportJob"),
        headers=(OPERATION_ID,),
        versioned=False,
        in_adt=False,
    ),
)
