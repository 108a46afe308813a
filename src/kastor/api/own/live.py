"""Live queries over HTTP: rows as Server-Sent Events, for as long as the client stays."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import orjson

from kastor.api.contract.query import STRICT_HEADER, read_members
from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, StreamResponse
from kastor.api.own.feed import HEARTBEAT_SECONDS
from kastor.auth.roles import Permission as P
from kastor.errors import BadRequest, KastorError
from kastor.live.service import LiveHeartbeat, Ready, Removed, Rows
from kastor.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kastor.hosting.services import Services
    from kastor.live.diff import Row
    from kastor.live.service import LiveQuery, Update

_log = get_logger("kastor.live")


async def follow(services: Services, request: Request) -> StreamResponse:
    """Answer POST /kastor/v1/query/live; what is wrong with the query is said before the stream."""
    wanted = ("query", "parameters")
    body = await read_members(request, request.server.limits.body_bytes, wanted)
    text = body["query"]
    if not isinstance(text, str) or not text:
        raise BadRequest("The request needs a query: a text.")
    strict = request.headers.get(STRICT_HEADER, b"").lower() in (b"true", b"1")
    share = request.server.streams.enter(request.client)
    try:
        opened = services.live.open(
            text,
            request.context,
            strict=strict,
            parameters=body.get("parameters"),
            share=share,
        )
        live = await request.unless_gone(opened)
    except BaseException:
        share.leave()
        raise
    for warning in live.warnings:
        request.warn(warning)
    return StreamResponse(_stream(live), b"text/event-stream", farewell=_error)


async def _stream(live: LiveQuery) -> AsyncIterator[bytes]:
    try:
        async with contextlib.aclosing(live.updates(HEARTBEAT_SECONDS)) as updates:
            async for update in updates:
                yield _event(update, live.warnings)
    except KastorError as error:
        _log.info("live query ended", code=error.code, reason=error.message)
        yield _error(error)


def _error(error: KastorError) -> bytes:
    told = orjson.dumps({"error": {"code": error.code, "message": error.message}})
    return b"event: error\ndata: " + told + b"\n\n"


def _event(update: Update, warnings: tuple[str, ...]) -> bytes:
    match update:
        case Rows():
            name = update.kind.encode()
            data = b'{"rows":[' + b",".join([_row(row) for row in update.rows]) + b"]}"
        case Removed():
            name = b"removed"
            data = orjson.dumps({"rows": [{"id": identity} for identity in update.ids]})
        case Ready():
            name = b"ready"
            told: dict[str, object] = {"mode": update.mode, "why": update.why}
            if warnings:
                told["warnings"] = warnings
            data = orjson.dumps(told)
        case LiveHeartbeat():
            return b": nothing new\nid: %d\n\n" % update.position
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (update.position, name, data)


def _row(row: Row) -> bytes:
    # One line each: raw line breaks can only be white space between a row's tokens.
    text = row.text.encode().translate(None, b"\r\n")
    return b'{"id":' + orjson.dumps(row.id) + b',"row":' + text + b"}"


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_LiveQuery",
        "POST",
        "/kastor/v1/query/live",
        P.QUERY,
        follow,
        "Follow the rows of a query, as Server-Sent Events",
        errors={400: ("SqlQueryError", "TimeoutError")},
        body=(JSON_BODY, "LiveQuerySpecification"),
        headers=("kastor-adt-strict",),
        versioned=False,
        streams=("text/event-stream",),
        dry_run=True,
    ),
)
