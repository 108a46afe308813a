"""SIGHUP: configuration, policy, token file and certificate are read again while the server runs.

What is invalid changes nothing. What is valid is handed to the objects that have it, setting by
setting; a setting that none of them can take is named, and keeps its value until the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from kastor.api.http.base_url import BaseUrls
from kastor.config import Settings
from kastor.errors import CannotStartError
from kastor.hosting.limits import query_settings
from kastor.logs import get_logger
from kastor.server.auditing import note_reload
from kastor.server.limits import client_bounds, largest_body, request_limits, stream_limits
from kastor.server.socket import edge_limits, with_cors
from kastor.server.strangers import stranger_check
from kastor.server.tls import development_certificate, served_certificate
from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    from kastor.api.app import Application
    from kastor.api.http.server_state import ServerState
    from kastor.server.access import ServerAccess
    from kastor.server.process import Process
    from kastor.server.serving import Server
    from kastor.server.tls import ServedCertificate
    from kastor.storage.sqlite.folder import DataFolder
    from kastor.vital import Kept, Vitals

LOOK_SECONDS = 60.0
"""How soon certificates are noticed that others replaced."""

_log = get_logger("kastor.reload")


@dataclass(slots=True)
class Running:
    """What a reload reaches.

    Attributes:
        settings: as they are in force.
        folder: of the data.
        state: of the application.
        app: without what `with_cors` adds.
        server: that serves it.
        access: what tells callers.
        process: who started it.
        certificate: that new connections get.
    """

    settings: Settings
    folder: DataFolder
    state: ServerState
    app: Application
    server: Server
    access: ServerAccess | None
    process: Process
    certificate: ServedCertificate | None


HandOver: TypeAlias = Callable[[Running, Settings], None]
"""Gives new values to the objects that have the old ones; may not fail."""


def _limit_requests(running: Running, settings: Settings) -> None:
    running.state.limits = request_limits(settings)
    running.app.allow_bodies(largest_body(running.state.limits))


def _limit_connections(running: Running, settings: Settings) -> None:
    edge = running.server.edge
    edge.limits = edge_limits(settings)
    edge.places.each = edge.limits.connections_each


def _limit_clients(running: Running, settings: Settings) -> None:
    running.state.clients.use(client_bounds(settings))


def _limit_queries(running: Running, settings: Settings) -> None:
    # A graph that is opened later asks for the settings in force.
    for services in running.state.graphs.opened().values():
        services.query.runner.use(query_settings(settings))


def _limit_streams(running: Running, settings: Settings) -> None:
    running.state.streams.limits = stream_limits(settings)
    running.app.stall_seconds = settings.stream_stall_seconds


def _limit_graphs(running: Running, settings: Settings) -> None:
    running.state.graphs.max_graphs = settings.max_graphs


def _set_times(running: Running, settings: Settings) -> None:
    times = running.server.times
    times.drain, times.shutdown = settings.drain_seconds, settings.shutdown_seconds


def _set_log(running: Running, settings: Settings) -> None:
    running.process.orders.configure(settings)


def _set_access_log(running: Running, settings: Settings) -> None:
    running.app.access_log = settings.access_log


def _set_addresses(running: Running, settings: Settings) -> None:
    running.state.base_urls = BaseUrls(settings.public_url, settings.trusted_proxies)
    running.app.strangers = stranger_check(settings)
    running.server.use(with_cors(settings, running.app))


CHANGEABLE: dict[tuple[str, ...], HandOver] = {
    (
        "max_body_bytes",
        "max_models_body_bytes",
        "max_batch_bytes",
        "max_batch_operations",
        "slow_query_seconds",
    ): _limit_requests,
    (
        "max_connections",
        "max_connections_per_address",
        "head_seconds",
        "body_seconds",
        "send_seconds",
    ): _limit_connections,
    (
        "rate_limit",
        "rate_burst",
        "max_queries_per_client",
        "failed_access_limit",
    ): _limit_clients,
    ("query_timeout", "query_page", "max_query_page"): _limit_queries,
    (
        "max_streams",
        "max_streams_per_client",
        "max_stream_bytes",
        "max_stream_bytes_per_client",
        "stream_stall_seconds",
    ): _limit_streams,
    ("max_graphs",): _limit_graphs,
    ("drain_seconds", "shutdown_seconds"): _set_times,
    ("log_format",): _set_log,
    ("access_log",): _set_access_log,
    ("public_url", "trusted_proxies", "cors_origin"): _set_addresses,
    ("tls_cert", "tls_key"): lambda _running, _settings: None,  # with the certificate itself
    ("db_wait_seconds",): lambda _running, _settings: None,  # of the next start
}
"""Settings that change while the server runs, and who hands each to whom it concerns."""

OF_STRANGERS = frozenset(("public_url", "trusted_proxies", "cors_origin"))
"""Where nobody is asked for a token these say who reaches the server, and so what it may reach."""


def _is_changeable(name: str, settings: Settings) -> bool:
    if name in OF_STRANGERS and not (settings.asks_who or settings.allow_anonymous):
        return False
    if name in ("tls_cert", "tls_key") and settings.tls_cert is None:
        return False  # it serves http, or a certificate of its own
    return any(name in names for names in CHANGEABLE)


def merged(now: Settings, wanted: Settings) -> tuple[Settings, frozenset[str], frozenset[str]]:
    """Return the settings with what can change, the names of that, and those that need a restart.

    Args:
        now: in force.
        wanted: as they were read.
    """
    names = [name for name in Settings.model_fields if getattr(now, name) != getattr(wanted, name)]
    taken = frozenset(name for name in names if _is_changeable(name, now))
    if wanted.tls_cert is None or wanted.tls_key is None:
        taken -= {"tls_cert", "tls_key"}
    values = {**dict(now), **{name: getattr(wanted, name) for name in taken}}
    given = now.model_fields_set | (wanted.model_fields_set & taken)
    return Settings.model_construct(given, **values), taken, frozenset(names) - taken


class Reloader:
    """Reads again what was read at the start, whenever it is told to; never raises."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._told_of_certificate = ""

    async def reload(self) -> None:
        """Read everything again; say what changed, what needs a restart, what is wrong."""
        running, counts = self._running, self._running.state.lifecycle.reloads
        notifier = running.process.notifier
        notifier.reloading()
        try:
            done = await self._reload()
        except Exception as error:  # noqa: BLE001 - the server goes on as it was
            _log.exception("the configuration was not read again", exc_info=error)
            done = False
        counts.done += done
        counts.refused += not done
        notifier.ready("Serving" if done else "Serving; the new configuration is invalid: see log")

    async def _reload(self) -> bool:
        running, reread = self._running, self._running.process.orders.reread
        wanted = running.settings
        if reread is not None:
            try:
                wanted = await in_own_thread(reread)
            except CannotStartError as error:
                _log.error(
                    "the configuration is invalid; everything stays as it was",
                    faults=str(error).splitlines(),
                )
                return False
        settings, taken, later = merged(running.settings, wanted)
        try:
            certificate = await in_own_thread(partial(self._read_certificate, settings))
        except CannotStartError as error:
            _log.error("the certificate is invalid; everything stays as it was", reason=str(error))
            return False
        self._hand_over(settings, taken)
        if taken:
            note_reload(settings, taken)
        self._use(certificate)
        faults = [] if running.access is None else running.access.reload()
        if later:
            names = sorted(later)
            _log.warning(f"changed, but needs a restart: {', '.join(names)}", settings=names)
        if faults:
            _log.error("tokens or policy are invalid and stay as they were", faults=faults)
        _log.info("the configuration was read again", changed=sorted(taken))
        return not faults

    def _hand_over(self, settings: Settings, taken: frozenset[str]) -> None:
        running = self._running
        running.settings = settings
        for names, hand_over in CHANGEABLE.items():
            if taken.intersection(names):
                hand_over(running, settings)

    # Certificates

    def _read_certificate(self, settings: Settings) -> ServedCertificate | None:
        running = self._running
        # One of several makes it; the others find it.
        makes = settings.tls_dev and running.process.worker == 0
        if makes:
            development_certificate(settings, running.folder)
        before = running.certificate
        if before is None:
            return None
        if settings.tls_dev:
            return type(before)(before.cert, before.key)
        return served_certificate(settings, None)

    def _use(self, certificate: ServedCertificate | None) -> None:
        running = self._running
        before = running.certificate
        if certificate is None:
            return
        running.certificate = certificate
        running.state.lifecycle.certificate_expiry = certificate.expiry
        running.server.use_certificate(certificate.context)
        self._told_of_certificate = ""
        if before is None or certificate.is_another_than(before):
            expiry = None if certificate.expiry is None else certificate.expiry.isoformat()
            _log.info(
                "a new certificate is served", certificate=str(certificate.cert), expiry=expiry
            )

    async def look_at_certificate(self) -> None:
        """Take a certificate that others replaced; keep the old one if it cannot be used."""
        running = self._running
        before = running.certificate
        if before is None:
            return
        if running.settings.tls_dev and running.process.worker == 0:
            await in_own_thread(development_certificate, running.settings, running.folder)
        if not await in_own_thread(before.is_stale):
            return
        try:
            found = await in_own_thread(type(before), before.cert, before.key)
        except CannotStartError as error:
            # Between two files that are replaced there is always a moment.
            if str(error) != self._told_of_certificate:
                self._told_of_certificate = str(error)
                _log.error("the new certificate is invalid; the old one stays", reason=str(error))
            return
        self._use(found)


