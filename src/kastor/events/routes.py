"""Routes and endpoints as people manage them: checked, stored, and made to act at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from kastor.clock import from_datetime, now_ticks
from kastor.errors import (
    Conflict,
    InvalidArgument,
    KastorError,
    NotAllowed,
    NotFound,
    TooManyRequests,
)
from kastor.events.endpoints import describe, read_endpoint, require_library
from kastor.events.filter import parse
from kastor.events.relay import Relay, RouteState
from kastor.events.trial import EndpointTrial
from kastor.outside.bounds import EndpointPolicy
from kastor.records import Context
from kastor.storage.events import DeadLetter, EndpointRow, EventStore, RouteRow
from kastor.storage.limits import require_room
from kastor.types import Ticks
from kastor.waiting import OwnThreads
from kastor.words import counted

_ROUTE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MOST_TRIALS = 4
"""Endpoints of a graph that are tested at once: each may hold a connection for seconds."""
_ENDPOINT_NAME = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{2,49}[a-zA-Z0-9]")


class RouteRefused(KastorError):
    """A route that names no endpoint, or has an id that routes may not have (rest-api B.5)."""

    default_code = "EventRouteEndpointInvalid"


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """An endpoint as it may be shown: secrets stand in it by reference only."""

    name: str
    kind: str
    settings: dict[str, Any]
    routes: tuple[str, ...]


class RouteService:
    """Routes and endpoints of one graph."""

    def __init__(
        self, store: EventStore, relay: Relay, max_routes: int = 100, max_endpoints: int = 100
    ) -> None:
        self._store = store
        self._relay = relay
        self._max_routes = max_routes
        self._max_endpoints = max_endpoints
        self._counting = asyncio.Lock()
        self._trying: set[str] = set()
        self._trials: set[asyncio.Task[Any]] = set()

    async def start(self, configured: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Take over the endpoints of the configuration file, then start the relay.

        Raises:
            InvalidArgument: an endpoint of the file is wrong.
        """
        for name, settings in (configured or {}).items():
            kind = str(settings.get("kind", ""))
            rest = {key: value for key, value in settings.items() if key != "kind"}
            row = _checked(name, kind, rest, self._relay.operator_policy)
            await self._store.put_endpoint(row)
            self._relay.trust(row)
        await self._relay.refresh()

    async def stop(self) -> None:
        """Stop the relay, and what is being tested."""
        for each in self._trials:
            each.cancel()
        await self._relay.stop()

    async def routes(self) -> list[RouteRow]:
        """Return the routes by id."""
        return await self._store.routes()

    async def route(self, route_id: str) -> RouteRow:
        """Return a route; raises NotFound."""
        for row in await self._store.routes():
            if row.id == route_id:
                return row
        raise NotFound(
            "There is no route available that matches the provided input. Check for all valid "
            "event routes by listing them.",
            code="EventRouteNotFound",
        )

    async def put_route(
        self, route_id: str, endpoint: str, filter_text: str, *, dry_run: bool = False
    ) -> None:
        """Create or replace a route; it acts at once. A dry run looks only whether that can be.

        Raises:
            RouteRefused: `EventRouteIdInvalid`, `EventRouteEndpointInvalid`.
            KastorError: `EventRouteFilterInvalid`, with line and position.
            LimitExceeded: too many routes.
        """
        if _ROUTE_ID.fullmatch(route_id) is None:
            raise RouteRefused(
                "A route's id has 1 to 128 letters, digits, '.', '_' and '-'.",
                code="EventRouteIdInvalid",
            )
        if endpoint not in {row.name for row in await self._store.endpoints()}:
            raise RouteRefused(
                f"The endpoint {endpoint[:80]} does not exist. Create it first, with "
                "`kastor endpoint create` or in the configuration file."
            )
        parse(filter_text)
        async with self._counting:
            count = len({row.id for row in await self._store.routes()} - {route_id})
            require_room(
                count, self._max_routes, f"The graph has {counted(count, 'route')}", "max_routes"
            )
            if dry_run:
                return
            await self._store.put_route(route_id, endpoint, filter_text)
        await self._relay.refresh()

    async def delete_route(self, route_id: str, *, dry_run: bool = False) -> None:
        """Delete a route with its dead letters; raises NotFound."""
        await self.route(route_id)
        if dry_run:
            return
        await self._store.delete_route(route_id)
        await self._relay.refresh()

    async def state(self, route_id: str) -> RouteState:
        """Return how a route is doing; raises NotFound."""
        return (await self._relay.states([await self.route(route_id)]))[0]

    async def states(self) -> list[RouteState]:
        """Return how every route is doing, by id."""
        return await self._relay.states(await self._store.routes())

    async def pause(self, route_id: str, paused: bool, *, dry_run: bool = False) -> None:
        """Pause or resume a route; raises NotFound."""
        await self.route(route_id)
        if dry_run:
            return
        await self._store.pause_route(route_id, paused)
        await self._relay.refresh()

    async def replay(self, route_id: str, since: str, *, dry_run: bool = False) -> int:
        """Send again from a position or a time on; return the position, at most the newest.

        Raises:
            NotFound: there is no such route.
            InvalidArgument: neither a position nor an ISO 8601 time.
        """
        await self.route(route_id)
        position = await self._position(since)
        if not dry_run:
            await self._relay.move(route_id, position)
        return position

    async def dead_letters(
        self, route_id: str, after: int, limit: int, context: Context
    ) -> list[DeadLetter]:
        """Return a route's dead letters; raises NotFound."""
        context.require_plain()
        await self.route(route_id)
        return await self._store.dead_letters(route_id, after, limit)

    async def requeue(self, route_id: str, keys: list[int] | None, *, dry_run: bool = False) -> int:
        """Send dead letters again (None: all); return how many; raises NotFound."""
        await self.route(route_id)
        if dry_run:
            return await self._store.count_letters(route_id, keys)
        count = await self._store.requeue(route_id, keys)
        self._relay.nudge(route_id)
        return count

    async def purge(self, route_id: str, keys: list[int] | None, *, dry_run: bool = False) -> int:
        """Delete dead letters (None: all); return how many; raises NotFound."""
        await self.route(route_id)
        if dry_run:
            return await self._store.count_letters(route_id, keys)
        return await self._store.purge(route_id, keys)

    async def endpoints(self) -> list[EndpointInfo]:
        """Return the endpoints by name, with the routes that use them."""
        routes = await self._store.routes()
        return [_info(row, routes) for row in await self._store.endpoints()]

    async def endpoint(self, name: str) -> EndpointInfo:
        """Return an endpoint; raises NotFound."""
        for info in await self.endpoints():
            if info.name == name:
                return info
        raise _no_endpoint(name)

    async def put_endpoint(
        self, name: str, kind: str, settings: Mapping[str, Any], *, dry_run: bool = False
    ) -> EndpointInfo:
        """Create or replace an endpoint; its routes use it at once.

        A dry run stores nothing and returns the endpoint as it would be.

        Raises:
            InvalidArgument: the name, the kind or a setting is wrong.
            LimitExceeded: there are as many as there may be.
        """
        async with self._counting:
            count = len({row.name for row in await self._store.endpoints()} - {name})
            said = f"The graph has {counted(count, 'endpoint')}"
            require_room(count, self._max_endpoints, said, "max_endpoints")
            row = _checked(name, kind, settings, self._relay.policy)
            if dry_run:
                return _info(row, await self._store.routes())
            await self._store.put_endpoint(row)
        await self._relay.refresh()
        return await self.endpoint(name)

    async def delete_endpoint(self, name: str, *, dry_run: bool = False) -> None:
        """Delete an endpoint that no route uses.

        Raises:
            NotFound: there is none.
            Conflict: routes use it.
        """
        info = await self.endpoint(name)
        if info.routes:
            raise Conflict(
                f"The endpoint {name} is used by these routes: {', '.join(info.routes)}. "
                "Delete them first.",
                code="EndpointInUse",
            )
        if not dry_run:
            await self._store.delete_endpoint(name)

    async def try_endpoint(self, name: str) -> EndpointTrial:
        """Send an event that says it is a test to an endpoint; return what came of it.

        It is in no log, and never becomes a dead letter. Cancelled, the test goes on to its end.

        Raises:
            NotFound: there is none.
            NotAllowed: what it sends to would take the test for something else.
            Conflict: its routes would lose their connection by it.
            TooManyRequests: the endpoint is being tested, or too many others are.
        """
        row = await self._endpoint_row(name)
        endpoint = read_endpoint(row.kind, msgspec.json.decode(row.settings))
        if endpoint.format != "cloudevents":
            raise NotAllowed(
                f"The endpoint {name} gets rows of the history, which whoever receives them keeps: "
                "a test would be one of them. The state of its routes tells how it is doing."
            )
        routes = await self._store.routes()
        connected = [each.id for each in routes if each.endpoint == name and not each.paused]
        if getattr(endpoint, "client_id", None) is not None and connected:
            raise Conflict(
                f"The endpoint {name} has a client_id, which a broker lets in once: a test would "
                f"break the connection of these routes: {', '.join(connected)}. Pause them first, "
                "or leave client_id out.",
                code="EndpointInUse",
            )
        if name in self._trying or len(self._trying) >= _MOST_TRIALS:
            busy = f"The endpoint {name} is" if name in self._trying else "Other endpoints are"
            raise TooManyRequests(f"{busy} being tested. Try again in a moment.", retry_after=1)
        self._trying.add(name)
        threads = OwnThreads()
        trial = asyncio.create_task(threads.noting(self._relay.try_endpoint(row)))
        for task in (trial, asyncio.create_task(self._until_over(name, trial, threads))):
            self._trials.add(task)
            task.add_done_callback(self._trials.discard)
        return await asyncio.shield(trial)

    async def _until_over(
        self, name: str, trial: asyncio.Task[EndpointTrial], threads: OwnThreads
    ) -> None:
        """Let an endpoint be tested again once nothing of its test goes on."""
        try:
            await asyncio.wait((trial,))
            await threads.until_ended()
        finally:
            self._trying.discard(name)

    async def _endpoint_row(self, name: str) -> EndpointRow:
        for row in await self._store.endpoints():
            if row.name == name:
                return row
        raise _no_endpoint(name)

    async def _position(self, since: str) -> int:
        if since.isdecimal() and len(since) < 19:  # noqa: PLR2004 - digits of an int64
            _, newest = await self._store.log_bounds()
            return min(int(since), newest)
        ticks = _instant(since)
        if ticks is None:
            raise InvalidArgument(
                f"{since[:80]} is neither a position nor an ISO 8601 time with a zone."
            )
        return await self._store.position_at(ticks)


