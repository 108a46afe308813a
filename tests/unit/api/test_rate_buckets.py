"""Token buckets against what they are by definition, and how many of them are kept."""

from __future__ import annotations

import heapq
import math
from itertools import count

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kastor.api.http.rate_buckets import SPREAD_SECONDS, RateBucket, RateBuckets

# Powers of two, and times in 64ths of a second: floats are exact then.
RATES = st.sampled_from([0.5, 1.0, 2.0, 8.0, 64.0])
GAPS = st.lists(st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 500)), max_size=120)


class Definition:
    """In no span of time more than what is there at once and what comes in meanwhile."""

    def __init__(self, rate: float, most: int) -> None:
        self.rate, self.most = rate, most
        self.taken: list[float] = []

    def may(self, now: float) -> bool:
        number = len(self.taken) + 1
        return self.most >= 1 and all(
            number - index <= self.most + self.rate * (now - at)
            for index, at in enumerate(self.taken)
        )


@given(RATES, st.integers(1, 20), GAPS)
def test_a_bucket_gives_what_its_definition_says(rate: float, most: int, gaps: list[int]) -> None:
    bucket, definition, now = RateBucket(rate, 0.0, most), Definition(rate, most), 0.0
    for gap in gaps:
        now += gap / 64
        wait = bucket.wait(now)
        assert (wait == 0) == definition.may(now)
        assert bucket.gives(now) == (wait == 0)
        if wait:
            assert definition.may(now + wait)
            assert not definition.may(now + wait - 2**-20)
        else:
            definition.taken.append(now)


@given(RATES, st.integers(1, 20), st.integers(0, 60), st.integers(0, 4_000))
def test_a_full_bucket_is_as_good_as_a_new_one(
    rate: float, most: int, taken: int, gap: int
) -> None:
    bucket = RateBucket(rate, 0.0, most)
    bucket.take(taken)
    now = gap / 64
    assert bucket.is_full(now) == (taken - rate * now <= 0)


def test_what_is_taken_beyond_what_is_there_takes_the_longer_to_fill() -> None:
    bucket = RateBucket(4.0, 0.0)
    bucket.take(12)
    assert bucket.wait(0.0) == (1 + 8) / 4
    assert bucket.wait(2.25) == 0


@given(st.floats(0.2, 60), st.integers(1, 60), st.integers(1, 200))
def test_who_comes_again_when_told_finds_one(rate: float, most: int, clients: int) -> None:
    """All ask at once; those who are refused wait the whole seconds that they are told."""
    in_a_second = math.floor(min(rate, most)) or 1 / math.ceil(1 / rate)
    assume(clients <= most + in_a_second * SPREAD_SECONDS)
    bucket, order = RateBucket(rate, 0.0, most), count()
    waiting = [(0.0, next(order)) for _ in range(clients)]
    refused = 0
    while waiting:
        now, number = heapq.heappop(waiting)
        if bucket.wait(now):
            assert number < clients  # at the first time
            refused += 1
            heapq.heappush(waiting, (now + math.ceil(bucket.turn(now)), next(order)))
        else:
            bucket.take()
    assert refused == max(0, clients - most)


def test_whoever_does_not_wait_is_not_sent_away_for_ever() -> None:
    bucket = RateBucket(2.0, 0.0, 1)
    bucket.take()
    told = [bucket.turn(0.0) for _ in range(1_000)]
    assert told[:3] == pytest.approx([0.5, 1.5, 2.5])
    assert max(told) == 0.5 + SPREAD_SECONDS


ASKED = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 64)), max_size=150)


@given(st.sampled_from([8.0, 64.0]), st.integers(1, 3), ASKED)
def test_nobody_notices_that_full_buckets_are_forgotten(
    rate: float, most: int, asked: list[tuple[int, int]]
) -> None:
    """Against buckets of which none is forgotten, as long as those in use have room."""
    kept = 8
    some, all_of_them = RateBuckets(rate, most, kept), RateBuckets(rate, most, 1_000)
    now = 0.0
    for client, gap in asked:
        now += gap / 64
        key = f"c{client}"
        in_use = sum(not all_of_them.of(each, now).is_full(now) for each in list(all_of_them))
        if in_use >= kept and key not in list(some):
            return
        one, other = some.of(key, now), all_of_them.of(key, now)
        assert one.wait(now) == other.wait(now)
        if not one.wait(now):
            one.take()
            other.take()
        assert len(some) <= kept


def test_who_goes_on_asking_is_not_forgotten_for_others() -> None:
    buckets = RateBuckets(1.0, 2, 100)
    taken = 0
    for number in range(5_000):
        if not buckets.of("greedy", 0.0).wait(0.0):
            buckets.of("greedy", 0.0).take()
            taken += 1
        buckets.of(f"c{number}", 0.0).take()
    assert taken == 2
    assert len(buckets) == 100


def test_of_those_that_are_not_full_one_goes_that_has_been_left_alone() -> None:
    buckets = RateBuckets(1.0, 5, 20)
    for number in range(20):
        buckets.of(f"c{number}", 0.0).take(3 if number == 4 else 4)
    buckets.of("c0", 0.0)
    buckets.of("new", 0.0)
    left = [f"c{number}" for number in range(1, 20) if number != 4]
    assert list(buckets) == [*left, "c0", "new"]
