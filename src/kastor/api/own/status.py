"""What ADT does not have: health, status, reset. Everything of ours is under /kastor/v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor import __version__
from kastor.api.http.request import Request, Response, json_response
from kastor.clock import job_time
from kastor.errors import NotAllowed, Unavailable
from kastor.records import SYSTEM

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.types import Ticks


async def root(_services: Services, request: Request) -> Response:
    """Answer GET /: a person's browser is led to the API's page, a program told what this is."""
    base = request.base_url.partition("/graphs/")[0]
    if b"text/html" in request.headers.get(b"accept", b""):
        return Response(307, headers=[(b"location", f"{base}/docs".encode())])
    links = {"docs": f"{base}/docs", "openapi": f"{base}/openapi.json", "health": f"{base}/healthz"}
    return json_response(orjson.dumps({"name": "Kastor", "version": __version__, "links": links}))


async def healthz(_services: Services, _request: Request) -> Response:
    """Answer GET /healthz: the process lives."""
    return json_response(b'{"status":"ok"}')


async def readyz(services: Services, request: Request) -> Response:
    """Answer GET /readyz: the store answers, and what must not die lives.

    Whoever asks needs no token, so graphs are not named.
    """
    await services.store.twin("kastor-readyz", SYSTEM)
    if failing := request.server.vitals.failing():
        told = "; ".join(sorted({f"{part.name}: {part.trouble}" for part in failing}))
        raise Unavailable(f"Not ready, {told}. See kastor_part_up in /metrics, and the log.")
    return json_response(b'{"status":"ready"}')


async def status(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/status: version, counts, sizes, how far history reaches back."""
    found = await services.store.status(request.context)
    answer = {
        "kastor": __version__,
        "engine": found.engine,
        "hostName": services.store.host_name,
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
        "oldestVersion": _time(found.oldest_version),
        "oldestLogEntry": _time(found.oldest_log_entry),
    }
    return json_response(orjson.dumps(answer))


async def reset(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/reset: empty the graph, where the server was started to allow it."""
    if not request.server.allow_reset:
        raise NotAllowed(
            "This server does not allow to empty its graph over HTTP. Start it with "
            "--allow-reset (for tests), or stop it and run `kastor reset`."
        )
    await services.store.reset()
    return Response(204)


def _time(ticks: Ticks | None) -> str | None:
    return None if ticks is None else job_time(ticks)
