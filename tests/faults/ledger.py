"""What was sent and what was acknowledged, in order; the other side of the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["put", "patch", "delete"]


@dataclass
class Thing:
    """A twin, or a relationship when it has a source, with all that one client did to it."""

    id: str
    source: str = ""
    target: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def subject(self) -> str:
        return f"{self.source}/relationships/{self.id}" if self.source else self.id


@dataclass
class Step:
    """One write; `value` is unique, so that a row tells which write it comes from."""

    thing: Thing
    kind: Kind
    value: int
    etag: str = ""
    acknowledged: int | None = None


@dataclass
class Upload:
    """Models that were sent in one request."""

    ids: tuple[str, ...]
    acknowledged: int | None = None


@dataclass
class Message:
    """Telemetry with its Message-Id."""

    twin: str
    id: str
    acknowledged: int | None = None


Sent = Step | Upload | Message


class Ledger:
    """Everything sent, and a running number for every acknowledgement.

    Things in `shared` are written by several clients at once, so the order of their steps is
    not known; all others have at most one write in flight.
    """

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.shared: list[Thing] = []
        self.uploads: list[Upload] = []
        self.messages: list[Message] = []
        self.acknowledged = 0
        self._values = 0

    def thing(
        self, name: str, source: str = "", target: str = "", *, shared: bool = False
    ) -> Thing:
        thing = Thing(name, source, target)
        (self.shared if shared else self.things).append(thing)
        return thing

    def step(self, thing: Thing, kind: Kind) -> Step:
        """Note that a write is about to be sent."""
        self._values += 1
        step = Step(thing, kind, self._values)
        thing.steps.append(step)
        return step

    def upload(self, ids: tuple[str, ...]) -> Upload:
        self.uploads.append(Upload(ids))
        return self.uploads[-1]

    def message(self, twin: str, message_id: str) -> Message:
        self.messages.append(Message(twin, message_id))
        return self.messages[-1]

    def acknowledge(self, sent: Sent, etag: str) -> None:
        if isinstance(sent, Step):
            sent.etag = etag
        sent.acknowledged = self.acknowledged
        self.acknowledged += 1

    @property
    def sent(self) -> int:
        steps = sum(len(thing.steps) for thing in self.things + self.shared)
        return steps + len(self.uploads) + len(self.messages)
