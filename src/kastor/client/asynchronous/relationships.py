"""Relationships between twins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kastor.client import operations
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.pages import by_link

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document
    from kastor.client.instants import Instant
    from kastor.client.operations import Patched


class AsyncRelationships:
    """Relationships of a graph; each method raises ClientError as of any call."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(
        self, source: str, relationship: str, *, as_of: Instant | None = None
    ) -> Document:
        """Return a relationship of its source twin.

        Args:
            source: id of the twin that it goes from.
            relationship: its id.
            as_of: an instant, to return it as it was; Kastor alone has the past.
        """
        call = operations.get_relationship(source, relationship).at(as_of)
        return await self._transport.send(call)

    async def put(
        self,
        source: str,
        relationship: str,
        body: Document,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Document:
        """Create a relationship or replace it, and return it.

        Args:
            source: id of the twin that it goes from.
            relationship: its id, unique for its source.
            body: with `$relationshipName` and `$targetId`.
            if_match: an ETag, to replace that version alone.
            if_none_match: `*`, to create it only.
        """
        call = operations.put_relationship(source, relationship, body, if_match, if_none_match)
        return await self._transport.send(call)

    async def patch(
        self,
        source: str,
        relationship: str,
        patch: Sequence[Document],
        *,
        if_match: str | None = None,
    ) -> Patched:
        """Change a relationship's properties by a JSON Patch."""
        call = operations.patch_relationship(source, relationship, patch, if_match)
        return await self._transport.send(call)

    async def delete(self, source: str, relationship: str, *, if_match: str | None = None) -> None:
        """Delete a relationship."""
        call = operations.delete_relationship(source, relationship, if_match)
        await self._transport.send(call)

    def list(
        self, source: str, name: str | None = None, *, as_of: Instant | None = None
    ) -> AsyncListing[Document]:
        """Return the relationships that go from a twin.

        Args:
            source: its id.
            name: of those that are wanted; None: all.
            as_of: as of `get`.
        """
        first = operations.list_relationships(source, name).at(as_of)
        return AsyncListing(self._transport, first, by_link(first))

    def incoming(self, target: str, *, as_of: Instant | None = None) -> AsyncListing[Document]:
        """Return what comes to a twin: ids, names, sources and links, as the contract has them.

        Args:
            target: its id.
            as_of: as of `get`.
        """
        first = operations.list_incoming(target).at(as_of)
        return AsyncListing(self._transport, first, by_link(first))
