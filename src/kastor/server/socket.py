"""The listening socket, its certificate, and the HTTP server behind it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.middleware.cors import CORSMiddleware

from kastor.api.http.meter import ConnectionMeter
from kastor.config import Settings
from kastor.edge.accept import Acceptor
from kastor.edge.limits import EdgeLimits, connection_limit, raise_descriptor_limit
from kastor.edge.protocol import EdgeProtocol
from kastor.edge.watch import Edge
from kastor.errors import CannotStartError
from kastor.storage.sqlite.folder import DataFolder
from kastor.types import override

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp

    from kastor.server.certificate import DevelopmentCertificate

_EXPOSED = [
    *("ETag", "query-charge", "x-ms-error-code", "Retry-After", "traceresponse"),
    *("kastor-next-position", "kastor-warning"),
]


class PortTakenError(CannotStartError):
    """Another program listens on the address already."""


class CertificateError(CannotStartError):
    """The certificate or its key cannot be read, or they do not belong together."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises PortTakenError."""
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


def require_certificate(settings: Settings) -> None:
    """Raise CertificateError unless the configured certificate can be used."""
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


def development_certificate(
    settings: Settings, folder: DataFolder
) -> DevelopmentCertificate | None:
    """Return the development certificate, made if need be, or None without --tls-dev.

    Raises:
        CertificateError: it cannot be written.
    """
    if not settings.tls_dev:
        return None
    from kastor.server.certificate import ensure_development_certificate  # noqa: PLC0415 - 0.1 s, seldom used

    try:
        return ensure_development_certificate(folder.tls, settings.host)
    except OSError as error:
        raise CertificateError(
            f"The certificate of --tls-dev cannot be written to {folder.tls}: {error.strerror}. "
            "Make room or see to its permissions, or give your own with --tls-cert and --tls-key."
        ) from error


def uvicorn_config(
    settings: Settings, app: ASGIApp, certificate: DevelopmentCertificate | None
) -> uvicorn.Config:
    """Return how uvicorn serves `app` under these settings."""
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


def address_of(settings: Settings, listener: socket.socket) -> str:
    """Return the address that clients of this machine use."""
    scheme = "https" if settings.tls_dev or settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def edge_of(settings: Settings, note: Callable[[int], None], connections: ConnectionMeter) -> Edge:
    """Return the bounds of connections under these settings.

    Args:
        settings: of the server.
        note: told the status of each answer that the application knows nothing of.
        connections: counts them.
    """
    limits = EdgeLimits(
        head_seconds=settings.head_seconds,
        body_seconds=settings.body_seconds,
        send_seconds=settings.send_seconds,
        connections=connection_limit(settings.max_connections, raise_descriptor_limit()),
        connections_each=settings.max_connections_per_address,
    )
    return Edge(limits, note, connections)


class Server(uvicorn.Server):
    """uvicorn behind our own edge, and without its habit to raise the signal again.

    That would skip our own end. `on_exit` is called at the first signal, so that streams can end by
    themselves.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._edge = edge
        self._on_exit = on_exit

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections of the sockets."""
        connections: Any = self.server_state.connections

        def make() -> EdgeProtocol:
            return EdgeProtocol(self.config, self.server_state, self._edge)

        acceptors = [
            Acceptor(each, self._edge, make, connections, self.config.ssl) for each in sockets or ()
        ]
        servers: Any = acceptors
        self.servers = servers
        self._watch = asyncio.get_running_loop().create_task(self._edge.watch(connections))
        self.started = True

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, wait for what is under way, end."""
        self._edge.draining = True
        await super().shutdown(sockets)
        self._watch.cancel()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._on_exit()
        super().handle_exit(sig, frame)

    def catch_signals(self) -> None:
        """End gracefully from now on; called before anybody is told that the server is there."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.handle_exit, number, None)
            except NotImplementedError:  # Windows
                signal.signal(number, self.handle_exit)

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `catch_signals`."""
        yield
