# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Event routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.client import operations
from kastor.client.pages import by_link
from kastor.client.synchronous.pages import Listing

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.client.synchronous.transport import Transport


class Routes:
    """Event routes of a graph; each method raises ClientError as of any call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Listing[Document]:
        """Return all event routes."""
        first = operations.list_routes()
        return Listing(self._transport, first, by_link(first))

    def get(self, route: str) -> Document:
        """Return an event route."""
        return self._transport.send(operations.get_route(route))

    def put(self, route: str, endpoint: str, condition: str = "true") -> None:
        """Create an event route or replace it.

        Args:
            route: its id.
            endpoint: the name of the endpoint that it sends to.
            condition: its filter.
        """
        self._transport.send(operations.put_route(route, endpoint, condition))

    def delete(self, route: str) -> None:
        """Delete an event route."""
        self._transport.send(operations.delete_route(route))
