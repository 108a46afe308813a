"""Tests of endpoints: what a person is told of their faults."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.trial import TEST_TYPE, EndpointTrial, send_trial, trial_event


class Faulty:
    """A sink that takes nothing."""

    def __init__(self, fault: DeliveryFault) -> None:
        self.fault = fault

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def deliver(self, _events: Sequence[Event]) -> Delivered:
        return Delivered(0, self.fault)


def tried(fault: DeliveryFault) -> EndpointTrial:
    return asyncio.run(send_trial(lambda: Faulty(fault), trial_event("hook", "host")))


def test_a_name_that_nothing_takes_is_told_apart() -> None:
    fault = DeliveryFault(
        "refused", "plant:5672: no queue takes the routing key x", unroutable=True
    )
    said = tried(fault).fault
    assert said is not None
    assert said.kind == "refused"
    assert said.message.startswith(fault.message)
    assert f"own type {TEST_TYPE}" in said.message


def test_other_faults_are_told_as_they_are() -> None:
    fault = DeliveryFault("unavailable", "plant:5672: no connection")
    assert tried(fault).fault == fault
