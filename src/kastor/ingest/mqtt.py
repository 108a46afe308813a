"""Takes messages from an MQTT 5 broker; acknowledges each when what it says is durable.

Nothing is lost while Kastor is away: the broker keeps the session and what it did not see
acknowledged. It may send only so many messages ahead of the acknowledgements, which is what holds
it back while the store is slow. Every connection has a client of its own, so that an
acknowledgement never goes to a connection that did not bring its message. Of several processes
that serve the graph only the one that holds the input connects.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from kastor.ingest.inputs import MqttInput
from kastor.ingest.mapping import Message
from kastor.ingest.pipeline import Pipeline, Verdict
from kastor.logs import get_logger
from kastor.outside.bounds import UNBOUNDED, EndpointPolicy
from kastor.outside.hiding import hide
from kastor.outside.lease import Lease
from kastor.outside.mqtt_client import GuardedClient
from kastor.outside.secrets import SecretError, read_optional
from kastor.outside.trust import tls_context
from kastor.vital import Kept, Vitals, attempt
from kastor.waiting import in_own_thread

CONNECT_SECONDS = 10.0
FIRST_WAIT, LONGEST_WAIT, STAND_BY = 0.2, 20.0, 60.0
STEADY_SECONDS = 60.0
"""A connection that was lost sooner may have been taken over: two must not fight over a session."""
DRAIN_SECONDS = 1.0
"""How long what was received may take to become durable when the input stops."""

PACKET_OVERHEAD = 65_536
"""Bytes of a message beside its payload: topic and properties."""
BYTES_AHEAD = 16 * 2**20
"""Payloads that are in memory and not yet settled; beyond, the connection is not read."""

_FAILURE = 0x80
_SESSION_TAKEN_OVER = 0x8E
_NEW_SUBSCRIPTIONS_ONLY = 1
_BLOCKED_SECONDS = 0.5

_log = get_logger("kastor.ingest")


class MqttSourceRefusal(Exception):
    """The broker does not take, or keep, the connection or a subscription."""


class SessionTakenOver(MqttSourceRefusal):
    """Another client, maybe another process of this server, goes on with the session."""


class MqttSource:
    """One input's connection to its broker, made again whenever it is lost.

    Attributes:
        connected: whether messages can come in now.
        error: what went wrong last, None while all is well.
    """

    def __init__(
        self,
        name: str,
        settings: MqttInput,
        client_id: str,
        pipeline: Pipeline,
        obsolete: Sequence[str] = (),
        lease: Lease | None = None,
        vitals: Vitals | None = None,
        policy: EndpointPolicy = UNBOUNDED,
    ) -> None:
        """Prepare a source.

        Args:
            name: the input's.
            settings: the input's.
            client_id: the session's name where the settings give none.
            pipeline: what takes the messages.
            obsolete: topics that an earlier form of the input subscribed to in this session.
            lease: while it is not held there is no connection; None where none is needed.
            vitals: where its task is watched.
            policy: which addresses may be reached.
        """
        self._name = name
        self._settings = settings
        self._client_id = settings.client_id or client_id
        self._pipeline = pipeline
        self._obsolete = list(obsolete)
        self._lease = lease or Lease(shared=False)
        self._policy = policy
        self._connection: _Connection | None = None
        self._vitals = vitals or Vitals()
        self._task: Kept | None = None
        self.connected = False
        self.error: str | None = None

    def start(self) -> None:
        """Connect in the background."""
        self._task = self._vitals.keep("input", self._run)

    async def stop(self, *, forget: bool = False) -> None:
        """Disconnect; what is not durable by then comes again.

        Args:
            forget: let the broker throw the session away.
        """
        connection = self._connection
        if connection is not None and self.connected:
            await connection.drain()
            connection.leave(forget=forget)
        if self._task is not None:
            await self._task.stop()
            self._task = None

    async def _run(self) -> None:
        wait, known = FIRST_WAIT, False
        while True:
            if not self._lease.held:
                await self._lease.wait()
                wait, known, self.error = FIRST_WAIT, False, None
            self._connection = connection = _Connection(
                self._settings, self._client_id, self._pipeline, self._policy
            )
            since: float | None = None
            pause = None
            try:
                present = await connection.open(self._obsolete)
                self._connected(lost=known and not present)
                known, since = True, time.monotonic()
                await _first(connection.lost, self._lease.ended())
            except SessionTakenOver as error:
                self.error, pause = str(error), STAND_BY
            except (MqttSourceRefusal, SecretError, OSError, TimeoutError, ValueError) as error:
                self.error = connection.hide(str(error)) or "the broker does not answer"
            except Exception as error:  # noqa: BLE001 - the input must not end by itself
                self.error = type(error).__name__
                _log.exception("input failed", input=self._name, exc_info=error)
            finally:
                self.connected = False
                await attempt("connection", connection.close, input=self._name)
            if not self._lease.held:
                _log.warning("input is held by another process", input=self._name)
                continue
            _log.warning("input is not connected", input=self._name, reason=self.error)
            if since is not None and time.monotonic() - since > STEADY_SECONDS:
                wait = FIRST_WAIT
            pause = (pause or wait) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads
            await _first(asyncio.sleep(pause), self._lease.ended())
            wait = min(wait * 2, LONGEST_WAIT)

    def _connected(self, *, lost: bool) -> None:
        self.connected, self.error = True, None
        self._obsolete = []
        if lost:
            self.error = "the broker has forgotten the session: messages may be missing"
            _log.error("input lost its session", input=self._name)


class _Connection:
    """One connection; paho's thread does the network, the loop everything else."""

    def __init__(
        self, settings: MqttInput, client_id: str, pipeline: Pipeline, policy: EndpointPolicy
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._password: str | None = None
        self._pipeline = pipeline
        self._loop = asyncio.get_running_loop()
        self._client_id = client_id
        self._client: Client | None = None
        self._unacknowledged: deque[tuple[int, asyncio.Task[Verdict]]] = deque()
        self._closing = False
        # Messages with QoS 0 need no acknowledgement that would hold the broker back.
        self._limit = settings.receive_maximum * 2
        self._handed = self._finished = 0
        self._bytes_handed = self._bytes_finished = 0
        self._moved = threading.Event()
        self._greeted: asyncio.Future[bool] = self._loop.create_future()
        self._subscribed: asyncio.Future[list[int]] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()

    async def open(self, obsolete: Sequence[str]) -> bool:
        """Connect and subscribe; return whether the broker still had the session.

        Raises:
            MqttSourceRefusal, SecretError, OSError, TimeoutError, ValueError: it did not work.
        """
        settings = self._settings
        self._client = client = self._make_client()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = settings.session_expiry
        properties.ReceiveMaximum = settings.receive_maximum
        properties.MaximumPacketSize = settings.max_bytes + PACKET_OVERHEAD
        port = settings.port or (8883 if settings.tls else 1883)
        await in_own_thread(
            client.connect,
            settings.host,
            port,
            settings.keepalive,
            clean_start=False,
            properties=properties,
        )
        client.loop_start()
        async with asyncio.timeout(CONNECT_SECONDS):
            present = await self._greeted
            for topic in set(obsolete) - set(settings.filters):
                client.unsubscribe(topic)
            await self._subscribe(client)
        return present

    def hide(self, text: str) -> str:
        """Return a text for people, without the password."""
        return hide(text, (self._password,))

    async def drain(self) -> None:
        """Take nothing more, and wait a moment for what was taken."""
        self._closing = True
        tasks = [task for _, task in self._unacknowledged]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            await asyncio.sleep(0)  # their callbacks acknowledge

    def leave(self, *, forget: bool) -> None:
        """Say good-bye; the broker keeps the session unless it is to be forgotten."""
        if self._client is None:
            return
        properties = None
        if forget:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
        self._client.disconnect(properties=properties)

    async def close(self) -> None:
        """End the network thread; nothing is acknowledged from now on."""
        self._closing = True
        client, self._client = self._client, None
        for _, task in self._unacknowledged:
            task.cancel()  # the message comes again, maybe to another process
        if client is not None:
            client.disconnect()
            await in_own_thread(client.loop_stop)
        for future in (self._greeted, self._subscribed, self.lost):
            if future.done() and not future.cancelled():
                future.exception()  # has been seen
            future.cancel()

    async def _subscribe(self, client: Client) -> None:
        filters = self._settings.filters
        # What is retained must not come again with every connection.
        options = SubscribeOptions(qos=1, retainHandling=_NEW_SUBSCRIPTIONS_ONLY)
        client.subscribe([(topic, options) for topic in filters])
        codes = await self._subscribed
        refused = [topic for topic, code in zip(filters, codes, strict=False) if code >= _FAILURE]
        if refused:
            raise MqttSourceRefusal(f"the broker refused the subscription to {', '.join(refused)}")

    def _make_client(self) -> Client:
        settings = self._settings
        client = GuardedClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
            policy=self._policy,
            packet_bytes=settings.max_bytes + PACKET_OVERHEAD,
        )
        client.connect_timeout = CONNECT_SECONDS
        client.on_fault = lambda error: self._tell(self._fail, error)
        if settings.username is not None:
            self._password = read_optional(settings.password)
            client.username_pw_set(settings.username, self._password)
        if settings.tls:
            client.tls_set_context(tls_context(settings.ca_file))

        def on_connect(_c: Client, _u: Any, flags: Any, reason: Any, _p: Any) -> None:
            self._tell(self._on_connect, flags.session_present, reason)

        def on_subscribe(_c: Client, _u: Any, _mid: int, codes: Any, _p: Any) -> None:
            self._tell(self._on_subscribe, [code.value for code in codes])

        def on_disconnect(_c: Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            self._tell(self._on_disconnect, reason)

        client.on_connect, client.on_subscribe = on_connect, on_subscribe
        client.on_disconnect, client.on_message = on_disconnect, self._on_message
        return client

    def _on_connect(self, present: bool, reason: Any) -> None:
        if self._greeted.done():
            return
        if reason.is_failure:
            self._greeted.set_exception(MqttSourceRefusal(f"the broker refused: {reason}"))
        else:
            self._greeted.set_result(bool(present))

    def _on_subscribe(self, codes: list[int]) -> None:
        if not self._subscribed.done():
            self._subscribed.set_result(codes)

    def _on_disconnect(self, reason: Any) -> None:
        kind = SessionTakenOver if reason.value == _SESSION_TAKEN_OVER else MqttSourceRefusal
        for future in (self._greeted, self._subscribed, self.lost):
            if not future.done():
                future.set_exception(kind(f"the broker closed the connection: {reason}"))

    @property
    def _is_full(self) -> bool:
        """Whether so much waits to be settled that nothing more is to be read."""
        ahead = self._bytes_handed - self._bytes_finished
        return self._handed - self._finished >= self._limit or ahead >= BYTES_AHEAD

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        """Hand a message over; runs in paho's thread, which nothing may end."""
        try:
            self._hand_over(message)
        except Exception as error:  # noqa: BLE001 - a topic that is no text, for one
            self._tell(self._fail, error)

    def _fail(self, error: Exception) -> None:
        """Give the connection up: a message that was skipped would never be acknowledged."""
        for future in (self._greeted, self._subscribed, self.lost):
            if not future.done():
                future.set_exception(
                    MqttSourceRefusal(f"what the broker sent cannot be read: {error}")
                )

    def _hand_over(self, message: MQTTMessage) -> None:
        """Pass a message to the loop, and stop reading while there is no room."""
        while self._is_full and self._subscribed.done():
            if self._closing:
                return
            self._moved.wait(_BLOCKED_SECONDS)
            self._moved.clear()
        self._handed += 1
        self._bytes_handed += len(message.payload)
        self._tell(self._take, _read(message), message.mid if message.qos else 0)

    def _take(self, message: Message, mid: int) -> None:
        if self._closing:
            return
        size = len(message.payload)
        if size > self._settings.max_bytes:  # from a broker that does not keep to what it was told
            task = asyncio.create_task(self._refuse(message))
        else:
            task = self._pipeline.accept(message)
        if mid:
            self._unacknowledged.append((mid, task))
        task.add_done_callback(lambda done: self._on_verdict(done, size))

    async def _refuse(self, message: Message) -> Verdict:
        most = self._settings.max_bytes
        return self._pipeline.reject(message, f"It has more than {most} bytes (max_bytes).")

    def _on_verdict(self, task: asyncio.Task[Verdict], size: int) -> None:
        self._finished += 1
        self._bytes_finished += size
        self._moved.set()
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("message failed", exc_info=fault)
        # In the order in which they came, as MQTT wants it.
        while self._unacknowledged and self._unacknowledged[0][1].done():
            mid, first = self._unacknowledged[0]
            if first.cancelled() or self._client is None:
                return
            self._unacknowledged.popleft()
            self._client.ack(mid, 1)

    def _tell(self, callback: Any, *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(callback, *arguments)


async def _first(*works: Awaitable[None]) -> None:
    """Wait until one of these is over, and leave the others; raises what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


def _read(message: MQTTMessage) -> Message:
    properties = message.properties
    pairs = getattr(properties, "UserProperty", ()) if properties is not None else ()
    headers = {name.lower(): value for name, value in pairs}
    return Message(message.topic, bytes(message.payload), headers, headers.get("traceparent"))
