"""Versions of one twin or relationship, series of their values and of a query's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
import orjson

from kastor.api.http.compression import Gzip, takes_gzip
from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.paging import next_link, read_token, segment
from kastor.api.http.request import Request, Response, StreamResponse, json_response
from kastor.api.own.over_time import CsvRows, NdjsonRows, RowStream
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.graph.ids import require_id
from kastor.graph.instants import read_instant
from kastor.history.buckets import AGGREGATES, read_aggregates, read_width
from kastor.history.entries import Tracked
from kastor.history.over_time import OverTime
from kastor.history.series import SeriesOf
from kastor.history.spans import Span
from kastor.history.values import read_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from kastor.graph.instants import Named
    from kastor.hosting.services import Services
    from kastor.types import Document

T = TypeVar("T")

DEFAULT_ENTRIES, MOST_ENTRIES = 100, 1_000
"""On a page of history."""
DEFAULT_VALUES, MOST_VALUES = 1_000, 10_000
"""On a page of a series: values or buckets."""
_DIGITS = 9
_FLAGS = {"true": True, "false": False}
_MEMBERS: Mapping[str, type] = {
    "query": str,
    "parameters": dict,
    "from": str,
    "to": str,
    "bucket": str,
    "format": str,
}
_FORMATS = ("ndjson", "csv")


async def twin_history(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/digitaltwins/{id}/history."""
    return await _entries(services, request, _twin(request))


