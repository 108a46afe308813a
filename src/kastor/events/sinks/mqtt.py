"""Publishes to an MQTT 5 broker with QoS 1; what the broker acknowledged counts.

This uses paho itself: the acknowledgement's reason code decides, and a broker says with it that it
threw the event away.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kastor.events.endpoint_kinds import MqttEndpoint
from kastor.events.envelope import STRUCTURED_TYPE, attributes, delivery_trace, structured
from kastor.events.model import DeliveryFault, Event
from kastor.events.sinks.connected import ConnectedSink
from kastor.events.templates import render
from kastor.outside.bounds import EndpointPolicy
from kastor.outside.mqtt_client import GuardedClient
from kastor.outside.secrets import read_optional
from kastor.outside.trust import tls_context
from kastor.types import override
from kastor.waiting import in_own_thread

KEEP_ALIVE = 30
PACKET_BYTES = 1_048_576
"""Of what a broker sends: acknowledgements, with texts of 64 kB each."""
_FAILURE = 0x80
# Topic name invalid, packet too large, payload format invalid: no other try can end otherwise.
_REFUSED = frozenset({0x90, 0x95, 0x99})
_PACKET_OVERHEAD = 64
_TEXT_BYTES = 65_535
"""What a text of MQTT can have; U+0000 it cannot."""


class MqttSinkRefusal(Exception):
    """The broker does not take the connection."""


class MqttSink(ConnectedSink):
    """One MQTT client; paho's thread does the network, futures bring its news to the loop."""

    def __init__(self, name: str, endpoint: MqttEndpoint, policy: EndpointPolicy) -> None:
        port = endpoint.port or (8883 if endpoint.tls else 1883)
        super().__init__(f"{endpoint.host}:{port}", endpoint.concurrency, endpoint.timeout)
        self._name = name
        self._endpoint = endpoint
        self._policy = policy
        self._port = port
        self._client: Client | None = None
        self._faulty = False
        self._connected: asyncio.Future[None] | None = None
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._early: dict[int, int] = {}
        self._largest: int | None = None
        self._slots = asyncio.Semaphore(endpoint.concurrency)

    @override
    def _is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected() and not self._faulty

    @override
    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self._connected = loop.create_future()
        self._client = client = self._make_client(loop)
        self._faulty = False
        await in_own_thread(
            client.connect, self._endpoint.host, self._port, KEEP_ALIVE, clean_start=True
        )
        client.loop_start()
        await self._connected

    @override
    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._fail_all("the connection was closed")
        if client is not None:
            client.disconnect()
            await in_own_thread(client.loop_stop)

    @override
    async def _send(self, event: Event) -> DeliveryFault | None:
        client = self._client
        if client is None or self._faulty:
            return DeliveryFault("unavailable", f"{self._where}: not connected")
        topic = render(self._endpoint.topic, event, "+#/")
        payload, properties = self._message(event)
        if (self._endpoint.mode == "binary" or event.bare) and not _can_be_sent(event):
            return DeliveryFault(
                "refused", "An attribute of the event is too long for MQTT, or has U+0000"
            )
        if self._largest is not None:
            extra = len(properties.pack())
            size = len(payload) + len(topic.encode()) + extra + _PACKET_OVERHEAD
            if size > self._largest:
                return DeliveryFault("refused", f"{size} bytes are more than the broker takes")
        async with self._slots:
            info = client.publish(topic, payload, qos=1, properties=properties)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return DeliveryFault("unavailable", f"{self._where}: the connection is down")
            return self._judged(await self._acknowledgement(info.mid))

    async def _acknowledgement(self, mid: int) -> int:
        # paho's thread may have been faster than this one.
        if mid in self._early:
            return self._early.pop(mid)
        waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[mid] = waiting
        try:
            return await waiting
        finally:
            self._waiting.pop(mid, None)

    def _judged(self, reason: int) -> DeliveryFault | None:
        if reason < _FAILURE:
            return None
        text = f"{self._where} answered with reason code 0x{reason:02X}"
        return DeliveryFault("refused" if reason in _REFUSED else "unavailable", text)

    def _message(self, event: Event) -> tuple[bytes, Properties]:
        trace = delivery_trace(event)
        properties = Properties(PacketTypes.PUBLISH)
        if self._endpoint.mode == "structured" and not event.bare:
            properties.ContentType = STRUCTURED_TYPE
            return structured(event, trace), properties
        properties.ContentType = event.datacontenttype
        properties.UserProperty = list(attributes(event, trace).items())
        return event.data, properties

    def _make_client(self, loop: asyncio.AbstractEventLoop) -> Client:
        endpoint = self._endpoint
        client = GuardedClient(
            CallbackAPIVersion.VERSION2,
            client_id=endpoint.client_id or f"kastor-{self._name}-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            policy=self._policy,
            packet_bytes=PACKET_BYTES,
        )
        client.connect_timeout = endpoint.timeout
        client.max_inflight_messages_set(endpoint.concurrency)
        password = read_optional(endpoint.password)
        self._hidden = (password,)
        if endpoint.username is not None:
            client.username_pw_set(endpoint.username, password)
        if endpoint.tls:
            client.tls_set_context(tls_context(endpoint.ca_file))

        def on_connect(_c: Client, _u: Any, _f: Any, reason: Any, properties: Any) -> None:
            _tell(loop, self._on_connect, client, reason, properties)

        def on_publish(_c: Client, _u: Any, mid: int, reason: Any, _p: Any) -> None:
            _tell(loop, self._on_publish, client, mid, reason.value)

        def on_disconnect(_c: Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            _tell(loop, self._on_disconnect, client, str(reason))

        client.on_connect, client.on_publish = on_connect, on_publish
        client.on_disconnect = on_disconnect
        client.on_fault = lambda error: _tell(loop, self._on_fault, client, str(error))
        return client

    def _on_connect(self, client: Client, reason: Any, properties: Any) -> None:
        connected = self._connected
        if client is not self._client or connected is None or connected.done():
            return
        if reason.is_failure:
            connected.set_exception(MqttSinkRefusal(f"the broker refused: {reason}"))
            return
        self._largest = getattr(properties, "MaximumPacketSize", None)
        # The broker says how many unacknowledged events it takes; paho does not keep to it.
        at_once = getattr(properties, "ReceiveMaximum", 65_535)
        self._slots = asyncio.Semaphore(min(self._endpoint.concurrency, at_once))
        connected.set_result(None)

    def _on_publish(self, client: Client, mid: int, reason: int) -> None:
        if client is not self._client:
            return
        waiting = self._waiting.get(mid)
        if waiting is None:
            self._early[mid] = reason
        elif not waiting.done():
            waiting.set_result(reason)

    def _on_disconnect(self, client: Client, reason: str) -> None:
        if client is self._client:
            self._fail_all(f"the broker closed the connection: {reason}")

    def _on_fault(self, client: Client, reason: str) -> None:
        if client is self._client:
            self._faulty = True  # paho, whose thread has ended, takes it for connected still
            self._fail_all(f"what the broker sent cannot be read: {reason}")

    def _fail_all(self, why: str) -> None:
        """Wake whoever waits for this connection."""
        waiting, self._waiting, self._early = self._waiting, {}, {}
        futures: list[asyncio.Future[Any]] = [*waiting.values()]
        if self._connected is not None:
            futures.append(self._connected)
        for future in futures:
            if not future.done():
                future.set_exception(MqttSinkRefusal(why))
                future.exception()  # nobody may be waiting any more, and that is no error


def _can_be_sent(event: Event) -> bool:
    """Whether the event's attributes, which may be a caller's texts, can be properties."""
    texts = [event.datacontenttype, *attributes(event, "").values()]
    return all(len(text.encode()) <= _TEXT_BYTES and "\0" not in text for text in texts)


def _tell(loop: asyncio.AbstractEventLoop, callback: Any, *arguments: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(callback, *arguments)
