"""How much of its past a graph keeps: what there is, and the rules (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import twin_time
from kastor.history.keeping import shown_limit, shown_settings

if TYPE_CHECKING:
    from kastor.history.keeping import Upkept
    from kastor.hosting.services import Services
    from kastor.records import AsOf
    from kastor.storage.history import HistoryStatus
    from kastor.storage.keeping import Rules
    from kastor.types import Document


async def status(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/history: how far back states can be read, sizes, and the rules."""
    found = await services.keeping.status(request.context)
    rules = await services.keeping.rules(request.context)
    return json_response(orjson.dumps(_shown(found, rules, services.keeping.upkept)))


async def put_settings(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/history: the rules of this graph, over the server's."""
    body = await request.document(request.server.limits.body_bytes)
    rules = await services.keeping.put(body, request.context)
    found = await services.keeping.status(request.context)
    return json_response(orjson.dumps(_shown(found, rules, services.keeping.upkept)))


def _shown(found: HistoryStatus, rules: Rules, upkept: Upkept) -> Document:
    return {
        "oldest": _state(found.oldest),
        "newest": _state(found.newest),
        "versions": {
            "count": found.versions,
            "packed": found.packed,
            "wholeBytes": found.whole_bytes,
            "packedBytes": found.packed_bytes,
        },
        "telemetry": {"count": found.telemetry, "bytes": found.telemetry_bytes},
        "upkeep": {
            "pruningSeconds": round(upkept.pruning_seconds, 3),
            "packingSeconds": round(upkept.packing_seconds, 3),
            "packed": upkept.packed,
        },
        "keeps": {
            "graph": shown_limit(rules.graph),
            "models": {name: shown_limit(limit) for name, limit in rules.models.items()},
            "telemetry": shown_limit(rules.telemetry),
        },
        "settings": shown_settings(rules.settings),
    }


def _state(at: AsOf) -> Document:
    return {"time": twin_time(at.time), "change": at.change}


_PATH = "/kastor/v1/history"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_History",
        "GET",
        _PATH,
        P.HISTORY_READ,
        status,
        "How far back the graph can be read, what its past takes, and how much is kept",
        result="HistoryStatus",
        versioned=False,
    ),
    Operation(
        "Kastor_HistorySettings",
        "PUT",
        _PATH,
        P.HISTORY_WRITE,
        put_settings,
        "Set how much of its past the graph keeps",
        body=(JSON_BODY, "HistorySettings"),
        result="HistoryStatus",
        versioned=False,
        dry_run=True,
    ),
)