class ReloadSignal:
    """SIGHUP of this process: what came before anybody could act on it is not forgotten."""

    def __init__(self, on_hang_up: Callable[[], None]) -> None:
        """Catch the signal from now on.

        Args:
            on_hang_up: called where the signal says that the terminal is gone.
        """
        self._asked = asyncio.Event()
        self._on_hang_up = on_hang_up
        self._had_terminal = _has_terminal()
        if hasattr(signal, "SIGHUP"):
            if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
                self._had_terminal = False
            with contextlib.suppress(NotImplementedError, RuntimeError):
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._take)

    def ask(self) -> None:
        """Ask for a reload, as the signal does."""
        self._asked.set()

    def _take(self) -> None:
        if self._had_terminal and not _has_terminal():
            self._on_hang_up()
        else:
            self._asked.set()

    def serve(self, reloader: Reloader, vitals: Vitals) -> list[Kept]:
        """Do what is asked, and look at the certificate, until what is returned is stopped."""

        async def answer() -> None:
            while True:
                await self._asked.wait()
                self._asked.clear()  # before it begins: what changes meanwhile is read once more
                await reloader.reload()

        return [
            vitals.keep("reload", answer),
            vitals.repeat("certificate", reloader.look_at_certificate, LOOK_SECONDS),
        ]


def _has_terminal() -> bool:
    """Whether there is a terminal that can go away, and take those with it that it started."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


@dataclass(slots=True)
class InForce:
    """The settings in force, for what is made later; those of the start until there are others."""

    start: Settings
    running: Running | None = field(default=None)

    def __call__(self) -> Settings:
        """Return them."""
        return self.start if self.running is None else self.running.settings
