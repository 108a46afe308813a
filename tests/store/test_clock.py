"""A clock that was ahead and is put right: times follow it, and nothing relies on their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kastor.clock import TICKS_PER_SECOND, now_ticks, twin_time
from kastor.records import SYSTEM
from kastor.storage.ticker import DOUBT_SECONDS, LEAD, LEAD_SECONDS, Ticker

from .clocks import Clock
from .engines import Engine
from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, hall, replace

pytestmark = pytest.mark.anyio

SECOND = TICKS_PER_SECOND
DAY = 86_400 * SECOND
YEARS = 11 * 365 * DAY
NEVER = 1e9
Make = Callable[..., Awaitable[Graph]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(engine: Engine, clock: Clock) -> Make:
    async def make(**limits: float) -> Graph:
        generous: dict[str, Any] = {"version_seconds": NEVER, "log_seconds": NEVER}
        store = await engine.open(clock=clock, **(generous | limits))
        graph = Graph(store, engine.history())
        if not graph.service.catalog.models:
            await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        return graph

    return make


def written(graph: Graph, twin_id: str) -> int:
    """The time of a twin's newest version."""
    return max(graph.history.twin_versions(twin_id), key=lambda each: each.version).valid_from


async def changed(graph: Graph, clock: Clock, *times: int) -> None:
    for number, now in enumerate(times):
        clock.now = now
        await graph.patch("h", replace("/seats", number))


async def test_times_are_right_again_when_the_clock_is(make: Make, clock: Clock) -> None:
    graph = await make()
    today = clock.now
    await graph.put("h", hall(seats=100))
    await changed(graph, clock, today + YEARS, today + YEARS + SECOND)
    await changed(graph, clock, today + SECOND, today + SECOND, today + 2 * SECOND)
    versions = graph.history.twin_versions("h")
    by_number = sorted(versions, key=lambda each: each.version)
    assert [each.version for each in by_number] == [1, 2, 3, 4, 5, 6]
    assert len({each.etag for each in versions}) == 6
    assert [each.valid_from for each in by_number[-3:]] == [
        *(today + SECOND, today + SECOND + 1),
        today + 2 * SECOND,
    ]
    document = await graph.document("h")
    assert document["$metadata"]["$lastUpdateTime"] == twin_time(today + 2 * SECOND)
    assert document["seats"] == 2
    # Another resource is written with the right time at once.
    await graph.put("other", hall())
    assert written(graph, "other") == today + 2 * SECOND + 1
    assert graph.store.ticker.set_back == 1
    assert graph.store.ticker.lead < 1


async def test_the_log_keeps_the_order_of_versions(make: Make, clock: Clock) -> None:
    graph = await make()
    today = clock.now
    await graph.put("h", hall(seats=100))
    await changed(graph, clock, today + YEARS, today + SECOND, today + YEARS, today + 2 * SECOND)
    entries = [e for e in await graph.store.events.changes_after(0, 100) if e.subject == "h"]
    assert [entry.version for entry in entries] == [1, 2, 3, 4, 5]
    log = [entry.seq for entry in await graph.store.events.changes_after(0, 100)]
    assert log == sorted(log)


@pytest.mark.parametrize("seconds", [1, LEAD_SECONDS])
async def test_a_small_step_back_is_bridged(make: Make, clock: Clock, seconds: int) -> None:
    graph = await make()
    await graph.put("h", hall(seats=100))
    first = written(graph, "h")
    clock.now = first - seconds * SECOND
    await graph.patch("h", replace("/seats", 101))
    assert written(graph, "h") == first + 1
    assert graph.store.ticker.set_back == 0
    assert seconds <= graph.store.ticker.lead < seconds + 1


async def test_a_restart_does_not_bring_the_wrong_time_back(make: Make, clock: Clock) -> None:
    graph = await make()
    today = clock.now
    clock.now = today + YEARS
    await graph.put("h", hall(seats=100))
    await graph.store.close()
    clock.now = today + SECOND
    graph = await make()
    await graph.patch("h", replace("/seats", 101))
    assert written(graph, "h") == today + SECOND


