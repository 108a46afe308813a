"""Jobs that change what a query selects, each once: pages, crashes, bounds; on both engines."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.jobs.changing import PAGE, Bound, Change, DeletesKind, UpdatesKind
from kastor.jobs.kinds import Run
from kastor.query.indexes import IndexService
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.query.targets import Targets
from kastor.storage.jobs import JobRow, JobStatus
from tests.store.engines import Engine
from tests.store.graphs import (
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    hall,
    interface,
    room,
)

from .service import ANN, ended, serving, until

pytestmark = pytest.mark.anyio
ALL = "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 0"
NEWER = "dtmi:s:Hall;2"
MANY = 2 * PAGE + 20


class World:
    """A graph with halls, and what jobs need of it."""

    def __init__(self, graph: Graph) -> None:
        self.graph, store = graph, graph.store
        self.service = GraphService(store)
        dialect = dialect_of(store.engine)
        self.indexes = IndexService(store.indexes, dialect, 10)
        self.query = QueryService(
            store,
            lambda: store.catalog,
            store.signing_key,
            QuerySettings(),
            dialect=dialect,
            indexes=self.indexes.paths,
            refresh=store.refresh,
        )

    async def change(self, query: str, bound: Bound, *patch: dict[str, Any]) -> Change:
        kind, count = await Targets(self.query, query).count(ANN)
        return Change(query, bound, kind, count, patch=patch or None)

    async def halls(self) -> dict[str, float]:
        """Temperatures by id."""
        found: dict[str, float] = {}
        token = None
        while True:
            page = await self.query.run(ALL, ANN, token=token, max_items=1_000)
            found |= {
                each["$dtId"]: each["temperature"] for each in msgspec.json.decode(page.value)
            }
            token = page.continuation
            if token is None:
                return found

    def updates(self) -> Counter[str]:
        """How often each twin was updated, as the change log has it."""
        log = self.graph.history.log()
        return Counter(each.subject for each in log if each.kind == "Twin.Update")


@pytest.fixture
async def world(engine: Engine) -> World:
    graph = Graph(await engine.open(), engine.history())
    newer = {**HALL_MODEL, "@id": NEWER}
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL, newer)
    made = World(graph)
    halls = [c.PutTwin(f"hall-{n}", hall(temperature=n + 1)) for n in range(MANY)]
    results = await made.service.execute_many(halls, ANN)
    assert results.refused == 0
    return made


def warmer(value: float) -> dict[str, Any]:
    return {"op": "replace", "path": "/temperature", "value": value}


async def done(world: World, change: Change, *, deletes: bool = False) -> JobRow:
    kind = (DeletesKind if deletes else UpdatesKind)(world.service, world.query)
    async with serving(world.graph.store, kind) as jobs:
        row = await jobs.add(kind.name, None, change.request(), ANN)
        return await ended(jobs, row.id, kind.name)


def error_of(row: JobRow) -> dict[str, Any]:
    assert row.error is not None
    error: dict[str, Any] = msgspec.json.decode(row.error)
    return error


def progress_of(row: JobRow) -> dict[str, Any]:
    progress: dict[str, Any] = msgspec.json.decode(row.progress)
    return progress


async def lines_of(world: World, row: JobRow) -> list[dict[str, Any]]:
    lines = await world.graph.store.jobs.log_lines(row.kind, row.id, 0, 1_000)
    return [msgspec.json.decode(line) for _, line in lines]


async def test_what_is_selected_is_patched_and_nothing_else(world: World) -> None:
    change = await world.change(f"{ALL} AND T.temperature <= 100", Bound(expect=100), warmer(5_000))
    row = await done(world, change)
    assert row.status is JobStatus.SUCCEEDED, row
    there = await world.halls()
    assert sum(each == 5_000 for each in there.values()) == 100
    assert set(world.updates().values()) == {1}
    assert len(world.updates()) == 100
    progress = progress_of(row)
    assert (progress["done"], progress["of"], progress["unit"]) == (100, 100, "twins")
    assert progress["counts"] == {"succeeded": 100, "failed": 0}


MOVES: dict[str, tuple[str, Callable[[], dict[str, Any]], bool]] = {
    "it stays, and is last by the value": (ALL, lambda: warmer(9_999), False),
    "it stays, and an index has it last": (ALL, lambda: warmer(9_999), True),
    "it leaves the result": (ALL, lambda: warmer(-1), True),
    "it moves to a model behind its own": (
        "SELECT T FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:s:Hall;1') OR T.temperature = 0",
        lambda: {"op": "replace", "path": "/$metadata/$model", "value": NEWER},
        False,
    ),
}


@pytest.mark.parametrize("name", MOVES)
async def test_a_twin_is_patched_once_wherever_the_patch_moves_it(world: World, name: str) -> None:
    query, patch, indexed = MOVES[name]
    if indexed:
        await world.indexes.create("temperature")
    row = await done(world, await world.change(query, Bound(expect=MANY), patch()))
    assert row.status is JobStatus.SUCCEEDED, row
    assert world.updates() == Counter({f"hall-{n}": 1 for n in range(MANY)})


async def test_an_interface_and_what_extends_it_are_gone_through_by_key(engine: Engine) -> None:
    """The order of an ordinary query is led by the model, which this patch changes."""
    graph = Graph(await engine.open(), engine.history())
    base = interface("dtmi:s:Base;1")
    kinds = [interface(f"dtmi:s:Kind{n};1", extends=["dtmi:s:Base;1"]) for n in range(2)]
    await graph.upload(base, *kinds)
    world = World(graph)
    twins = [
        c.PutTwin(f"t{n}", {"$metadata": {"$model": kinds[n % 2]["@id"]}}) for n in range(MANY)
    ]
    await world.service.execute_many(twins, ANN)
    query = "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:s:Base;1')"
    patch = {"op": "replace", "path": "/$metadata/$model", "value": kinds[1]["@id"]}
    row = await done(world, await world.change(query, Bound(expect=MANY), patch))
    assert row.status is JobStatus.SUCCEEDED, row
    assert world.updates() == Counter({f"t{n}": 1 for n in range(MANY)})


async def test_a_job_that_was_interrupted_goes_on_with_the_next_page(world: World) -> None:
    class Interrupted(UpdatesKind):
        pages = 0

        async def run(self, run: Run) -> None:
            check = run.check

            def stop_at_the_second() -> None:
                self.pages += 1
                if self.pages == 2:
                    raise asyncio.CancelledError
                check()

            run.check = stop_at_the_second  # type: ignore[method-assign]
            task = asyncio.current_task()
            assert task is not None
            try:
                await super().run(run)
            except asyncio.CancelledError:
                task.cancel()  # as when the process ends
                raise

    change = await world.change(ALL, Bound(expect=MANY), warmer(7_000))
    kind = Interrupted(world.service, world.query)
    async with serving(world.graph.store, kind) as jobs:
        row = await jobs.add(kind.name, "one", change.request(), ANN)
        await until(lambda: kind.pages == 2)
    assert sum(world.updates().values()) == PAGE
    again = UpdatesKind(world.service, world.query)
    async with serving(world.graph.store, again) as jobs:
        row = await ended(jobs, "one", again.name)
    assert row.status is JobStatus.SUCCEEDED, row
    assert world.updates() == Counter({f"hall-{n}": 1 for n in range(MANY)})


async def test_more_than_was_said_are_never_touched(world: World) -> None:
    change = await world.change(ALL, Bound(at_most=MANY), warmer(8_000))
    later = [c.PutTwin(f"late-{n}", hall(temperature=1)) for n in range(PAGE)]
    await world.service.execute_many(later, ANN)
    row = await done(world, change)
    assert (row.status, error_of(row)["code"]) == (JobStatus.FAILED, "CountMismatch")
    assert 0 < sum(world.updates().values()) <= MANY


async def test_fewer_than_were_expected_are_told(world: World) -> None:
    change = await world.change(ALL, Bound(expect=MANY), warmer(8_000))
    await world.service.execute_many([c.DeleteTwin("hall-3")], ANN)
    row = await done(world, change)
    assert (row.status, error_of(row)["code"]) == (JobStatus.FAILED, "CountMismatch")
    assert f"{MANY - 1} were changed" in error_of(row)["message"]


async def test_those_that_are_refused_are_named_and_the_others_changed(world: World) -> None:
    rooms = [c.PutTwin(f"room-{n}", room(temperature=1)) for n in range(3)]
    await world.service.execute_many(rooms, ANN)
    seats = {"op": "add", "path": "/seats", "value": 12}  # which a room does not have
    row = await done(world, await world.change(ALL, Bound(at_most=1_000), seats))
    error = error_of(row)
    assert (row.status, error["code"]) == (JobStatus.FAILED, "UpdatePartiallyFailed")
    assert error["message"].startswith(f"3 of {MANY + 3} were refused, the first room-0: ")
    assert f"seats does not appear on the DTDL for Twin; {MANY} were changed." in error["message"]
    assert progress_of(row)["counts"] == {"succeeded": MANY, "failed": 3}
    lines = await lines_of(world, row)
    assert [line["details"]["id"] for line in lines] == ["room-0", "room-1", "room-2"]
    for line in lines:
        assert (line["jobId"], line["jobType"], line["logType"]) == (row.id, "Update", "Error")
        assert line["details"]["error"]["code"] == "ValidationFailed"


async def test_twins_with_relationships_are_not_deleted_and_it_says_what_to_do(
    world: World,
) -> None:
    rooms = [c.PutTwin(f"room-{n}", room(temperature=-1)) for n in range(3)]
    next_to = {"$relationshipName": "nextTo", "$targetId": "room-1"}
    await world.service.execute_many([*rooms, c.PutRelationship("room-0", "r", next_to)], ANN)
    query = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.temperature < 0"
    row = await done(world, await world.change(query, Bound(expect=3)), deletes=True)
    error = error_of(row)
    assert (row.status, error["code"]) == (JobStatus.FAILED, "DeletePartiallyFailed")
    lines = await lines_of(world, row)
    assert [line["details"]["id"] for line in lines] == ["room-0", "room-1"]
    assert "SELECT * FROM RELATIONSHIPS" in lines[0]["details"]["error"]["message"]
    edges = "SELECT R.$relationshipId, R.$sourceId FROM RELATIONSHIPS R"
    row = await done(world, await world.change(edges, Bound(expect=1)), deletes=True)
    assert row.status is JobStatus.SUCCEEDED, row
    row = await done(world, await world.change(query, Bound(expect=2)), deletes=True)
    assert row.status is JobStatus.SUCCEEDED, row


async def test_relationships_are_patched(world: World) -> None:
    rooms = [c.PutTwin(f"room-{n}", room()) for n in range(2)]
    next_to = {"$relationshipName": "nextTo", "$targetId": "room-1"}
    edges = [c.PutRelationship("room-0", f"r{n}", next_to) for n in range(PAGE + 1)]
    await world.service.execute_many([*rooms, *edges], ANN)
    patch = {"op": "add", "path": "/door", "value": "open"}
    query = "SELECT * FROM RELATIONSHIPS R WHERE NOT IS_DEFINED(R.door)"
    row = await done(world, await world.change(query, Bound(expect=PAGE + 1), patch))
    assert row.status is JobStatus.SUCCEEDED, row
    assert (await Targets(world.query, query).count(ANN))[1] == 0


async def test_nothing_selected_is_nothing_to_do(world: World) -> None:
    query = "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 1000000"
    row = await done(world, await world.change(query, Bound(expect=0), warmer(1)))
    assert row.status is JobStatus.SUCCEEDED, row
    row = await done(
        world, await world.change("SELECT * FROM DIGITALTWINS WHERE 1 = 2", Bound(expect=0))
    )
    assert row.status is JobStatus.SUCCEEDED, row
