"""Jobs that go back to an instant: what comes back, in which order, what is left; both engines."""

from __future__ import annotations

import asyncio

import pytest

from kastor.errors import Unavailable
from kastor.graph import commands as c
from kastor.history.diff import GraphPart
from kastor.history.revert import TOGETHER, RevertKind
from kastor.records import AsOf
from kastor.storage.history import HistorySettings, Keep
from kastor.storage.jobs import JobStatus
from tests.store.engines import Engine
from tests.store.graphs import (
    HALL,
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT,
    THERMOSTAT_MODEL,
    Graph,
    edge,
    hall,
    interface,
    prop,
    remove,
    replace,
    room,
)

from .revert_world import Hooked, World, counts_of, error_of
from .service import ANN, ended, serving, until

pytestmark = pytest.mark.anyio
MANY = 2 * TOGETHER + 20
T = "2020-01-01T00:00:00Z"


@pytest.fixture
async def world(engine: Engine) -> World:
    graph = Graph(await engine.open(), engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    made = World(graph)
    for name in "abc":
        await graph.put(name, room(name=name, temperature=1))
    await graph.put("hall", hall(seats=10))
    await graph.relate("a", "r", edge("b", door="open"))
    await graph.relate("b", "r", edge("c"))
    await graph.relate("c", "up", edge("a", "above"))
    return made


async def spoil(world: World) -> None:
    """Change something of every sort."""
    graph = world.graph
    await graph.patch("a", replace("/name", "other"), remove("/temperature"))
    await graph.unrelate("b", "r")
    await graph.relate("a", "r", edge("c", door="shut"))  # another end
    await graph.unrelate("c", "up")
    await graph.delete("b")
    await graph.put("new", room(name="new"))
    await graph.relate("c", "to-new", edge("new"))
    await graph.relate("new", "to-c", edge("c"))


async def test_the_whole_graph_comes_back_and_the_revert_of_it_too(world: World) -> None:
    first, then = await world.content(), await world.now()
    await spoil(world)
    spoiled, later = await world.content(), await world.now()
    assert spoiled != first
    row = await world.revert(then)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert await world.content() == first
    assert counts_of(row) == {"twins": 3, "relationships": 5}
    assert await world.tried(then) == []
    row = await world.revert(later)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert await world.content() == spoiled


async def test_it_is_written_as_anybody_writes(world: World) -> None:
    then = await world.now()
    etag = (await world.service.twin("a", ANN)).etag
    await world.graph.patch("a", replace("/name", "other"))
    await world.graph.patch("a", {"op": "add", "path": "/$metadata/name/sourceTime", "value": T})
    known = len(world.events())
    await world.revert(then)
    row = await world.service.twin("a", ANN)
    document = await world.graph.document("a")
    assert row.etag != etag
    assert document["$metadata"]["$lastUpdateTime"] > T
    assert "sourceTime" not in document["$metadata"]["name"]
    assert world.events()[known:] == ["Twin.Update"]
    assert world.graph.history.log()[-1].actor == "ann"


async def test_source_times_come_back(world: World) -> None:
    at = "/$metadata/name/sourceTime"
    await world.graph.patch("a", {"op": "add", "path": at, "value": T})
    then = await world.now()
    await world.graph.patch("a", {"op": "replace", "path": at, "value": "2021-01-01T00:00:00Z"})
    assert [line["patch"] for line in await world.tried(then)] == [
        [{"op": "replace", "path": at, "value": T}]
    ]
    await world.revert(then)
    assert (await world.graph.document("a"))["$metadata"]["name"]["sourceTime"] == T


async def test_one_twin_comes_back_with_its_relationships(world: World) -> None:
    first, then = await world.content(), await world.now()
    await spoil(world)
    row = await world.revert(then, GraphPart(twin="b"))
    assert row.status is JobStatus.SUCCEEDED, row.error
    content = await world.content()
    assert content["b",] == first["b",]
    assert content["b", "r"] == first["b", "r"]  # it leaves b
    assert content["a", "r"] == first["a", "r"]  # it led to b
    assert content["a",]["name"] == "other"
    assert ("c", "up") not in content
    assert ("new",) in content


async def test_what_has_no_other_end_is_left_out_and_named(world: World) -> None:
    then = await world.now()
    await spoil(world)
    await world.graph.unrelate("a", "r")
    await world.graph.delete("a")
    row = await world.revert(then, GraphPart(twin="b"))
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert counts_of(row) == {"twins": 1, "relationships": 1, "leftOut": 1}
    [line] = await world.log(row)
    assert line["logType"] == "Warning"
    assert line["details"] == {
        "kind": "relationship",
        "id": "r",
        "source": "a",
        "status": "LeftOut",
        "reason": "There is no twin a.",
    }


async def test_a_twin_that_was_not_there_goes_with_its_relationships(world: World) -> None:
    then = await world.now()
    await spoil(world)
    row = await world.revert(then, GraphPart(twin="new"))
    assert row.status is JobStatus.SUCCEEDED, row.error
    content = await world.content()
    assert {("new",), ("c", "to-new"), ("new", "to-c")}.isdisjoint(content)
    assert counts_of(row) == {"twins": 1, "relationships": 2}


async def test_the_result_of_a_query_comes_back(world: World) -> None:
    """What it answers then or now: a was warm, and is not any more."""
    first, then = await world.content(), await world.now()
    await spoil(world)
    await world.graph.patch("c", replace("/temperature", 30))
    await world.graph.patch("hall", replace("/seats", 11))
    warm = "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 0 AND T.name IN ['a', 'new']"
    row = await world.revert(then, GraphPart(query=warm))
    assert row.status is JobStatus.SUCCEEDED, row.error
    content = await world.content()
    assert content["a",] == first["a",]
    assert content["c", "up"] == first["c", "up"]  # it led to a
    assert content["c",]["temperature"] == 30
    assert content["hall",]["seats"] == 11
    assert ("b",) not in content
    lines = await world.log(row)
    assert [line["details"]["id"] for line in lines] == ["r"], "b is not there"
    links = "SELECT * FROM RELATIONSHIPS R WHERE R.$relationshipName = 'nextTo'"
    row = await world.revert(then, GraphPart(query=links))
    content = await world.content()
    assert ("c", "to-new") not in content
    assert ("new",) in content, "a query of relationships touches no twins"


async def test_what_others_write_meanwhile_is_left_and_told(world: World) -> None:
    then = await world.now()
    await spoil(world)
    asked = await world.asked(then)
    await world.graph.patch("a", replace("/name", "mine"))
    await world.graph.patch("c", replace("/temperature", 7))  # no part of what differs
    row = await world.done(asked)
    assert row.status is JobStatus.FAILED
    error = error_of(row)
    assert error["code"] == "RevertPartiallyFailed"
    assert "the twin a: The twin a was written by somebody else meanwhile" in error["message"]
    content = await world.content()
    assert content["a",]["name"] == "mine"
    assert content["c",]["temperature"] == 7
    assert ("b",) in content
    assert [
        (line["logType"], line["details"]["id"], line["details"]["error"]["code"])
        for line in await world.log(row)
    ] == [("Error", "a", "ChangedMeanwhile")]


async def test_atomic_is_all_or_nothing(world: World) -> None:
    first, then = await world.content(), await world.now()
    await spoil(world)
    asked = await world.asked(then, atomic=True)
    await world.graph.patch("a", replace("/name", "mine"))
    before, known = await world.content(), len(world.events())
    row = await world.done(asked)
    assert row.status is JobStatus.FAILED
    error = error_of(row)
    assert error["code"] == "RevertRefused"
    assert "1 of 8 were refused" in error["message"]
    assert await world.content() == before
    assert len(world.events()) == known
    assert [line["details"]["id"] for line in await world.log(row)] == ["a"]
    row = await world.revert(then, atomic=True)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert await world.content() == first


@pytest.fixture
async def many(world: World) -> tuple[World, AsOf]:
    """Halls that were changed since a state."""
    await world.run(*[c.PutTwin(f"h{n:04}", hall(seats=n)) for n in range(MANY)])
    then = await world.now()
    change = (replace("/seats", -1),)
    await world.run(*[c.PatchTwin(f"h{n:04}", change) for n in range(MANY)])
    return world, then


async def test_a_job_goes_on_after_a_fault_without_doing_twice(many: tuple[World, AsOf]) -> None:
    world, then = many
    known = len(world.events())

    async def fall(call: int) -> None:
        if call == 2:
            raise Unavailable("The disk is full.")

    row = await world.done(await world.asked(then), Hooked(world.service, fall))
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert world.events()[known:] == ["Twin.Update"] * MANY
    assert counts_of(row) == {"twins": MANY}
    assert await world.tried(then) == []


async def test_another_process_goes_on_where_it_was_left(many: tuple[World, AsOf]) -> None:
    world, then = many
    known, asked = len(world.events()), await world.asked(then)
    stuck = asyncio.Event()

    async def stay(call: int) -> None:
        if call == 2:
            stuck.set()
            await asyncio.Event().wait()

    first = RevertKind(world.diffs, Hooked(world.service, stay), world.query)  # type: ignore[arg-type]
    async with serving(world.store, first) as jobs:
        row = await jobs.add(first.name, None, asked.request(), ANN)
        await until(stuck.is_set)
    assert world.events()[known:] == ["Twin.Update"] * TOGETHER
    second = RevertKind(world.diffs, world.service, world.query)
    async with serving(world.store, second) as jobs:
        row = await ended(jobs, row.id, second.name)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert world.events()[known:] == ["Twin.Update"] * MANY
    assert counts_of(row) == {"twins": MANY}


async def test_what_was_done_stays_when_it_is_cancelled(many: tuple[World, AsOf]) -> None:
    world, then = many
    asked = await world.asked(then)
    cancelled = asyncio.Event()

    async def wait(call: int) -> None:
        if call == 2:
            await cancelled.wait()

    kind = RevertKind(world.diffs, Hooked(world.service, wait), world.query)  # type: ignore[arg-type]
    async with serving(world.store, kind) as jobs:
        row = await jobs.add(kind.name, None, asked.request(), ANN)
        await until(lambda: world.events().count("Twin.Update") == MANY + TOGETHER)
        await jobs.cancel(kind.name, row.id, ANN)
        cancelled.set()
        row = await ended(jobs, row.id, kind.name)
    assert row.status is JobStatus.CANCELLED
    assert len(await world.tried(then)) == MANY - 2 * TOGETHER


async def test_a_state_that_went_meanwhile_is_told(world: World) -> None:
    then = await world.now()
    await spoil(world)
    asked, before = await world.asked(then), await world.content()
    history = world.store.history
    await history.put_settings(HistorySettings(graph=Keep(seconds=0)))
    await world.store.prune()
    row = await world.done(asked)
    assert row.status is JobStatus.FAILED
    assert error_of(row)["code"] == "HistoryExpired"
    assert await world.content() == before


NEWER = "dtmi:s:Hall;2"


async def test_models_come_back_with_their_twins(world: World) -> None:
    first, then = await world.content(), await world.now()
    graph = world.graph
    for twin in ("a", "b", "c"):
        await graph.patch(twin, replace("/temperature", 2))
    await graph.upload({**HALL_MODEL, "@id": NEWER})
    await graph.put("newer", {"$metadata": {"$model": NEWER}})
    await graph.put("hall", {"$metadata": {"$model": NEWER}, "seats": 3})
    await graph.execute(c.DeleteModel(HALL))
    await graph.execute(c.CommissionModel(THERMOSTAT, in_service=False))
    spoiled, later = await world.content(), await world.now()
    assert [(line["what"], line["id"]) for line in await world.tried(then)][:3] == [
        *(("added", HALL), ("removed", NEWER), ("changed", THERMOSTAT)),
    ]
    row = await world.revert(then)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert await world.content() == first
    assert counts_of(row) == {"models": 3, "twins": 5}
    row = await world.revert(later)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert await world.content() == spoiled


async def test_a_model_that_says_something_else_is_replaced_with_what_needs_it(
    world: World,
) -> None:
    first, then = await world.content(), await world.now()
    graph = world.graph
    for each in ("dtmi:s:Room;1", THERMOSTAT):
        await graph.execute(c.DeleteModel(each))
    await graph.upload(interface(THERMOSTAT, prop("other", "string")), ROOM_MODEL)
    spoiled = await world.content()
    assert spoiled != first
    row = await world.revert(then)
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert await world.content() == first


async def test_models_that_went_for_others_come_again_after_a_fault(world: World) -> None:
    """One that was added since needs the one that is replaced; both are away for a moment."""
    graph = world.graph
    then = await world.now()
    added = interface("dtmi:s:Suite;1", extends="dtmi:s:Room;1")
    for each in ("dtmi:s:Room;1", THERMOSTAT):
        await graph.execute(c.DeleteModel(each))
    await graph.upload(interface(THERMOSTAT, prop("mode", "string")), ROOM_MODEL, added)
    await graph.put("suite", {**room(), "$metadata": {"$model": added["@id"]}})
    asked = await world.asked(then)
    await graph.patch("suite", {"op": "add", "path": "/name", "value": "mine"})

    async def fall(call: int) -> None:
        if call == 1:
            raise Unavailable("The disk is full.")

    row = await world.done(asked, Hooked(world.service, fall, "upload"))
    assert error_of(row)["code"] == "RevertPartiallyFailed", "the suite is somebody else's by now"
    models = world.store.catalog.models
    assert models[THERMOSTAT].document() == THERMOSTAT_MODEL
    assert added["@id"] in models
    assert [
        (line["details"]["id"], line["details"]["status"]) for line in await world.log(row)
    ] == [
        ("suite", "Failed"),
        (added["@id"], "LeftOut"),
    ]


async def test_a_model_that_twins_are_of_stays_and_is_named(world: World) -> None:
    then = await world.now()
    graph = world.graph
    await graph.upload({**HALL_MODEL, "@id": NEWER})
    await graph.put("newer", {"$metadata": {"$model": NEWER}})
    asked = await world.asked(then)
    await graph.patch("newer", {"op": "add", "path": "/seats", "value": 3})
    row = await world.done(asked)
    assert row.status is JobStatus.FAILED
    assert NEWER in world.store.catalog.models
    assert [
        (line["details"]["id"], line["details"]["status"]) for line in await world.log(row)
    ] == [
        ("newer", "Failed"),
        (NEWER, "LeftOut"),
    ]


async def test_atomic_changes_no_models(world: World) -> None:
    then = await world.now()
    await world.graph.upload({**HALL_MODEL, "@id": NEWER})
    await world.graph.delete("hall")
    before = await world.content()
    row = await world.revert(then, atomic=True)
    assert error_of(row)["code"] == "RevertRefused"
    assert NEWER in error_of(row)["message"]
    assert await world.content() == before


async def test_a_twin_of_a_model_out_of_service_comes_back(world: World) -> None:
    then = await world.now()
    await world.graph.delete("hall")
    await world.graph.execute(c.CommissionModel(HALL, in_service=False))
    row = await world.revert(then, GraphPart(twin="hall"))
    assert row.status is JobStatus.SUCCEEDED, row.error
    assert ("hall",) in await world.content()
