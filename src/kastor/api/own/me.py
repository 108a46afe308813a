"""Who asks, and what that one may do (Kastor's own)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import KNOWN_CALLERS
from kastor.auth.roles import Permission as P

if TYPE_CHECKING:
    from kastor.hosting.services import Services


async def me(_services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/me: the caller, its roles, its permissions on the addressed graph."""
    principal = request.actor.principal
    expires = principal.expires
    answer = {
        "id": principal.id,
        "name": principal.name,
        "kind": principal.kind,
        "issuer": principal.issuer or None,
        "expires": None if expires is None else datetime.fromtimestamp(expires, UTC),
        "roles": [
            {"role": each.role, "graphs": list(each.graphs)} for each in request.actor.grants
        ],
        "graph": request.graph,
        "permissions": sorted(request.permissions - KNOWN_CALLERS),
    }
    text = orjson.dumps(answer, option=orjson.OPT_UTC_Z)
    return json_response(text, (b"cache-control", b"no-store"))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Me",
        "GET",
        "/kastor/v1/me",
        P.KNOWN,
        me,
        "Who asks, and what that one may do on the graph",
        result="Me",
        versioned=False,
    ),
)
