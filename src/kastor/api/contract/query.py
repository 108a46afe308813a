"""The query endpoint (rest-api B.4, query-language 1 to 4)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.contract import legacy
from kastor.api.http.operation import JSON_BODY, PAGE_SIZE, READ_FROM, Operation
from kastor.api.http.paging import max_items
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import BadRequest, InvalidArgument, QueryTimeout, ValidationFailed
from kastor.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kastor.hosting.services import Services
    from kastor.query.service import ResultPage

STRICT_HEADER = b"kastor-adt-strict"
EXPLAIN_HEADER = b"kastor-explain"
_MEMBERS = ("query", "continuationToken", "parameters", "language")
_YES = (b"true", b"1")
_log = get_logger("kastor.query")
_UNBOUNDED = 1_000_000_000


async def query_twins(services: Services, request: Request) -> Response:
    """Answer POST /query; a token wins over the query text beside it."""
    size = max_items(request, 0, _UNBOUNDED) or None
    body = await read_members(request, request.server.limits.body_bytes, _MEMBERS)
    text, token = body.get("query"), body.get("continuationToken")
    if text is not None and not isinstance(text, str):
        raise BadRequest("query must be a string.")
    if token is not None and not isinstance(token, str):
        raise BadRequest("An invalid continuationToken was provided.")
    if not text and not token:
        raise BadRequest("Give a query, or the continuationToken of the page before.")
    started = time.perf_counter()
    try:
        page = await _page(services, request, body, size)
    except QueryTimeout:
        if text and not token:  # which names another; it is not read for this
            elapsed = time.perf_counter() - started
            services.slow.note(text, elapsed, request.context, timed_out=True)
        raise
    request.read_past(page.at)  # a token says it, whatever the request names
    for warning in page.warnings:
        request.warn(warning)
    elapsed = time.perf_counter() - started
    if elapsed > request.server.limits.slow_query_seconds:
        values = {"seconds": round(elapsed, 3), "rows": page.rows, "actor": request.actor.name}
        _log.warning("slow query", query=page.text, **values)
        services.slow.note(page.text, elapsed, request.context, rows=page.rows)
    value = page.value
    if request.api_version == legacy.VERSION:
        value = legacy.strip_rows(value)
    answer = b'{"value":' + value + b',"continuationToken":' + orjson.dumps(page.continuation)
    return json_response(answer + b"}", (b"query-charge", f"{page.charge:.2f}".encode()))


async def _page(
    services: Services, request: Request, body: Mapping[str, Any], size: int | None
) -> ResultPage:
    text, token = body.get("query"), body.get("continuationToken")
    strict = request.headers.get(STRICT_HEADER, b"").lower() in _YES
    explain = request.headers.get(EXPLAIN_HEADER, b"").lower() in _YES
    parameters, context = body.get("parameters"), request.context
    language = body.get("language")
    if language is not None and text and not token:
        services.query.require_language(text, language, strict=strict)
    if not (token or explain):
        page = services.query.at_once(
            text, context, max_items=size, strict=strict, parameters=parameters
        )
        if page is not None:
            return page
    running = services.query.run(
        text,
        context,
        token=token or None,
        max_items=size,
        strict=strict,
        explain=explain,
        parameters=parameters,
    )
    return await request.unless_gone(running)


async def read_members(request: Request, limit: int, names: Iterable[str]) -> dict[str, Any]:
    """Return these members of a body that is a JSON object; others are overlooked, and let go.

    Raises:
        BadRequest: the body is something else.
    """
    body = await request.body(limit)
    try:
        value = await request.decoded(body)
    except (InvalidArgument, ValidationFailed) as error:
        raise BadRequest(error.message) from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object with a query.")
    members = {name: value.get(name) for name in names}
    del value, body
    request.let_go()  # a query may take long, and holds nothing of its body but these
    return members


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Query_QueryTwins",
        "POST",
        "/query",
        P.QUERY,
        query_twins,
        "Query twins and relationships",
        errors={
            400: ("BadRequest", "InvalidArgument", "SqlQueryError", "TimeoutError"),
            429: ("QuotaReachedError",),
        },
        result="QueryResult",
        body=(JSON_BODY, "QuerySpecification"),
        headers=(*PAGE_SIZE, "kastor-adt-strict", "kastor-explain", *READ_FROM),
        dry_run=True,
        as_of=True,
        by_twin=True,
    ),
)
