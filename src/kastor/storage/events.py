"""What the events package needs of a store: the change log to read, and its own tables.

The log is read by position; every position is final when it is visible, so a reader that has seen
position n has seen all before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kastor.records import ChangeKind
from kastor.types import ModelId, Ticks

READ_BYTES = 8 * 2**20
"""Bytes of bodies that are read at once; the entry that reaches them is the last."""


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One row of the change log as it is read again; `data` is the event's body."""

    seq: int
    subject: str
    version: int | None
    kind: ChangeKind
    notify: bool
    event_id: str
    time: Ticks
    actor: str
    traceparent: str | None
    model_id: ModelId | None
    component: str | None
    content_type: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class RouteRow:
    """An event route and how far it has come.

    Attributes:
        position: every change up to here is delivered, not wanted, or a dead letter.
        paused: the relay leaves it alone.
        delivered, died: events so far.
        last_error: what the endpoint last answered wrongly; None after a success.
        held: a process has it now, on a graph that several processes serve.
    """

    id: str
    endpoint: str
    filter: str
    position: int
    paused: bool
    created: Ticks
    delivered: int
    died: int
    last_delivery: Ticks | None
    last_error: str | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A configured endpoint; `settings` is JSON text without any secret."""

    name: str
    kind: str
    settings: bytes
    created: Ticks


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a route gave up; `event` is all of it as JSON, to be sent again."""

    key: int
    route: str
    position: int
    event: bytes
    error: str
    attempts: int
    died: Ticks
    requeued: bool


class EventStore(Protocol):
    """One graph's change log, endpoints, routes and dead letters.

    Attributes:
        shared: other processes may serve the graph too, so routes have to be held.
    """

    shared: bool

    async def log_wake(self, seen: int) -> None:
        """Wait until the log may have grown beyond position `seen`."""

    async def changes_after(self, position: int, limit: int) -> list[LoggedChange]:
        """Return entries of the log, in order, strictly after `position`.

        Up to `limit` of them; fewer where their bodies have more than READ_BYTES together, and none
        only where there are none.
        """

    async def before_next(self, position: int) -> int:
        """Return the position before the first entry that is kept after `position`.

        That is `position` itself unless entries are missing: they are too old to be kept, or the
        graph was emptied, which takes a position. It is the newest where nothing is kept after it.
        """

    async def log_bounds(self) -> tuple[int, int]:
        """Return the positions of the oldest and the newest entry; (0, 0) for an empty log.

        The newest is that of the last entry ever written, kept or not.
        """

    async def position_at(self, instant: Ticks) -> int:
        """Return the last position before an instant, among what is kept."""

    async def endpoints(self) -> list[EndpointRow]:
        """Return the endpoints by name."""

    async def put_endpoint(self, row: EndpointRow) -> None:
        """Create or replace an endpoint."""

    async def delete_endpoint(self, name: str) -> bool:
        """Delete an endpoint; return whether there was one."""

    async def routes(self) -> list[RouteRow]:
        """Return the routes by id."""

    async def put_route(self, route_id: str, endpoint: str, filter_text: str) -> None:
        """Create a route at the end of the log, or replace one, which keeps its position."""

    async def delete_route(self, route_id: str) -> bool:
        """Delete a route and its dead letters; return whether there was one."""

    async def pause_route(self, route_id: str, paused: bool) -> bool:
        """Pause or resume a route; return whether there is one."""

    async def move_route(self, route_id: str, position: int) -> bool:
        """Set a route's position; return whether there is one.

        Who holds it loses it: its worker would note on from where it is.
        """

    async def hold_route(self, route_id: str, owner: str, seconds: float) -> int | None:
        """Claim a route for a while; return its position, None where another has it."""

    async def keep_route(self, route_id: str, owner: str, seconds: float) -> bool | None:
        """Keep a claim for a while; return whether requeued dead letters wait to be sent.

        None means that the claim is lost: another one has it, or the route was moved.
        """

    async def let_go(self, route_id: str, owner: str) -> None:
        """Give a route up before its time is over."""

    async def advance_route(
        self,
        route_id: str,
        owner: str,
        position: int,
        *,
        delivered: int,
        error: str | None,
        letters: list[DeadLetter],
        settled: list[int],
    ) -> int | None:
        """Note a route's progress in one transaction; return how many events it delivered so far.

        None means that nothing was noted: the route is gone, or `owner` does not hold it any more.

        Args:
            route_id: the route.
            owner: who holds it.
            position: where it is now; never moves backwards by this.
            delivered: events confirmed since the last note.
            error: what went wrong last, None after a success.
            letters: events that it gave up; `key`, `route` and `died` are set here.
            settled: keys of requeued dead letters that were delivered.
        """

    async def dead_letters(self, route_id: str, after: int, limit: int) -> list[DeadLetter]:
        """Return a route's dead letters by key, strictly after `after`.

        Up to `limit` of them; fewer where their events have more than READ_BYTES together.
        """

    async def count_letters(self, route_id: str, keys: list[int] | None) -> int:
        """Return how many of these dead letters (None: all) there are."""

    async def requeue(self, route_id: str, keys: list[int] | None) -> int:
        """Mark dead letters (None: all) to be sent again; return how many."""

    async def purge(self, route_id: str, keys: list[int] | None) -> int:
        """Delete dead letters (None: all); return how many."""
