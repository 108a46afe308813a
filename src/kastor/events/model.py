"""What travels from the change log to a sink: the event, and the report of its delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from kastor.types import TwinId

FAULT_TEXT = 1_000
"""Characters of a fault that are kept: brokers and receivers have their words in it."""


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent 1.0 (events 1.2) with what a sink needs beside it.

    Attributes:
        id: stable across redeliveries; `source` and `id` together are unique.
        type: `Microsoft.DigitalTwins.Twin.Update` and its kin, `microsoft.iot.telemetry`.
        source: the graph's host name; for telemetry with the twin's path.
        subject: as the spec's table has it; None for telemetry of a twin itself.
        time: seven decimals and Z; None for telemetry.
        datacontenttype: media type of `data`.
        dataschema: the model, for telemetry alone.
        traceparent: the trace that the write belonged to, if any.
        data: the body, byte for byte as the change log has it.
        key: the (source) twin's id: events of one key keep their order.
        position: place in the change log; rows that were made of one entry share it.
        bare: it goes out as its body alone, whatever form the endpoint gives to events.
    """

    id: str
    type: str
    source: str
    subject: str | None
    time: str | None
    datacontenttype: str
    dataschema: str | None
    traceparent: str | None
    data: bytes
    key: TwinId
    position: int
    bare: bool = False

    @property
    def mark(self) -> tuple[int, str]:
        """What tells it from all others of its route."""
        return self.position, self.id

    @property
    def size(self) -> int:
        """What it takes in memory: its body, and what a caller may have written beside that."""
        beside = (self.id, self.datacontenttype, self.subject or "", self.traceparent or "")
        return len(self.data) + sum(map(len, beside))


@dataclass(frozen=True, slots=True)
class DeliveryFault:
    """Why a delivery stopped.

    Attributes:
        kind: `unavailable` is the sink's trouble (connection, time-out, 429, 5xx): the same event
            is tried again; `refused` is this event's (400, too large): trying again is pointless.
        message: for a person; names the endpoint's answer, never a secret.
        retry_after: seconds that the sink asked to wait.
        unroutable: the endpoint was reached, and nothing there takes events of such a name.
    """

    kind: Literal["unavailable", "refused"]
    message: str
    retry_after: float | None = None
    unroutable: bool = False

    def shortened(self) -> DeliveryFault:
        """Return the same with no more text than is kept."""
        if len(self.message) <= FAULT_TEXT:
            return self
        return replace(self, message=f"{self.message[:FAULT_TEXT]}...")


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many events from the front were confirmed, and what stopped the next one."""

    confirmed: int
    fault: DeliveryFault | None = None


class Sink(Protocol):
    """A way to one endpoint. Used by one task at a time."""

    async def open(self) -> None:
        """Connect; raises nothing: trouble shows in `deliver`."""

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Send events in order; count as confirmed only what the broker confirmed.

        Never raises for trouble with the endpoint. An event that was sent but not confirmed
        counts as not delivered and comes again with the same id.
        """

    async def close(self) -> None:
        """Disconnect, dropping what is not confirmed."""
