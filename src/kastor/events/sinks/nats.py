"""Publishes to JetStream streams of NATS; what the stream stored counts.

`Nats-Msg-Id` lets the stream drop an event that comes again within its window of duplicates.
"""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlsplit

from nats.aio.client import Client, RawCredentials
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoServersError
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError

from kastor.events.endpoint_kinds import NatsEndpoint
from kastor.events.envelope import (
    STRUCTURED_TYPE,
    TELEMETRY,
    delivery_trace,
    header_text,
    http_headers,
    structured,
)
from kastor.events.model import DeliveryFault, Event
from kastor.events.sinks.connected import ConnectedSink
from kastor.events.templates import render
from kastor.outside.addresses import allowed_addresses
from kastor.outside.bounds import EndpointPolicy
from kastor.outside.secrets import read_optional, read_secret
from kastor.outside.trust import tls_context
from kastor.types import override

_MESSAGE_TOO_LARGE = 10_054  # JetStream: larger than the stream's max_msg_size
_HEADER_OVERHEAD = 64
_PORT = 4222


class NatsSink(ConnectedSink):
    """One connection to NATS."""

    def __init__(self, _name: str, endpoint: NatsEndpoint, policy: EndpointPolicy) -> None:
        super().__init__(", ".join(endpoint.servers), endpoint.concurrency, endpoint.timeout)
        self._endpoint = endpoint
        self._policy = policy
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None
        self._last_error: Exception | None = None

    @override
    def _is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    @override
    async def _connect(self) -> None:
        endpoint = self._endpoint
        password, token = read_optional(endpoint.password), read_optional(endpoint.token)
        self._hidden = (password, token)
        options: dict[str, Any] = {}
        if endpoint.ca_file is not None or any(s.startswith("tls:") for s in endpoint.servers):
            options["tls"] = tls_context(endpoint.ca_file)
        if endpoint.credentials is not None:
            credentials = read_secret(endpoint.credentials)
            self._hidden = (password, token, credentials)
            options["user_credentials"] = RawCredentials(credentials)
        options |= {"user": endpoint.username, "password": password, "token": token}
        client = await self._connect_to_one(options)
        self._stream = client.jetstream(timeout=endpoint.timeout)

    async def _connect_to_one(self, options: dict[str, Any]) -> Client:
        """Connect to the first server that answers, at an address that was checked."""
        servers = [urlsplit(each) for each in self._endpoint.servers]
        random.shuffle(servers)
        failure: Exception | None = None
        for server in servers:
            host, port = server.hostname or "", server.port or _PORT
            try:
                addresses = await allowed_addresses(host, port, self._policy)
            except OSError as error:
                failure = error
                continue
            for address in addresses:
                shown = f"[{address}]" if ":" in address else address
                try:
                    return await self._try(f"{server.scheme}://{shown}:{port}", host, options)
                except (OSError, TimeoutError, NoServersError) as error:
                    failure = error
                await self.close()
        raise failure or ConnectionError("there is no server")

    async def _try(self, url: str, host: str, options: dict[str, Any]) -> Client:
        timeout = self._endpoint.timeout
        self._last_error = None
        self._client = client = Client()
        try:
            await client.connect(
                servers=[url],
                tls_hostname=host,
                name="kastor",
                allow_reconnect=False,
                connect_timeout=max(1, round(timeout)),
                error_cb=self._note_error,
                **options,
            )
        except NatsError as error:
            # The library raises what came last, its call-back has what the server said.
            raise self._last_error or error from None
        return client

    async def _note_error(self, error: Exception) -> None:
        self._last_error = error

    @override
    async def _disconnect(self) -> None:
        client, self._client, self._stream = self._client, None, None
        if client is not None:
            await client.close()

    @override
    async def _send(self, event: Event) -> DeliveryFault | None:
        stream, client = self._stream, self._client
        if stream is None or client is None:
            return DeliveryFault("unavailable", f"{self._where}: not connected")
        subject = render(self._endpoint.subject, event, ".*> ")
        payload, headers = self._message(event)
        size = len(payload) + sum(len(name) + len(value) + 4 for name, value in headers.items())
        # The server counts headers too, and answers an excess by closing the connection.
        if size + _HEADER_OVERHEAD > client.max_payload:
            return DeliveryFault("refused", f"{size} bytes are more than the server takes")
        try:
            await stream.publish(subject, payload, stream=self._endpoint.stream, headers=headers)
        except NoStreamResponseError:
            text = f"{self._where}: no stream takes the subject {subject}"
            return DeliveryFault("unavailable", text, unroutable=True)
        except MaxPayloadError as error:
            return DeliveryFault("refused", str(error))
        except APIError as error:
            too_large = error.err_code == _MESSAGE_TOO_LARGE
            text = f"{self._where}: {error.description} (subject {subject})"
            return DeliveryFault("refused" if too_large else "unavailable", text)
        return None

    def _message(self, event: Event) -> tuple[bytes, dict[str, str]]:
        trace = delivery_trace(event)
        headers = {"Nats-Msg-Id": _message_id(event)}
        if self._endpoint.mode == "structured" and not event.bare:
            return structured(event, trace), headers | {"content-type": STRUCTURED_TYPE}
        return event.data, headers | http_headers(event, trace)


def _message_id(event: Event) -> str:
    # The id of telemetry is the sender's, and only unique together with the source.
    unique = f"{event.source}#{event.id}" if event.type == TELEMETRY else event.id
    return header_text(unique)
