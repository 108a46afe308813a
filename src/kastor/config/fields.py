"""The settings one by one: name, default, bounds, meaning.

`docs/reference/settings.md` has one line for each; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kastor.config.issuers import LONGEST_SCOPE, SCOPE, SCOPE_PATTERN, IssuerSettings

Texts = Annotated[tuple[str, ...], NoDecode]
"""Several texts; in a variable they are parted by commas."""


class SettingsFields(BaseSettings):
    """Everything that can be set, each value within its own bounds; immutable once read."""

    model_config = SettingsConfigDict(env_prefix="KASTOR_", frozen=True, extra="forbid")

    data: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("kastor", appauthor=False)),
        description="Folder that holds the graph, certificates and tokens.",
    )
    db: str | None = Field(
        None, description="PostgreSQL database that holds the graph; else a file in the folder."
    )
    db_password_file: Path | None = Field(
        None, description="File with the password of `db` and of its standby servers."
    )
    graph_schema: str = Field(
        "graph_default",
        pattern="^[a-z_][a-z0-9_]{0,62}$",
        description="Schema of the graph in the database.",
    )
    databases: dict[str, str] = Field(
        default_factory=dict,
        description="More PostgreSQL databases that graphs may live in, by name (file only).",
    )
    read_replicas: Texts = Field(
        (), description="Standby servers of `db` that requests may ask to read from."
    )
    db_pool: int = Field(
        10, ge=2, description="Connections to each database that a process opens at most."
    )
    db_pooler: bool = Field(
        default=False,
        description="A pooler in transaction mode stands in between: prepare no statements.",
    )
    workers: int = Field(1, ge=1, description="Processes that serve requests; needs `db`.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        None,
        description="Address that clients use, for absolute links, with the path that a proxy "
        "gives the server; else from the request.",
    )
    graph_domain: str | None = Field(
        None, description="Domain whose sub-domains name graphs: NAME.example.org is graph NAME."
    )
    trusted_proxies: Texts = Field(
        (), description="Addresses whose X-Forwarded-For, -Proto, -Host and -Prefix are believed."
    )
    tls_cert: Path | None = Field(None, description="Certificate chain in PEM.")
    tls_key: Path | None = Field(None, description="Private key of the certificate in PEM.")
    tls_dev: bool = Field(
        default=False, description="Serve https with a development certificate made here."
    )
    auth: Annotated[tuple[Literal["none", "tokens", "oidc"], ...], NoDecode] = Field(
        ("none",),
        description="What lets clients in: `tokens` of `kastor token create`, `oidc` those of an "
        "issuer; both may be given.",
    )
    oidc_issuer: Texts = Field(
        (), description="Issuers whose tokens let in with `auth` oidc: their URLs."
    )
    oidc_audience: Texts = Field(
        (), description="Audiences, of which a token of `oidc_issuer` has to name one."
    )
    oidc_client_id: str | None = Field(
        None,
        description="Id that the explorer has at the issuers of `oidc_issuer`, to sign in there.",
    )
    oidc_scope: str = Field(
        SCOPE,
        pattern=SCOPE_PATTERN,
        max_length=LONGEST_SCOPE,
        description="Scopes that the explorer asks for there, with blanks between.",
    )
    issuers: tuple[IssuerSettings, ...] = Field(
        (), description="Issuers, each with audiences of its own (file only)."
    )
    policy: Path | None = Field(
        None, description="TOML file of roles, and of rules that give them; read again on changes."
    )
    allow_anonymous: bool = Field(
        default=False, description="Allow access without tokens on a server that others reach."
    )
    cors_origin: Texts = Field(
        (), description="Web origins that browsers may call from; `*` for all."
    )
    access_log: bool = Field(default=False, description="Log one line for each request.")
    audit_log: str = Field(
        "auto",
        min_length=1,
        description="File of refusals and administrative acts, or `off`; `auto`: in the data "
        "folder of a server that asks for tokens.",
    )
    audit_log_bytes: int = Field(
        67_108_864, ge=65_536, description="Bytes from which on that file is set aside."
    )
    audit_log_files: int = Field(
        10, ge=1, le=1_000, description="Most files that are kept beside it; the oldest goes."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="Form of the log; `auto` is text on a terminal, else JSON."
    )
    otel_endpoint: str | None = Field(
        None,
        description="Collector of OpenTelemetry (OTLP over HTTP) that gets traces and logs, such "
        "as http://127.0.0.1:4318; none: nobody.",
    )
    otel_traces: Literal["on", "off"] = Field("on", description="Whether it gets traces.")
    otel_logs: Literal["on", "off"] = Field("on", description="Whether it gets the log.")
    otel_service_name: str = Field(
        "kastor",
        min_length=1,
        max_length=200,
        description="What it calls this server: `service.name`.",
    )
    otel_sample: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of the traces begun here that it gets; requests that belong to a trace "
        "do as that says.",
    )
    otel_headers_file: Path | None = Field(
        None, description="File of headers for it, such as a key: a line `name: value` for each."
    )
    otel_ca_file: Path | None = Field(
        None, description="Certificates in PEM that its own is checked by; none: the system's."
    )
    otel_queue: int = Field(
        4_096,
        ge=16,
        le=1_000_000,
        description="Most spans, and most lines of the log, that wait to be sent; others are lost.",
    )
    sample: Literal["building"] | None = Field(
        None, description="Fill an empty graph with a sample and simulate its sensors."
    )
    explorer: bool = Field(default=True, description="Serve the explorer at /explorer.")
    agents: Literal["off", "read", "write"] = Field(
        "read",
        description="What language models may do at /mcp, within the rights of who lets them in.",
    )
    embedder_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@]{1,2000}$",
        description="API of an embedder in the form of OpenAI's, such as "
        "http://127.0.0.1:11434/v1, that makes vectors of texts.",
    )
    embedder_model: str | None = Field(
        None, min_length=1, max_length=200, description="Name of the embedder's model."
    )
    embedder_key_file: Path | None = Field(None, description="File with the embedder's key.")
    embedder_key_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description="Environment variable with the embedder's key, instead of a file.",
    )
    embedder_ca_file: Path | None = Field(
        None, description="Certificates in PEM that the embedder is checked by; none: the system's."
    )
    embedder_timeout: float = Field(
        30.0, gt=0, le=50, description="Seconds that the embedder has for an answer."
    )
    embedder_batch: int = Field(
        32, ge=1, le=512, description="Texts that the embedder is asked for together."
    )
    embedder_at_once: int = Field(
        1, ge=1, le=16, description="Questions of a graph to the embedder that are under way."
    )
    embedder_daily_bytes: int = Field(
        0, ge=0, description="Bytes of texts that a graph sends it in a day; 0: any number."
    )
    explorer_files: Path | None = Field(
        None, description="Folder of a built explorer to serve in place of the one that is there."
    )
    allow_sample: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether POST /kastor/v1/sample loads the sample into an empty graph; `auto`: "
        "on a server that only this machine reaches.",
    )
    profile: Literal["default", "adt"] = Field(
        "default", description="`adt` makes the server as narrow as the cloud."
    )
    adt_totals: Literal["on", "off"] = Field(
        "on", description="Whether the profile `adt` holds no more than the cloud does."
    )
    adt_rates: Literal["on", "off"] = Field(
        "off", description="Whether the profile `adt` has the cloud's rates: 429 beyond."
    )
    agents_confirm: Literal["never", "destructive", "always"] = Field(
        "destructive",
        description="Which proposals are applied only once somebody approved them; `destructive`: "
        "those that delete, or touch more than 25 objects.",
    )
    agents_second_person: bool = Field(
        False,
        description="Whether whoever proposed something cannot be the one who approves it.",
    )
    absent_components: Literal["refuse", "empty"] = Field(
        "refuse",
        description="What becomes of a twin without a component of its model; `empty` adds it.",
    )
    rate_limit: float = Field(
        0.0, ge=0, le=1_000_000, description="Requests a second of each client; 0: any number."
    )
    rate_burst: int = Field(
        0, ge=0, le=1_000_000, description="Of these at once; 0: those of two seconds."
    )
    max_queries_per_client: int = Field(
        100, gt=0, description="Most queries that one client has under way: a token, or an address."
    )
    failed_access_limit: int = Field(
        1_000,
        ge=0,
        description="Requests without a valid token that are told so, of each address in a minute; "
        "0: all of them.",
    )
    max_connections_per_address: int = Field(
        0, ge=0, description="Most connections of one address to a process at once; 0: any number."
    )
    allow_reset: bool = Field(
        default=False, description="Let POST /kastor/v1/reset empty the graph (for tests)."
    )
    max_body_bytes: int = Field(
        1_048_576,
        gt=0,
        le=8_388_608,  # what a query may make: storage.limits has both
        description="Largest body of a request, uploads of models aside.",
    )
    max_document_bytes: int = Field(
        2_097_152,
        gt=0,
        le=4_194_304,
        description="Largest twin or relationship as it is stored, with its metadata.",
    )
    max_models_body_bytes: int = Field(
        33_554_432, gt=0, description="Largest body of an upload of models."
    )
    max_models_per_upload: int = Field(10_000, gt=0, description="Most models of one upload.")
    max_model_bytes: int = Field(2_097_152, gt=0, description="Largest text of one model.")
    max_models_values: int = Field(
        250_000, gt=0, description="Most members and items of one upload of models."
    )
    max_upload_bytes: int = Field(
        4_294_967_296,
        gt=0,
        description="Largest file that is uploaded to be imported, as it comes.",
    )
    max_import_bytes: int = Field(
        68_719_476_736, gt=0, description="Most bytes of a file's text that one import reads."
    )
    max_batch_bytes: int = Field(33_554_432, gt=0, description="Largest body of a batch of writes.")
    max_batch_operations: int = Field(
        10_000,
        gt=0,
        le=10_000,  # what a store takes together: storage.batches.MOST_TOGETHER
        description="Most operations of a batch of writes.",
    )
    max_connections: int = Field(
        10_000, gt=0, description="Most connections of clients to a process at once."
    )
    head_seconds: float = Field(
        15.0, gt=0, description="Seconds in which a connection has to send the head of a request."
    )
    body_seconds: float = Field(
        30.0, gt=0, description="Seconds without a byte of a body after which a request ends."
    )
    send_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds after which a connection ends whose client takes nothing of an "
        "answer.",
    )
    query_timeout: float = Field(60.0, gt=0, description="Seconds after which a query ends.")
    cypher: Literal["on", "off"] = Field(
        "on", description="off: refuse queries in openCypher; adt refuses them always."
    )
    max_open_hops: int = Field(
        30,
        gt=0,
        le=100,
        description="Relationships that a range without an end may walk in openCypher; where more "
        "lie behind, the query fails.",
    )
    slow_query_seconds: float = Field(
        1.0, ge=0, description="Queries that take longer are logged with their text."
    )
    query_page: int = Field(100, gt=0, description="Rows of a query page when none are asked for.")
    max_query_page: int = Field(1_000, gt=0, description="Most rows of a query page.")
    max_live_queries: int = Field(
        200, ge=0, description="Most live queries open at once on one graph."
    )
    max_live_queries_per_client: int = Field(
        100, ge=0, description="Of these, most that one client has: a token, or an address."
    )
    max_live_rows: int = Field(10_000, gt=0, description="Most rows of a live query.")
    max_live_changes: int = Field(
        100,
        ge=0,
        description="Most changes at once that a live query evaluates one by one.",
    )
    max_streams: int = Field(
        2_500, gt=0, description="Most streams (live queries, event feed) open at once."
    )
    max_streams_per_client: int = Field(
        1_250, gt=0, description="Of these, most that one client has: a token, or an address."
    )
    max_stream_bytes: int = Field(
        268_435_456, gt=0, description="Most bytes that all streams keep for their clients."
    )
    max_stream_bytes_per_client: int = Field(
        67_108_864, gt=0, description="Of these, most for one client."
    )
    stream_stall_seconds: float = Field(
        30.0, gt=0, description="Seconds after which a stream ends that its client does not read."
    )
    version_days: float = Field(7.0, ge=0, description="Days that superseded versions are kept.")
    version_bytes: int = Field(
        2_000_000_000, ge=0, description="Bytes that superseded versions may take, oldest first."
    )
    telemetry_days: float = Field(
        0.0, ge=0, description="Days that telemetry is kept to be read as series; 0: not at all."
    )
    telemetry_bytes: int = Field(
        1_000_000_000, ge=0, description="Bytes that kept telemetry may take, oldest first."
    )
    log_days: float = Field(1.0, ge=0, description="Days that the change log is kept.")
    log_bytes: int = Field(
        1_000_000_000, ge=0, description="Bytes that the change log may take, oldest first."
    )
    search: bool = Field(
        True, description="Whether graphs have an index of their texts for searches."
    )
    max_vector_bytes: int = Field(
        536_870_912,
        ge=0,
        description="Most bytes of vectors that a process keeps in memory for searches; an index "
        "without room there is read for each search.",
    )
    max_graphs: int = Field(100, gt=0, description="Most graphs of the server.")
    max_indexes: int = Field(100, ge=0, description="Most property indexes of a graph.")
    max_routes: int = Field(100, ge=0, description="Most event routes of a graph.")
    max_endpoints: int = Field(100, ge=0, description="Most endpoints of a graph.")
    max_inputs: int = Field(100, ge=0, description="Most inputs of a graph.")
    max_saved_documents: int = Field(
        1_000, ge=0, description="Most saved views of a graph; as many queries, and scenes."
    )
    max_scene_files: int = Field(100, ge=0, description="Most scene files of a graph.")
    max_scene_files_bytes: int = Field(
        209_715_200, ge=0, description="Bytes that the scene files of a graph may take together."
    )
    max_jobs: int = Field(
        10_000, gt=0, description="Most jobs that a graph keeps; ended ones are kept for 30 days."
    )
    jobs_at_once: int = Field(
        4, gt=0, description="Most jobs that a process works on at once; others wait their turn."
    )
    max_dead_letters: int = Field(
        10_000, ge=0, description="Most dead letters that a route keeps, newest first."
    )
    endpoints: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Endpoints of the default graph by name: kind and its settings (file only).",
    )
    webhook_prefixes: Texts = Field(
        (), description="Webhooks may only go to URLs that begin with one of these; none: any."
    )
    private_addresses: bool | None = Field(
        None,
        description="Whether endpoints and inputs may reach private addresses; by default only on "
        "a server that nobody but this machine reaches.",
    )
    webhook_private_addresses: bool | None = Field(
        None, description="The older name of `private_addresses`."
    )
    file_root: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Further folders that file endpoints and `ca_file` may name files below."
    )
    job_location: Annotated[tuple[str | dict[str, Any], ...], NoDecode] = Field(
        (),
        description="Prefixes of what import, export and backup jobs may read and write, beside "
        "exchange/<graph>/ of the data folder; in the file also with credentials.",
    )
    shutdown_seconds: float = Field(
        10.0, ge=0, description="Time that requests in flight get to finish at shutdown."
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=3_600,
        description="Time before that in which requests are still taken and /readyz says no.",
    )
    db_wait_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="Seconds that the start waits for a database that does not answer.",
    )
