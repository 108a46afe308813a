"""Twins, their components and telemetry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from kastor.client import operations

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document
    from kastor.client.instants import Instant
    from kastor.client.operations import Patched


class AsyncTwins:
    """Twins of a graph; each method is one call and raises ClientError as of any call."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(self, twin: str, *, as_of: Instant | None = None) -> Document:
        """Return a twin, with its `$etag` and `$metadata`.

        Args:
            twin: its id.
            as_of: an instant, to return it as it was; Kastor alone has the past.
        """
        return await self._transport.send(operations.get_twin(twin).at(as_of))

    async def put(
        self,
        twin: str,
        body: Document,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Document:
        """Create a twin or replace it, and return it.

        Args:
            twin: its id.
            body: with `$metadata` that names its `$model`.
            if_match: an ETag, to replace that version alone.
            if_none_match: `*`, to create it only.
        """
        call = operations.put_twin(twin, body, if_match, if_none_match)
        return await self._transport.send(call)

    async def patch(
        self, twin: str, patch: Sequence[Document], *, if_match: str | None = None
    ) -> Patched:
        """Change a twin by a JSON Patch."""
        return await self._transport.send(operations.patch_twin(twin, patch, if_match))

    async def delete(self, twin: str, *, if_match: str | None = None) -> None:
        """Delete a twin that has no relationships."""
        await self._transport.send(operations.delete_twin(twin, if_match))

    async def get_component(
        self, twin: str, component: str, *, as_of: Instant | None = None
    ) -> Document:
        """Return a component of a twin.

        Args:
            twin: its id.
            component: its name.
            as_of: as of `get`.
        """
        return await self._transport.send(operations.get_component(twin, component).at(as_of))

    async def patch_component(
        self, twin: str, component: str, patch: Sequence[Document], *, if_match: str | None = None
    ) -> Patched:
        """Change a component of a twin by a JSON Patch."""
        call = operations.patch_component(twin, component, patch, if_match)
        return await self._transport.send(call)

    async def send_telemetry(
        self,
        twin: str,
        payload: object,
        *,
        component: str | None = None,
        message_id: str | None = None,
        source_time: str | None = None,
    ) -> None:
        """Send telemetry of a twin or of one of its components.

        Args:
            twin: its id.
            payload: any JSON value.
            component: the name of the component.
            message_id: a guid without one.
            source_time: an ISO 8601 time; without one the other side takes its own.
        """
        message = message_id or str(uuid4())
        call = operations.send_telemetry(twin, component, payload, message, source_time)
        await self._transport.send(call)
