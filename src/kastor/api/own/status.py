"""The state of a graph: version, counts, sizes (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor import __version__
from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import job_time

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.search.service import IndexStatus
    from kastor.types import Ticks


async def status(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/status: version, counts, sizes, how far history reaches back."""
    found = await services.status(request.context)
    load = await services.load()
    index, sample = await services.search_status(), await services.sample.state(request.context)
    answer = {
        "kastor": __version__,
        "engine": found.engine,
        "hostName": services.host_name,
        "modelEpoch": services.graph.catalog.epoch,
        "counts": {
            "models": found.models,
            "twins": found.twins,
            "relationships": found.relationships,
            "versions": found.versions,
            "changeLog": found.log_entries,
        },
        "bytes": {
            "file": found.file_bytes,
            "versions": found.version_bytes,
            "changeLog": found.log_bytes,
        },
        "diskFree": found.disk_free,
        "writesWaiting": load.waiting_writes,
        "pools": [
            {"name": each.name, "size": each.size, "used": each.used, "waiting": each.waiting}
            for each in load.pools
        ],
        "trouble": [
            {"part": each.name, "message": each.trouble}
            for each in request.server.vitals.states()
            if each.trouble is not None and each.graph in ("", services.vitals.graph)
        ],
        "oldestVersion": _time(found.oldest_version),
        "oldestLogEntry": _time(found.oldest_log_entry),
        "search": None if index is None else _index(index),
        "sample": None if sample is None else {"name": sample.name, "simulated": sample.simulated},
    }
    return json_response(orjson.dumps(answer))


def _index(status: IndexStatus) -> dict[str, Any]:
    return {
        "position": status.position,
        "lag": status.lag,
        "building": status.building,
        "done": status.done,
        "heldBy": status.held_by,
    }


def _time(ticks: Ticks | None) -> str | None:
    return None if ticks is None else job_time(ticks)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Status",
        "GET",
        "/kastor/v1/status",
        P.STATUS_READ,
        status,
        "Version, counts and sizes",
        result="Status",
        versioned=False,
    ),
)
