"""`kastor serve`: reads the settings, starts the server, says where it is and what to try."""

from __future__ import annotations

import os
import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kastor import __version__
from kastor.cli.output import SEEN, say, warn
from kastor.dsn import has_password
from kastor.pages import refer
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.config import Settings
    from kastor.server.process import Started

Flag = typer.Option


def serve(
    data: Annotated[Path | None, Flag(help="Folder that holds the graph, certificates and tokens.", show_default="the user's data folder")] = None,
    db: Annotated[str | None, Flag(help="PostgreSQL database that holds the graph: postgresql://user@host/name.", show_default="a file in the folder")] = None,
    db_password_file: Annotated[Path | None, Flag(help="File with the password of --db, which other users of this machine would see in the flag.")] = None,
    graph_schema: Annotated[str | None, Flag(help="Schema of the graph in the database.", show_default="graph_default")] = None,
    read_replicas: Annotated[list[str] | None, Flag(help="Standby server of --db that requests may ask to read from: postgresql://user@host/name; repeatable.", metavar="DSN")] = None,
    db_pool: Annotated[int | None, Flag(help="Connections to each database that a process opens at most.", show_default="10")] = None,
    db_pooler: Annotated[bool | None, Flag("--db-pooler", help="A pooler in transaction mode stands in between: prepare no statements.")] = None,
    db_wait: Annotated[float | None, Flag(help="Seconds that the start waits for a database that does not answer.", show_default="60")] = None,
    workers: Annotated[int | None, Flag(help="Processes that serve requests; needs --db.", show_default="1")] = None,
    host: Annotated[str | None, Flag(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, Flag(help="Port to listen on; 0 takes a free one.", show_default="8080")] = None,
    sample: Annotated[str | None, Flag(help="Fill an empty graph with a sample and simulate its sensors.", metavar="<building>")] = None,
    allow_sample: Annotated[str | None, Flag(help="Whether POST /kastor/v1/sample loads the sample: auto (where only this machine reaches the server), on, off.", metavar="<auto|on|off>", show_default="auto")] = None,
    tls_dev: Annotated[bool | None, Flag("--tls-dev", help="Serve https with a development certificate made here.")] = None,
    tls_cert: Annotated[Path | None, Flag(help="Certificate chain in PEM.")] = None,
    tls_key: Annotated[Path | None, Flag(help="Private key of the certificate in PEM.")] = None,
    auth: Annotated[list[str] | None, Flag(help="What lets clients in: tokens (see `kastor token create`), oidc; repeatable.", metavar="<none|tokens|oidc>", show_default="none")] = None,
    oidc_issuer: Annotated[list[str] | None, Flag(help="With --auth oidc: issuer whose tokens let in, as they have it in iss; repeatable.", metavar="URL")] = None,
    oidc_audience: Annotated[list[str] | None, Flag(help="With --auth oidc: audience of which a token has to name one; repeatable.", metavar="NAME")] = None,
    oidc_client_id: Annotated[str | None, Flag(help="With --auth oidc: id that the explorer has at the issuer, to sign in there.", metavar="ID")] = None,
    policy: Annotated[Path | None, Flag(help="TOML file of roles, and of rules that give them; see `kastor access`.")] = None,
    allow_anonymous: Annotated[bool | None, Flag("--allow-anonymous", help="Allow access without tokens on a server that others reach.")] = None,
    public_url: Annotated[str | None, Flag(help="Address that clients use, for absolute links, with the path that a proxy gives the server.", show_default="from the request")] = None,
    graph_domain: Annotated[str | None, Flag(help="Domain whose sub-domains name graphs: NAME.example.org is graph NAME.")] = None,
    trusted_proxy: Annotated[list[str] | None, Flag(help="Address whose X-Forwarded-For, -Proto, -Host and -Prefix are believed; repeatable.", metavar="ADDRESS")] = None,
    cors_origin: Annotated[list[str] | None, Flag(help="Web origin that browsers may call from, or *; repeatable.", metavar="ORIGIN")] = None,
    file_root: Annotated[list[Path] | None, Flag(help="Further folder that file endpoints may write below; repeatable.", metavar="PATH")] = None,
    job_location: Annotated[list[str] | None, Flag(help="Prefix of what jobs may read and write: file:///folder, https://ACCOUNT.blob.core.windows.net/CONTAINER, s3://, gs:// or https:// to read; repeatable.", metavar="PREFIX")] = None,
    explorer: Annotated[bool | None, Flag("--explorer/--no-explorer", help="Serve the explorer at /explorer.", show_default="on")] = None,
    agents: Annotated[str | None, Flag(help="What language models may do at /mcp, within the rights of their tokens.", metavar="<off|read|write>", show_default="read")] = None,
    profile: Annotated[str | None, Flag(help="adt: as narrow as the cloud (limits, DTDL 2 and 3, strict queries).", metavar="<default|adt>", show_default="default")] = None,
    adt_totals: Annotated[str | None, Flag(help="With --profile adt, off: hold more twins and relationships than the cloud does.", metavar="<on|off>", show_default="on")] = None,
    adt_rates: Annotated[str | None, Flag(help="With --profile adt, on: as often as the cloud lets one call, 429 beyond.", metavar="<on|off>", show_default="off")] = None,
    rate_limit: Annotated[float | None, Flag(help="Requests a second of each client, a token or an address, 429 beyond; 0: any number.", metavar="<number>", show_default="0")] = None,
    agents_confirm: Annotated[str | None, Flag(help="Which proposals wait for somebody's approval: none, those that delete or touch many objects, or all.", metavar="<never|destructive|always>", show_default="destructive")] = None,
    agents_second_person: Annotated[bool | None, Flag("--agents-second-person", help="Who proposed something cannot approve it too.")] = None,
    embedder_url: Annotated[str | None, Flag(help="API of an embedder like OpenAI's, which makes vectors of texts, such as http://127.0.0.1:11434/v1.", metavar="URL", show_default="none")] = None,
    embedder_model: Annotated[str | None, Flag(help="Name of the embedder's model.", metavar="NAME")] = None,
    embedder_key_file: Annotated[Path | None, Flag(help="File with the embedder's key.")] = None,
    embedder_key_env: Annotated[str | None, Flag(help="Environment variable with the embedder's key.", metavar="NAME")] = None,
    embedder_batch: Annotated[int | None, Flag(help="Texts that it is asked for together.", show_default="32")] = None,
    embedder_daily_bytes: Annotated[int | None, Flag(help="Bytes of texts that a graph sends it in a day; 0: any number.", show_default="0")] = None,
    absent_components: Annotated[str | None, Flag(help="empty: a twin gets those components of its model that it comes without.", metavar="<refuse|empty>", show_default="refuse")] = None,
    query_timeout: Annotated[float | None, Flag(help="Seconds after which a query ends.", show_default="60")] = None,
    cypher: Annotated[str | None, Flag(help="off: refuse queries in openCypher.", metavar="<on|off>", show_default="on")] = None,
    version_days: Annotated[float | None, Flag(help="Days that superseded versions are kept.", show_default="7")] = None,
    log_days: Annotated[float | None, Flag(help="Days that the change log is kept.", show_default="1")] = None,
    access_log: Annotated[bool | None, Flag("--access-log", help="Log one line for each request.")] = None,
    audit_log: Annotated[str | None, Flag(help="File of refusals and administrative acts, or off; auto: in the data folder of a server that asks for tokens.", metavar="<auto|off|PATH>", show_default="auto")] = None,
    log_format: Annotated[str | None, Flag(help="How the log is written; auto is text on a terminal, else json.", metavar="<auto|text|json>", show_default="auto")] = None,
    otel_endpoint: Annotated[str | None, Flag(help="Collector of OpenTelemetry that gets traces and logs, such as http://127.0.0.1:4318.", metavar="URL", show_default="nobody")] = None,
    otel_service_name: Annotated[str | None, Flag(help="What it calls this server.", metavar="NAME", show_default="kastor")] = None,
    otel_sample: Annotated[float | None, Flag(help="Share of the traces begun here that it gets, from 0 to 1.", metavar="<number>", show_default="1")] = None,
    otel_headers_file: Annotated[Path | None, Flag(help="File of headers for it, such as a key: a line `name: value` for each.")] = None,
    allow_reset: Annotated[bool | None, Flag("--allow-reset", help="Let POST /kastor/v1/reset empty the graph (for tests).")] = None,
    config: Annotated[Path | None, Flag(help="TOML file of settings, such as: port = 9000.")] = None,
) -> None:  # fmt: skip
    """Start the server.

    Settings come from these flags, then from KASTOR_* variables (KASTOR_PORT=9000), then from
    the file of --config, then from the defaults. All of them: `kastor docs
    reference/settings`.
    """
    from kastor.config import load_settings

    given = {name: value for name, value in locals().items() if name in _FLAGS}
    flags: dict[str, Any] = {
        _FLAGS[name]: value for name, value in given.items() if value not in (None, [])
    }
    reread = partial(load_settings, flags, config)
    settings = reread()
    for flag in ("db", "read_replicas"):
        addresses = flags.get(flag, ())
        if any(map(has_password, [addresses] if isinstance(addresses, str) else addresses)):
            warn(SEEN.format("--db-password-file, KASTOR_DB, the file of --config"))
            break
    _configure_log(settings)
    _run(settings, reread)


_FLAGS = {
    name: {"trusted_proxy": "trusted_proxies", "db_wait": "db_wait_seconds"}.get(name, name)
    for name in serve.__annotations__
    if name not in ("return", "config")
}


def _run(settings: Settings, reread: Callable[[], Settings]) -> None:
    from kastor.server.process import Orders
    from kastor.server.workers import run

    os.umask(0o077)  # for what libraries make; what Kastor makes is its owner's alone anyhow
    run(settings, Orders(_announce, _configure_log, reread))


def _announce(started: Started) -> None:
    from kastor.logs import get_logger

    settings, url = started.settings, started.url
    lines = [
        f"Kastor {__version__} is ready.",
        f"  address      {url}",
        f"  graph        {started.place} ({counted(started.models, 'model')}, {counted(started.twins, 'twin')})",
        f"  data folder  {settings.data}",
        f"  access       {_access(settings)}",
        *_sign_in(settings),
        *(
            [f"  explorer     {url}/explorer/"]
            if settings.explorer and settings.profile != "adt"
            else []
        ),
        f"  API          {url}/docs",
    ]
    if started.sample is not None:
        lines.append(f"  sample       {started.sample}")
    trust = ""
    if started.certificate is not None:
        authority = started.certificate.authority
        trust = f"--cacert {authority} "
        lines += [
            f"  trust        {authority}",
            f"               Python SDK: connection_verify='{authority}'",
            f"               Node: NODE_EXTRA_CA_CERTS={authority}",
            f"               .NET, Go on Linux: SSL_CERT_FILE={authority}",
        ]
    elif url.startswith("http:"):
        lines.append(
            f"  SDKs         refuse tokens over http: add --tls-dev, or see {refer('how-to/sdks', to='cli')}"
        )
    if settings.auth == ("tokens",) and not _has_tokens(settings):
        command = (
            f"kastor token create --role owner --data {shlex.quote(str(settings.data.resolve()))}"
        )
        lines += [
            "  no token     nobody gets in yet; make one, it works at once:",
            f"    {command}",
        ]
    lines += ["Try:", *_examples(started, url, trust), "Stop with Ctrl+C."]
    try:
        say("\n".join(lines), flush=True)
    except OSError as error:  # nobody reads it, or a full disk: that is no reason not to serve
        get_logger("kastor.server").warning("not announced", url=url, reason=str(error))


def _has_tokens(settings: Settings) -> bool:
    from kastor.auth.tokens import TokenFileError, list_tokens

    try:
        now = time.time()
        return not all(each.has_ended(now) for each in list_tokens(settings.data / "tokens"))
    except TokenFileError:  # broken just now; the log tells
        return True


def _access(settings: Settings) -> str:
    of = [str(settings.data / "tokens")] if "tokens" in settings.auth else []
    if "oidc" in settings.auth:
        of += [each.issuer for each in settings.all_issuers]
    if of:
        return f"with a token of {' or '.join(of)}"
    if settings.allow_anonymous:
        return "open to everybody who can reach this address"
    return "open to this machine, no token needed"


def _sign_in(settings: Settings) -> list[str]:
    ids = [each.client_id for each in settings.all_issuers if each.client_id is not None]
    return [f"  client id    {', '.join(dict.fromkeys(ids))}, for the explorer"] if ids else []


def _examples(started: Started, url: str, trust: str) -> list[str]:
    auth = '-H "Authorization: Bearer $TOKEN" ' if started.settings.asks_who else ""
    query = f"{url}/query?api-version=2023-10-31"
    text = '{"query": "SELECT COUNT() FROM DIGITALTWINS"}'
    if started.sample is not None and started.twins:
        text = (
            '{"query": "SELECT T.$dtId, T.temperature FROM DIGITALTWINS T '
            "WHERE IS_OF_MODEL(T, 'dtmi:kastor:sample:TemperatureSensor;1') "
            'AND T.temperature > 22"}'
        )
    escaped = text.replace("'", "'\\''")
    token = 'KASTOR_TOKEN="$TOKEN" ' if auth else ""
    return [
        f"  {token}kastor shell {trust.replace('--cacert', '--ca-file')}--url {url}",
        f"  curl {trust}{auth}'{url}/models?api-version=2023-10-31'",
        f"  curl {trust}{auth}'{query}' -H 'Content-Type: application/json' \\\n    -d '{escaped}'",
    ]


def _configure_log(settings: Settings) -> None:
    from kastor.logs import configure

    configure(settings.log_format)
