"""The rate of a route is what its counter grew by in the last minute."""

from __future__ import annotations

from kastor.events.meter import WINDOW_SECONDS, DeliveryMeter


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _meter() -> tuple[DeliveryMeter, Clock]:
    clock = Clock()
    return DeliveryMeter(clock), clock


def test_without_a_look_there_is_no_rate() -> None:
    meter, _ = _meter()
    assert meter.per_minute() == 0


def test_what_was_delivered_before_the_first_look_does_not_count() -> None:
    meter, _ = _meter()
    meter.observe(5_000)
    assert meter.per_minute() == 0
    meter.observe(5_003)
    assert meter.per_minute() == 3


def test_deliveries_count_for_a_minute_and_no_longer() -> None:
    meter, clock = _meter()
    meter.observe(0)
    meter.observe(10)
    clock.now += 30
    meter.observe(12)
    clock.now += WINDOW_SECONDS - 30 - 1
    assert meter.per_minute() == 12
    clock.now += 1
    assert meter.per_minute() == 2
    clock.now += 30
    assert meter.per_minute() == 0


def test_a_steady_rate_is_told_as_it_is() -> None:
    meter, clock = _meter()
    meter.observe(0)
    for total in range(7, 7_007, 7):
        clock.now += 0.5
        meter.observe(total)
    # Two looks a second, seven deliveries before each.
    assert abs(meter.per_minute() - 7 * 2 * WINDOW_SECONDS) <= 14


def test_a_look_that_comes_late_changes_nothing() -> None:
    meter, _ = _meter()
    meter.observe(0)
    meter.observe(10)
    meter.observe(8)
    meter.observe(10)
    assert meter.per_minute() == 10


def test_it_keeps_a_minute_only() -> None:
    meter, clock = _meter()
    for total in range(100_000):
        clock.now += 0.01
        meter.observe(total)
    assert len(meter._seen) <= WINDOW_SECONDS + 2
