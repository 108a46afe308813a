"""One graph, ready to serve: whatever serves people or programs takes what it needs from here.

Nothing here knows HTTP; `assembly` makes, starts and stops it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.errors import Unavailable
from kastor.jobs.importing.kinds import sweep
from kastor.records import SYSTEM

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from kastor.events.feed import Feed
    from kastor.events.routes import RouteService
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.service import GraphService
    from kastor.history.diff import DiffService
    from kastor.history.keeping import KeepingService
    from kastor.history.service import HistoryService
    from kastor.hosting.sampling import SampleService
    from kastor.hybrid.service import HybridService
    from kastor.ingest.service import InputService
    from kastor.jobs.exporting.service import ExportService
    from kastor.jobs.importing.spool import Spool
    from kastor.jobs.locations.service import Locations
    from kastor.jobs.repeats import Repeats
    from kastor.jobs.runner import JobService
    from kastor.live.service import LiveService
    from kastor.proposals.service import ProposalService
    from kastor.query.indexes import IndexService
    from kastor.query.service import QueryService
    from kastor.query.slow import SlowQueries
    from kastor.records import Context
    from kastor.saved.service import SavedService
    from kastor.search.service import IndexStatus, SearchService
    from kastor.storage.load import StoreLoad
    from kastor.storage.protocol import Store, StoreStatus
    from kastor.storage.ticker import Ticker
    from kastor.storage.transfer import Snapshot
    from kastor.vectors.service import VectorService
    from kastor.vital import Vitals


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one graph, and what handlers need of its store.

    Attributes:
        store: for whoever fills or moves graphs; handlers of requests do without it.
        locations: what jobs of this graph may read and write.
        spool: files that were uploaded and wait to be imported.
        search: None where it is switched off.
        vitals: where tasks of this graph are watched; what it tells is the whole server's.
    """

    store: Store[ModelCatalog]
    graph: GraphService
    query: QueryService
    slow: SlowQueries
    history: HistoryService
    keeping: KeepingService
    indexes: IndexService
    routes: RouteService
    feed: Feed
    live: LiveService
    inputs: InputService
    saved: SavedService
    proposals: ProposalService
    repeats: Repeats
    jobs: JobService
    locations: Locations
    spool: Spool
    exports: ExportService[ModelCatalog]
    diffs: DiffService
    sample: SampleService
    search: SearchService | None
    vectors: VectorService
    hybrid: HybridService
    vitals: Vitals

    @property
    def signing_key(self) -> bytes:
        """The key that signs this graph's continuation tokens."""
        return self.store.signing_key

    @property
    def host_name(self) -> str:
        """The name of this graph in its events' `source`."""
        return self.store.host_name

    @property
    def engine(self) -> str:
        """The name of the engine that keeps this graph."""
        return self.store.engine.name

    @property
    def ticker(self) -> Ticker:
        """What gives writes of this process their times."""
        return self.store.ticker

    async def require_answer(self) -> None:
        """Read from the store as any request does; raises what a read raises."""
        await self.store.twin("kastor-readyz", SYSTEM)

    def snapshot(self, context: Context) -> AbstractAsyncContextManager[Snapshot]:
        """Return a block in which one state of the graph is read; nobody waits for it.

        Raises:
            Unavailable: there is no room for it, or as many as may be are read already.
        """
        return self.store.snapshot(context)

    async def status(self, context: Context) -> StoreStatus:
        """Return counts and sizes."""
        return await self.store.status(context)

    async def load(self) -> StoreLoad:
        """Return how busy this process keeps the store."""
        return await self.store.load()

    async def search_status(self) -> IndexStatus | None:
        """Return how far the search index is; None where nothing tells it now."""
        try:
            return None if self.search is None else await self.search.status()
        except Unavailable:
            return None

    async def prune(self) -> int:
        """Remove what is older than the retention allows, and what is past its time; return rows.

        Jobs and proposals have a time. Uploaded files go as well whose jobs are gone, and versions
        that are no longer young are packed.

        Raises:
            Unavailable: the store cannot write now.
        """
        await sweep(self.spool, self.store.jobs)
        began = time.perf_counter()
        removed = await self.store.prune()
        self.keeping.upkept.pruning_seconds += time.perf_counter() - began
        await self.keeping.pack()
        return removed + await self.jobs.purge() + await self.proposals.purge()

    async def reset(self, *, dry_run: bool = False) -> None:
        """Empty the graph: twins, relationships, models, history and log.

        A dry run looks only whether that can be.

        Raises:
            Unavailable: the store cannot write now; nothing was removed.
            Conflict: something outside of the graph depends on it.
        """
        await self.store.reset(dry_run=dry_run)
        if not dry_run:
            await self.sample.silence()
