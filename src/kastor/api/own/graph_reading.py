"""What metrics tell of one graph: between `metrics`, which asks, and `exposition`, which writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.events.relay import RouteState
    from kastor.history.keeping import Upkept
    from kastor.ingest.service import InputStatus
    from kastor.jobs.tally import KindTally
    from kastor.query.compiled import PlanTally
    from kastor.search.service import IndexStatus
    from kastor.storage.load import StoreLoad
    from kastor.storage.ticker import Ticker
    from kastor.vectors.embedding import Embedding


@dataclass(frozen=True, slots=True)
class GraphReading:
    """What is told of one graph.

    Attributes:
        routes: None where the store did not answer.
        live_queries, feed_streams: open in this process.
        jobs: kind, state and how many there are; None where the store did not answer.
        work: what was done on jobs in this process.
        search: how far the search index is; None where there is none, or it does not tell.
        load: how busy its store is; None where that was not told in time.
        plans: how compiled queries were used in this process.
        embedding: has vectors made of texts; None where there is no embedder.
        past: what this process did for the graph's past, and what there is of it.
    """

    name: str
    routes: list[RouteState] | None
    inputs: list[InputStatus]
    live_queries: int
    feed_streams: int
    ticker: Ticker | None = None
    jobs: Sequence[tuple[str, str, int]] | None = None
    work: Sequence[KindTally] = ()
    past: Upkept | None = None
    search: IndexStatus | None = None
    load: StoreLoad | None = None
    plans: PlanTally | None = None
    embedding: Embedding | None = None
