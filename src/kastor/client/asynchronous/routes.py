"""Event routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.client import operations
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.pages import by_link

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document


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
