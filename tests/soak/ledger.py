"""What clients sent, what was acknowledged, and whether the change log agrees."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

Kind = Literal["put", "patch", "delete"]
TELEMETRY = "microsoft.iot.telemetry"


@dataclass
class Step:
    """A write of one thing; `value` is of no other write."""

    kind: Kind
    value: int
    acknowledged: bool = False


@dataclass
class Ledger:
    """Everything sent, by subject, in the order of its one client."""

    steps: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[str, bool] = field(default_factory=dict)
    _values: count[int] = field(default_factory=lambda: count(1))

    def step(self, subject: str, kind: Kind) -> Step:
        """Note that a write is about to be sent."""
        self.steps[subject].append(step := Step(kind, next(self._values)))
        return step

    @property
    def acknowledged(self) -> int:
        """Writes that were acknowledged."""
        return sum(step.acknowledged for steps in self.steps.values() for step in steps) + sum(
            self.messages.values()
        )

    def faults(self, log: list[dict[str, Any]]) -> list[str]:
        """Return what is lost, told twice, out of order or from nowhere in a change log."""
        told: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in log:
            if event["type"] != TELEMETRY:
                told[event["subject"]].append(event)
        found = [
            fault
            for subject, steps in self.steps.items()
            for fault in _faults(subject, steps, told[subject])
        ]
        ids = {event["id"] for event in log}
        lost = [each for each, heard in self.messages.items() if heard and each not in ids]
        return found + [f"acknowledged telemetry is missing: {each}" for each in lost]


def _faults(subject: str, steps: list[Step], told: list[dict[str, Any]]) -> list[str]:
    found, rest = [], iter(steps)
    for event in told:
        for step in rest:
            if _is_of(event, step):
                break
            if step.acknowledged:
                found.append(f"{subject}: acknowledged and lost: {step}")
        else:
            found.append(f"{subject}: told twice, out of order or from nowhere: {event}")
    return found + [
        f"{subject}: acknowledged and lost: {step}" for step in rest if step.acknowledged
    ]


def _is_of(event: dict[str, Any], step: Step) -> bool:
    data = event["data"]
    if event["type"].endswith("Delete"):
        return step.kind == "delete"
    if step.kind == "delete":
        return False
    if "patch" not in data:
        return bool(data["value"] == step.value)
    return any(each["path"] == "/value" and each["value"] == step.value for each in data["patch"])
