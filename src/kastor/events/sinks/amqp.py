"""Publishes to an exchange of RabbitMQ: persistent messages, confirmed by the broker."""

from __future__ import annotations

from aio_pika import DeliveryMode, Message, connect
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPConnectionError, DeliveryError
from aiormq.exceptions import PublishError
from yarl import URL

from kastor.events.endpoint_kinds import AmqpEndpoint
from kastor.events.envelope import (
    STRUCTURED_TYPE,
    TELEMETRY,
    amqp_properties,
    delivery_trace,
    structured,
)
from kastor.events.model import DeliveryFault, Event
from kastor.events.sinks.connected import ConnectedSink
from kastor.events.templates import render
from kastor.outside.addresses import allowed_addresses
from kastor.outside.bounds import EndpointPolicy
from kastor.outside.secrets import read_optional
from kastor.outside.trust import named_context
from kastor.types import override

SHORT_TEXT = 255
"""Bytes that AMQP 0-9-1 has for a routing key, a message id, a type and a content type."""
PROPERTIES_BYTES = 65_536
"""Bytes of properties that are sent: all of a message's have to fit into one frame."""

_PORTS = {False: 5672, True: 5671}
"""By whether it is TLS."""


class AmqpSink(ConnectedSink):
    """One connection and one channel in confirm mode."""

    def __init__(self, _name: str, endpoint: AmqpEndpoint, policy: EndpointPolicy) -> None:
        url = URL(endpoint.url)
        super().__init__(f"{url.host}:{url.port}", endpoint.concurrency, endpoint.timeout)
        self._endpoint = endpoint
        self._policy = policy
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None

    @override
    def _is_connected(self) -> bool:
        if self._connection is None or self._channel is None or self._exchange is None:
            return False
        return not self._connection.is_closed and not self._channel.is_closed

    @override
    async def _connect(self) -> None:
        endpoint = self._endpoint
        password = read_optional(endpoint.password)
        self._hidden = (password,)
        url = URL(endpoint.url)
        if endpoint.username is not None:
            url = url.with_user(endpoint.username).with_password(password)
        self._connection = await self._connect_to(url)
        self._channel = channel = await self._connection.channel(
            publisher_confirms=True, on_return_raises=True
        )
        if endpoint.exchange:
            self._exchange = await channel.get_exchange(endpoint.exchange, ensure=True)
        else:
            self._exchange = channel.default_exchange

    async def _connect_to(self, url: URL) -> AbstractConnection:
        host, endpoint = url.host or "", self._endpoint
        tls = url.scheme == "amqps"
        context = named_context(endpoint.ca_file, host) if tls else None
        failure: Exception | None = None
        for address in await allowed_addresses(host, url.port or _PORTS[tls], self._policy):
            try:
                return await connect(
                    url.with_host(address), timeout=endpoint.timeout, ssl_context=context
                )
            except (AMQPConnectionError, OSError) as error:
                failure = error
        raise failure or ConnectionError(f"{host} has no address")

    @override
    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._channel = self._exchange = None
        if connection is not None:
            await connection.close()

    @override
    async def _send(self, event: Event) -> DeliveryFault | None:
        exchange, endpoint = self._exchange, self._endpoint
        if exchange is None:
            return DeliveryFault("unavailable", f"{self._where}: not connected")
        key = render(endpoint.routing_key, event, "*#")
        if len(key.encode()) > SHORT_TEXT:
            return DeliveryFault(
                "refused", f"The routing key has more than {SHORT_TEXT} bytes: {key}"
            )
        message = self._message(event)
        if len((message.content_type or "").encode()) > SHORT_TEXT:
            return DeliveryFault("refused", f"The content type has more than {SHORT_TEXT} bytes")
        if sum(len(str(value).encode()) for value in message.headers.values()) > PROPERTIES_BYTES:
            return DeliveryFault(
                "refused", f"The properties have more than {PROPERTIES_BYTES} bytes"
            )
        try:
            await exchange.publish(message, key, mandatory=endpoint.mandatory)
        except PublishError:
            text = f"{self._where}: no queue takes the routing key {key}"
            return DeliveryFault(endpoint.unroutable, text, unroutable=True)
        except DeliveryError:
            return DeliveryFault("unavailable", f"{self._where}: the broker did not take the event")
        return None

    def _message(self, event: Event) -> Message:
        trace = delivery_trace(event)
        binary = self._endpoint.mode == "binary" or event.bare
        return Message(
            event.data if binary else structured(event, trace),
            headers=dict(amqp_properties(event, trace)) if binary else None,
            content_type=event.datacontenttype if binary else STRUCTURED_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=_message_id(event),
            type=event.type,
            app_id="kastor",
        )


def _message_id(event: Event) -> str | None:
    """Return an id that no other event under way has; None lets the library make one.

    The library finds by it which event the broker returned. The id of telemetry is the sender's,
    and only unique together with the source.
    """
    unique = f"{event.source}#{event.id}" if event.type == TELEMETRY else event.id
    return unique if len(unique.encode()) <= SHORT_TEXT else None
