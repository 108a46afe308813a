"""The feed over HTTP: Server-Sent Events, and pages of newline-delimited JSON."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kastor.api.http.operation import Operation
from kastor.api.http.paging import max_items
from kastor.api.http.request import Request, Response, StreamResponse
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument, KastorError, TooManyRequests, Unavailable
from kastor.events.envelope import delivery_trace, structured
from kastor.events.feed import FeedHeartbeat, FeedModels
from kastor.events.filter import parse

if TYPE_CHECKING:
    from kastor.budget import StreamShare
    from kastor.events.feed import Feed
    from kastor.events.filter import Filter
    from kastor.events.model import Event
    from kastor.hosting.services import Services
    from kastor.records import Context

HEARTBEAT_SECONDS = 15.0
NEXT_HEADER = b"kastor-next-position"
EPOCH_HEADER = b"kastor-model-epoch"
_NDJSON = b"application/x-ndjson"
_DEFAULT_PAGE, _MAX_PAGE = 100, 1_000


async def events(services: Services, request: Request) -> Response | StreamResponse:
    """Answer GET /kastor/v1/events: a stream, or with `format=ndjson` one page."""
    wants = parse(request.first("filter") or "true")
    last = request.headers.get(b"last-event-id")
    after = request.first("after") or (None if last is None else last.decode("latin-1"))
    accept = request.headers.get(b"accept", b"")
    form = request.first("format") or ("ndjson" if _NDJSON in accept else "sse")
    if form not in ("sse", "ndjson"):
        raise InvalidArgument("format must be sse or ndjson.")
    if form == "ndjson":
        return await _page(services.feed, request, after or "0", wants)
    position = await services.feed.position(after, request.context)
    share = request.server.streams.enter(request.client)
    chunks = _stream(
        services.feed, position, wants, request.context, share, models=_tells_models(request)
    )
    return StreamResponse(chunks, b"text/event-stream", farewell=_comment)


async def _page(feed: Feed, request: Request, after: str, wants: Filter) -> Response:
    size = max_items(request, _DEFAULT_PAGE, _MAX_PAGE)
    begin = int(after) if after == "0" else await feed.position(after, request.context)
    found, position = await request.unless_gone(feed.page(begin, size, wants, request.context))
    body = b"".join([_structured(event) + b"\n" for event in found])
    headers = [(NEXT_HEADER, str(position).encode())]
    epoch = await feed.epoch(request.context) if _tells_models(request) else None
    if epoch is not None:
        headers.append((EPOCH_HEADER, str(epoch).encode()))
    return Response(200, body, headers, (b"content-type", _NDJSON))


def _tells_models(request: Request) -> bool:
    return not request.server.limits.strict


async def _stream(
    feed: Feed,
    position: int,
    wants: Filter,
    context: Context,
    share: StreamShare,
    *,
    models: bool,
) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\nid: %d\n\n" % position
        following = feed.follow(position, wants, context, HEARTBEAT_SECONDS, share)
        async with contextlib.aclosing(following) as items:
            async for item in items:
                if models or not isinstance(item, FeedModels):
                    yield _told(item)
    except (TooManyRequests, Unavailable) as error:
        yield _comment(error)  # its reader goes on after the last id that it has
    finally:
        share.leave()


def _told(item: Event | FeedHeartbeat | FeedModels) -> bytes:
    if isinstance(item, FeedModels):
        # No id: it is of no position, and whoever resumes is told anew.
        return b'event: models\ndata: {"epoch":%d}\n\n' % item.epoch
    if isinstance(item, FeedHeartbeat):
        return b": nothing new\nid: %d\n\n" % item.position
    head = b"id: %d\nevent: %b\ndata: " % (item.position, item.type.encode())
    return head + _structured(item) + b"\n\n"


def _comment(error: KastorError) -> bytes:
    return b": " + error.message.encode() + b"\n\n"


def _structured(event: Event) -> bytes:
    # One line each: raw line breaks can only be white space between a body's tokens.
    return structured(event, delivery_trace(event)).translate(None, b"\r\n")


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Events",
        "GET",
        "/kastor/v1/events",
        P.EVENTS_READ,
        events,
        "Follow the events of the graph, as Server-Sent Events or pages of NDJSON",
        errors={400: ("EventRouteFilterInvalid",), 410: ("ChangesGone",)},
        query=("filter", "after", "format"),
        headers=("Last-Event-ID", "max-items-per-page"),
        versioned=False,
        streams=("text/event-stream", "application/x-ndjson"),
    ),
)
