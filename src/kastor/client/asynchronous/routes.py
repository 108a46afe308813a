"""Event routes, how they are doing, and what they could not deliver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kastor.client import operations, route_calls
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.pages import by_link

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document, HttpCall
    from kastor.client.pages import ListingPage


class AsyncRoutes:
    """Event routes of a graph; each method raises ClientError as of any call."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def list(self) -> AsyncListing[Document]:
        """Return all event routes."""
        first = operations.list_routes()
        return AsyncListing(self._transport, first, by_link(first))

    async def get(self, route: str) -> Document:
        """Return an event route."""
        return await self._transport.send(operations.get_route(route))

    async def put(self, route: str, endpoint: str, condition: str = "true") -> None:
        """Create an event route or replace it.

        Args:
            route: its id.
            endpoint: the name of the endpoint that it sends to.
            condition: its filter.
        """
        await self._transport.send(operations.put_route(route, endpoint, condition))

    async def delete(self, route: str) -> None:
        """Delete an event route."""
        await self._transport.send(operations.delete_route(route))

    async def states(self) -> Sequence[Document]:
        """Return how every route is doing; Kastor alone tells it."""
        return await self._transport.send(route_calls.list_states())

    async def state(self, route: str) -> Document:
        """Return how a route is doing: state, position, lag, counts, last error."""
        return await self._transport.send(route_calls.get_state(route))

    async def pause(self, route: str) -> None:
        """Stop sending; the position is kept."""
        await self._transport.send(route_calls.pause(route, paused=True))

    async def resume(self, route: str) -> None:
        """Go on from where the route was paused."""
        await self._transport.send(route_calls.pause(route, paused=False))

    async def replay(self, route: str, since: str) -> int:
        """Send again from a position or time on, and return the position."""
        return await self._transport.send(route_calls.replay(route, since))

    def dead_letters(self, route: str) -> AsyncListing[Document]:
        """Return the events that a route gave up, with `key` and `error`."""

        def page(after: str) -> HttpCall[ListingPage[Document]]:
            return route_calls.list_letters(route, after)

        return AsyncListing(self._transport, route_calls.list_letters(route), page)

    async def requeue_dead_letters(self, route: str, keys: Sequence[int] | None = None) -> int:
        """Send dead letters again, all or those of keys, and return how many."""
        return await self._transport.send(route_calls.requeue(route, keys))

    async def purge_dead_letters(self, route: str, keys: Sequence[int] | None = None) -> int:
        """Delete dead letters, all or those of keys, and return how many."""
        return await self._transport.send(route_calls.purge(route, keys))
