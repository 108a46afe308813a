"""The one place that makes the services of a graph, starts them, and stops them.

A new service is a field of `Services`, a line in `_make` and, where it has work of its own, one in
`_serving`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from kastor.config import Settings
from kastor.events.feed import Feed
from kastor.events.relay import Relay
from kastor.events.routes import RouteService
from kastor.graph.catalog import ModelCatalog
from kastor.graph.instants import Named
from kastor.graph.service import GraphService
from kastor.graph.totals import CountedGraphService, Totals
from kastor.history.diff import DiffService
from kastor.history.keeping import KeepingService
from kastor.history.revert import RevertKind
from kastor.history.service import HistoryService
from kastor.hosting import limits
from kastor.hosting.open import retention
from kastor.hosting.sampling import SampleService
from kastor.hosting.services import Services
from kastor.hybrid.service import HybridService
from kastor.ingest.service import InputService
from kastor.jobs.backups import BackupKind, ShowAll
from kastor.jobs.changing import DeletesKind, UpdatesKind
from kastor.jobs.deletions import DeletionKind
from kastor.jobs.exporting.kind import ExportKind
from kastor.jobs.exporting.service import ExportService
from kastor.jobs.importing.kinds import ImportKind, UploadKind
from kastor.jobs.importing.spool import SPOOL, Spool
from kastor.jobs.kinds import JobKind
from kastor.jobs.locations import Locations, Root, read_allowed
from kastor.jobs.repeats import Repeats
from kastor.jobs.runner import JobService
from kastor.jobs.slots import Slots
from kastor.live.service import LiveService
from kastor.logs import get_logger
from kastor.outside.embedder import Embedder
from kastor.proposals import Confirm, ProposalService
from kastor.query.indexes import IndexService
from kastor.query.service import QueryService
from kastor.query.slow import SlowQueries
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM
from kastor.saved.service import SavedService
from kastor.search.service import SearchService
from kastor.storage.followed import followed
from kastor.storage.placement import DEFAULT, Place
from kastor.storage.protocol import Store
from kastor.vectors.budget import VectorBudget
from kastor.vectors.embedding import Embedding
from kastor.vectors.indexes import VectorIndexes
from kastor.vectors.service import VectorService
from kastor.vital import Vitals

OpenStore: TypeAlias = Callable[[str, Place], AbstractAsyncContextManager[Store[ModelCatalog]]]
"""Opens the store of the graph of that name, in that place."""
OpenGraph: TypeAlias = Callable[[str, Place, ShowAll], AbstractAsyncContextManager[Services]]
"""Opens the graph of that name, in that place, and serves it until the end.

What shows all graphs of the server is for work that is about all of them.
"""

_SHOWN_IDS = 3

_log = get_logger("kastor.graphs")
_models_log = get_logger("kastor.models")


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the graphs of a server have in common.

    Attributes:
        settings: of the server, as it was started.
        in_force: those that are in force now.
        roots: what jobs may read and write.
        slots: for jobs at work.
        vectors: for what is kept of them in memory.
    """

    settings: Settings
    in_force: Callable[[], Settings]
    roots: Sequence[Root]
    slots: Slots
    vectors: VectorBudget


def graph_opener(
    settings: Settings,
    open_store: OpenStore,
    vitals: Vitals,
    in_force: Callable[[], Settings] | None = None,
) -> OpenGraph:
    """Return what opens the graphs of a server.

    Args:
        settings: of the server, as it was started.
        open_store: of its engine.
        vitals: where tasks of the whole server are watched.
        in_force: tells the settings that are in force when a graph is opened.

    Raises:
        JobLocationError: jobs must not have one of the locations that the settings name.
    """
    roots = read_allowed(settings.job_location, settings.data)
    shared = _Shared(
        settings,
        in_force or (lambda: settings),
        roots,
        Slots(settings.jobs_at_once),
        VectorBudget(settings.max_vector_bytes),
    )

    @asynccontextmanager
    async def open_graph(name: str, place: Place, show_all: ShowAll) -> AsyncIterator[Services]:
        async with open_store(name, place) as store:
            seen = followed(store, name)
            services = _make(shared, seen, vitals.of(name), name, show_all)
            async with _serving(settings, name, services):
                yield services

    return open_graph


def _make(
    shared: _Shared,
    store: Store[ModelCatalog],
    vitals: Vitals,
    name: str,
    show_all: ShowAll,
) -> Services:
    """Return the services of a graph under these settings; none has begun to work."""
    settings = shared.settings
    _tell_of_interfaces_inside(store.catalog)
    graph = _graph_service(settings, store)
    indexes = IndexService(store.indexes, dialect_of(store.engine), settings.max_indexes)
    vectors = _vector_indexes(settings, store)
    query = _query_service(shared, store, graph, indexes, vectors)
    policy = limits.endpoint_policy(settings)
    relay = Relay(
        store.events,
        store.host_name,
        policy,
        vitals=vitals,
        operator_policy=limits.operator_policy(settings),
        history=store.history,
    )
    locations = Locations(shared.roots, settings.data, name)
    spool = Spool(settings.data / SPOOL / name, settings.max_upload_bytes)
    reading = limits.reading_limits(settings)
    exports = ExportService(store, query.runner)
    diffs = DiffService(store, graph, query)
    kinds: Sequence[JobKind] = (  # a kind of job is an item here
        DeletionKind(graph),
        ImportKind(graph, store.jobs, locations, reading),
        UploadKind(graph, spool, reading, vectors),
        ExportKind(exports, locations, graph.at),
        BackupKind(show_all, store.engine.name, locations),
        UpdatesKind(graph, query),
        DeletesKind(graph, query),
        RevertKind(diffs, graph, query),
    )
    search = _search_service(settings, store, vitals)
    nearest = _vector_service(shared, store, query, vectors, search, vitals)
    hybrid = HybridService(search, nearest, query, lambda: store.catalog)
    return Services(
        store=store,
        graph=graph,
        query=query,
        slow=SlowQueries(),
        history=HistoryService(store, graph, query),
        keeping=KeepingService(store.history, graph, retention(settings)),
        indexes=indexes,
        routes=RouteService(
            store.events, relay, limits.max_routes(settings), settings.max_endpoints
        ),
        feed=Feed(store.events, store.host_name, vitals, partial(_model_epoch, store)),
        live=LiveService(store, query, limits.live_settings(settings), vitals),
        inputs=InputService(
            store.inputs, graph, store.host_name, policy, vitals, settings.max_inputs
        ),
        saved=SavedService(store.saved, limits.saved_limits(settings)),
        proposals=_proposal_service(settings, store, graph, name),
        repeats=Repeats(store.jobs, store.ticker),
        jobs=JobService(store.jobs, kinds, store.ticker, vitals, shared.slots, settings.max_jobs),
        locations=locations,
        spool=spool,
        exports=exports,
        diffs=diffs,
        sample=SampleService(graph, store, vitals),
        search=search,
        vectors=nearest,
        hybrid=hybrid,
        vitals=vitals,
    )


