"""What a graph of Kastor is set up with: endpoints, inputs, indexes; and the server's graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kastor.client import own

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document, Json


class AsyncEndpoints:
    """Endpoints of a graph, which routes send to; each method raises ClientError."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> Sequence[Document]:
        """Return all endpoints."""
        return await self._transport.send(own.list_endpoints())

    async def get(self, name: str) -> Document:
        """Return an endpoint."""
        return await self._transport.send(own.get_endpoint(name))

    async def put(self, name: str, kind: str, settings: Document | None = None) -> Document:
        """Create an endpoint or replace it, and return it.

        Args:
            name: of the endpoint.
            kind: such as `webhook` or `kafka`.
            settings: what its kind needs.
        """
        return await self._transport.send(own.put_endpoint(name, kind, settings or {}))

    async def test(self, name: str) -> Document:
        """Send an event that says it is a test; return whether it was `delivered`, or the `error`.

        It is of no change, in no log, and never becomes a dead letter.
        """
        return await self._transport.send(own.try_endpoint(name))

    async def delete(self, name: str) -> None:
        """Delete an endpoint that no route uses."""
        await self._transport.send(own.delete_endpoint(name))


class AsyncInputs:
    """Inputs of a graph, where messages of sensors come from; each method raises ClientError."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> Sequence[Document]:
        """Return all inputs."""
        return await self._transport.send(own.list_inputs())

    async def get(self, name: str) -> Document:
        """Return an input."""
        return await self._transport.send(own.get_input(name))

    async def put(self, name: str, kind: str, settings: Document) -> Document:
        """Create an input or replace it, and return it.

        Args:
            name: of the input.
            kind: such as `mqtt` or `webhook`.
            settings: what its kind needs (`docs/reference/inputs.md`).
        """
        return await self._transport.send(own.put_input(name, kind, settings))

    async def delete(self, name: str) -> None:
        """Delete an input."""
        await self._transport.send(own.delete_input(name))

    async def pause(self, name: str) -> None:
        """Take no more messages; a broker's session is kept."""
        await self._transport.send(own.pause_input(name, paused=True))

    async def resume(self, name: str) -> None:
        """Take messages again."""
        await self._transport.send(own.pause_input(name, paused=False))

    async def status(self, name: str) -> Document:
        """Return how an input is doing."""
        return await self._transport.send(own.input_status(name))

    async def rejected(self, name: str) -> Sequence[Document]:
        """Return the last messages that an input could not use."""
        return await self._transport.send(own.list_rejected(name))

    async def send(self, name: str, messages: Json) -> Document:
        """Hand a message or an array of them to a webhook input, and return what became of them."""
        return await self._transport.send(own.send_messages(name, messages))

    async def try_message(
        self,
        name: str,
        payload: str,
        *,
        topic: str = "",
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        instead: tuple[str, Document] | None = None,
    ) -> Document:
        """Return what the rules of an input would make of a message; nothing is written.

        Args:
            name: of the input.
            payload: the message.
            topic: of a message of MQTT.
            headers: of the request, or user properties.
            content_type: of a webhook's request.
            instead: kind and settings to be tried instead of those that the input has, which then
                need not be there.
        """
        sample: Document = {"payload": payload, "topic": topic, "headers": dict(headers or {})}
        if content_type is not None:
            sample["contentType"] = content_type
        if instead is not None:
            sample["kind"], sample["settings"] = instead
        return await self._transport.send(own.try_message(name, sample))


class AsyncIndexes:
    """Property indexes of a graph; each method raises ClientError."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> Sequence[str]:
        """Return the paths of all indexes, such as `temperature` or `thermostat.setPoint`."""
        return [str(each.get("path")) for each in await self._transport.send(own.list_indexes())]

    async def create(self, path: str) -> None:
        """Build an index on a property of twins; returns when it is built."""
        await self._transport.send(own.put_index(path))

    async def drop(self, path: str) -> None:
        """Drop an index."""
        await self._transport.send(own.delete_index(path))


class AsyncServerGraphs:
    """Graphs of a server; each method raises ClientError."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> Sequence[Document]:
        """Return all graphs: `name`, `place`, `state`."""
        return await self._transport.send(own.list_graphs())

    async def get(self, name: str) -> Document:
        """Return a graph, and how its move goes on."""
        return await self._transport.send(own.get_graph(name))

    async def create(
        self, name: str, *, database: str | None = None, schema: str | None = None
    ) -> Document:
        """Make an empty graph, or serve the one in a schema, and return it."""
        return await self._transport.send(own.put_graph(name, _place(database, schema)))

    async def move(
        self, name: str, *, database: str | None = None, schema: str | None = None
    ) -> Document:
        """Begin to move a graph to another database or schema; `get` tells how it goes on."""
        return await self._transport.send(own.move_graph(name, _place(database, schema)))

    async def delete(self, name: str) -> None:
        """Delete a graph with all it holds."""
        await self._transport.send(own.delete_graph(name))


def _place(database: str | None, schema: str | None) -> dict[str, str]:
    wished = {"database": database, "schema": schema}
    return {name: value for name, value in wished.items() if value is not None}
