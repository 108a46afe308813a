"""Which state an instant means: with clocks that go back, equal times and several processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kastor.errors import InvalidArgument
from kastor.graph.instants import Named
from tests.store.graphs import add, room
from tests.store.postgres_engine import PostgresEngine
from tests.store.sqlite_engine import SqliteEngine

from .steps import SECOND
from .world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgres"])
async def world(
    anyio_backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    engine: SqliteEngine | PostgresEngine
    if request.param == "postgres":
        engine = PostgresEngine(request.getfixturevalue("postgres_dsn"))
    else:
        engine = SqliteEngine(tmp_path)
    world = await World.make(engine, tmp_path)
    yield world
    await world.close()
    await engine.close()


async def test_an_instant_includes_what_happened_at_exactly_that_time(world: World) -> None:
    clock = world.clocks[0]
    found = []
    for number in range(4):
        for each in world.clocks:
            each.now += SECOND
        await world.graph.put("a", room(temperature=number))
        found.append((clock.now, await world.position()))
    for each in world.clocks:
        each.now += SECOND
    for time, position in found:
        assert await world.change_at(time) == position
        assert await world.change_at(time - 1) == position - 1
        assert await world.change_at(time + 1) == position


async def test_asked_again_it_is_the_same_state_though_the_clock_went_back_a_little(
    world: World,
) -> None:
    await world.graph.put("a", room())
    for each in world.clocks:
        each.now += 3_600 * SECOND
    asked = world.clocks[0].now
    before = await world.change_at(asked)
    for each in world.clocks:
        each.now -= 5 * SECOND
    await world.graph.patch("a", add("/temperature", 1))
    for each in world.clocks:
        each.now += 10 * SECOND
    assert await world.position() == before + 1
    assert await world.change_at(asked) == before


async def test_the_future_is_what_lies_after_the_clock_and_after_the_newest_change(
    world: World,
) -> None:
    await world.graph.put("a", room())
    newest = await world.position()
    time = (await world.log(world.reader.store))[-1].time
    for each in world.clocks:
        each.now -= 10 * SECOND
    assert await world.change_at(time) == newest
    with pytest.raises(InvalidArgument):
        await world.change_at(time + 1)
    with pytest.raises(InvalidArgument):
        await world.reader.as_of(Named(change=newest + 1))
    assert (await world.reader.as_of(Named(change=newest))).at is not None