def _query_service(
    shared: _Shared,
    store: Store[ModelCatalog],
    graph: GraphService,
    indexes: IndexService,
    vectors: VectorIndexes,
) -> QueryService:
    return QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        limits.query_settings(shared.in_force()),
        dialect=dialect_of(store.engine),
        indexes=indexes.paths,
        refresh=store.refresh,
        resolve=lambda change: graph.at(Named(change=change)),
        since=store.since,
        vectors=vectors,
    )


def _search_service(
    settings: Settings, store: Store[ModelCatalog], vitals: Vitals
) -> SearchService | None:
    if not settings.search:
        return None
    return SearchService(store.search, store.events, store.host_name, vitals)


def _vector_indexes(settings: Settings, store: Store[ModelCatalog]) -> VectorIndexes:
    embeds = limits.embedder_settings(settings) is not None
    return VectorIndexes(store.vectors, store.ticker.age_now, embeds=embeds)


def _vector_service(
    shared: _Shared,
    store: Store[ModelCatalog],
    query: QueryService,
    indexes: VectorIndexes,
    search: SearchService | None,
    vitals: Vitals,
) -> VectorService:
    asked = limits.embedder_settings(shared.settings)
    if asked is None:
        return VectorService(store, indexes, query, shared.vectors)

    def leads() -> bool:
        return search is None or search.leads

    embedding = Embedding(store, indexes, Embedder(asked), vitals, leads)
    return VectorService(store, indexes, query, shared.vectors, embedding)


def _proposal_service(
    settings: Settings, store: Store[ModelCatalog], graph: GraphService, name: str
) -> ProposalService:
    confirm = Confirm(settings.agents_confirm)
    return ProposalService(
        *(store.proposals, graph, store.ticker.age_now, confirm, name),
        second_person=settings.agents_second_person,
    )


async def _model_epoch(store: Store[ModelCatalog]) -> int:
    await store.refresh()
    return store.catalog.epoch


def _graph_service(settings: Settings, store: Store[ModelCatalog]) -> GraphService:
    models, document_bytes = limits.model_limits(settings), settings.max_document_bytes
    totals = limits.total_limits(settings)
    if totals is None:
        return GraphService(store, models, document_bytes)
    return CountedGraphService(store, models, document_bytes, Totals(store, totals))


@asynccontextmanager
async def _serving(settings: Settings, name: str, services: Services) -> AsyncIterator[None]:
    """Let the services of a graph do their work until the end; they stop in the opposite order."""
    async with AsyncExitStack() as stack:
        store = services.store
        writer = services.vitals.watch("writer", store.trouble, critical=True)
        stack.callback(writer.close)
        waiting = (services.feed, services.live, services.routes, services.inputs, services.jobs)
        for service in (*waiting, services.sample):
            stack.push_async_callback(service.stop)
        await services.indexes.refresh()
        await services.vectors.indexes.refresh()
        # Endpoints of the configuration file are the default graph's.
        await services.routes.start(settings.endpoints if name == DEFAULT else {})
        await services.inputs.start()
        await services.jobs.start()
        if services.search is not None:
            stack.push_async_callback(services.search.stop)
            services.search.start()
        if services.vectors.embedding is not None:
            stack.push_async_callback(services.vectors.embedding.stop)
            services.vectors.embedding.start()
        telling = asyncio.create_task(_tell_of_escaped_slashes(name, store))
        stack.callback(telling.cancel)
        yield


def _tell_of_interfaces_inside(catalog: ModelCatalog) -> None:
    """Warn of models that earlier versions took and no server can make twins of."""
    found = catalog.with_interfaces_inside()
    if found:
        _models_log.warning(
            "models hold interfaces inside, so no twins can be made of them; delete them and "
            "upload the inner interfaces as models of their own, referred to by id",
            count=len(found),
            first=found[:3],
        )


async def _tell_of_escaped_slashes(name: str, store: Store[ModelCatalog]) -> None:
    """Name ids that `%2F` reached in early versions, and that only `%252F` reaches now."""
    try:
        count, first = await store.escaped_slashes(_SHOWN_IDS, SYSTEM)
    except Exception as error:  # noqa: BLE001 - the next start looks again
        _log.warning("ids not looked through for %2F", graph=name, reason=str(error))
        return
    if count:
        _log.warning(
            "ids hold the characters %2F; ask for them by %252F",
            graph=name,
            count=count,
            first=first,
        )
