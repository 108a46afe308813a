"""The settings of a server: flags, then `KASTOR_*` variables, then a TOML file, then defaults.

`docs/reference/settings.md` has one line for each; a test compares.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from kastor.dsn import SCHEMES, fault_of, has_password
from kastor.errors import CannotStartError
from kastor.pages import refer
from kastor.types import override

DAY_SECONDS = 86_400.0
AUDIT_FILE = Path("audit", "audit.ndjson")
"""Of a data folder."""
Texts = Annotated[tuple[str, ...], NoDecode]
"""Several texts; in a variable they are parted by commas."""


class SettingsError(CannotStartError):
    """Settings that are wrong or do not go together; the message says what to do."""

    exit_status = 2


class IssuerSettings(BaseModel):
    """An issuer whose tokens let in, as `[[issuers]]` of the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    audience: Annotated[tuple[str, ...], Field(min_length=1)]
    name: Annotated[str, Field(max_length=70)] = ""
    client_id: str | None = None
    jwks_uri: str | None = None
    ca_file: Path | None = None

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def _be_on_the_web(cls, value: str | None) -> str | None:
        if value is not None:
            _check_issuer(value)
        return value

    @field_validator("audience")
    @classmethod
    def _be_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(each.strip() and each != "*" for each in value):
            raise ValueError("Name each audience; there is no word for any.")
        return value


