"""Which queries took long in this process (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import job_time

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.query.slow import SlowQuery
    from kastor.types import Document


async def slow_queries(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/slow-queries: the worst first."""
    since, found = services.slow.told(request.context)
    answer = {
        "thresholdSeconds": request.server.limits.slow_query_seconds,
        "since": job_time(since),
        "value": [_shown(each) for each in found],
    }
    return json_response(orjson.dumps(answer))


def _shown(entry: SlowQuery) -> Document:
    return {
        "query": entry.text,
        "count": entry.count,
        "timedOut": entry.timed_out,
        "worstMs": _ms(entry.worst),
        "meanMs": _ms(entry.total / entry.count),
        "lastMs": _ms(entry.last),
        "lastRows": entry.rows,
        "lastTime": job_time(entry.time),
        "lastActor": entry.actor,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_SlowQueries",
        "GET",
        "/kastor/v1/slow-queries",
        P.STATUS_READ,
        slow_queries,
        "List the queries that took long in the process that answers",
        result="SlowQueryList",
        versioned=False,
        in_adt=False,
    ),
)
