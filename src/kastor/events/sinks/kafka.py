"""Produces to a Kafka topic, or to Event Hubs through its Kafka endpoint.

The producer is idempotent, so that a partition has the events of a call in order, without gaps and
once. Nothing times out inside it, which could skip an event and go on: when a call's time is up,
the producer is thrown away with all that it holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from kastor.events.endpoint_kinds import KafkaEndpoint
from kastor.events.envelope import STRUCTURED_TYPE, delivery_trace, kafka_headers, structured
from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.sinks.kafka_brokers import BrokerCheck, connection_settings
from kastor.logs import library_logger
from kastor.outside.bounds import EndpointPolicy
from kastor.outside.hiding import hide
from kastor.outside.secrets import SecretError, read_optional
from kastor.waiting import in_own_thread
from kastor.words import counted

POLL_SECONDS = 0.05

_REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.RECORD_LIST_TOO_LARGE,
    }
)
_log = library_logger("kastor.kafka")


class KafkaSink:
    """One producer; librdkafka's thread does the network, a thread of ours waits for reports."""

    def __init__(self, name: str, endpoint: KafkaEndpoint, policy: EndpointPolicy) -> None:
        self._name = name
        self._endpoint = endpoint
        self._brokers = BrokerCheck(endpoint, policy)
        self._producer: Producer | None = None
        self._ahead: set[tuple[int, str]] = set()
        self._hidden: tuple[str | None, ...] = ()
        self._running: _Call | None = None

    async def open(self) -> None:
        """Nothing yet: the producer connects with the first events."""

    async def close(self) -> None:
        """Throw the producer away with what it has not sent."""
        if self._running is not None:
            self._running.stopped = True
        producer, self._producer = self._producer, None
        if producer is not None:
            await in_own_thread(_discard, producer)

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Produce all, then wait for the reports."""
        try:
            producer = await self._usable_producer()
        except (SecretError, KafkaException, OSError) as error:
            return Delivered(0, self._unavailable(str(error)))
        first = self._call(events, set(self._ahead))
        await self._run(first, producer)
        call = first
        if first.front_is_refused() and first.may_be_shared:
            # A broker refuses a whole batch for one event: alone, each is judged for itself.
            call = self._call(events, first.done)
            await self._run(call, producer, singly=True)
        report = call.report()
        self._ahead = {events[at].mark for at in call.confirmed if at >= report.confirmed}
        if report.fault is not None:
            fault = DeliveryFault(report.fault.kind, hide(report.fault.message, self._hidden))
            if fault.kind == "unavailable":
                await self.close()
            return Delivered(report.confirmed, fault)
        return report

    def _call(self, events: Sequence[Event], done: set[tuple[int, str]]) -> _Call:
        return _Call(events, self._endpoint, done)

    async def _run(self, call: _Call, producer: Producer, *, singly: bool = False) -> None:
        self._running = call
        try:
            await in_own_thread(call.run, producer, singly=singly)
        except asyncio.CancelledError:
            call.stopped = True
            raise
        finally:
            self._running = None

    async def _usable_producer(self) -> Producer:
        """Return the producer; what it may connect to is looked at now and then."""
        endpoint = self._endpoint
        if self._producer is None or self._brokers.is_due:
            password = read_optional(endpoint.password)
            self._hidden = (password,)
            connection = connection_settings(endpoint, password)
            try:
                brokers = await self._brokers.check(connection)
            except (KafkaException, OSError):
                await self.close()
                raise
            if self._producer is None:
                connection["bootstrap.servers"] = brokers
                self._producer = self._make_producer(connection)
        return self._producer

    def _make_producer(self, connection: dict[str, Any]) -> Producer:
        endpoint = self._endpoint
        milliseconds = int(endpoint.timeout * 1000)
        config = connection | {
            "client.id": f"kastor-{self._name}",
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": 0,
            "linger.ms": 2,
            # A batch never is larger than an event may be: the broker then refuses no bystanders.
            "message.max.bytes": endpoint.max_bytes,
            "batch.size": endpoint.max_bytes,
            "partitioner": "murmur2_random",
            "compression.type": endpoint.compression,
            "reconnect.backoff.max.ms": 1_000,
            "topic.metadata.propagation.max.ms": max(1_000, milliseconds // 2),
            "error_cb": self._note_error,
        }
        return Producer(config, logger=_log)

    def _note_error(self, error: KafkaError) -> None:
        if self._running is not None:
            self._running.trouble(error)

    def _unavailable(self, message: str) -> DeliveryFault:
        return DeliveryFault("unavailable", hide(message, self._hidden))


class _Call:
    """One call of `deliver`: which events are reported, and how.

    Attributes:
        confirmed: indices that the broker has.
        may_be_shared: whether a refusal came from the broker, for a batch of events maybe.
        stopped: set from outside to end the waiting.
    """

    def __init__(
        self, events: Sequence[Event], endpoint: KafkaEndpoint, done: set[tuple[int, str]]
    ) -> None:
        self.confirmed = {at for at, event in enumerate(events) if event.mark in done}
        self.may_be_shared = False
        self.stopped = False
        self._events = events
        self._endpoint = endpoint
        self._errors: dict[int, KafkaError] = {}
        self._pending = 0
        self._deadline = 0.0
        self._trouble: KafkaError | None = None
        self._broken = False

    @property
    def done(self) -> set[tuple[int, str]]:
        """Marks of the confirmed events."""
        return {self._events[at].mark for at in self.confirmed}

    def run(self, producer: Producer, *, singly: bool) -> None:
        """Produce and wait; in a thread."""
        self._push_deadline()
        for at in range(len(self._events)):
            if at in self.confirmed:
                continue
            if not self._produce(producer, at):
                break
            if singly:
                self._wait(producer)
                if at in self._errors:
                    return
        self._wait(producer)

    def report(self) -> Delivered:
        """Return what is confirmed from the front, and the next event's fault."""
        front = self._front()
        if front == len(self._events):
            return Delivered(front)
        error = self._errors.get(front)
        if error is None:
            reason = "" if self._trouble is None else f": {self._trouble.str()}"
            text = f"No confirmation within {counted(self._endpoint.timeout, 'second')}{reason}"
            return Delivered(front, DeliveryFault("unavailable", text))
        refused = error.code() in _REFUSED
        fault = DeliveryFault("refused" if refused else "unavailable", f"Kafka: {error.str()}")
        return Delivered(front, fault)

    def front_is_refused(self) -> bool:
        """Whether the first event that is not confirmed was refused."""
        error = self._errors.get(self._front())
        return error is not None and error.code() in _REFUSED

    def trouble(self, error: KafkaError) -> None:
        """Take note of an error of the connection; wrong credentials end the waiting."""
        self._trouble = error
        if error.fatal() or error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - its name
            self._broken = True

    def _front(self) -> int:
        return next(
            (at for at in range(len(self._events)) if at not in self.confirmed), len(self._events)
        )

    def _produce(self, producer: Producer, at: int) -> bool:
        event = self._events[at]
        value, headers = self._message(event)

        def on_delivery(error: KafkaError | None, _message: Any) -> None:
            self._reported(at, error)

        while not self._is_over():
            try:
                producer.produce(
                    self._endpoint.topic,
                    value,
                    event.key.encode(),
                    headers=headers,
                    on_delivery=on_delivery,
                )
            except BufferError:
                producer.poll(POLL_SECONDS)
            except KafkaException as error:
                self._errors[at] = error.args[0]
                return error.args[0].code() in _REFUSED
            else:
                self._pending += 1
                return True
        return False

    def _message(self, event: Event) -> tuple[bytes, list[tuple[str, str | bytes | None]]]:
        trace = delivery_trace(event)
        if self._endpoint.mode == "structured" and not event.bare:
            return structured(event, trace), [("content-type", STRUCTURED_TYPE)]
        return event.data, [*kafka_headers(event, trace)]

    def _reported(self, at: int, error: KafkaError | None) -> None:
        self._pending -= 1
        if error is None:
            self.confirmed.add(at)
            self._push_deadline()
            return
        self._errors[at] = error
        if error.code() in _REFUSED:
            self.may_be_shared = True
        else:
            self._broken = True

    def _wait(self, producer: Producer) -> None:
        while self._pending and not self._is_over():
            producer.poll(POLL_SECONDS)

    def _is_over(self) -> bool:
        return self.stopped or self._broken or time.monotonic() > self._deadline

    def _push_deadline(self) -> None:
        self._deadline = time.monotonic() + self._endpoint.timeout


def _discard(producer: Producer) -> None:
    """Let go of a producer without sending what it holds."""
    producer.purge(in_queue=True, in_flight=True, blocking=False)
    producer.poll(0)
