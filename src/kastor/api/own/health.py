"""What this server is, whether it lives, whether it can serve; for everybody, without a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor import __version__
from kastor.api.http.accepting import prefers_html
from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.api.own.features import announced
from kastor.auth.roles import Permission as P
from kastor.errors import Unavailable
from kastor.storage.placement import DEFAULT

if TYPE_CHECKING:
    from kastor.hosting.services import Services


async def root(_services: Services, request: Request) -> Response:
    """Answer GET /: a person's browser is led to the explorer, a program told what this is."""
    base, has_explorer = request.server_url, request.server.has_explorer
    vary = (b"vary", b"accept")
    if prefers_html(request.headers.get(b"accept", b"")):
        graph = "" if request.graph == DEFAULT else f"g/{request.graph}/graph"
        target = f"{base}/explorer/{graph}" if has_explorer else f"{base}/docs"
        return Response(307, headers=[(b"location", target.encode()), vary])
    links = {"docs": f"{base}/docs", "openapi": f"{base}/openapi.json", "health": f"{base}/healthz"}
    if has_explorer:
        links = {"explorer": f"{base}/explorer/", **links}
    found = {
        "name": "Kastor",
        "version": __version__,
        "features": announced(strict=request.server.limits.strict),
        "links": links,
    }
    return json_response(orjson.dumps(found), vary)


async def healthz(_services: Services, _request: Request) -> Response:
    """Answer GET /healthz: the process lives."""
    return json_response(b'{"status":"ok"}')


async def readyz(services: Services, request: Request) -> Response:
    """Answer GET /readyz: the store answers, what must not die lives, and the end is not near.

    Whoever asks needs no token, so graphs are not named.
    """
    if request.server.lifecycle.draining:
        raise Unavailable("Not ready, the server is about to end.")
    await services.require_answer()
    if failing := request.server.vitals.failing():
        told = "; ".join(sorted({f"{part.name}: {part.trouble}" for part in failing}))
        raise Unavailable(f"Not ready, {told}. See kastor_part_up in /metrics, and the log.")
    return json_response(b'{"status":"ready"}')


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Root",
        "GET",
        "/",
        P.OPEN,
        root,
        "What this server is, and where to go on",
        result="Root",
        versioned=False,
    ),
    Operation(
        "Kastor_Health",
        "GET",
        "/healthz",
        P.OPEN,
        healthz,
        "The process lives",
        result="Health",
        versioned=False,
        head=True,
    ),
    Operation(
        "Kastor_HealthAlias",
        "GET",
        "/health",
        P.OPEN,
        healthz,
        "The process lives (as /healthz)",
        result="Health",
        versioned=False,
        head=True,
        in_adt=False,
    ),
    Operation(
        "Kastor_Ready",
        "GET",
        "/readyz",
        P.OPEN,
        readyz,
        "The store answers",
        result="Health",
        versioned=False,
        head=True,
    ),
)