async def relationship_history(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/digitaltwins/{id}/relationships/{relationshipId}/history."""
    return await _entries(services, request, _relationship(request))


async def twin_series(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/digitaltwins/{id}/series."""
    return await _series(services, request, _twin(request))


async def relationship_series(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/digitaltwins/{id}/relationships/{relationshipId}/series."""
    return await _series(services, request, _relationship(request))


async def _entries(services: Services, request: Request, thing: Tracked) -> Response:
    token = read_token(request, "history", services.signing_key)
    if token is not None:
        span = msgspec.convert(token[0], Span)
        descending, as_patch, limit = token[1:]
    else:
        span = await services.history.span(*_between(request), request.context)
        descending = _choice(request, "order", {"asc": False, "desc": True})
        as_patch = _choice(request, "as", {"document": False, "patch": True})
        limit = _limit(request, DEFAULT_ENTRIES, MOST_ENTRIES)
    page = await services.history.entries(
        thing, span, limit, request.context, descending=descending, as_patch=as_patch
    )
    link = None
    if page.following is not None:
        bound = {"end" if descending else "start": page.following}
        rest = msgspec.structs.replace(span, **bound)
        payload = ["history", msgspec.to_builtins(rest), descending, as_patch, limit]
        link = next_link(request, f"{_path(thing)}/history", payload, services.signing_key)
    value = b",".join(page.texts)
    return json_response(b'{"value":[' + value + b'],"nextLink":' + orjson.dumps(link) + b"}")


async def _series(services: Services, request: Request, thing: Tracked) -> Response:
    token = read_token(request, "series", services.signing_key)
    if token is not None:
        wanted, limit = msgspec.convert(token[0], SeriesOf), token[1]
    else:
        wanted = await _wanted(services, request)
        limit = _limit(request, DEFAULT_VALUES, MOST_VALUES)
    page = await request.unless_gone(services.history.series(thing, wanted, limit, request.context))
    link = None
    if page.following is not None:
        payload = ["series", msgspec.to_builtins(page.following), limit]
        link = next_link(request, f"{_path(thing)}/series", payload, services.signing_key)
    path = "".join(f"/{each.replace('~', '~0').replace('/', '~1')}" for each in wanted.path)
    return json_response(orjson.dumps({"path": path, "value": page.rows, "nextLink": link}))


async def _wanted(services: Services, request: Request) -> SeriesOf:
    telemetry = _choice(request, "telemetry", {"false": False, "true": True})
    by_source = _choice(request, "time", {"change": False, "source": True})
    path, component = request.first("path"), request.first("component")
    bucket, aggregates = request.first("bucket"), request.first("agg")
    if component is not None and not telemetry:
        raise InvalidArgument(
            "component is of telemetry; of a property name the component in path, such as "
            "path=/thermostat/temperature."
        )
    if not path and not telemetry:
        raise InvalidArgument("path is missing: the JSON Pointer of a property, such as /a/b.")
    if aggregates is not None and bucket is None:
        raise InvalidArgument("agg tells of buckets: give bucket too, such as bucket=1h.")
    span = services.history.source_span if by_source else services.history.span
    return SeriesOf(
        path=read_path(path or ""),
        span=await span(*_between(request), request.context),
        by_source=by_source,
        telemetry=telemetry,
        component=None if component is None else require_id(component, "component"),
        width=None if bucket is None else read_width(bucket),
        aggregates=AGGREGATES if aggregates is None else read_aggregates(aggregates),
    )


async def query_series(services: Services, request: Request) -> StreamResponse:
    """Answer POST /kastor/v1/series; what is wrong with it is said before the stream."""
    request.require(P.HISTORY_READ)
    body = await request.document(request.server.limits.body_bytes)
    wanted, as_csv = _over_time(body)
    request.let_go()
    share = request.server.streams.enter(request.client)
    try:
        found = await request.unless_gone(services.history.query_series(wanted, request.context))
        rows = CsvRows(found.columns) if as_csv else NdjsonRows()
    except BaseException:
        share.leave()
        raise
    for warning in found.warnings:
        request.warn(warning)
    headers = [(b"vary", b"accept-encoding")]
    chunks: AsyncIterator[bytes] = RowStream(found, rows, share)
    if takes_gzip(request.headers.get(b"accept-encoding", b"")):
        headers.append((b"content-encoding", b"gzip"))
        chunks = Gzip(chunks)
    return StreamResponse(chunks, rows.media_type, headers, ends=True)


def _over_time(body: Document) -> tuple[OverTime, bool]:
    """Return what a body asks for, and whether it is to be CSV."""
    for name, value in body.items():
        if name not in _MEMBERS or not isinstance(value, _MEMBERS[name]):
            raise InvalidArgument(
                f"{name[:80]} cannot be there as it is. A series has query, from and bucket, and "
                "may have to and format (texts) and parameters (an object)."
            )
    missing = [name for name in ("query", "from", "bucket") if not body.get(name)]
    if missing:
        raise InvalidArgument(
            f"A series of a query needs {', '.join(missing)}: query, a text; from, an instant; "
            "bucket, a length such as 15m."
        )
    form = body.get("format", "ndjson")
    if form not in _FORMATS:
        raise InvalidArgument("format is ndjson or csv.")
    wanted = OverTime(
        text=body["query"],
        parameters=body.get("parameters"),
        first=read_instant(body["from"], "The member from"),
        last=None if "to" not in body else read_instant(body["to"], "The member to"),
        step=read_width(body["bucket"]),
    )
    return wanted, form == "csv"


def _twin(request: Request) -> Tracked:
    return Tracked("twin", (require_id(request.parameters[0], "twin"),))


def _relationship(request: Request) -> Tracked:
    source, identifier = request.parameters
    return Tracked(
        "relationship", (require_id(source, "twin"), require_id(identifier, "relationship"))
    )


def _path(thing: Tracked) -> str:
    parts = [segment(each) for each in thing.identity]
    return "/kastor/v1/digitaltwins/" + "/relationships/".join(parts)


def _between(request: Request) -> tuple[Named | None, Named | None]:
    first, last = request.first("from"), request.first("to")
    return (
        None if first is None else read_instant(first, "The parameter from"),
        None if last is None else read_instant(last, "The parameter to"),
    )


def _choice(request: Request, name: str, values: Mapping[str, T]) -> T:
    """Return what a parameter says; without it the first of the values."""
    text = request.first(name)
    if text is None:
        return next(iter(values.values()))
    if text.lower() not in values:
        raise InvalidArgument(f"{name} is {' or '.join(values)}.")
    return values[text.lower()]


def _limit(request: Request, default: int, most: int) -> int:
    text = request.first("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and 0 < int(text) <= most):
        raise InvalidArgument(f"limit is a whole number from 1 to {most}.")
    return int(text)


_TWIN = "/kastor/v1/digitaltwins/{id}"
_RELATIONSHIP = f"{_TWIN}/relationships/{{relationshipId}}"
_RANGE = ("from", "to", "limit", "continuationToken")
_OF_HISTORY = (*_RANGE, "as", "order")
_OF_SERIES = (*_RANGE, "path", "bucket", "agg", "time")
_NO_TWIN = {404: ("DigitalTwinNotFound",)}
_NO_RELATIONSHIP = {404: ("RelationshipNotFound",)}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_TwinHistory",
        "GET",
        f"{_TWIN}/history",
        P.HISTORY_READ,
        twin_history,
        "List the versions of a twin, its deletions included",
        errors=_NO_TWIN,
        result="HistoryPage",
        query=_OF_HISTORY,
        versioned=False,
    ),
    Operation(
        "Kastor_RelationshipHistory",
        "GET",
        f"{_RELATIONSHIP}/history",
        P.HISTORY_READ,
        relationship_history,
        "List the versions of a relationship, its deletions included",
        errors=_NO_RELATIONSHIP,
        result="HistoryPage",
        query=_OF_HISTORY,
        versioned=False,
    ),
    Operation(
        "Kastor_TwinSeries",
        "GET",
        f"{_TWIN}/series",
        P.HISTORY_READ,
        twin_series,
        "List the values of a property, or of kept telemetry, over time",
        errors={400: ("LimitExceeded",), **_NO_TWIN},
        result="SeriesPage",
        query=(*_OF_SERIES, "telemetry", "component"),
        versioned=False,
    ),
    Operation(
        "Kastor_RelationshipSeries",
        "GET",
        f"{_RELATIONSHIP}/series",
        P.HISTORY_READ,
        relationship_series,
        "List the values of a relationship's property over time",
        errors={400: ("LimitExceeded",), **_NO_RELATIONSHIP},
        result="SeriesPage",
        query=_OF_SERIES,
        versioned=False,
    ),
    Operation(
        "Kastor_QuerySeries",
        "POST",
        "/kastor/v1/series",
        P.QUERY,
        query_series,
        "Send the result of a query as of one instant after another",
        errors={
            400: ("LimitExceeded", "SqlQueryError", "TimeoutError"),
            410: ("HistoryExpired",),
        },
        body=(JSON_BODY, "QuerySeries"),
        headers=("Accept-Encoding",),
        versioned=False,
        streams=("application/x-ndjson", "text/csv"),
        dry_run=True,
    ),
)