class Settings(BaseSettings):
    """Everything that can be set; immutable once read."""

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
        None, description="Address that clients use, for absolute links; else from the request."
    )
    graph_domain: str | None = Field(
        None, description="Domain whose sub-domains name graphs: NAME.example.org is graph NAME."
    )
    trusted_proxies: Texts = Field(
        (), description="Addresses whose X-Forwarded-For, -Proto and -Host are believed."
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
    sample: Literal["building"] | None = Field(
        None, description="Fill an empty graph with a sample and simulate its sensors."
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
    max_graphs: int = Field(100, gt=0, description="Most graphs of the server.")
    max_indexes: int = Field(100, ge=0, description="Most property indexes of a graph.")
    max_routes: int = Field(100, ge=0, description="Most event routes of a graph.")
    max_endpoints: int = Field(100, ge=0, description="Most endpoints of a graph.")
    max_inputs: int = Field(100, ge=0, description="Most inputs of a graph.")
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

    @property
    def asks_who(self) -> bool:
        """Whether clients have to show a token."""
        return self.auth != ("none",)

    @property
    def audit_file(self) -> Path | None:
        """Where the audit log is written; None: nowhere."""
        if self.audit_log == "auto":
            return self.data / AUDIT_FILE if self.asks_who else None
        return None if self.audit_log == "off" else Path(self.audit_log)

    @property
    def all_issuers(self) -> tuple[IssuerSettings, ...]:
        """Every issuer whose tokens let in, those of flags first."""
        of_flags = (
            IssuerSettings(issuer=each, audience=self.oidc_audience, client_id=self.oidc_client_id)
            for each in self.oidc_issuer
        )
        return (*of_flags, *self.issuers)

    @property
    def serves_this_machine_alone(self) -> bool:
        """Whether nobody but this machine's programs can be the client.

        The address that it listens on does not say so: a proxy may stand before it. A server that
        lets requests of proxies or of every web page in (`api.strangers`) may have others.
        """
        lets_others_in = self.asks_who or self.allow_anonymous or "*" in self.cors_origin
        return not lets_others_in and self._others_by() is None

    def _others_by(self) -> str | None:
        """What says that others than this machine reach the server, for people."""
        if not is_loopback(self.host):
            return f"{self.host} can be reached from other machines"
        for name, value in (
            ("public_url", self.public_url),
            ("trusted_proxies", self.trusted_proxies),
            ("graph_domain", None if _is_local(self.graph_domain) else self.graph_domain),
        ):
            if value:
                return f"{name} says that clients come through a proxy"
        return None

    @field_validator(
        "auth",
        "oidc_issuer",
        "oidc_audience",
        "trusted_proxies",
        "cors_origin",
        "webhook_prefixes",
        "read_replicas",
        "file_root",
        "job_location",
        mode="before",
    )
    @classmethod
    def _part(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(each.strip() for each in value.split(",") if each.strip())
        return value

    @field_validator("auth")
    @classmethod
    def _be_ways_in(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or ("none" in value and len(set(value)) > 1):
            raise ValueError("Give none alone, or tokens, oidc or both.")
        return tuple(dict.fromkeys(value))

    @field_validator("oidc_issuer")
    @classmethod
    def _be_issuers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            _check_issuer(each)
        return value

    @field_validator("public_url")
    @classmethod
    def _be_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        extra = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ValueError(
                "Give scheme and host without a path, such as https://twins.example.org."
            )
        return value

    @field_validator("file_root")
    @classmethod
    def _be_folders_of_others(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        if not all(each.is_absolute() for each in value):
            raise ValueError("Give absolute paths of folders.")
        return value

    @model_validator(mode="after")
    def _go_together(self) -> Settings:
        self._check_database()
        self._check_server()
        self._check_issuers()
        self._keep_data_apart()
        others = self._others_by()
        if not self.asks_who and not self.allow_anonymous and others is not None:
            raise ValueError(
                f"{others}, and no access control is set. "
                "Add --auth tokens (make one with `kastor token create`), or say "
                "--allow-anonymous if everybody may read and write."
            )
        return self

    def _check_database(self) -> None:
        """Refuse addresses and schemas of databases that are none, or go with no database."""
        if self.db is not None and not self.db.startswith(SCHEMES):
            raise ValueError(
                "--db takes the address of a PostgreSQL database, such as "
                "postgresql://user@host/name. For SQLite give a folder with --data."
            )
        if self.db is None and (self.databases or self.read_replicas):
            raise ValueError("databases and read_replicas go with --db postgresql://...")
        if self.db is None and self.db_password_file is not None:
            raise ValueError("db_password_file goes with --db postgresql://...")
        addresses = (*self.databases.values(), *self.read_replicas)
        if "" in self.databases or not all(each.startswith(SCHEMES) for each in addresses):
            raise ValueError(
                "databases takes names and addresses of PostgreSQL databases, read_replicas "
                "addresses: postgresql://user@host/name."
            )
        self._check_addresses()
        if self.graph_schema.startswith("pg_"):
            raise ValueError("Schemas that begin with pg_ are PostgreSQL's own.")
        if self.graph_schema in ("kastor_control", "information_schema"):
            raise ValueError(f"The schema {self.graph_schema} holds something else already.")

    def _check_server(self) -> None:
        """Refuse settings of the process that contradict each other."""
        if self.workers > 1 and self.db is None:
            raise ValueError(
                f"{self.workers} workers need PostgreSQL (--db postgresql://...): a SQLite file "
                "belongs to one process."
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("Give --tls-cert and --tls-key together.")
        if self.tls_dev and self.tls_cert is not None:
            raise ValueError("Give either --tls-dev or --tls-cert with --tls-key, not both.")
        if self.rate_burst and not self.rate_limit:
            raise ValueError("rate_burst goes with rate_limit, which says how many in a second.")
        if self.profile == "adt" and self.absent_components != "refuse":
            raise ValueError(
                "--absent-components empty does not go with --profile adt: the cloud refuses "
                "twins without a component of their model."
            )
        if self.policy is not None and not self.asks_who:
            raise ValueError("policy goes with --auth tokens or --auth oidc: it says who may what.")
        private = {self.private_addresses, self.webhook_private_addresses} - {None}
        if len(private) > 1:
            raise ValueError(
                "private_addresses and webhook_private_addresses are one setting; give the first."
            )

    def _check_issuers(self) -> None:
        """Refuse to let in by tokens of nobody, of anybody, or meant for anybody."""
        page = refer("how-to/use-oidc", to="cli")
        given = (self.oidc_issuer, self.oidc_audience, self.oidc_client_id, self.issuers)
        if "oidc" not in self.auth:
            if any(given):
                raise ValueError(f"Issuers and audiences go with --auth oidc; see {page}.")
            return
        if not self.oidc_issuer and not self.issuers:
            raise ValueError(
                "--auth oidc needs to know whose tokens let in: add --oidc-issuer URL, with the "
                f"URL that tokens have in iss, or [[issuers]] in the file of --config; see {page}."
            )
        if bool(self.oidc_issuer) != bool(self.oidc_audience):
            raise ValueError(
                "Give --oidc-issuer and --oidc-audience together: tokens that were made for "
                "others must not count here. Azure SDKs ask for https://digitaltwins.azure.net, "
                f"which is the application 0b07f429-9f4b-4714-9392-cc5e8e80c8b0; see {page}."
            )
        urls = [each.issuer for each in self.all_issuers]
        if len(set(urls)) != len(urls):
            raise ValueError("An issuer is given twice; name all its audiences in one place.")

    def _check_addresses(self) -> None:
        """Refuse addresses of databases that would be taken for something else; none is shown."""
        named = [("db", self.db or "")] if self.db is not None else []
        named += [(f"databases.{name}", each) for name, each in self.databases.items()]
        named += [("read_replicas", each) for each in self.read_replicas]
        for name, address in named:
            if (fault := fault_of(address)) is not None:
                raise ValueError(f"The address of the database in {name} is malformed: {fault}.")
        if self.db is not None and self.db_password_file is not None and has_password(self.db):
            raise ValueError("Give db_password_file, or a password in db, not both.")

    def _keep_data_apart(self) -> None:
        """Refuse roots of files through which tokens, keys or the graph could be written."""
        data = self.data.resolve()
        for root in self.file_root:
            found = root.resolve()
            if found == data or found in data.parents or data in found.parents:
                raise ValueError(
                    f"file_root: {root} overlaps the data folder, whose events/ is allowed anyhow. "
                    "Give a folder that is neither in it nor around it."
                )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(flags: dict[str, Any], config_file: Path | None = None) -> Settings:
    """Return the settings of this start.

    Args:
        flags: what the command line gave; it wins.
        config_file: a TOML file with the same names.

    Raises:
        SettingsError: with every fault.
    """
    if config_file is not None and not config_file.is_file():
        raise SettingsError(f"The configuration file {config_file} does not exist.")

    class _Read(Settings):
        model_config = SettingsConfigDict(toml_file=config_file)

    try:
        return _Read(**flags)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(fault) for fault in error.errors())) from None
    except ValueError as error:  # TOML that cannot be read
        raise SettingsError(f"{config_file or 'The environment'}: {error}") from None


def storage_settings(flags: dict[str, Any], config_file: Path | None = None) -> Settings:
    """Return the settings of a command that only needs to know where graphs are stored.

    What says how they are served is set aside, so that it cannot stand in the way.

    Raises:
        SettingsError: with every fault.
    """
    aside = {"host": "127.0.0.1", "workers": 1, "tls_cert": None, "tls_key": None}
    return load_settings({**aside, "tls_dev": False, "read_replicas": (), **flags}, config_file)


def data_folder(flag: Path | None, config_file: Path | None = None) -> Path:
    """Return the folder of a command that needs no other setting, so that none can stop it.

    Raises:
        SettingsError: the file cannot be read, or its `data` is no path.
    """
    given = path_of("data", flag, config_file)
    if given is not None:
        return given
    default: Path = Settings.model_fields["data"].get_default(call_default_factory=True)
    return default


def audit_file(data: Path | None, config_file: Path | None = None) -> Path | None:
    """Return the audit log that a command of a data folder writes to or reads; None: there is none.

    Raises:
        SettingsError: the file cannot be read, or what it names is no path.
    """
    given = path_of("audit_log", None, config_file) or Path("auto")
    if given == Path("auto"):
        return data_folder(data, config_file) / AUDIT_FILE
    return None if given == Path("off") else given


def path_of(name: str, flag: Path | None, config_file: Path | None = None) -> Path | None:
    """Return a path of a command that needs few settings; None where nobody names it.

    Args:
        name: of the setting.
        flag: what was typed; it comes before the variable, and this before the file.
        config_file: the TOML file of settings.

    Raises:
        SettingsError: the file cannot be read, or what it says is no path.
    """
    given = flag or os.environ.get(f"KASTOR_{name.upper()}") or _path_in(config_file, name)
    return Path(given) if given else None


def _path_in(config_file: Path | None, name: str) -> str | None:
    if config_file is None:
        return None
    if not config_file.is_file():
        raise SettingsError(f"The configuration file {config_file} does not exist.")
    try:
        given = tomllib.loads(config_file.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{config_file}: {error}") from None
    if given is not None and not isinstance(given, str):
        raise SettingsError(f"{config_file}: {name} is no path.")
    return given


def _check_issuer(url: str) -> None:
    """Refuse a URL that can be no issuer's, or over which others could sign; raises ValueError."""
    parts = urlsplit(url)
    _ = parts.port  # raises where it is none
    extra = parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise ValueError(
            "Give an issuer's URL as its tokens have it, such as "
            "https://login.example.org/realms/plant."
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            f"{url} could be answered by anybody in between. Give an https URL; http is for "
            "issuers on this machine."
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_local(domain: str | None) -> bool:
    """Whether names in a domain lead to the machine that looks them up (RFC 6761)."""
    return domain is not None and f".{domain.lower()}".endswith(".localhost")


def _sentence(fault: Any) -> str:
    # Items of what a flag repeats are known by the setting's name.
    steps = fault["loc"][:1] if fault["loc"][:1] == ("auth",) else fault["loc"]
    name = ".".join(str(step) for step in steps)
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        known = name.replace("-", "_")
        hint = f" Write {known}." if known in Settings.model_fields else ""
        page = refer("reference/settings", to="cli")
        return f"There is no setting {name}; see {page}.{hint}"
    return f"{name}: {message}" if name else message
