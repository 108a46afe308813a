"""One graph, ready to serve: whatever serves people or programs takes what it needs from here.

Nothing here knows HTTP; `assembly` makes, starts and stops it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.events.feed import Feed
    from kastor.events.routes import RouteService
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.service import GraphService
    from kastor.ingest.service import InputService
    from kastor.live.service import LiveService
    from kastor.query.indexes import IndexService
    from kastor.query.service import QueryService
    from kastor.storage.protocol import Store
    from kastor.vital import Vitals


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one graph.

    Attributes:
        vitals: where tasks of this graph are watched; what it tells is the whole server's.
    """

    store: Store[ModelCatalog]
    graph: GraphService
    query: QueryService
    indexes: IndexService
    routes: RouteService
    feed: Feed
    live: LiveService
    inputs: InputService
    vitals: Vitals
