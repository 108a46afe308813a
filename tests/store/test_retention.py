"""What is removed, in which order, by time and by size; and what the books say about it."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.clock import TICKS_PER_SECOND
from kastor.errors import NotFound
from kastor.graph import commands as c
from kastor.records import SYSTEM
from kastor.storage.events import DeadLetter

from .clocks import Clock
from .conftest import Make
from .engines import Engine, Version
from .graphs import (
    HALL,
    HALL_MODEL,
    Graph,
    edge,
    hall,
    replace,
    room,
)

pytestmark = pytest.mark.anyio

DAY = 86_400 * TICKS_PER_SECOND
NEVER = 1e9


async def assert_books_are_right(graph: Graph) -> None:
    status = await graph.store.status(SYSTEM)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()


async def test_nothing_is_removed_before_its_time(make: Make, clock: Clock) -> None:
    graph = await make(version_seconds=86_400, log_seconds=86_400)
    await graph.put("h", hall())
    await graph.patch("h")
    await graph.delete("h")
    clock.now += DAY - 10
    await graph.store.events.log_bounds()  # gives every entry its position
    before = graph.history.log()
    assert await graph.store.prune() == 0
    assert graph.history.log() == before
    assert len(graph.history.twin_versions("h")) == 2


async def test_superseded_versions_go_by_the_time_they_ended(make: Make, clock: Clock) -> None:
    graph = await make(version_seconds=86_400)
    await graph.put("a", room(temperature=0))
    await graph.put("b", room())
    await graph.relate("a", "e", edge("b"))
    for n in range(1, 5):
        clock.now += DAY // 2
        await graph.patch("a", replace("/temperature", n))
        await graph.execute(c.PatchRelationship("a", "e", ()))

    def versions() -> list[Version]:
        return graph.history.twin_versions("a") + graph.history.relationship_versions("e")

    before = versions()
    kept = [each for each in before if each.valid_to is None or each.valid_to >= clock.now - DAY]
    assert await graph.store.prune() == len(before) - len(kept) > 0
    assert versions() == kept
    await assert_books_are_right(graph)


async def test_a_current_row_stays_however_old_it_is(make: Make, clock: Clock) -> None:
    graph = await make(version_seconds=1, log_seconds=1)
    await graph.put("h", hall(seats=7))
    clock.now += 10_000 * DAY
    await graph.store.prune()
    assert (await graph.document("h"))["seats"] == 7
    assert [each.version for each in graph.history.twin_versions("h")] == [1]
    assert graph.history.log() == []
    await graph.patch("h")
    assert (await graph.service.twin("h", SYSTEM)).version == 2


async def test_log_rows_go_by_time(make: Make, clock: Clock) -> None:
    graph = await make(log_seconds=86_400)
    for n in range(6):
        await graph.put(f"h{n}", hall())
        clock.now += DAY // 2
    before = graph.history.log()
    kept = [row for row in before if row.time >= clock.now - DAY]
    assert await graph.store.prune() == len(before) - len(kept)
    assert graph.history.log() == kept
    await assert_books_are_right(graph)


async def test_a_log_position_is_not_used_again_after_pruning(
    make: Make, engine: Engine, clock: Clock
) -> None:
    graph = await make(log_seconds=1)
    await graph.put("h", hall())
    last = graph.history.log()[-1].seq
    clock.now += DAY
    await graph.store.prune()
    assert graph.history.log() == []
    await graph.store.close()
    again = await make(log_seconds=1)
    await again.patch("h")
    assert [row.seq for row in again.history.log()] == [last + 1]


async def test_a_tombstone_lives_as_long_as_versions_do(make: Make, clock: Clock) -> None:
    graph = await make(version_seconds=86_400)
    await graph.put("young", hall())
    await graph.put("old", hall())
    key = (await graph.service.twin("young", SYSTEM)).key
    await graph.delete("old")
    clock.now += DAY // 2 + 100
    await graph.delete("young")
    clock.now += DAY // 2
    await graph.store.prune()
    assert [each.id for each in graph.history.tombstones()] == ["young"]
    await graph.put("young", hall())
    await graph.put("old", hall())
    row = await graph.service.twin("young", SYSTEM)
    assert (row.key, row.version) == (key, 3)
    row = await graph.service.twin("old", SYSTEM)
    assert row.version == 1
    assert row.key > key


async def test_ended_models_go_with_the_versions_and_stored_ones_stay(
    make: Make, clock: Clock
) -> None:
    graph = await make(version_seconds=86_400)
    key = graph.service.model(HALL, SYSTEM).key
    await graph.execute(c.DeleteModel(HALL))
    clock.now += 2 * DAY
    await graph.store.prune()
    assert HALL not in [each.id for each in graph.history.uploads()]
    assert len(graph.history.uploads()) == 2
    with pytest.raises(NotFound):
        graph.service.model(HALL, SYSTEM)
    [stored] = await graph.upload(HALL_MODEL)
    assert stored.key == key


async def test_versions_beyond_their_cap_go_oldest_first(make: Make, clock: Clock) -> None:
    graph = await make(version_bytes=100_000)
    text = "x" * 100
    for name in "abc":
        await graph.put(name, room())
    for n in range(900):
        clock.now += 10
        await graph.patch("abc"[n % 3], {"op": "add", "path": "/name", "value": text})
    await assert_books_are_right(graph)
    assert (await graph.store.status(SYSTEM)).version_bytes > 200_000
    removed = await graph.store.prune()
    status = await graph.store.status(SYSTEM)
    assert 99_000 < status.version_bytes <= 100_000
    await assert_books_are_right(graph)
    versions = [each for name in "abc" for each in graph.history.twin_versions(name)]
    ended = sorted(each.valid_to for each in versions if each.valid_to)
    assert len(ended) == 900 - removed
    assert len(ended) > 100
    log = [row.time for row in graph.history.log() if row.kind == "Twin.Update"]
    assert ended == log[-len(ended) :]


async def test_the_log_beyond_its_cap_goes_oldest_first(make: Make) -> None:
    graph = await make(log_bytes=100_000)
    await graph.put("h", hall())
    for n in range(40):
        await graph.execute(c.SendTelemetry("h", b'"' + b"x" * 5_000 + b'"', "application/json"))
        if n == 20:
            assert await graph.store.prune() > 0
    before = graph.history.log()
    await graph.store.prune()
    kept = graph.history.log()
    assert 90_000 < (await graph.store.status(SYSTEM)).log_bytes <= 100_000
    assert kept == before[len(before) - len(kept) :]
    await assert_books_are_right(graph)


async def test_pruning_goes_on_until_nothing_is_left_to_remove(make: Make, clock: Clock) -> None:
    graph = await make(version_seconds=1, log_seconds=1)
    await graph.put("h", hall())
    for _ in range(1_300):
        await graph.execute(c.PatchTwin("h", ()))
    clock.now += DAY
    removed = await graph.store.prune()
    assert removed == 1_300 + len(graph.service.catalog.models) + 1 + 1_300
    status = await graph.store.status(SYSTEM)
    assert (status.versions, status.log_entries, status.version_bytes, status.log_bytes) == (0,) * 4


async def test_the_books_are_right_through_all_kinds_of_writes(
    make: Make, engine: Engine, clock: Clock
) -> None:
    graph = await make(version_seconds=86_400, log_seconds=43_200)
    for n in range(5):
        clock.now += DAY // 3
        await graph.put("a", room(name="漢字 😀" * n, labels={"k": "x" * 300 * n}))
        await graph.put("b", room())
        await graph.relate("a", "e", edge("b", door="ö" * 50 * n))
        await graph.execute(c.PatchRelationship("a", "e", ()))
        await graph.execute(c.SendTelemetry("a", b'"\xc3\xb6"', "application/json"))
        await graph.unrelate("a", "e")
        await graph.delete("b")
        with pytest.raises(NotFound):
            await graph.delete("nobody")
        await assert_books_are_right(graph)
        await graph.store.prune()
        await assert_books_are_right(graph)
    await graph.store.close()
    again = await make()
    await assert_books_are_right(again)


async def test_a_route_keeps_its_newest_dead_letters(make: Make, clock: Clock) -> None:
    graph = await make(dead_letters=3)
    events = graph.store.events
    for route, count in (("busy", 7), ("quiet", 2)):
        await events.put_route(route, "nowhere", "true")
        position = await events.hold_route(route, "us", 60.0)
        assert position is not None
        letters = [
            DeadLetter(0, route, number, b"{}", f"no {number}", 1, clock.now, False)
            for number in range(count)
        ]
        counts: dict[str, Any] = {"delivered": 0, "error": None, "settled": []}
        await events.advance_route(route, "us", position, letters=letters, **counts)
    first = (await events.dead_letters("busy", 0, 100))[0]
    await events.requeue("busy", [first.key])  # it is about to be sent again
    assert await graph.store.prune() == 3
    assert [each.position for each in await events.dead_letters("busy", 0, 100)] == [0, 4, 5, 6]
    assert len(await events.dead_letters("quiet", 0, 100)) == 2
    assert await graph.store.prune() == 0