async def test_what_was_written_ahead_is_removed_with_what_came_after(
    make: Make, clock: Clock
) -> None:
    graph = await make(version_seconds=86_400, log_seconds=86_400)
    today = clock.now
    await graph.put("h", hall(seats=100))
    await changed(graph, clock, *(today + YEARS + n for n in range(5)), today + SECOND)
    await changed(graph, clock, today + 2 * SECOND)
    before = graph.history.log()
    assert await graph.store.prune() == 0  # not while what came after them is kept
    clock.now = today + DAY // 2
    await graph.patch("h", replace("/seats", 9))
    assert await graph.store.prune() == 0
    clock.now = today + DAY + 3 * SECOND
    assert await graph.store.prune() > 0
    assert [row.subject for row in graph.history.log()] == ["h"]
    assert graph.history.log()[0].time == today + DAY // 2
    assert len(before) > 8
    ended = [each.valid_to for each in graph.history.twin_versions("h") if each.valid_to]
    assert ended == [today + DAY // 2]
    status = await graph.store.status(SYSTEM)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()


async def test_what_was_written_ahead_goes_first_where_there_is_too_much(
    make: Make, clock: Clock
) -> None:
    graph = await make(version_bytes=1)
    today = clock.now
    await graph.put("h", hall(seats=100))
    await changed(graph, clock, *(today + YEARS + n for n in range(3)), today + SECOND)
    assert await graph.store.prune() > 0
    assert all(each.valid_to is None for each in graph.history.twin_versions("h"))


async def test_the_size_of_the_log_is_kept_whatever_the_times(make: Make, clock: Clock) -> None:
    graph = await make(log_bytes=1_500)
    today = clock.now
    await graph.put("h", hall(seats=100))
    await changed(graph, clock, *(today + YEARS + n for n in range(5)))
    await changed(graph, clock, *(today + n * SECOND for n in range(1, 6)))
    numbers = [row.pos or row.seq for row in graph.history.log()]
    await graph.store.prune()
    left = graph.history.log()
    assert 0 < len(left) < len(numbers)
    assert graph.history.sizes()[1] <= 1_500


async def test_a_position_by_time_passes_over_what_was_written_ahead(
    make: Make, clock: Clock
) -> None:
    graph = await make()
    today = clock.now
    await graph.put("h", hall(seats=100))
    await changed(graph, clock, today + YEARS, today + 10 * SECOND, today + 20 * SECOND)
    events = graph.store.events

    async def after(instant: int) -> list[int | None]:
        position = await events.position_at(instant)
        return [entry.version for entry in await events.changes_after(position, 100)]

    assert await after(today + 5 * SECOND) == [3, 4]
    assert await after(today + 15 * SECOND) == [4]
    assert await after(today + 30 * SECOND) == []
    assert (await after(today - SECOND))[-4:] == [1, 2, 3, 4]


class Machine:
    """A wall clock that somebody sets, and one that nobody can."""

    def __init__(self) -> None:
        self.wall, self.monotonic = now_ticks(), 1_000.0

    def wait(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)
        self.monotonic += seconds

    def ticker(self) -> Ticker:
        return Ticker(lambda: self.wall, lambda: self.monotonic)


def test_a_clock_that_is_put_forward_removes_nothing_for_an_hour() -> None:
    machine = Machine()
    ticker = machine.ticker()
    for _ in range(100):
        machine.wait(60)
        assert ticker.age_now() == machine.wall
    machine.wall += YEARS
    assert ticker.age_now() == pytest.approx(machine.wall - YEARS, abs=SECOND)
    machine.wait(DOUBT_SECONDS / 2)
    assert ticker.age_now() < machine.wall - YEARS + DAY
    machine.wall -= YEARS  # it was put right
    assert ticker.age_now() == machine.wall
    machine.wall += YEARS  # it is right so
    ticker.age_now()
    machine.wait(DOUBT_SECONDS + 1)
    assert ticker.age_now() == machine.wall
    machine.wait(60)
    assert ticker.age_now() == machine.wall


def test_a_clock_that_drifts_is_believed() -> None:
    machine = Machine()
    ticker = machine.ticker()
    for _ in range(1_000):
        machine.wait(60)
        machine.wall += SECOND // 10
        assert ticker.age_now() == machine.wall


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [((), 0), ((-5,), 0), ((0,), 1), ((LEAD,), LEAD + 1), ((LEAD + 1,), 0), ((7, LEAD + 1), 8)],
)
def test_a_write_comes_after_those_that_are_not_too_far_ahead(
    earlier: tuple[Any, ...], expected: int
) -> None:
    now = now_ticks()
    ticker = Ticker(lambda: now)
    assert ticker.after(*(now + each for each in earlier)) == now + expected
