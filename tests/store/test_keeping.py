"""How much of the past is kept: rules of the graph and of models, off, packing, kept telemetry."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec import structs

from kastor.clock import TICKS_PER_SECOND
from kastor.errors import Gone
from kastor.graph import commands as c
from kastor.graph.instants import Named
from kastor.records import SYSTEM, Context
from kastor.storage.history import HistorySettings, Keep

from .clocks import Clock
from .conftest import Make
from .graphs import (
    HALL,
    Graph,
    edge,
    hall,
    replace,
    room,
)

pytestmark = pytest.mark.anyio

DAY = 86_400 * TICKS_PER_SECOND
HOUR = 3_600 * TICKS_PER_SECOND
ALL = 2**62


async def newest(graph: Graph) -> int:
    return (await graph.store.events.log_bounds())[1]


async def past(graph: Graph, **named: int) -> Context:
    return structs.replace(SYSTEM, at=await graph.service.at(Named(**named)))


async def temperature(graph: Graph, twin_id: str, change: int) -> Any:
    """What a twin said in a state; None where it was not there."""
    row = await graph.store.twin(twin_id, await past(graph, change=change))
    return None if row is None else orjson.loads(row.doc)["temperature"]


async def numbers(graph: Graph, twin_id: str) -> list[int]:
    """The versions of a twin that its history shows."""
    found = await graph.store.history.versions(
        "twin", (twin_id,), start=0, end=ALL, limit=1_000, descending=False
    )
    return [each.version for each in found or ()]


async def assert_books_are_right(graph: Graph) -> None:
    status = await graph.store.status(SYSTEM)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()


async def test_states_are_read_as_long_as_versions_are_kept(make: Make, clock: Clock) -> None:
    graph = await make(version_seconds=86_400, log_seconds=3_600)
    states = []
    for n in range(12):
        await (
            graph.patch("a", replace("/temperature", n))
            if n
            else graph.put("a", room(temperature=0))
        )
        states.append((clock.now, await newest(graph), n))
        clock.now += 6 * HOUR
        await graph.store.prune()
    for time, position, n in states:
        if time >= clock.now - DAY:
            assert await temperature(graph, "a", position) == n
            row = await graph.store.twin("a", await past(graph, time=time + HOUR))
            assert row is not None
            assert orjson.loads(row.doc)["temperature"] == n
        elif time < clock.now - DAY - 6 * HOUR:
            with pytest.raises(Gone) as gone:
                await past(graph, time=time)
            assert gone.value.code == "HistoryExpired"
            with pytest.raises(Gone):
                await past(graph, change=position)
    await assert_books_are_right(graph)


async def test_a_state_that_is_gone_by_its_size_is_not_read(make: Make) -> None:
    graph = await make(version_bytes=20_000)
    await graph.put("a", room(temperature=0, name="x" * 100))
    positions = [await newest(graph)]
    for n in range(1, 100):
        await graph.patch("a", replace("/temperature", n))
        positions.append(await newest(graph))
    await graph.store.prune()
    await assert_books_are_right(graph)
    oldest = (await graph.store.history.status()).oldest.change
    assert positions[20] < oldest < positions[80]
    for n, position in enumerate(positions):
        if position >= oldest:
            assert await temperature(graph, "a", position) == n
        else:
            with pytest.raises(Gone):
                await past(graph, change=position)


@pytest.mark.parametrize("keep", [Keep(seconds=0), Keep(bytes=0)])
async def test_off_writes_no_versions_at_all(make: Make, clock: Clock, keep: Keep) -> None:
    graph = await make()
    await graph.put("a", room(temperature=0))
    await graph.put("b", room())
    await graph.relate("a", "e", edge("b"))
    await graph.patch("a", replace("/temperature", 1))
    before = await newest(graph)
    await graph.store.history.put_settings(HistorySettings(keep))
    with pytest.raises(Gone):
        await past(graph, change=before - 1)
    # PostgreSQL gives positions late, so without history it has no state but the present.
    reads_newest = graph.store.engine.name == "sqlite"
    if reads_newest:
        assert await temperature(graph, "a", before) == 1
    await graph.patch("a", replace("/temperature", 2))
    await graph.execute(c.PatchRelationship("a", "e", ()))
    await graph.unrelate("a", "e")
    await graph.delete("b")
    with pytest.raises(Gone):
        await past(graph, change=before)
    now = await newest(graph)
    if reads_newest:
        assert await temperature(graph, "a", now) == 2
    clock.now += 1
    await graph.store.prune()
    assert (await graph.store.status(SYSTEM)).versions == 0
    await assert_books_are_right(graph)
    # On again: the past begins here.
    await graph.store.history.put_settings(HistorySettings())
    await graph.patch("a", replace("/temperature", 3))
    assert await temperature(graph, "a", now) == 2
    with pytest.raises(Gone):
        await past(graph, change=now - 1)
    assert await numbers(graph, "a") == [3, 4]


async def test_settings_stay(make: Make) -> None:
    graph = await make()
    wanted = HistorySettings(
        Keep(seconds=3_600.0), {HALL: Keep(bytes=5)}, Keep(seconds=60.0, bytes=1_000)
    )
    await graph.store.history.put_settings(wanted)
    await graph.store.close()
    graph = await make()
    assert await graph.store.history.settings() == wanted


async def test_a_model_that_is_kept_for_less_ends_states_of_the_whole_graph(
    make: Make, clock: Clock
) -> None:
    graph = await make()
    await graph.store.history.put_settings(HistorySettings(models={HALL: Keep(seconds=86_400.0)}))
    await graph.put("h", hall(temperature=0))
    await graph.put("r", room(temperature=0))
    positions = []
    for n in range(1, 9):
        clock.now += DAY // 2
        await graph.patch("r", replace("/temperature", n))
        await graph.patch("h", replace("/temperature", n))
        positions.append(await newest(graph))
    await graph.store.prune()
    await assert_books_are_right(graph)
    assert len(await numbers(graph, "r")) == 9
    assert await numbers(graph, "h") == [6, 7, 8, 9]
    oldest = (await graph.store.history.status()).oldest.change
    assert positions[3] < oldest <= positions[4]
    for n, position in enumerate(positions, 1):
        if position >= oldest:
            assert await temperature(graph, "h", position) == n
            assert await temperature(graph, "r", position) == n


async def test_a_model_that_is_kept_for_longer_keeps_its_histories(
    make: Make, clock: Clock
) -> None:
    graph = await make(version_seconds=86_400)
    rules = HistorySettings(models={HALL: Keep(seconds=10 * 86_400.0)})
    await graph.store.history.put_settings(rules)
    await graph.put("h", hall(temperature=0))
    await graph.put("r", room(temperature=0))
    for n in range(1, 9):
        clock.now += DAY
        await graph.patch("r", replace("/temperature", n))
        await graph.patch("h", replace("/temperature", n))
        await graph.store.prune()
    assert await numbers(graph, "h") == [*range(1, 10)]
    assert len(await numbers(graph, "r")) < 4
    with pytest.raises(Gone):
        await past(graph, time=clock.now - 3 * DAY)
    clock.now += 4 * DAY
    await graph.store.prune()
    assert await numbers(graph, "h") == [*range(2, 10)]
    await assert_books_are_right(graph)


async def test_a_model_without_history_leaves_none(make: Make) -> None:
    graph = await make()
    await graph.put("h", hall(temperature=0))
    await graph.put("r", room(temperature=0))
    await graph.patch("h", replace("/temperature", 1))
    await graph.store.history.put_settings(HistorySettings(models={HALL: Keep(seconds=0.0)}))
    await graph.patch("r", replace("/temperature", 1))
    after_room = await newest(graph)
    await graph.patch("h", replace("/temperature", 2))
    if graph.store.engine.name != "sqlite":  # there they are written, and go at once
        await graph.store.prune()
    assert await numbers(graph, "h") == [3]
    assert await numbers(graph, "r") == [1, 2]
    with pytest.raises(Gone):
        await past(graph, change=after_room)
    await graph.patch("r", replace("/temperature", 2))
    assert await temperature(graph, "h", await newest(graph) - 1) == 2
    assert await temperature(graph, "r", await newest(graph) - 1) == 1
    await graph.store.prune()
    await assert_books_are_right(graph)


async def test_a_model_has_a_bound_in_bytes_of_its_own(make: Make) -> None:
    graph = await make()
    rules = HistorySettings(models={HALL: Keep(bytes=10_000)})
    await graph.store.history.put_settings(rules)
    await graph.put("h", hall(temperature=0))
    await graph.put("r", room(temperature=0))
    for n in range(1, 101):
        await graph.patch("r", replace("/temperature", n))
        await graph.patch("h", replace("/temperature", n))
    await graph.store.prune()
    assert len(await numbers(graph, "r")) == 101
    left = await numbers(graph, "h")
    assert 10 < len(left) < 50
    assert left == [*range(102 - len(left), 102)]
    await assert_books_are_right(graph)


async def test_packed_versions_are_read_as_whole_ones_are(make: Make, clock: Clock) -> None:
    graph = await make()
    await graph.put("a", room(temperature=0, name="x" * 300))
    await graph.put("b", room(temperature=0))
    await graph.relate("a", "e", edge("b"))
    positions = {}
    for n in range(1, 41):
        clock.now += HOUR
        await graph.patch("a", replace("/temperature", n))
        positions[await newest(graph)] = n
        if n % 4 == 0:
            await graph.execute(c.PatchRelationship("a", "e", ()))
    before = (await graph.store.history.status()).whole_bytes
    assert await graph.store.history.pack() > 10
    assert await graph.store.history.pack() == 0
    clock.now += DAY + HOUR
    assert await graph.store.history.pack() > 20
    await assert_books_are_right(graph)
    status = await graph.store.history.status()
    assert status.packed == status.versions == 50
    assert status.whole_bytes == 0
    assert 0 < status.packed_bytes < before / 4
    for position, n in positions.items():
        assert await temperature(graph, "a", position) == n
    found = await graph.store.history.versions(
        "twin", ("a",), start=0, end=ALL, limit=100, descending=False
    )
    assert found is not None
    shown = [orjson.loads(each.doc)["temperature"] for each in found if each.doc]
    assert shown == [*range(41)]


async def test_a_block_is_filled_by_and_by_and_goes_with_its_last_version(
    make: Make, clock: Clock
) -> None:
    graph = await make(version_seconds=30 * 86_400)
    await graph.put("a", room(temperature=0))
    for n in range(1, 30):
        clock.now += DAY
        await graph.patch("a", replace("/temperature", n))
        if n == 10:
            await graph.delete("a")
            clock.now += DAY
            await graph.put("a", room(temperature=n))
        await graph.store.history.pack()
    status = await graph.store.history.status()
    assert status.versions == 30
    assert status.packed == 29
    for _ in range(2):
        clock.now += 10 * DAY
        await graph.store.history.pack()
        await graph.store.prune()
        await assert_books_are_right(graph)
        for number in await numbers(graph, "a"):
            assert number >= (await numbers(graph, "a"))[0]
    left = (await graph.store.history.status()).versions
    assert 0 < left < 20
    now, last = await newest(graph), 29
    for back in range(left):
        assert await temperature(graph, "a", now - back) == last - back
    clock.now += 60 * DAY
    await graph.store.prune()
    status = await graph.store.history.status()
    assert (status.versions, status.packed, status.packed_bytes) == (0, 0, 0)
    await assert_books_are_right(graph)


async def test_telemetry_is_kept_where_it_is_wanted(make: Make, clock: Clock) -> None:
    graph = await make(log_seconds=3_600)

    async def send(value: int, source_time: int | None = None) -> None:
        body = orjson.dumps({"t": value})
        command = c.SendTelemetry("a", body, "application/json", source_time=source_time)
        await graph.execute(command)

    async def kept() -> list[Any]:
        found = await graph.store.history.telemetry(
            "a", None, start=0, end=ALL, after=0, limit=100, by_source_time=False
        )
        return [(orjson.loads(each.data)["t"], each.source_time) for each in found]

    await graph.put("a", room())
    await send(1)
    assert await kept() == []
    await graph.store.history.put_settings(HistorySettings(telemetry=Keep(seconds=86_400.0)))
    for n in range(2, 6):
        await send(n, source_time=clock.now - HOUR if n == 3 else None)
        clock.now += 10 * HOUR
        await graph.store.prune()
    # Of four days' messages those of the last one are there, however short the log is.
    assert await kept() == [(3, clock.now - 31 * HOUR), (4, None), (5, None)][1:]
    await graph.store.history.put_settings(
        HistorySettings(telemetry=Keep(seconds=86_400.0, bytes=150))
    )
    await graph.store.prune()
    assert await kept() == [(5, None)]
    assert (await graph.store.history.status()).telemetry == 1
    await graph.store.history.put_settings(HistorySettings())
    clock.now += 1
    await graph.store.prune()
    assert await kept() == []
