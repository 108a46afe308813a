"""The past of the sample building: believable, found by its traces, and over by now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.config import Settings
from kastor.dtdl import ValueRules
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.instants import Named
from kastor.graph.service import GraphService
from kastor.hosting.open import retention
from kastor.records import Context
from kastor.sample import graph
from kastor.sample.incident import (
    BEGINNING,
    CALM,
    CLOSED,
    DUCT,
    OPENED,
    UNIT,
    VALVE,
    IncidentStep,
    steps,
)
from kastor.sample.loader import load_sample
from kastor.sample.scenes import FILE, NAME
from kastor.saved.doors import FILES
from kastor.saved.service import SCENES
from kastor.storage.events import LoggedChange
from kastor.storage.keeping import Retention
from kastor.storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.anyio
TESTING = Context("test")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def values(step: IncidentStep, path: str) -> dict[str, float]:
    return {
        twin: float(operation["value"])
        for twin, patch in step.twins.items()
        for operation in patch
        if operation["path"] == path
    }


def test_the_rooms_of_two_floors_cool_down_and_are_warm_again_at_the_end() -> None:
    told = [(step.ago, values(step, "/thermostat/currentTemperature")) for step in steps(graph())]
    rooms = {room for _, shown in told for room in shown}
    assert {room[:6] for room in rooms} == {"room-2", "room-3"}
    assert len(rooms) == 24
    coldest = {room: min(shown[room] for _, shown in told if shown) for room in rooms}
    assert all(11 < value < 16 for value in coldest.values())
    before_opening = [shown for ago, shown in told if shown and ago > OPENED]
    assert all(
        later[room] < earlier[room] + 0.3
        for earlier, later in pairwise(before_opening)
        for room in rooms
    )
    usual = {twin["$dtId"]: twin for twin in graph().twins}
    ago, last = told[-1]
    assert ago == CALM
    assert last == {room: usual[room]["thermostat"]["currentTemperature"] for room in rooms}


def test_the_cause_stands_before_its_effects() -> None:
    told = steps(graph())
    assert [step.ago for step in told] == sorted((step.ago for step in told), reverse=True)
    assert told[0].ago == CLOSED < BEGINNING
    assert told[0].valve == [{"op": "replace", "path": "/flow", "value": 0.0}]
    alarms = [values(step, "/status").get(UNIT) for step in told]
    assert [each for each in alarms if each] == [9, 2]
    duct = [values(step, "/temperature").get(DUCT) for step in told]
    assert min(each for each in duct if each) < 10
    assert next(each for each in reversed(duct) if each) == 19.0


def test_steps_are_the_same_each_time() -> None:
    assert steps(graph()) == steps(graph())


@asynccontextmanager
async def opened(
    path: Path, kept: Retention | None = None
) -> AsyncIterator[tuple[GraphService, SqliteStore[ModelCatalog]]]:
    store = await SqliteStore.open(path, catalog_builder(ValueRules()), retention=kept)
    try:
        yield GraphService(store), store
    finally:
        await store.close()


async def log_of(store: SqliteStore[ModelCatalog]) -> list[LoggedChange]:
    found: list[LoggedChange] = []
    while part := await store.events.changes_after(found[-1].seq if found else 0, 1_000):
        found += part
    return found


def bare(document: dict[str, Any]) -> dict[str, Any]:
    """A twin without what every write changes."""
    return {
        name: bare(value) if name != "$metadata" and isinstance(value, dict) else value
        for name, value in document.items()
        if name != "$metadata"
    } | ({"$model": document["$metadata"].get("$model")} if "$metadata" in document else {})


async def test_an_empty_graph_gets_the_past_and_the_present_of_the_building(
    tmp_path: Path,
) -> None:
    before = now_ticks()
    async with opened(tmp_path / "graph") as (service, store):
        assert (await load_sample(service, store)).can_simulate
        status = await store.status(TESTING)
        assert (status.models, status.twins, status.relationships) == (20, 342, 802)
        for kind, name in ((FILES, FILE), (SCENES, NAME)):
            assert [each.name for each in await store.saved.entries(kind, "", 9)] == [name]
        for twin in graph().twins:
            row = await store.twin(twin["$dtId"], TESTING)
            assert row is not None
            assert bare(orjson.loads(row.doc)) == bare(twin)
        _, valve = await store.relationship(*VALVE, TESTING)
        assert valve is not None
        wanted = next(each for each in graph().relationships if each["$relationshipId"] == VALVE[1])
        assert orjson.loads(valve.doc) | {"flow": wanted["flow"]} == orjson.loads(valve.doc)
        log = await log_of(store)
        times = [entry.time for entry in log]
        assert times == sorted(times)
        hours = [(before - ticks) / TICKS_PER_SECOND / 3600 for ticks in (times[0], times[-1])]
        assert hours == [pytest.approx(12, abs=0.05), pytest.approx(0.5, abs=0.05)]
        assert {entry.actor for entry in log} == {
            "sample", "service", "control", "facilities", "simulation"
        }  # fmt: skip
        await service.upload(b"[%s]" % MODEL, [(orjson.loads(MODEL), MODEL)], TESTING)
        newest = (await log_of(store))[-1]
        assert abs(newest.time - now_ticks()) < 60 * TICKS_PER_SECOND


MODEL = orjson.dumps(
    {"@id": "dtmi:test:Late;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
)


async def test_a_graph_that_was_emptied_gets_no_past_behind_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path / "graph") as (service, store):
        await service.upload(b"[%s]" % MODEL, [(orjson.loads(MODEL), MODEL)], TESTING)
        await store.reset()
        assert (await load_sample(service, store)).can_simulate
        log = await log_of(store)
        assert {entry.actor for entry in log} == {"sample"}
        assert now_ticks() - log[0].time < 60 * TICKS_PER_SECOND
        assert (await store.status(TESTING)).twins == 342


async def test_it_outlives_the_upkeep_of_a_server_with_the_sample(tmp_path: Path) -> None:
    kept = retention(Settings.model_validate({"sample": "building"}))
    async with opened(tmp_path / "graph", kept) as (service, store):
        await load_sample(service, store)
        for _ in range(50):
            await store.prune()
        assert (await store.events.log_bounds())[0] > 1_000  # of the log an hour is kept
        found = await store.history.versions(
            "twin", (UNIT,), start=0, end=2**62, limit=9, descending=False
        )
        assert [each.actor for each in found or ()] == ["sample", "control", "control"]
        then = now_ticks() - 5 * 3_600 * TICKS_PER_SECOND
        at = await service.at(Named(time=then))
        row = await store.twin(UNIT, Context("test", at=at))
        assert row is not None
        assert orjson.loads(row.doc)["status"] == 9
