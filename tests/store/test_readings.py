"""Readings are compared with the twin where they are written: whoever else writes meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest

from kastor.clock import job_time
from kastor.errors import NotFound, Unavailable, ValidationFailed
from kastor.graph import commands as c
from kastor.graph.readings import Outcome, TwinReading
from kastor.records import SYSTEM, Context

from .graphs import Graph, add, hall, replace

pytestmark = pytest.mark.anyio

START = 638_000_000_000_000_000
TICK = 10_000_000


def reading(time: int, band: float | None = None, **values: Any) -> TwinReading:
    bands: dict[tuple[str, ...], float] = {} if band is None else {(name,): band for name in values}
    paths: dict[tuple[str, ...], Any] = {(name,): value for name, value in values.items()}
    return TwinReading("h", paths, bands, START + time * TICK, None, None, None, None)


def take(*readings: TwinReading) -> c.TakeReadings:
    return c.TakeReadings("h", readings, {})


async def test_the_latest_holds_whatever_comes_first(graph: Graph) -> None:
    await graph.put("h", hall(temperature=0))
    commands: list[Any] = [take(reading(n, temperature=n)) for n in range(1, 41)]
    commands += [c.PatchTwin("h", (add("/seats", n),)) for n in range(20)]
    Random(5).shuffle(commands)
    found = await asyncio.gather(*map(graph.execute, commands))
    outcomes = Counter(each.outcomes for each in found if not isinstance(each, c.Written))
    assert set(outcomes) <= {(Outcome.WRITTEN,), (Outcome.STALE,)}
    document = await graph.document("h")
    assert document["temperature"] == 40
    assert document["$metadata"]["temperature"]["sourceTime"] == job_time(START + 40 * TICK)
    written = 1 + 20 + outcomes[(Outcome.WRITTEN,)]
    assert (await graph.service.twin("h", SYSTEM)).version == written
    assert len([row for row in graph.history.log() if row.subject == "h"]) == written


async def test_what_says_nothing_new_leaves_no_trace(graph: Graph) -> None:
    await graph.put("h", hall(temperature=20))
    await graph.execute(take(reading(5, temperature=21)))
    before = (
        await graph.service.twin("h", SYSTEM),
        graph.history.log(),
        graph.history.twin_versions("h"),
    )
    again = await graph.execute(take(reading(5, temperature=21), reading(4, temperature=3)))
    assert again.outcomes == (Outcome.STALE, Outcome.STALE)
    small = await graph.execute(take(reading(6, 0.5, temperature=21.4)))
    assert small.outcomes == (Outcome.DEADBAND,)
    assert small.unwritten == {("temperature",): START + 6 * TICK}
    after = (
        await graph.service.twin("h", SYSTEM),
        graph.history.log(),
        graph.history.twin_versions("h"),
    )
    assert after == before


async def test_the_log_tells_of_a_patch(graph: Graph) -> None:
    for name in ("h", "g"):
        await graph.put(name, hall(temperature=20))
    await graph.execute(take(reading(1, temperature=21, seats=4)))
    time = job_time(START + TICK)
    await graph.patch(
        "g",
        replace("/temperature", 21),
        add("/seats", 4),
        add("/$metadata/temperature/sourceTime", time),
        add("/$metadata/seats/sourceTime", time),
    )
    rows = {row.subject: row for row in graph.history.log() if row.kind == "Twin.Update"}
    assert rows["h"].data == rows["g"].data
    assert rows["h"].notify == rows["g"].notify
    assert rows["h"].model_id == rows["g"].model_id


async def test_what_is_refused_changes_nothing(graph: Graph) -> None:
    await graph.put("h", hall(temperature=20))
    with pytest.raises(ValidationFailed):
        await graph.execute(take(reading(1, temperature="warm")))
    with pytest.raises(NotFound):
        await graph.execute(c.TakeReadings("x", [reading(1, temperature=1)], {}))
    assert (await graph.service.twin("h", SYSTEM)).version == 1


async def test_who_may_not_write_any_more_is_asked_only_where_something_is_written(
    graph: Graph,
) -> None:
    def permit() -> None:
        raise Unavailable("lost")

    await graph.put("h", hall(temperature=20))
    await graph.execute(take(reading(5, temperature=21)))
    with pytest.raises(Unavailable, match="lost"):
        await graph.service.execute(take(reading(6, temperature=22)), Context("ann"), permit)
    assert (await graph.document("h"))["temperature"] == 21
    old = await graph.service.execute(take(reading(4, temperature=9)), Context("ann"), permit)
    assert old.outcomes == (Outcome.STALE,)
