"""Every limit with the setting that gives it, and how much of it is used (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import TICKS_PER_SECOND
from kastor.config import DAY_SECONDS, Settings

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.types import Document, Ticks


class LimitRow(NamedTuple):
    """A limit; its name is the setting's.

    Attributes:
        unit: of its value.
        of: what it is a limit of: the server, each of its processes, a graph, a client, a request.
        open: whether 0 stands for none.
    """

    name: str
    unit: str
    of: str
    open: bool = False


LIMITS = (
    *(
        LimitRow(f"max_{name}_bytes", "bytes", "request")
        for name in ("body", "models_body", "batch", "upload", "import", "document", "model")
    ),
    LimitRow("max_models_per_upload", "count", "request"),
    LimitRow("max_models_values", "count", "request"),
    LimitRow("max_batch_operations", "count", "request"),
    LimitRow("query_page", "count", "request"),
    LimitRow("max_query_page", "count", "request"),
    LimitRow("query_timeout", "seconds", "request"),
    LimitRow("max_open_hops", "count", "request"),
    LimitRow("slow_query_seconds", "seconds", "request"),
    LimitRow("max_live_rows", "count", "request"),
    LimitRow("max_live_changes", "count", "request"),
    LimitRow("rate_limit", "per second", "client", open=True),
    LimitRow("rate_burst", "count", "client", open=True),
    LimitRow("max_queries_per_client", "count", "client"),
    LimitRow("failed_access_limit", "per minute", "client", open=True),
    LimitRow("max_connections_per_address", "count", "client", open=True),
    LimitRow("max_live_queries_per_client", "count", "client"),
    LimitRow("max_streams_per_client", "count", "client"),
    LimitRow("max_stream_bytes_per_client", "bytes", "client"),
    LimitRow("max_connections", "count", "process"),
    LimitRow("max_streams", "count", "process"),
    LimitRow("max_stream_bytes", "bytes", "process"),
    LimitRow("max_vector_bytes", "bytes", "process"),
    LimitRow("stream_stall_seconds", "seconds", "process"),
    LimitRow("jobs_at_once", "count", "process"),
    *(LimitRow(f"{name}_seconds", "seconds", "process") for name in ("head", "body", "send")),
    LimitRow("max_graphs", "count", "server"),
    LimitRow("max_live_queries", "count", "graph"),
    *(
        LimitRow(f"max_{name}", "count", "graph")
        for name in ("indexes", "routes", "endpoints", "inputs", "jobs", "dead_letters")
    ),
    LimitRow("max_saved_documents", "count", "graph"),
    LimitRow("max_scene_files", "count", "graph"),
    LimitRow("max_scene_files_bytes", "bytes", "graph"),
    LimitRow("version_days", "days", "graph"),
    LimitRow("version_bytes", "bytes", "graph"),
    LimitRow("telemetry_days", "days", "graph"),
    LimitRow("telemetry_bytes", "bytes", "graph"),
    LimitRow("log_days", "days", "graph"),
    LimitRow("log_bytes", "bytes", "graph"),
)


async def limits(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/limits: those in force, and what of them is known to be used."""
    settings = request.server.in_force()
    used = _of_process(request) | await _of_graph(services, request)
    if P.GRAPHS_READ in request.actor.everywhere:  # nobody else learns how many there are
        used["max_graphs"] = len(await request.server.graphs.infos())
    value = [_shown(row, settings, used) for row in LIMITS]
    return json_response(orjson.dumps({"value": value}))


def _shown(row: LimitRow, settings: Settings, used: dict[str, float]) -> Document:
    value = getattr(settings, row.name)
    shown: Document = {
        "name": row.name,
        "value": None if row.open and not value else value,
        "unit": row.unit,
        "of": row.of,
        "description": Settings.model_fields[row.name].description or "",
    }
    if row.name in used:
        shown["used"] = used[row.name]
    return shown


def _of_process(request: Request) -> dict[str, float]:
    server = request.server
    return {
        "max_connections": server.connections.open,
        "max_streams": server.streams.places,
        "max_stream_bytes": server.streams.size,
    }


async def _of_graph(services: Services, request: Request) -> dict[str, float]:
    routes, jobs = services.routes, await services.jobs.counts()
    status = await services.status(request.context)
    used: dict[str, float] = {
        "max_live_queries": len(services.live),
        "max_indexes": len(await services.indexes.refresh()),
        "max_routes": len(await routes.routes()),
        "max_endpoints": len(await routes.endpoints()),
        "max_inputs": len(await services.inputs.inputs()),
        "max_jobs": sum(count for _, _, count in jobs),
        "max_vector_bytes": services.vectors.budget.used,
        "version_bytes": status.version_bytes,
        "log_bytes": status.log_bytes,
    }
    now = services.ticker.now()
    for name, oldest in (
        ("version_days", status.oldest_version),
        ("log_days", status.oldest_log_entry),
    ):
        if oldest is not None:
            used[name] = _days(now - oldest)
    kept = services.keeping.upkept.status
    if kept is not None:
        used["telemetry_bytes"] = kept.telemetry_bytes
    return used


def _days(ticks: Ticks) -> float:
    return round(max(0, ticks) / TICKS_PER_SECOND / DAY_SECONDS, 3)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Limits",
        "GET",
        "/kastor/v1/limits",
        P.STATUS_READ,
        limits,
        "List the limits with their settings, and how much of them is used",
        result="LimitList",
        versioned=False,
        in_adt=False,
    ),
)
