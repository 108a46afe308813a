"""The ledger finds what is lost, told twice or out of order, and forgives what nobody heard of."""

from __future__ import annotations

from typing import Any

import pytest

from .ledger import Kind, Ledger

CREATE, UPDATE, DELETE = (
    f"Microsoft.DigitalTwins.Twin.{each}" for each in ("Create", "Update", "Delete")
)


def event(kind: str, value: int = 0) -> dict[str, Any]:
    data: dict[str, Any] = {"value": value}
    if kind == UPDATE:
        data = {"patch": [{"op": "replace", "path": "/value", "value": value}]}
    return {"id": f"{kind}{value}", "type": kind, "subject": "t", "data": data}


def faults(steps: list[tuple[Kind, bool]], *log: dict[str, Any]) -> int:
    ledger = Ledger()
    for kind, heard in steps:
        ledger.step("t", kind).acknowledged = heard
    return len(ledger.faults(list(log)))


PUT, PATCH, GONE = ("put", True), ("patch", True), ("delete", True)


@pytest.mark.parametrize(
    ("steps", "log", "expected"),
    [
        ([PUT, PATCH, GONE], [event(CREATE, 1), event(UPDATE, 2), event(DELETE)], 0),
        ([PUT, PATCH], [event(CREATE, 1)], 1),
        ([PUT, ("patch", False)], [event(CREATE, 1)], 0),
        ([PUT, ("patch", False)], [event(CREATE, 1), event(UPDATE, 2)], 0),
        ([PUT, ("delete", False), GONE], [event(CREATE, 1), event(DELETE)], 0),
        (
            [PUT, ("delete", False), PUT, GONE],
            [event(CREATE, 1), event(UPDATE, 3), event(DELETE)],
            0,
        ),
        ([PUT, ("delete", False), PUT], [event(CREATE, 1), event(DELETE), event(CREATE, 3)], 0),
        ([PUT, GONE, PUT, GONE], [event(CREATE, 1), event(DELETE), event(CREATE, 3)], 1),
        ([PUT, PATCH], [event(CREATE, 1), event(UPDATE, 2), event(UPDATE, 2)], 1),
        ([PUT, PATCH, PATCH], [event(CREATE, 1), event(UPDATE, 3), event(UPDATE, 2)], 2),
    ],
)
def test_books(steps: list[tuple[Kind, bool]], log: list[dict[str, Any]], expected: int) -> None:
    assert faults(steps, *log) == expected
