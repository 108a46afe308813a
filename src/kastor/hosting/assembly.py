"""Makes the services of a graph from the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kastor.api.http.addressing import Graphs
from kastor.api.http.meter import RequestMeter
from kastor.budget import StreamBudget, StreamLimits
from kastor.config import Settings
from kastor.dtdl import ValueRules
from kastor.events.feed import Feed
from kastor.events.relay import Relay
from kastor.events.routes import RouteService
from kastor.graph.service import GraphService
from kastor.graph.uploads import ADT_MODEL_LIMITS, ModelLimits
from kastor.hosting.services import ADT_REQUEST_LIMITS, RequestLimits, Services
from kastor.ingest.service import InputService
from kastor.live.service import LiveService, LiveSettings
from kastor.logs import get_logger
from kastor.outside.bounds import EndpointPolicy
from kastor.query.indexes import IndexService
from kastor.query.service import ADT_SETTINGS, QueryService, QuerySettings
from kastor.query.sql.postgres import Postgres
from kastor.storage.protocol import Store
from kastor.storage.sqlite.folder import OWN_NAMES, SECRETS
from kastor.vital import Vitals

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog

_log = get_logger("kastor.models")

ADT_STRING_BYTES = 4_096
ADT_ROUTES = 6


def build_services(
    settings: Settings,
    store: Store,
    graphs: Graphs,
    requests: RequestMeter,
    vitals: Vitals,
    streams: StreamBudget,
) -> Services:
    """Return the services of a graph under these settings."""
    adt = settings.profile == "adt"
    _tell_of_interfaces_inside(store.catalog)
    model_limits = ADT_MODEL_LIMITS if adt else _model_limits(settings)
    graph = GraphService(store, model_limits, settings.max_document_bytes)
    limits = _request_limits(settings)
    query_settings = ADT_SETTINGS if adt else _query_settings(settings)
    dialect = None if store.schema is None else Postgres(store.schema)
    indexes = IndexService(store.indexes, dialect, settings.max_indexes)
    query = QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        query_settings,
        dialect=dialect,
        indexes=indexes.paths,
        refresh=store.refresh,
    )
    policy = endpoint_policy(settings)
    own_word = operator_policy(settings)
    relay = Relay(store.events, store.host_name, policy, vitals=vitals, operator_policy=own_word)
    max_routes = min(ADT_ROUTES, settings.max_routes) if adt else settings.max_routes
    routes = RouteService(store.events, relay, max_routes, settings.max_endpoints)
    feed = Feed(store.events, store.host_name, vitals)
    live = LiveService(store, query, _live_settings(settings, query_settings), vitals)
    inputs = InputService(store.inputs, graph, store.host_name, policy, vitals, settings.max_inputs)
    return Services(
        store,
        graph,
        query,
        indexes,
        routes,
        feed,
        live,
        inputs,
        limits,
        graphs,
        requests,
        vitals,
        streams,
        allow_reset=settings.allow_reset,
    )


def _tell_of_interfaces_inside(catalog: ModelCatalog) -> None:
    """Warn of models that earlier versions took and no server can make twins of."""
    found = catalog.with_interfaces_inside()
    if found:
        _log.warning(
            "models hold interfaces inside, so no twins can be made of them; delete them and "
            "upload the inner interfaces as models of their own, referred to by id",
            count=len(found),
            first=found[:3],
        )


def stream_limits(settings: Settings) -> StreamLimits:
    """Return what the open streams of the process may take."""
    return StreamLimits(
        places=settings.max_streams,
        places_each=settings.max_streams_per_client,
        size=settings.max_stream_bytes,
        size_each=settings.max_stream_bytes_per_client,
    )


def endpoint_policy(settings: Settings) -> EndpointPolicy:
    """Return what endpoints and inputs may touch that callers of the API make.

    Files and secrets have bounds on every server: whoever reaches it is a caller, and not its
    operator. Private addresses are open by default where only this machine's programs call.
    """
    private = _private_addresses(settings)
    return EndpointPolicy(
        settings.webhook_prefixes,
        settings.serves_this_machine_alone if private is None else private,
        file_folder=settings.data,
        file_roots=settings.file_root,
        own_names=OWN_NAMES,
        secret_folder=settings.data / SECRETS,
        secret_variables="KASTOR_SECRET_",  # noqa: S106 - the beginning of a name
    )


def operator_policy(settings: Settings) -> EndpointPolicy:
    """Return what endpoints of the configuration file may touch: they are the operator's word."""
    private = _private_addresses(settings)
    return EndpointPolicy(settings.webhook_prefixes, private is not False)


def _private_addresses(settings: Settings) -> bool | None:
    given = settings.private_addresses
    return settings.webhook_private_addresses if given is None else given


def value_rules(settings: Settings) -> ValueRules:
    """Return what the server accepts as values where DTDL says otherwise (rest-api C.1.3)."""
    adt = settings.profile == "adt"
    return ValueRules(
        zone_optional=not adt,
        dollar_keys=False,
        empty_keys=False,
        max_string_bytes=ADT_STRING_BYTES if adt else None,
    )


def _request_limits(settings: Settings) -> RequestLimits:
    if settings.profile == "adt":
        return replace(ADT_REQUEST_LIMITS, slow_query_seconds=settings.slow_query_seconds)
    return RequestLimits(
        body_bytes=settings.max_body_bytes,
        models_body_bytes=settings.max_models_body_bytes,
        slow_query_seconds=settings.slow_query_seconds,
        add_components=settings.absent_components == "empty",
    )


def _model_limits(settings: Settings) -> ModelLimits:
    return ModelLimits(
        per_upload=settings.max_models_per_upload,
        document_bytes=settings.max_model_bytes,
        values=settings.max_models_values,
    )


def _query_settings(settings: Settings) -> QuerySettings:
    return QuerySettings(
        default_page=settings.query_page,
        max_page=settings.max_query_page,
        timeout_seconds=settings.query_timeout,
    )


def _live_settings(settings: Settings, query_settings: QuerySettings) -> LiveSettings:
    return LiveSettings(
        max_queries=settings.max_live_queries,
        max_queries_each=settings.max_live_queries_per_client,
        max_rows=settings.max_live_rows,
        max_changes=settings.max_live_changes,
        timeout_seconds=query_settings.timeout_seconds,
    )
