"""The settings of a server together: what follows from them, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, TomlConfigSettingsSource

from kastor.config.fields import SettingsFields
from kastor.config.hosts import is_local, is_loopback
from kastor.config.issuers import IssuerSettings, check_issuer
from kastor.config.public_address import read_prefix
from kastor.dsn import SCHEMES, fault_of, has_password
from kastor.pages import refer
from kastor.types import override

AUDIT_FILE = Path("audit", "audit.ndjson")
"""Of a data folder."""


class Settings(SettingsFields):
    """Everything that can be set, and goes together; immutable once read."""

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
            IssuerSettings(
                issuer=each,
                audience=self.oidc_audience,
                client_id=self.oidc_client_id,
                scope=self.oidc_scope,
            )
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
            ("graph_domain", None if is_local(self.graph_domain) else self.graph_domain),
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
            check_issuer(each)
        return value

    @field_validator("public_url")
    @classmethod
    def _be_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        extra = parts.query or parts.fragment or parts.username or parts.password
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ValueError(
                "Give scheme and host, and the path below which a proxy serves this server if "
                "there is one, such as https://twins.example.org or https://example.org/twins."
            )
        if read_prefix(parts.path) is None:
            raise ValueError(
                f"The path {parts.path[:80]} cannot stand before the server's own: give up to "
                "eight names of letters, digits, '-', '_', '.' and '~' with slashes between, of "
                "which the first is none that the server has itself, such as /models."
            )
        return value

    @field_validator("otel_endpoint")
    @classmethod
    def _be_a_collector(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.username or parts.password:
            raise ValueError("Give name and password, or a key, in the file of otel_headers_file.")
        extra = parts.query or parts.fragment
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ValueError(
                "Give the address of a collector that takes OTLP over HTTP, such as "
                "http://127.0.0.1:4318; /v1/traces and /v1/logs are added."
            )
        return value.rstrip("/")

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
        self._check_embedder()
        self._keep_data_apart()
        self._check_approval()
        others = self._others_by()
        if not self.asks_who and not self.allow_anonymous and others is not None:
            raise ValueError(
                f"{others}, and no access control is set. "
                "Add --auth tokens (make one with `kastor token create`), or say "
                "--allow-anonymous if everybody may read and write."
            )
        return self

    def _check_approval(self) -> None:
        """Refuse to ask for a second person where there is only one, or none is asked at all."""
        if not self.agents_second_person:
            return
        if not self.asks_who:
            raise ValueError(
                "agents_second_person needs callers that can be told apart: add --auth tokens, or "
                "name an issuer."
            )
        if self.agents_confirm == "never":
            raise ValueError(
                "agents_second_person goes with agents_confirm destructive or always: with never "
                "nobody is asked."
            )

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

    def _check_embedder(self) -> None:
        """Refuse an embedder that cannot be asked, or that several processes would ask."""
        rest = (self.embedder_model, self.embedder_key_file, self.embedder_key_env)
        if self.embedder_url is None:
            if any(rest):
                raise ValueError("embedder_model and the key go with embedder_url.")
            return
        if self.embedder_model is None:
            raise ValueError("embedder_url needs embedder_model, the name of a model there.")
        if self.embedder_key_file is not None and self.embedder_key_env is not None:
            raise ValueError("Give embedder_key_file or embedder_key_env, not both.")
        if self.db is not None and not self.search:
            raise ValueError(
                "embedder_url with db needs search: the process that keeps its index asks."
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
