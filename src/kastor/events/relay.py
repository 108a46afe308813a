"""The relay of one graph: a worker for each route, kept in step with what is configured.

Of several processes that serve a graph one holds each route, for a short time that it renews.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import msgspec

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import KastorError, Unavailable
from kastor.events.endpoints import Endpoint, make_sink, read_endpoint
from kastor.events.filter import parse
from kastor.events.meter import WINDOW_SECONDS, DeliveryMeter
from kastor.events.model import Sink
from kastor.events.shaping import shape_of
from kastor.events.trial import EndpointTrial, in_haste, send_trial, trial_event
from kastor.events.worker import DeliverySettings, RouteWorker
from kastor.logs import get_logger
from kastor.outside.bounds import UNBOUNDED, EndpointPolicy
from kastor.outside.lease import LEASE_SECONDS, RENEW_SECONDS, Lease, holder_name
from kastor.storage.events import EndpointRow, EventStore, RouteRow
from kastor.storage.history import HistoryStore
from kastor.types import Ticks
from kastor.vital import Kept, Part, Vitals

HOPELESS = 3
"""Starts in a row after which the worker of a route counts as dead."""

_log = get_logger("kastor.events")


@dataclass(frozen=True, slots=True)
class RouteState:
    """How a route is doing.

    Attributes:
        lag: entries of the log that it has yet to look at.
        per_minute: events delivered in the last minute, whichever process did it.
        running: some process works on it.
    """

    row: RouteRow
    position: int
    lag: int
    per_minute: int
    running: bool
    error: str | None


@dataclass(slots=True)
class _Running:
    worker: RouteWorker
    lease: Lease
    part: Kept
    made_of: tuple[object, ...]
    owner: str


class Relay:
    """Starts, stops and reports the routes' workers."""

    def __init__(
        self,
        store: EventStore,
        host_name: str,
        policy: EndpointPolicy,
        settings: DeliverySettings | None = None,
        vitals: Vitals | None = None,
        operator_policy: EndpointPolicy = UNBOUNDED,
        history: HistoryStore[Any] | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            store: of routes and endpoints.
            host_name: the graph's.
            policy: bounds of endpoints that callers of the API made.
            settings: of the delivery.
            vitals: where its tasks are watched.
            operator_policy: bounds of endpoints that stand in the configuration file.
            history: of the graph, for endpoints that get rows of it.
        """
        self._store = store
        self._history = history
        self._host_name = host_name
        self.policy = policy
        self.operator_policy = operator_policy
        self._configured: dict[str, tuple[str, Any]] = {}
        self._settings = settings or DeliverySettings()
        self._running: dict[str, _Running] = {}
        self._meters: dict[tuple[str, Ticks], DeliveryMeter] = {}
        self._lock = asyncio.Lock()
        self._owner = holder_name()
        self._starts = count(1)
        self._vitals = vitals or Vitals()
        self._keeper: Kept | None = None
        self._watched: Part | None = None

    def trust(self, endpoint: EndpointRow) -> None:
        """Take an endpoint for the operator's own word for as long as it stays as it is."""
        self._configured[endpoint.name] = _content(endpoint)

    async def refresh(self) -> None:
        """Bring the workers in step with the stored routes and endpoints."""
        async with self._lock:
            endpoints = {row.name: row for row in await self._store.endpoints()}
            routes = {row.id: row for row in await self._store.routes()}
            self._observe(routes.values())
            wanted = {
                route.id: (route.endpoint, route.filter, endpoints[route.endpoint])
                for route in routes.values()
                if not route.paused and route.endpoint in endpoints
            }
            for route_id, running in list(self._running.items()):
                if wanted.get(route_id) != running.made_of or running.part.ended:
                    await self._stop(route_id)
            for route_id, made_of in wanted.items():
                if route_id not in self._running:
                    await self._start(routes[route_id], endpoints[made_of[0]], made_of)
        if self._watched is None:
            self._watched = self._vitals.watch("relay", self._trouble, critical=True)
        if self._store.shared and self._keeper is None:
            self._keeper = self._vitals.repeat("relay", self._renew, RENEW_SECONDS, critical=True)

    async def move(self, route_id: str, position: int) -> None:
        """Make a route go on from a position, whoever runs it."""
        try:
            async with self._lock:
                # First, so that its worker notes no progress after the move.
                await self._stop(route_id)
                await self._store.move_route(route_id, position)
        finally:
            await self.refresh()

    async def stop(self) -> None:
        """Stop every worker; what is not confirmed comes again at the next start."""
        if self._keeper is not None:
            await self._keeper.stop()
            self._keeper = None
        if self._watched is not None:
            self._watched.close()
            self._watched = None
        async with self._lock:
            for route_id in list(self._running):
                await self._stop(route_id)

    async def states(self, rows: Sequence[RouteRow]) -> list[RouteState]:
        """Return how routes are doing."""
        if not rows:
            return []
        _, newest = await self._store.log_bounds()
        return [self._state(row, newest) for row in rows]

    def _trouble(self) -> str | None:
        """Say that no route at all goes on; a single one is told by its own metrics."""
        parts = [running.part for running in self._running.values()]
        if parts and all(part.failures >= HOPELESS and part.trouble() for part in parts):
            return "the workers of all its routes end as soon as they are started"
        return None

    def nudge(self, route_id: str) -> None:
        """Make a route look for requeued dead letters, and try again at once."""
        running = self._running.get(route_id)
        if running is not None:
            running.worker.nudge()

    def _state(self, row: RouteRow, newest: int) -> RouteState:
        running = self._running.get(row.id)
        if running is not None and running.part.ended:  # another process has it by now
            running = None
        position = row.position if running is None else running.worker.position
        meter = self._meter(row)
        meter.observe(row.delivered)
        return RouteState(
            row,
            position,
            max(0, newest - position),
            meter.per_minute(),
            running is not None or row.held,
            row.last_error if running is None else running.worker.error,
        )

    def _meter(self, row: RouteRow) -> DeliveryMeter:
        key = row.id, row.created  # a route that was deleted and made again counts anew
        meter = self._meters.get(key)
        if meter is None:
            meter = self._meters[key] = DeliveryMeter()
            if now_ticks() - row.created < WINDOW_SECONDS * TICKS_PER_SECOND:
                meter.observe(0)  # all that it ever delivered, it delivered in this minute
        return meter

    def _observe(self, rows: Collection[RouteRow]) -> None:
        """Look at the stored counters, and forget the routes that are gone."""
        for row in rows:
            self._meter(row).observe(row.delivered)
        there = {(row.id, row.created) for row in rows}
        for key in self._meters.keys() - there:
            del self._meters[key]

    async def _start(
        self, route: RouteRow, endpoint: EndpointRow, made_of: tuple[object, ...]
    ) -> None:
        try:
            wants = parse(route.filter)
        except KastorError as error:  # checked when it was stored; a newer grammar may differ
            _log.error("route has a filter that is not understood", route=route.id, why=str(error))
            return
        lease = Lease(shared=self._store.shared)
        # A name for each start: what an earlier worker still had under way is refused.
        owner, asked = f"{self._owner}/{next(self._starts)}", time.monotonic()
        position = await self._store.hold_route(route.id, owner, LEASE_SECONDS)
        if position is None:
            return  # another process runs it
        lease.extend(asked)
        worker = RouteWorker(
            replace(route, position=position),
            self._sink_maker(endpoint),
            wants,
            self._store,
            self._host_name,
            self._settings,
            owner,
            self._meter(route),
            lease,
            shape_of(endpoint, self._history),
        )
        part = self._vitals.keep("route", worker.run, may_end=True)
        self._running[route.id] = _Running(worker, lease, part, made_of, owner)

    async def _stop(self, route_id: str) -> None:
        running = self._running.pop(route_id, None)
        if running is not None:
            await running.part.stop()
            with contextlib.suppress(Unavailable):  # its claim ends by itself
                await self._store.let_go(route_id, running.owner)

    async def _renew(self) -> None:
        """Renew the leases, and see what other processes changed."""
        for route_id, running in list(self._running.items()):
            asked = time.monotonic()
            waiting = await self._store.keep_route(route_id, running.owner, LEASE_SECONDS)
            if waiting is None:
                await running.part.stop()
                continue
            running.lease.extend(asked)
            if waiting:  # requeued through another process
                running.worker.expect_requeued()
        await self.refresh()

    async def try_endpoint(self, endpoint: EndpointRow) -> EndpointTrial:
        """Send an event that says it is a test, as routes send theirs; nothing is noted of it."""
        make = self._sink_maker(endpoint, in_haste)
        return await send_trial(make, trial_event(endpoint.name, self._host_name))

    def _sink_maker(
        self, endpoint: EndpointRow, adapted: Callable[[Endpoint], Endpoint] = lambda each: each
    ) -> Callable[[], Sink]:
        def make() -> Sink:
            settings = msgspec.json.decode(endpoint.settings)
            checked = read_endpoint(endpoint.kind, settings, policy)
            return make_sink(endpoint.name, adapted(checked), policy)

        # Whoever replaced one of the file's through the API gets the bounds of the API.
        is_configured = self._configured.get(endpoint.name) == _content(endpoint)
        policy = self.operator_policy if is_configured else self.policy
        return make


def _content(endpoint: EndpointRow) -> tuple[str, Any]:
    return endpoint.kind, msgspec.json.decode(endpoint.settings)
