"""What the handlers are given: the services of one graph, and the limits of requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.api.http.addressing import Graphs
    from kastor.api.http.meter import RequestMeter
    from kastor.budget import StreamBudget
    from kastor.events.feed import Feed
    from kastor.events.routes import RouteService
    from kastor.graph.service import GraphService
    from kastor.ingest.service import InputService
    from kastor.live.service import LiveService
    from kastor.query.indexes import IndexService
    from kastor.query.service import QueryService
    from kastor.storage.protocol import Store
    from kastor.vital import Vitals


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Sizes in bytes, counts, seconds; what of ADT's narrowness holds.

    Attributes:
        strict: as narrow as the cloud.
        add_components: as `PutTwin` has it.
    """

    body_bytes: int = 1_048_576
    models_body_bytes: int = 33_554_432
    dependencies_for: int = 10_000
    models_page: int = 1_000
    default_models_page: int = 100
    relationships_page: int = 1_000
    default_relationships_page: int = 10
    slow_query_seconds: float = 1.0
    strict: bool = False
    add_components: bool | None = False


ADT_REQUEST_LIMITS = RequestLimits(
    body_bytes=32_768,
    models_body_bytes=262_144_000,
    dependencies_for=250,
    models_page=100,
    strict=True,
    add_components=None,
)


@dataclass(frozen=True, slots=True)
class Services:
    """One graph, ready to serve.

    `requests`, `streams`, `limits`, `graphs` and what `vitals` tells are the whole server's.
    """

    store: Store
    graph: GraphService
    query: QueryService
    indexes: IndexService
    routes: RouteService
    feed: Feed
    live: LiveService
    inputs: InputService
    limits: RequestLimits
    graphs: Graphs
    requests: RequestMeter
    vitals: Vitals
    streams: StreamBudget
    allow_reset: bool = False
