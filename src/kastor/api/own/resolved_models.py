"""Models with all that they inherit, for clients that know no DTDL (Kastor's own)."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import orjson

from kastor.api.http.identifiers import require_dtmi
from kastor.api.http.operation import IF_NONE_MATCH, PAGE_SIZE, Operation
from kastor.api.http.paging import max_items, next_link, resume
from kastor.api.http.request import Request, Response, etag_header, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import Gone, LimitExceeded
from kastor.graph.resolved_models import resolved_page, state_of

if TYPE_CHECKING:
    from kastor.hosting.services import Services

MOST_NAMED = 1_000
"""Ids that one request names."""
_KIND = "resolved"
_NOT_MODIFIED = 304
_CACHED = (b"cache-control", b"no-cache")


async def resolved_models(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/models/resolved: what a model needs comes before it."""
    graph = services.graph
    token = await resume(services, request, _KIND)
    wanted = _wanted(request) if token is None else token[2]
    await graph.refresh_models()
    context = request.context
    for model_id in wanted:
        graph.model(model_id, context)
    catalog = graph.catalog_of(context)
    state = state_of(catalog)
    after, begun = (0, state) if token is None else token[:2]
    if begun != state:
        raise Gone(
            "The models changed while their pages were read. Begin again with the first page.",
            code="ModelsChanged",
        )
    headers = (etag_header(state), _CACHED)
    if _is_known(request, state):
        return Response(_NOT_MODIFIED, headers=list(headers))
    size = max_items(request, sys.maxsize, sys.maxsize)
    read = partial(resolved_page, wanted=wanted, after=after, limit=max(1, size))
    page = await request.unless_gone(graph.read_lineage(read, context))
    link = None
    if page.more:
        payload = [_KIND, after + page.count, state, wanted]
        link = next_link(request, "/kastor/v1/models/resolved", payload, services.signing_key)
    epoch = catalog.epoch if catalog.epoch >= 0 else None  # states of the past have none
    # Put together by hand: the text may be megabytes, and was made in a thread.
    start, end = orjson.dumps({"epoch": epoch})[:-1], orjson.dumps(link)
    body = b'%b,"value":%b,"nextLink":%b}' % (start, page.text, end)
    return json_response(body, *headers)


def _is_known(request: Request, state: str) -> bool:
    tags = request.headers.get(b"if-none-match", b"").decode("latin-1").split(",")
    return any(tag.strip().removeprefix("W/") in (f'"{state}"', "*") for tag in tags)


def _wanted(request: Request) -> list[str]:
    named = [require_dtmi(value) for value in request.query.get("id", ())]
    if len(named) > MOST_NAMED:
        raise LimitExceeded(
            f"The request names {len(named)} ids of models; at most {MOST_NAMED} can be named. "
            "Name fewer, or none to get all."
        )
    return list(dict.fromkeys(named))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ResolvedModels",
        "GET",
        "/kastor/v1/models/resolved",
        P.MODELS_READ,
        resolved_models,
        "List models with all that they inherit, schemas and units resolved",
        errors={
            400: ("InvalidArgument", "LimitExceeded"),
            404: ("ModelNotFound",),
            410: ("ModelsChanged",),
        },
        result="ResolvedModelPage",
        query=("id", "continuationToken"),
        headers=(*PAGE_SIZE, *IF_NONE_MATCH),
        versioned=False,
        etag=True,
        in_adt=False,
        as_of=True,
    ),
)
