# Made from `asynchronous` by `python3 dev client`; do not edit.
"""What a graph of Kastor is set up with: endpoints, inputs, indexes; and the server's graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kastor.client import own

if TYPE_CHECKING:
    from kastor.client.calls import Document, Json
    from kastor.client.synchronous.transport import Transport


class Endpoints:
    """Endpoints of a graph, which routes send to; each method raises ClientError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Sequence[Document]:
        """Return all endpoints."""
        return self._transport.send(own.list_endpoints())

    def get(self, name: str) -> Document:
        """Return an endpoint."""
        return self._transport.send(own.get_endpoint(name))

    def put(self, name: str, kind: str, settings: Document | None = None) -> Document:
        """Create an endpoint or replace it, and return it.

        Args:
            name: of the endpoint.
            kind: such as `webhook` or `kafka`.
            settings: what its kind needs.
        """
        return self._transport.send(own.put_endpoint(name, kind, settings or {}))

    def test(self, name: str) -> Document:
        """Send an event that says it is a test; return whether it was `delivered`, or the `error`.

        It is of no change, in no log, and never becomes a dead letter.
        """
        return self._transport.send(own.try_endpoint(name))

    def delete(self, name: str) -> None:
        """Delete an endpoint that no route uses."""
        self._transport.send(own.delete_endpoint(name))


class Inputs:
    """Inputs of a graph, where messages of sensors come from; each method raises ClientError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Sequence[Document]:
        """Return all inputs."""
        return self._transport.send(own.list_inputs())

    def get(self, name: str) -> Document:
        """Return an input."""
        return self._transport.send(own.get_input(name))

    def put(self, name: str, kind: str, settings: Document) -> Document:
        """Create an input or replace it, and return it.

        Args:
            name: of the input.
            kind: such as `mqtt` or `webhook`.
            settings: what its kind needs (`docs/reference/inputs.md`).
        """
        return self._transport.send(own.put_input(name, kind, settings))

    def delete(self, name: str) -> None:
        """Delete an input."""
        self._transport.send(own.delete_input(name))

    def pause(self, name: str) -> None:
        """Take no more messages; a broker's session is kept."""
        self._transport.send(own.pause_input(name, paused=True))

    def resume(self, name: str) -> None:
        """Take messages again."""
        self._transport.send(own.pause_input(name, paused=False))

    def status(self, name: str) -> Document:
        """Return how an input is doing."""
        return self._transport.send(own.input_status(name))

    def rejected(self, name: str) -> Sequence[Document]:
        """Return the last messages that an input could not use."""
        return self._transport.send(own.list_rejected(name))

    def send(self, name: str, messages: Json) -> Document:
        """Hand a message or an array of them to a webhook input, and return what became of them."""
        return self._transport.send(own.send_messages(name, messages))

    def try_message(
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
        return self._transport.send(own.try_message(name, sample))


class Indexes:
    """Property indexes of a graph; each method raises ClientError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Sequence[str]:
        """Return the paths of all indexes, such as `temperature` or `thermostat.setPoint`."""
        return [str(each.get("path")) for each in self._transport.send(own.list_indexes())]

    def create(self, path: str) -> None:
        """Build an index on a property of twins; returns when it is built."""
        self._transport.send(own.put_index(path))

    def drop(self, path: str) -> None:
        """Drop an index."""
        self._transport.send(own.delete_index(path))


class ServerGraphs:
    """Graphs of a server; each method raises ClientError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Sequence[Document]:
        """Return all graphs: `name`, `place`, `state`."""
        return self._transport.send(own.list_graphs())

    def get(self, name: str) -> Document:
        """Return a graph, and how its move goes on."""
        return self._transport.send(own.get_graph(name))

    def create(
        self, name: str, *, database: str | None = None, schema: str | None = None
    ) -> Document:
        """Make an empty graph, or serve the one in a schema, and return it."""
        return self._transport.send(own.put_graph(name, _place(database, schema)))

    def move(
        self, name: str, *, database: str | None = None, schema: str | None = None
    ) -> Document:
        """Begin to move a graph to another database or schema; `get` tells how it goes on."""
        return self._transport.send(own.move_graph(name, _place(database, schema)))

    def delete(self, name: str) -> None:
        """Delete a graph with all it holds."""
        self._transport.send(own.delete_graph(name))


def _place(database: str | None, schema: str | None) -> dict[str, str]:
    wished = {"database": database, "schema": schema}
    return {name: value for name, value in wished.items() if value is not None}
