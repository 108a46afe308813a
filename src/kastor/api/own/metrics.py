"""What a monitoring system asks for: GET /metrics, about the whole server.

Routes and inputs are told by the services that tell people of them; nothing is computed here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response
from kastor.api.own.graph_reading import GraphReading
from kastor.auth.roles import Permission as P
from kastor.logs import get_logger

if TYPE_CHECKING:
    from kastor.events.relay import RouteState
    from kastor.hosting.services import Services
    from kastor.search.service import IndexStatus
    from kastor.storage.jobs import JobStatus
    from kastor.storage.load import StoreLoad

GRAPH_SECONDS = 4.0
"""How long a graph may take to tell of its routes; a scrape usually gets ten seconds."""

_log = get_logger("kastor.metrics")


async def metrics(_services: Services, request: Request) -> Response:
    """Answer GET /metrics."""
    from kastor.api.own.exposition import CONTENT_TYPE, expose  # noqa: PLC0415 - a library of its own

    server = request.server
    graphs = sorted(server.graphs.opened().items())
    readings = await asyncio.gather(*(_read(name, each) for name, each in graphs))
    readings += [GraphReading(name, None, [], 0, 0) for name in server.graphs.shut()]
    body = expose(
        server.meter,
        readings,
        server.vitals.states(),
        server.streams,
        life=server.lifecycle,
        clients=server.clients,
        connections=server.connections,
        access=server.access.load(),
    )
    return Response(200, body, content_type=(b"content-type", CONTENT_TYPE))


async def _read(name: str, services: Services) -> GraphReading:
    routes: list[RouteState] | None = None
    jobs: list[tuple[str, JobStatus, int]] | None = None
    search: IndexStatus | None = None
    load: StoreLoad | None = None
    try:
        async with asyncio.timeout(GRAPH_SECONDS):
            routes = await services.routes.states()
            jobs = await services.jobs.counts()
            search = await services.search_status()
            load = await services.load()
    except Exception as error:  # noqa: BLE001 - the others are told all the same, and so is this
        _log.warning("a graph does not tell of its routes", graph=name, reason=repr(error))
    return GraphReading(
        name,
        routes,
        services.inputs.statuses(),
        len(services.live),
        len(services.feed),
        services.ticker,
        jobs,
        services.jobs.tallies(),
        services.keeping.upkept,
        search,
        load,
        services.query.runner.plans,
        services.vectors.embedding,
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Metrics",
        "GET",
        "/metrics",
        P.METRICS_READ,
        metrics,
        "Metrics of the whole server, in the text format of Prometheus",
        versioned=False,
        streams=("text/plain",),
    ),
)
