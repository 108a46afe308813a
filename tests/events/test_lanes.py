"""Concurrency of sinks: order per twin, what counts from the front, what is not sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.sinks.lanes import Lanes

from .factory import updates

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Target:
    """Keeps what it confirmed; fails as it is told, by the event's position."""

    def __init__(self, faults: dict[int, DeliveryFault] | None = None, seed: int = 0) -> None:
        self.confirmed: list[Event] = []
        self.tried: list[int] = []
        self.under_way: set[str] = set()
        self.most = 0
        self.faults = faults or {}
        self.random = random.Random(seed)

    async def send(self, event: Event) -> DeliveryFault | None:
        assert event.key not in self.under_way, "two events of one twin at once"
        self.under_way.add(event.key)
        self.most = max(self.most, len(self.under_way))
        self.tried.append(event.position)
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)
        self.under_way.discard(event.key)
        fault = self.faults.get(event.position)
        if fault is None:
            self.confirmed.append(event)
        return fault


DOWN, BAD = DeliveryFault("unavailable", "down"), DeliveryFault("refused", "bad")


async def test_all_go_through_beside_each_other() -> None:
    target, sent = Target(), updates(100)
    assert await Lanes(4, 10).deliver(sent, target.send) == Delivered(100)
    assert target.most == 4


async def test_what_got_ahead_is_not_sent_again() -> None:
    target, sent, lanes = Target({3: BAD}), updates(20), Lanes(8, 10)
    assert await lanes.deliver(sent, target.send) == Delivered(2, BAD)
    assert await lanes.deliver(sent[3:], target.send) == Delivered(17)
    assert sorted(target.tried) == list(range(1, 21))


async def test_an_error_of_a_library_is_a_fault() -> None:
    async def send(_event: Event) -> DeliveryFault | None:
        raise KeyError("surprise")

    report = await Lanes(4, 10).deliver(updates(5), send)
    assert report.confirmed == 0
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert "surprise" in report.fault.message


async def test_a_call_ends_in_time_with_progress() -> None:
    async def send(_event: Event) -> DeliveryFault | None:
        await asyncio.sleep(0.05)
        return None

    report = await Lanes(1, 0.12).deliver(updates(50), send)
    assert 1 <= report.confirmed <= 4
    assert report.fault is None


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_a_swallowed_cancellation_ends_the_call_all_the_same(concurrency: int) -> None:
    sent = 0

    async def send(_event: Event) -> DeliveryFault | None:
        nonlocal sent
        sent += 1
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        return None

    work = asyncio.create_task(Lanes(concurrency, 60).deliver(updates(100), send))
    await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert sent == concurrency


async def test_nothing_to_do() -> None:
    assert await Lanes(4, 10).deliver([], Target().send) == Delivered(0)


@given(
    faults=st.dictionaries(st.integers(1, 40), st.sampled_from([DOWN, BAD])),
    twins=st.integers(1, 12),
    concurrency=st.integers(1, 10),
    seed=st.integers(0, 1_000),
)
def test_whatever_fails_nothing_is_lost_and_order_is_kept(
    faults: dict[int, DeliveryFault], twins: int, concurrency: int, seed: int
) -> None:
    """Unavailable faults go away after their first time, as the relay waits for that."""

    async def run() -> None:
        target, pending, lanes = (
            Target(dict(faults), seed),
            updates(40, twins),
            Lanes(concurrency, 10),
        )
        refused = set()
        while pending:
            before = len(pending)
            report = await lanes.deliver(pending, target.send)
            del pending[: report.confirmed]
            if report.fault == BAD:
                refused.add(pending.pop(0).position)
            elif report.fault == DOWN:
                del target.faults[pending[0].position]
            else:
                assert not pending
            assert len(pending) < before or report.fault == DOWN
        assert refused == {at for at, fault in faults.items() if fault == BAD}
        positions = [event.position for event in target.confirmed]
        assert sorted(positions) == [at for at in range(1, 41) if at not in refused]
        for twin in {event.key for event in target.confirmed}:
            own = [event.position for event in target.confirmed if event.key == twin]
            assert own == sorted(own)

    asyncio.run(run())
