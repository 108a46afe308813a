"""Makes the services of a graph from the settings."""

from __future__ import annotations

from dataclasses import replace

from kastor.api.hosting import Graphs
from kastor.api.measure import RequestMeter
from kastor.api.services import ADT_REQUEST_LIMITS, RequestLimits, Services
from kastor.config import Settings
from kastor.dtdl import ValueRules
from kastor.events.feed import Feed
from kastor.events.policy import EndpointPolicy
from kastor.events.relay import Relay
from kastor.events.routes import RouteService
from kastor.graph.service import ADT_MODEL_LIMITS, GraphService, ModelLimits
from kastor.ingest.service import InputService
from kastor.live.service import LiveService, LiveSettings
from kastor.query.indexes import IndexService
from kastor.query.service import ADT_SETTINGS, QueryService, QuerySettings
from kastor.query.sql.postgres import Postgres
from kastor.storage.protocol import Store
from kastor.storage.sqlite.folder import OWN_NAMES, SECRETS

ADT_STRING_BYTES = 4_096
ADT_ROUTES = 6


def build_services(
    settings: Settings, store: Store, graphs: Graphs, requests: RequestMeter
) -> Services:
    """Return the services of a graph under these settings."""
    adt = settings.profile == "adt"
    graph = GraphService(store, ADT_MODEL_LIMITS if adt else ModelLimits())
    limits = _request_limits(settings)
    query_settings = ADT_SETTINGS if adt else _query_settings(settings)
    dialect = None if store.schema is None else Postgres(store.schema)
    indexes = IndexService(store.indexes, dialect)
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
    relay = Relay(store.events, store.host_name, policy, operator_policy=operator_policy(settings))
    routes = RouteService(store.events, relay, ADT_ROUTES if adt else None)
    feed = Feed(store.events, store.host_name)
    live = LiveService(store, query, _live_settings(settings, query_settings))
    inputs = InputService(store.inputs, graph, store.host_name, policy)
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
        allow_reset=settings.allow_reset,
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
    limit = ADT_STRING_BYTES if settings.profile == "adt" else None
    return ValueRules(
        zone_optional=True, dollar_keys=False, empty_keys=False, max_string_bytes=limit
    )


def _request_limits(settings: Settings) -> RequestLimits:
    if settings.profile == "adt":
        return replace(ADT_REQUEST_LIMITS, slow_query_seconds=settings.slow_query_seconds)
    return RequestLimits(
        body_bytes=settings.max_body_bytes,
        models_body_bytes=settings.max_models_body_bytes,
        slow_query_seconds=settings.slow_query_seconds,
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
        max_rows=settings.max_live_rows,
        max_changes=settings.max_live_changes,
        timeout_seconds=query_settings.timeout_seconds,
    )
