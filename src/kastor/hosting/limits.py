"""What of the settings a graph's services keep to: limits, bounds, how narrow values are."""

from __future__ import annotations

from kastor.config import Settings
from kastor.dtdl import ValueRules
from kastor.graph.totals import TotalLimits
from kastor.graph.uploads import ADT_MODEL_LIMITS, ModelLimits
from kastor.jobs.importing.batches import MODELS, RELATIONSHIPS, TWINS
from kastor.jobs.importing.reading import ReadingLimits
from kastor.live.service import LiveSettings
from kastor.outside.bounds import EndpointPolicy
from kastor.outside.embedder import EmbedderSettings
from kastor.outside.secrets import Secret
from kastor.query.service import ADT_SETTINGS, QuerySettings
from kastor.saved.service import SavedLimits
from kastor.storage.sqlite.folder import OWN_NAMES, SECRETS

ADT_STRING_BYTES = 4_096
ADT_ROUTES = 6
ADT_FILE = {MODELS: 10_000, TWINS: 2_000_000, RELATIONSHIPS: 10_000_000}
"""Lines of each section of an imported file (events 6)."""


def value_rules(settings: Settings) -> ValueRules:
    """Return what the server accepts as values where DTDL says otherwise (rest-api C.1.3)."""
    adt = settings.profile == "adt"
    return ValueRules(
        zone_optional=not adt,
        dollar_keys=False,
        empty_keys=False,
        max_string_bytes=ADT_STRING_BYTES if adt else None,
    )


def model_limits(settings: Settings) -> ModelLimits:
    """Return how large uploads of models may be."""
    if settings.profile == "adt":
        return ADT_MODEL_LIMITS
    return ModelLimits(
        per_upload=settings.max_models_per_upload,
        document_bytes=settings.max_model_bytes,
        values=settings.max_models_values,
    )


def total_limits(settings: Settings) -> TotalLimits | None:
    """Return how much a graph may hold; None where nobody counts."""
    counts = settings.profile == "adt" and settings.adt_totals == "on"
    return TotalLimits() if counts else None


def query_settings(settings: Settings) -> QuerySettings:
    """Return what queries may take."""
    if settings.profile == "adt":
        return ADT_SETTINGS
    return QuerySettings(
        default_page=settings.query_page,
        max_page=settings.max_query_page,
        timeout_seconds=settings.query_timeout,
        max_open_hops=settings.max_open_hops,
        cypher=settings.cypher == "on",
    )


def live_settings(settings: Settings) -> LiveSettings:
    """Return what live queries may take."""
    return LiveSettings(
        max_queries=settings.max_live_queries,
        max_queries_each=settings.max_live_queries_per_client,
        max_rows=settings.max_live_rows,
        max_changes=settings.max_live_changes,
    )


def reading_limits(settings: Settings) -> ReadingLimits:
    """Return what an imported file may hold."""
    adt = settings.profile == "adt"
    per_file = model_limits(settings).per_upload
    models = ADT_FILE[MODELS] if adt or per_file is None else per_file
    return ReadingLimits(
        text_bytes=settings.max_import_bytes,
        model_bytes=settings.max_models_body_bytes,
        entries=ADT_FILE if adt else {MODELS: models},
        add_components=None if adt else settings.absent_components == "empty",
    )


def embedder_settings(settings: Settings) -> EmbedderSettings | None:
    """Return where the embedder is; None where there is none."""
    if settings.embedder_url is None or settings.profile == "adt":
        return None
    file, env = settings.embedder_key_file, settings.embedder_key_env
    has_key = file is not None or env is not None
    return EmbedderSettings(
        url=settings.embedder_url,
        model=str(settings.embedder_model),
        key=Secret(env=env, file=None if file is None else str(file)) if has_key else None,
        ca_file=settings.embedder_ca_file,
        seconds=settings.embedder_timeout,
        batch=settings.embedder_batch,
        at_once=settings.embedder_at_once,
        daily_bytes=settings.embedder_daily_bytes,
    )


def max_routes(settings: Settings) -> int:
    """Return how many routes a graph may have."""
    is_adt = settings.profile == "adt"
    return min(ADT_ROUTES, settings.max_routes) if is_adt else settings.max_routes


def saved_limits(settings: Settings) -> SavedLimits:
    """Return how much of the explorer's documents and scene files a graph keeps."""
    return SavedLimits(
        settings.max_saved_documents, settings.max_scene_files, settings.max_scene_files_bytes
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
