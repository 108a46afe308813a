"""The listening socket, and how uvicorn and the edge serve what comes through it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn
from starlette.middleware.cors import CORSMiddleware

from kastor.api.http.meter import ConnectionMeter
from kastor.config import Settings
from kastor.edge.limits import EdgeLimits, connection_limit, raise_descriptor_limit
from kastor.edge.watch import Edge
from kastor.errors import CannotStartError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from kastor.server.tls import ServedCertificate

BACKLOG = 2048
_EXPOSED = [
    *("ETag", "query-charge", "x-ms-error-code", "Retry-After", "traceresponse"),
    *("kastor-next-position", "kastor-warning", "kastor-request-id"),
]


class PortTakenError(CannotStartError):
    """Another program listens on the address already."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket with its address, on which nobody is answered yet; raises PortTakenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def listen(listener: socket.socket) -> None:
    """Let clients connect from now on; raises PortTakenError."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:  # somebody was faster
        host, port = listener.getsockname()[:2]
        raise _taken(host, port, error) from error


def _taken(host: str, port: int, error: OSError) -> PortTakenError:
    return PortTakenError(
        f"Cannot listen on {host}:{port}: {error.strerror}. "
        "Choose another port with --port, or --port 0 for a free one."
    )


def with_cors(settings: Settings, app: ASGIApp) -> ASGIApp:
    """Return the application as browsers of other origins may call it."""
    if not settings.cors_origin:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origin,
        allow_methods=["GET", "PUT", "PATCH", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=_EXPOSED,
    )


def uvicorn_config(app: ASGIApp, certificate: ServedCertificate | None) -> uvicorn.Config:
    """Return how uvicorn serves `app`."""
    context = None if certificate is None else certificate.context
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
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
    return Edge(edge_limits(settings), note, connections)


def edge_limits(settings: Settings) -> EdgeLimits:
    """Return what a connection may cost under these settings."""
    return EdgeLimits(
        head_seconds=settings.head_seconds,
        body_seconds=settings.body_seconds,
        send_seconds=settings.send_seconds,
        connections=connection_limit(settings.max_connections, raise_descriptor_limit()),
        connections_each=settings.max_connections_per_address,
    )