def _checked(
    name: str, kind: str, settings: Mapping[str, Any], policy: EndpointPolicy
) -> EndpointRow:
    """Return an endpoint to be stored; raises InvalidArgument, MissingLibrary."""
    if _ENDPOINT_NAME.fullmatch(name) is None:
        raise InvalidArgument(
            "An endpoint's name has 3 to 50 letters, digits and hyphens, is no number and has "
            "no hyphen at its ends."
        )
    read_endpoint(kind, dict(settings), policy)
    require_library(kind)
    return EndpointRow(name, kind, msgspec.json.encode(dict(settings)), now_ticks())


def _no_endpoint(name: str) -> NotFound:
    return NotFound(f"There is no endpoint named {name[:80]}.", code="EndpointNotFound")


def _instant(text: str) -> Ticks | None:
    try:
        instant = datetime.fromisoformat(text)
        return None if instant.tzinfo is None else from_datetime(instant)
    except (ValueError, OverflowError):  # the second: its UTC is before year 1 or after 9999
        return None


def _info(row: EndpointRow, routes: list[RouteRow]) -> EndpointInfo:
    shown = describe(read_endpoint(row.kind, msgspec.json.decode(row.settings)))
    using = tuple(route.id for route in routes if route.endpoint == row.name)
    return EndpointInfo(row.name, row.kind, shown, using)
