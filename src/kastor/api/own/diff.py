"""What differs between two states of a graph, a line each, sent as it is read (decisions 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kastor.api.http.compression import Gzip, takes_gzip
from kastor.api.http.operation import Operation
from kastor.api.http.request import AS_OF_HEADER, Request, StreamResponse
from kastor.api.http.streaming import Shared
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.graph.instants import Named, read_instant, shown
from kastor.history.diff import Comparison, GraphPart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
    from typing import Any

    from kastor.history.diff import Form
    from kastor.hosting.services import Services
    from kastor.records import AsOf

NDJSON = b"application/x-ndjson"
_FORMS = ("patch", "document")


async def diff(services: Services, request: Request) -> StreamResponse:
    """Answer GET /kastor/v1/diff; what is wrong with it is said before the stream."""
    since = _instant(request, "from")
    if since is None:
        raise InvalidArgument("Give from, the instant of the state that comes before.")
    form = request.first("as") or "patch"
    if form not in _FORMS:
        raise InvalidArgument(f"as is one of: {', '.join(_FORMS)}.")
    part = GraphPart(query=request.first("query"))
    if part.query is not None:
        request.require(P.QUERY)
    context = request.context
    before = await services.diffs.at(since, context)
    after = await services.diffs.at(_instant(request, "to"), context)
    comparison = Comparison.of(before, after, cast("Form", form))
    return await answer_lines(request, services.diffs.open(comparison, part, context), after)


async def answer_lines(
    request: Request, opening: Coroutine[Any, Any, AsyncGenerator[bytes, None]], at: AsOf
) -> StreamResponse:
    """Return the answer that sends lines of a comparison.

    Args:
        request: which is answered.
        opening: makes the first lines; what it raises is answered instead.
        at: the state that the lines lead to, for a header.

    Raises:
        TooManyRequests: too many streams are open.
    """
    share = request.server.streams.enter(request.client)
    try:
        found = await request.unless_gone(opening)
    except BaseException:
        share.leave()
        raise
    headers = [(AS_OF_HEADER.encode(), shown(at).encode()), (b"vary", b"accept-encoding")]
    chunks: AsyncIterator[bytes] = Shared(found, share)
    if takes_gzip(request.headers.get(b"accept-encoding", b"")):
        headers.append((b"content-encoding", b"gzip"))
        chunks = Gzip(chunks)
    return StreamResponse(chunks, NDJSON, headers, ends=True)


def _instant(request: Request, name: str) -> Named | None:
    text = request.first(name)
    return None if text is None else read_instant(text, f"The parameter {name}")


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Differences",
        "GET",
        "/kastor/v1/diff",
        P.HISTORY_READ,
        diff,
        "Compare two states of the graph, or of what a query selects, a JSON object a line",
        errors={400: ("InvalidArgument", "SqlQueryError"), 410: ("HistoryExpired",)},
        query=("from", "to", "query", "as"),
        headers=("Accept-Encoding",),
        versioned=False,
        streams=("application/x-ndjson",),
    ),
)
