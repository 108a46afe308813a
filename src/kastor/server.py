"""The one place where everything is put together: folder, store, services, application, socket.

`serve` runs until a signal; what it prepares it gives back in the opposite order.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from starlette.middleware.cors import CORSMiddleware

from kastor.api.app import Application
from kastor.api.hosting import Graphs, Hosting
from kastor.api.services import ADT_REQUEST_LIMITS, RequestLimits, Services
from kastor.auth.tokens import TokenStore
from kastor.config import Settings
from kastor.dtdl import ValueRules
from kastor.engines import FilePlacement, open_sqlite
from kastor.errors import Unavailable
from kastor.graph.catalog import catalog_builder
from kastor.graph.service import ADT_MODEL_LIMITS, GraphService, ModelLimits
from kastor.graphs import ServerGraphs
from kastor.query.service import ADT_SETTINGS, QueryService, QuerySettings
from kastor.storage.protocol import Store
from kastor.storage.sqlite.folder import DataFolder

if TYPE_CHECKING:
    from kastor.tls import DevelopmentCertificate

SWITCH_SECONDS = 0.001
"""Interpreter switch interval; see docs/decisions/0002-threads-and-pages.md."""

UPKEEP_SECONDS = 60.0
ADT_STRING_BYTES = 4_096
_EXPOSED = ["ETag", "query-charge", "x-ms-error-code", "Retry-After", "traceresponse"]

_log = structlog.get_logger("kastor.server")


class PortTakenError(Exception):
    """Another program listens on the address already."""


class CertificateError(Exception):
    """The certificate or its key cannot be read, or they do not belong together."""


@dataclass(frozen=True, slots=True)
class Started:
    """What the start-up lines tell: the address, the folder, what is in it."""

    url: str
    settings: Settings
    models: int
    twins: int
    certificate: DevelopmentCertificate | None
    sample: str | None


def run(settings: Settings, announce: Callable[[Started], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished.

    Raises:
        FolderInUseError, FolderNotWritableError, SchemaTooNewError, NotAGraphError,
        PortTakenError, TokenFileError, CertificateError: nothing was started.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - absent on Windows

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_serve(settings, announce))


async def _serve(settings: Settings, announce: Callable[[Started], None]) -> None:
    _require_certificate(settings)
    async with AsyncExitStack() as stack:
        folder = DataFolder(settings.data)
        folder.acquire()
        stack.callback(folder.release)
        listener = _listen(settings.host, settings.port)
        stack.callback(listener.close)
        graphs = await _open_graphs(settings, folder)
        stack.push_async_callback(graphs.close)
        services = graphs.default
        tokens = TokenStore(folder.tokens) if settings.auth == "tokens" else None
        certificate = _certificate(settings, folder)
        server = _Server(_uvicorn_config(settings, graphs, tokens, certificate))
        sample = await _fill(settings, services, stack)
        stack.push_async_callback(_cancel, asyncio.create_task(_upkeep(graphs, tokens)))
        status = await services.store.status()
        url = _url(settings, listener)
        server.catch_signals()
        announce(Started(url, settings, status.models, status.twins, certificate, sample))
        await server.serve(sockets=[listener])


async def _open_graphs(settings: Settings, folder: DataFolder) -> ServerGraphs:
    placement = FilePlacement(folder.graph_file.parent)
    build_catalog = catalog_builder(value_rules(settings))

    def open_store(name: str) -> AbstractAsyncContextManager[Store]:
        return open_sqlite(settings, placement.path(name), build_catalog)

    graphs = ServerGraphs(
        placement, open_store, lambda store: build_services(settings, store, graphs)
    )
    await graphs.start()
    return graphs


def build_services(settings: Settings, store: Store, graphs: Graphs) -> Services:
    """Return the services of a graph under these settings."""
    adt = settings.profile == "adt"
    graph = GraphService(store, ADT_MODEL_LIMITS if adt else ModelLimits())
    limits = ADT_REQUEST_LIMITS if adt else _request_limits(settings)
    query_settings = ADT_SETTINGS if adt else _query_settings(settings)
    query = QueryService(store, lambda: store.catalog, store.signing_key, query_settings)
    return Services(store, graph, query, limits, graphs, settings.allow_reset)


def value_rules(settings: Settings) -> ValueRules:
    """Return what the server accepts as values where DTDL says otherwise (rest-api C.1.3)."""
    limit = ADT_STRING_BYTES if settings.profile == "adt" else None
    return ValueRules(
        zone_optional=True, dollar_keys=False, empty_keys=False, max_string_bytes=limit
    )


def _request_limits(settings: Settings) -> RequestLimits:
    return RequestLimits(
        body_bytes=settings.max_body_bytes, models_body_bytes=settings.max_models_body_bytes
    )


def _query_settings(settings: Settings) -> QuerySettings:
    return QuerySettings(
        default_page=settings.query_page,
        max_page=settings.max_query_page,
        timeout_seconds=settings.query_timeout,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"Cannot listen on {host}:{port}: {error.strerror}. "
            "Choose another port with --port, or --port 0 for a free one."
        ) from error
    return listener


def _require_certificate(settings: Settings) -> None:
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None or key is None:
        return
    try:
        # A password that opens nothing, so that an encrypted key is refused and not asked for.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="-")  # noqa: S106
    except OSError as error:
        missing = [str(path) for path in (cert, key) if not path.is_file()]
        reason = f"there is no file {missing[0]}" if missing else str(error)
        raise CertificateError(
            f"The certificate {cert} with the key {key} cannot be used: {reason}. "
            "--tls-cert takes a PEM chain, --tls-key its unencrypted PEM key."
        ) from error


def _certificate(settings: Settings, folder: DataFolder) -> DevelopmentCertificate | None:
    if not settings.tls_dev:
        return None
    from kastor.tls import ensure_development_certificate  # noqa: PLC0415 - 0.1 s, seldom used

    return ensure_development_certificate(folder.tls, settings.host)


def _uvicorn_config(
    settings: Settings,
    graphs: ServerGraphs,
    tokens: TokenStore | None,
    certificate: DevelopmentCertificate | None,
) -> uvicorn.Config:
    app: Any = Application(
        Hosting(graphs, settings.graph_domain),
        tokens=tokens,
        public_url=settings.public_url,
        trusted_proxies=settings.trusted_proxies,
        access_log=settings.access_log,
    )
    if settings.cors_origin:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origin,
            allow_methods=["GET", "PUT", "PATCH", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )
    cert, key = settings.tls_cert, settings.tls_key
    if certificate is not None:
        cert, key = certificate.certificate, certificate.key
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        ssl_certfile=cert,
        ssl_keyfile=key,
    )


def _url(settings: Settings, listener: socket.socket) -> str:
    scheme = "https" if settings.tls_dev or settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


async def _fill(settings: Settings, services: Services, stack: AsyncExitStack) -> str | None:
    if settings.sample is None:
        return None
    from kastor.sample.loader import load_sample, simulate  # noqa: PLC0415 - seldom used

    loaded = await load_sample(services.graph, services.store)
    if loaded.can_simulate:
        task = asyncio.create_task(simulate(services.graph, services.store))
        stack.push_async_callback(_cancel, task)
    return loaded.message


async def _upkeep(graphs: ServerGraphs, tokens: TokenStore | None) -> None:
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        try:
            if tokens is not None:
                tokens.refresh()
            for store in graphs.open_stores():
                await store.prune()
        except Unavailable as error:
            _log.warning("upkeep postponed", reason=error.message)
        except Exception as error:  # noqa: BLE001 - upkeep must never end
            _log.exception("upkeep failed", exc_info=error)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class _Server(uvicorn.Server):
    """uvicorn without its habit to raise the signal again, which would skip our own end."""

    def catch_signals(self) -> None:
        """End gracefully from now on; called before anybody is told that the server is there."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.handle_exit, number, None)
            except NotImplementedError:  # Windows
                signal.signal(number, self.handle_exit)

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield
