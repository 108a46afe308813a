"""What an input counts, and the last messages that it could not use."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields

from kastor.clock import now_ticks
from kastor.ingest.mapping import Message
from kastor.ingest.merge import Outcome
from kastor.types import Ticks

KEPT = 100
KEPT_BYTES = 1_024
KEPT_TOPIC = 1_024


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A message that could not be used; `payload` is its first bytes as text."""

    time: Ticks
    reason: str
    topic: str
    payload: str


@dataclass(slots=True)
class Counts:
    """Counts since the input was started; every message received ends in one of the others."""

    since: Ticks = field(default_factory=now_ticks)
    received: int = 0
    written: int = 0
    merged: int = 0
    deadband: int = 0
    stale: int = 0
    rejected: int = 0
    last_message: Ticks | None = None


@dataclass(slots=True)
class InputTally(Counts):
    """Counts as they grow, and the last messages that could not be used."""

    last_rejected: deque[RejectedMessage] = field(default_factory=lambda: deque(maxlen=KEPT))

    def counts(self) -> Counts:
        """Return the counts as they are now."""
        return Counts(**{each.name: getattr(self, each.name) for each in fields(Counts)})

    def receive(self) -> None:
        """Count a message that came in."""
        self.received += 1
        self.last_message = now_ticks()

    def record(self, outcome: Outcome) -> None:
        """Count a message that was used, or was not needed."""
        match outcome:
            case Outcome.WRITTEN:
                self.written += 1
            case Outcome.MERGED:
                self.merged += 1
            case Outcome.DEADBAND:
                self.deadband += 1
            case Outcome.STALE:
                self.stale += 1

    def reject(self, message: Message, reason: str) -> None:
        """Count a message that could not be used, and keep its beginning."""
        self.rejected += 1
        payload = message.payload[:KEPT_BYTES].decode(errors="replace")
        topic = message.topic[:KEPT_TOPIC]
        self.last_rejected.append(RejectedMessage(now_ticks(), reason, topic, payload))
