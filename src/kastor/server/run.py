"""The one place where everything is put together: folder, store, services, application, socket.

`serve` runs until a signal; what it prepares it gives back in the opposite order.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.api.agents.mounts import agent_mounts
from kastor.api.app import Application
from kastor.api.description.mounts import description_mounts
from kastor.api.explorer.mounts import explorer_mounts
from kastor.api.http.addressing import Addressing
from kastor.api.http.auditing import Auditing
from kastor.api.http.base_url import BaseUrls
from kastor.api.http.bodies import BodyBudget
from kastor.api.http.client_limits import ClientLimits
from kastor.api.http.entrance import Entrance
from kastor.api.http.following import entrance_of
from kastor.api.http.meter import RequestMeter
from kastor.api.http.rates import Rates
from kastor.api.http.server_state import ServerState
from kastor.api.operations import OPERATIONS
from kastor.budget import StreamBudget
from kastor.config import Settings, is_loopback
from kastor.edge.limits import raise_descriptor_limit
from kastor.errors import CannotStartError, Conflict, KastorError
from kastor.graph.catalog import catalog_builder
from kastor.hosting.assembly import OpenStore, graph_opener
from kastor.hosting.graphs import Graphs
from kastor.hosting.limits import value_rules
from kastor.hosting.open import make_databases, open_postgres, open_sqlite
from kastor.hosting.services import Services
from kastor.records import SYSTEM
from kastor.server.access import make_access
from kastor.server.auditing import audited, note_start, note_stop
from kastor.server.limits import client_bounds, largest_body, request_limits, stream_limits
from kastor.server.otel.starting import followed
from kastor.server.process import Process, Started, take_held_signals
from kastor.server.reload import InForce, Reloader, ReloadSignal, Running
from kastor.server.serving import DrainTimes, Server
from kastor.server.socket import (
    address_of,
    bind,
    edge_of,
    listen,
    uvicorn_config,
    with_cors,
)
from kastor.server.starting import unless_stopped, wait_for_database
from kastor.server.strangers import stranger_check
from kastor.server.tls import development_certificate, require_certificate, served_certificate
from kastor.storage.placement import DEFAULT, Place, Placement
from kastor.storage.sqlite.folder import DataFolder
from kastor.storage.sqlite.placement import FilePlacement
from kastor.vital import Kept, Vitals, attempt, stop_all

if TYPE_CHECKING:
    from kastor.auth.policy import Policy
    from kastor.server.notify import Notifier
    from kastor.storage.postgres.databases import Databases

SWITCH_SECONDS = 0.001
"""Interpreter switch interval; see docs/decisions/0002-threads-and-pages.md."""

UPKEEP_SECONDS = 60.0
UPKEEP_PATIENCE = 900.0
"""Seconds that pruning a graph may take; one statement of it ends after ten minutes."""


def run(settings: Settings, process: Process) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished.

    Args:
        settings: of the server.
        process: who started it, and what it shares with others.

    Raises:
        CannotStartError: nothing was started.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    raise_descriptor_limit()  # before graphs are opened: one in a file takes up to 14
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - absent on Windows

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_serve(settings, process))


def prepare(settings: Settings, notifier: Notifier) -> bool:
    """Wait for the database, make its schema or bring it up to date.

    Returns:
        Whether that was done; not if SIGTERM came before.

    Raises:
        CannotStartError: it cannot be used.
    """
    build_catalog = catalog_builder(value_rules(settings))

    async def open_and_close() -> bool:
        await wait_for_database(settings, notifier)
        databases = make_databases(settings)
        place = Place(address="", schema=settings.graph_schema)
        async with open_postgres(settings, databases, place, build_catalog, create=True):
            pass
        await databases.close()
        return True

    async def start() -> bool:
        return bool(await unless_stopped(open_and_close()))

    with _told_as_start():
        return asyncio.run(start())


async def empty(settings: Settings, databases: Databases, place: Place) -> None:
    """Empty the graph in a schema; servers may be using it.

    Raises:
        GraphRefusedError, KastorError: it was left as it is.
    """
    build_catalog = catalog_builder(value_rules(settings))
    async with open_postgres(settings, databases, place, build_catalog, create=False) as store:
        await store.reset()


async def _serve(settings: Settings, process: Process) -> None:
    async with AsyncExitStack() as stack:
        reloads = ReloadSignal(lambda: os.kill(os.getpid(), signal.SIGTERM))
        take_held_signals()
        with _told_as_start():
            started = await unless_stopped(_start(settings, process, reloads, stack))
        if started is not None:
            server, listener = started
            await server.serve(sockets=[listener])


@contextlib.contextmanager
def _told_as_start() -> Iterator[None]:
    """Tell whoever starts the server what a client would be told: the disk is full, and the like.

    Raises:
        CannotStartError: instead of errors of the wire contract.
    """
    try:
        yield
    except KastorError as error:
        raise CannotStartError(error.message) from error


async def _start(
    settings: Settings, process: Process, reloads: ReloadSignal, stack: AsyncExitStack
) -> tuple[Server, socket.socket]:
    await stack.enter_async_context(followed(settings, process.worker))
    folder = DataFolder(settings.data)
    listener = await _take_places(settings, process, folder, stack)
    vitals, in_force = Vitals(), InForce(settings)
    audit = stack.enter_context(audited(settings, vitals))
    graphs = await _open_graphs(settings, folder, vitals, stack, in_force)
    services = graphs.default
    access = make_access(settings, folder)
    made = development_certificate(settings, folder)
    certificate = served_certificate(settings, made)
    draining = asyncio.Event()
    state = _state(settings, graphs, process, vitals, in_force)
    if access is not None:
        state.access = access.book()
    entrance = entrance_of(None if access is None else access.authenticator)
    auditing = None
    if audit is not None:
        auditing = Auditing(audit, entrance, OPERATIONS, state.trusted_proxies)
    policy = None if access is None else access.policy_now
    app = _application(settings, in_force, state, entrance, policy, auditing, draining)
    server = Server(
        uvicorn_config(with_cors(settings, app), certificate),
        edge_of(settings, state.meter.note_refusal, state.connections),
        state.lifecycle,
        end_streams=draining.set,
        times=DrainTimes(settings.drain_seconds, settings.shutdown_seconds),
        notifier=process.notifier,
        is_one_of_several=process.is_one_of_several,
    )
    sample = await _fill(settings, services)
    stack.push_async_callback(_start_upkeep(graphs, vitals).stop)
    if access is not None:
        stack.push_async_callback(stop_all, access.watch(vitals))
    running = Running(settings, folder, state, app, server, access, process, certificate)
    in_force.running = running
    stack.push_async_callback(stop_all, _start_reloads(running, reloads, vitals))
    status = await services.status(SYSTEM)
    url = address_of(settings, listener)
    server.catch_signals()
    note_start(settings, url, state.meter.worker)
    stack.callback(note_stop, state.meter.worker)
    place = (await graphs.info(DEFAULT)).place
    process.orders.announce(
        Started(url, settings, place, status.models, status.twins, made, sample)
    )
    process.notifier.ready(f"Serving on {url}")
    # What is there now stays to the end, and need not be looked through for garbage again: with
    # thousands of objects in every group of writes that came to 8 % of their time.
    gc.freeze()
    return server, listener


async def _take_places(
    settings: Settings, process: Process, folder: DataFolder, stack: AsyncExitStack
) -> socket.socket:
    """Take folder and address, wait for the database, let clients connect; return the listener.

    Nobody can connect while the database is waited for, so that clients are refused at once.
    """
    require_certificate(settings)
    if settings.db is None:  # else the folder only holds certificates and tokens
        folder.acquire()
        stack.callback(folder.release)
    folder.tighten()
    listener = process.shared or bind(settings.host, settings.port)
    stack.callback(listener.close)
    await wait_for_database(settings, process.notifier)
    if process.shared is None:
        listen(listener)
    return listener


def _state(
    settings: Settings, graphs: Graphs, process: Process, vitals: Vitals, in_force: InForce
) -> ServerState:
    return ServerState(
        graphs,
        request_limits(settings),
        RequestMeter(process.worker),
        StreamBudget(stream_limits(settings)),
        vitals,
        settings.allow_reset,
        BaseUrls(settings.public_url, settings.trusted_proxies),
        clients=ClientLimits(client_bounds(settings)),
        # Under adt there is nothing of what it asks for.
        has_explorer=settings.explorer and settings.profile != "adt",
        allow_sample=_allows_sample(settings),
        in_force=in_force,
    )


def _allows_sample(settings: Settings) -> bool:
    """Whether a sample is loaded when somebody asks, which harms nobody where no others can."""
    if settings.allow_sample == "auto":
        return is_loopback(settings.host)
    return settings.allow_sample == "on"


def _start_reloads(running: Running, reloads: ReloadSignal, vitals: Vitals) -> list[Kept]:
    """Take SIGHUP, look after the certificate, give signs of life."""
    process = running.process
    if running.certificate is not None:
        running.state.lifecycle.certificate_expiry = running.certificate.expiry
    if process.reloads_first:
        reloads.ask()
    parts = reloads.serve(Reloader(running), vitals)
    beat = process.beat
    if beat is None:
        return parts

    async def live() -> None:
        if not vitals.failing():
            beat()

    return [*parts, vitals.repeat("sign of life", live, process.beat_seconds)]


async def _open_graphs(
    settings: Settings,
    folder: DataFolder,
    vitals: Vitals,
    stack: AsyncExitStack,
    in_force: InForce,
) -> Graphs:
    placement, open_store = _place_graphs(settings, folder, stack)
    open_graph = graph_opener(settings, open_store, vitals, in_force)
    graphs = Graphs(placement, open_graph, vitals, settings.max_graphs)
    stack.push_async_callback(graphs.close)
    await graphs.start()
    return graphs


def _place_graphs(
    settings: Settings, folder: DataFolder, stack: AsyncExitStack
) -> tuple[Placement, OpenStore]:
    build_catalog = catalog_builder(value_rules(settings))
    if settings.db is None:
        return FilePlacement(folder.graph_file.parent), lambda _name, place: open_sqlite(
            settings, Path(place.address), build_catalog
        )
    databases = make_databases(settings)
    stack.push_async_callback(databases.close)
    from kastor.storage.postgres.placement import SchemaPlacement  # noqa: PLC0415 - an extra

    return SchemaPlacement(databases, settings.graph_schema), lambda name, place: open_postgres(
        settings, databases, place, build_catalog, create=name == DEFAULT
    )


def _application(
    settings: Settings,
    in_force: InForce,
    state: ServerState,
    entrance: Entrance,
    policy: Callable[[], Policy] | None,
    auditing: Auditing | None,
    draining: asyncio.Event,
) -> Application:
    return Application(
        state,
        Addressing(settings.graph_domain),
        mounts=(
            *description_mounts(strict=state.limits.strict),
            *explorer_mounts(state, in_force),
            *agent_mounts(state, in_force, policy),
        ),
        entrance=entrance,
        strangers=stranger_check(settings),
        access_log=settings.access_log,
        draining=draining,
        stall_seconds=settings.stream_stall_seconds,
        bodies=BodyBudget(largest_body(state.limits)),
        rates=Rates() if settings.profile == "adt" and settings.adt_rates == "on" else None,
        auditing=auditing,
    )


async def _fill(settings: Settings, services: Services) -> str | None:
    if settings.sample is None:
        return None
    try:
        return (await services.sample.fill(SYSTEM)).message
    except Conflict:
        return (
            "the graph is not empty, so the sample was not loaded; take another --data folder, "
            "or empty this one with `kastor reset`"
        )


def _start_upkeep(graphs: Graphs, vitals: Vitals) -> Kept:

    async def round_() -> None:
        for name, services in graphs.opened().items():
            part.beat()
            # One graph that cannot be pruned leaves the others theirs.
            await attempt("upkeep", services.prune, graph=name)

    part = vitals.repeat("upkeep", round_, UPKEEP_SECONDS, critical=True, patience=UPKEEP_PATIENCE)
    return part
