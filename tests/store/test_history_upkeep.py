"""States of the past after upkeep has been at work, and after models came and went."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec import structs

from kastor.clock import TICKS_PER_SECOND
from kastor.graph import commands as c
from kastor.graph.instants import Named
from kastor.records import SYSTEM, Context
from kastor.storage.history import HistorySettings, Keep

from .clocks import LONG_AGO, Clock
from .engines import Engine
from .graphs import HALL_MODEL, ROOM, ROOM_MODEL, THERMOSTAT_MODEL, Graph, interface, replace, room
from .test_contexts import query

pytestmark = pytest.mark.anyio

SECOND = TICKS_PER_SECOND


async def past(graph: Graph, **named: int) -> Context:
    return structs.replace(SYSTEM, at=await graph.service.at(Named(**named)))


async def test_twins_without_their_model_are_found_by_it_whatever_was_asked_before(
    engine: Engine,
) -> None:
    store = await engine.open()
    graph = Graph(store, engine.history())
    counted = f"SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}', exact)"

    async def count(context: Context) -> Any:
        page = await query(graph).run(counted, context)
        return orjson.loads(page.value)[0]["COUNT"]

    await graph.upload(THERMOSTAT_MODEL)
    before = await past(graph)
    await graph.upload(ROOM_MODEL)
    assert await count(await past(graph, change=before.at.change)) == 0  # type: ignore[union-attr]
    await graph.put("r", room(temperature=1))
    await graph.execute(c.DeleteModel(ROOM))
    without = await past(graph)
    assert await count(SYSTEM) == 1
    await graph.upload(interface("dtmi:t:Other;1"))
    assert await count(await past(graph, change=without.at.change)) == 1  # type: ignore[union-attr]


async def test_an_instant_behind_telemetry_is_found_where_the_past_begins_with_that(
    engine: Engine,
) -> None:
    clock = Clock(LONG_AGO)
    settings: dict[str, Any] = {"version_seconds": 1e9, "log_seconds": 0.0}
    store = await engine.open(clock=clock, **settings)
    graph = Graph(store, engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await graph.put("a", room(temperature=0))
    await store.history.put_settings(HistorySettings(graph=Keep(seconds=0.0)))
    clock.now += SECOND
    await graph.execute(c.SendTelemetry("a", b"{}", "application/json"))
    await store.history.put_settings(HistorySettings())
    begins = (await store.history.status()).oldest
    clock.now += 10 * SECOND
    await graph.patch("a", replace("/temperature", 1))
    clock.now += 10 * SECOND
    await store.prune()
    found = await past(graph, time=clock.now - 15 * SECOND)
    assert found.at is not None
    assert found.at.change == begins.change
    row = await store.twin("a", found)
    assert row is not None
    assert orjson.loads(row.doc)["temperature"] == 0
