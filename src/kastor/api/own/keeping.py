"""What a graph keeps of its past: what there is, when it changed, the rules (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import twin_time
from kastor.errors import InvalidArgument
from kastor.graph.instants import read_instant
from kastor.history.activity import MOST_BUCKETS
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


async def activity(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/history/activity: changes in each of equal stretches of time."""
    first, last = request.first("from"), request.first("to")
    if first is None:
        raise InvalidArgument(
            "Give from, the instant at which the first stretch begins; the oldest one that is kept "
            "says GET /kastor/v1/history."
        )
    found = await services.history.activity(
        read_instant(first, "The parameter from"),
        None if last is None else read_instant(last, "The parameter to"),
        _buckets(request),
        request.context,
    )
    told = {"from": _state(found.start), "to": _state(found.end), "changes": found.changes}
    return json_response(orjson.dumps(told))


def _buckets(request: Request) -> int:
    text = request.first("buckets")
    if text is None:
        return _DEFAULT_BUCKETS
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        text = "0"
    if not 1 <= int(text) <= MOST_BUCKETS:
        raise InvalidArgument(f"buckets is a whole number from 1 to {MOST_BUCKETS}.")
    return int(text)


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
_DEFAULT_BUCKETS = 100
_DIGITS = 4

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
        "Kastor_HistoryActivity",
        "GET",
        f"{_PATH}/activity",
        P.HISTORY_READ,
        activity,
        "Count the changes of the graph in each of equal stretches of time",
        result="HistoryActivity",
        query=("from", "to", "buckets"),
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
