"""Rehearsals: decided as writes are, each after those before, and nothing of it is in the graph."""

from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import apsw
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kastor.errors import Conflict, KastorError, NotFound, TooManyRequests, Unavailable
from kastor.graph import commands as c
from kastor.graph.command import Command
from kastor.records import Context
from kastor.storage import overlay, rehearsal
from kastor.storage.postgres import rehearsing as postgres_rehearsing
from kastor.storage.sqlite import rehearsing as sqlite_rehearsing

from .engines import Engine
from .graphs import (
    HALL,
    HALL_MODEL,
    ROOM,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Document,
    Graph,
    edge,
    hall,
    interface,
    prop,
    replace,
    room,
)
from .sqlite_engine import SqliteEngine, embedded

pytestmark = pytest.mark.anyio

TRYING = Context("ann", dry_run=True)
EXAMPLES = int(os.environ.get("KASTOR_REHEARSALS", "15"))


async def rehearse(graph: Graph, commands: Sequence[Command[Any]]) -> list[Any]:
    results = await graph.service.execute_many(commands, TRYING)
    assert not results.applied
    return list(results.outcomes)


async def really(graph: Graph, commands: Sequence[Command[Any]]) -> list[Any]:
    outcomes = []
    for command in commands:
        try:
            outcomes.append(await graph.execute(command))
        except KastorError as error:
            outcomes.append(error)
    return outcomes


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_times(member)
            for key, member in value.items()
            if key not in ("$lastUpdateTime", "lastUpdateTime", "$etag")
        }
    return [without_times(each) for each in value] if isinstance(value, list) else value


def shown(outcome: Any) -> Any:
    """An outcome as far as two runs of the same write have it in common."""
    if isinstance(outcome, KastorError):
        return type(outcome), outcome.code, str(outcome)
    if isinstance(outcome, c.Written):
        return without_times(orjson.loads(outcome.doc))
    return outcome


def everything(graph: Graph) -> list[Any]:
    history = graph.history
    ids = ["a", "b", "c", "d"]
    return [
        history.log(),
        history.uploads(),
        history.tombstones(),
        history.sizes(),
        [history.twin_versions(each) for each in ids],
        [history.relationship_versions(each) for each in ("r", "s")],
    ]


# Random commands over few ids, so that they meet.

_ids = st.sampled_from(["a", "b", "c", "d"])
_names = st.sampled_from(["r", "s"])
_bodies = st.sampled_from(
    [room(), room(temperature=1.5, name="x"), room(temperature="warm"), hall(seats=3)]
)
_patches = st.sampled_from(
    [
        (replace("/temperature", 2.5),),
        ({"op": "add", "path": "/temperature", "value": 7},),
        ({"op": "test", "path": "/temperature", "value": 7},),
        ({"op": "add", "path": "/nothing", "value": 7},),
        ({"op": "add", "path": "/door", "value": "oak"},),
        ({"op": "add", "path": "/thermostat/setPoint", "value": 1e300},),
    ]
)


def _made(kind: Callable[..., Command[Any]], *parts: st.SearchStrategy[Any]) -> Any:
    return st.tuples(*parts).map(lambda values: kind(*values))


_edges = st.tuples(_ids, st.sampled_from(["nextTo", "nextTo", "up"])).map(lambda ends: edge(*ends))
_of_models: tuple[st.SearchStrategy[Command[Any]], ...] = (
    _made(c.DeleteModel, st.sampled_from([ROOM, HALL])),
    _made(c.CommissionModel, st.sampled_from([ROOM, HALL]), st.booleans()),
)
_of_graph: tuple[st.SearchStrategy[Command[Any]], ...] = (
    _made(c.PutTwin, _ids, _bodies, st.booleans()),
    _made(c.PutTwin, _ids, st.just(room())),
    _made(c.PatchTwin, _ids, _patches),
    _made(c.DeleteTwin, _ids),
    _made(c.PutRelationship, _ids, _names, _edges),
    _made(c.PutRelationship, _ids, _names, _edges),
    _made(c.PatchRelationship, _ids, _names, _patches),
    _made(c.DeleteRelationship, _ids, _names),
)
_commands = st.one_of(*_of_graph, *_of_models)
_batches = st.one_of(
    st.lists(st.one_of(*_of_graph), min_size=1, max_size=16),
    st.lists(_commands, min_size=1, max_size=12),
)


async def test_random_writes_get_the_outcomes_that_they_get_when_they_are_done(
    engine: Engine,
) -> None:
    number = iter(range(1_000_000))

    async def check(before: list[Command[Any]], batch: list[Command[Any]]) -> None:
        name = f"graph{next(number)}"
        graph = Graph(await engine.open(name), engine.history(name))
        await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        await really(graph, before)
        state = everything(graph)
        tried = await rehearse(graph, batch)
        assert everything(graph) == state
        if any(isinstance(each, c.DeleteModel | c.CommissionModel) for each in batch):
            done = await really(graph, batch)
        else:  # such go together
            done = list((await graph.service.execute_many(batch, Context("ann"))).outcomes)
        assert list(map(shown, tried)) == list(map(shown, done))
        graph.history.close()
        await graph.store.close()

    loop = asyncio.get_running_loop()

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.lists(_commands, max_size=12), _batches)
    def run(before: list[Command[Any]], batch: list[Command[Any]]) -> None:
        asyncio.run_coroutine_threadsafe(check(before, batch), loop).result(60)

    await asyncio.to_thread(run)


async def test_each_write_sees_those_before_it(graph: Graph) -> None:
    await graph.put("old", room())
    state = everything(graph)
    made = await rehearse(
        graph,
        [
            c.PutTwin("a", room()),
            c.PutRelationship("a", "r", edge("old")),
            c.DeleteTwin("old"),
            c.DeleteTwin("a"),
            c.DeleteRelationship("a", "r"),
            c.DeleteTwin("old"),
            c.PatchTwin("old", ()),
            c.PutTwin("old", room(name="new")),
            c.PatchTwin("old", (replace("/name", "newer"),)),
        ],
    )
    assert [getattr(each, "code", "done") for each in made] == [
        *("done", "done", "RelationshipsNotDeleted", "RelationshipsNotDeleted"),
        *("done", "done", "DigitalTwinNotFound", "done", "done"),
    ]
    assert orjson.loads(made[-1].doc)["name"] == "newer"
    assert everything(graph) == state


async def test_relationships_of_the_graph_count_until_each_is_gone(graph: Graph) -> None:
    for name in "abc":
        await graph.put(name, room())
    for n in range(5):
        await graph.relate("a", f"out{n}", edge("b"))
        await graph.relate("c", f"in{n}", edge("a"))
    turned = [c.PutRelationship("c", f"in{n}", edge("b")) for n in range(5)]
    gone = [c.DeleteRelationship("a", f"out{n}") for n in range(4)]
    delete = c.DeleteTwin("a")
    tried = await rehearse(
        graph, [*turned, *gone, delete, c.DeleteRelationship("a", "out4"), delete]
    )
    assert isinstance(tried[9], KastorError)
    assert tried[9].code == "RelationshipsNotDeleted"
    assert tried[-2:] == [None, None]
    still = await rehearse(graph, [delete])
    assert still[0].code == "RelationshipsNotDeleted"


async def test_models_are_there_for_the_writes_behind_them(graph: Graph) -> None:
    await graph.put("h", hall())
    text = orjson.dumps(interface("dtmi:s:Lift;1", prop("floor", "integer")))
    lift: Document = {"$metadata": {"$model": "dtmi:s:Lift;1"}, "floor": 3}
    epoch = graph.store.catalog.epoch
    upload = c.UploadModels((("dtmi:s:Lift;1", text),), epoch)
    again = c.UploadModels((("dtmi:s:Lift;1", text),), epoch + 1)
    made = await rehearse(
        graph,
        [
            c.PutTwin("l", lift),
            upload,
            c.PutTwin("l", lift),
            c.PutTwin("m", {**lift, "floor": "high"}),
            again,
            c.DeleteModel(HALL),
            c.PatchTwin("h", ({"op": "add", "path": "/seats", "value": 1},)),
        ],
    )
    codes = [getattr(each, "code", "done") for each in made]
    assert codes == [
        *("ValidationFailed", "done", "done", "ValidationFailed", "ModelIdAlreadyExists"),
        *("done", "ValidationFailed"),
    ]
    assert isinstance(made[4], Conflict)
    assert made[1]["dtmi:s:Lift;1"].text == text
    assert graph.store.catalog.epoch == epoch
    assert "dtmi:s:Lift;1" not in graph.store.catalog.models
    await graph.execute(upload)  # its key was nobody's


async def test_a_model_that_comes_back_has_its_twins_again(graph: Graph) -> None:
    await graph.put("h", hall())
    await graph.execute(c.DeleteModel(HALL))
    upload = c.UploadModels(((HALL, orjson.dumps(HALL_MODEL)),), graph.store.catalog.epoch)
    patch = c.PatchTwin("h", ({"op": "add", "path": "/seats", "value": 4},))
    before, _, after = await rehearse(graph, [patch, upload, patch])
    assert isinstance(before, KastorError)
    assert orjson.loads(after.doc)["seats"] == 4


async def test_a_rehearsal_keeps_its_state_while_others_write(graph: Graph) -> None:
    await graph.put("a", room(name="old"))
    async with graph.service.rehearsing(TRYING) as decide:
        await graph.put("a", room(name="new"))
        await graph.put("b", room())
        add = {"op": "add", "path": "/temperature", "value": 1}
        written, missing = (await decide([c.PatchTwin("a", (add,)), c.PatchTwin("b", ())])).outcomes
        assert orjson.loads(written.doc)["name"] == "old"
        assert isinstance(missing, NotFound)
    assert (await graph.document("a"))["name"] == "new"


async def test_portions_and_documents_that_come_apart_change_no_outcome(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_rehearsing.SchemaBase, "portion", 7)
    monkeypatch.setattr(sqlite_rehearsing.FileBase, "portion", 7)
    monkeypatch.setattr(postgres_rehearsing, "PORTION_BYTES", 2_000)
    for n in range(10):
        await graph.put(f"t{n}", room(name="x" * 900))
    for n in range(9):
        await graph.relate(f"t{n}", "r", edge(f"t{n + 1}", door="y" * 900))
    commands: list[Command[Any]] = []
    for n in range(9):
        commands += [
            c.PatchTwin(f"t{n}", (replace("/name", "z" * n),)),
            c.PatchRelationship(f"t{n}", "r", (replace("/door", "oak"),)),
            c.PutRelationship(f"t{n}", "s", edge(f"t{(n + 3) % 10}")),
            c.DeleteTwin(f"t{n}"),
        ]
    tried = await rehearse(graph, commands)
    assert [*map(shown, tried)] == [*map(shown, await really(graph, commands))]


async def test_memory_does_not_grow_with_the_writes(graph: Graph) -> None:
    sizes: list[tuple[int, int]] = []
    async with graph.service.rehearsing(TRYING, long=True) as decide:
        tracemalloc.start()
        try:
            for start in range(0, 20_000, 500):
                several = [
                    c.PutTwin(f"t{n}", room(name="x" * 1_000)) for n in range(start, start + 500)
                ]
                assert not (await decide(several)).refused
                sizes.append((tracemalloc.get_traced_memory()[0], apsw.memory_used()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    (python, engine), (python_then, engine_then) = sizes[9], sizes[-1]
    assert python_then - python < 2**20
    assert engine_then - engine < 2**20
    assert peak < 16 * 2**20


async def test_a_state_is_held_for_so_long_only(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rehearsal, sqlite_rehearsing, postgres_rehearsing):
        monkeypatch.setattr(module, "LONGEST_SECONDS", 0.05)
    async with graph.service.rehearsing(TRYING) as decide:
        await asyncio.sleep(0.2)
        with pytest.raises(Unavailable, match="dry run was ended"):
            await decide([c.PutTwin("a", room())])
    assert isinstance((await rehearse(graph, [c.PutTwin("a", room())]))[0], c.Written)


async def test_a_caller_that_goes_away_leaves_nothing_behind(graph: Graph) -> None:
    async def try_many() -> None:
        await rehearse(graph, [c.PutTwin(f"t{n}", room()) for n in range(10_000)])

    for _ in range(8):
        task = asyncio.ensure_future(try_many())
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert isinstance((await rehearse(graph, [c.PutTwin("a", room())]))[0], c.Written)


async def test_the_writer_is_not_asked(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    store, held = embedded(graph.store), asyncio.Event()
    loop = asyncio.get_running_loop()
    go = threading.Event()

    def block(*_: object) -> None:
        loop.call_soon_threadsafe(held.set)
        go.wait(30)

    blocked = asyncio.ensure_future(store._upkeep(block))
    await held.wait()
    waiting = asyncio.ensure_future(graph.put("b", room()))
    try:
        async with asyncio.timeout(5):
            assert isinstance((await rehearse(graph, [c.PutTwin("a", room())]))[0], c.Written)
        assert not waiting.done()
    finally:
        go.set()
        await asyncio.gather(blocked, waiting)


async def test_so_many_at_once(sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_rehearsing, "WAIT_SECONDS", 0.05)
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    blocks = [graph.service.rehearsing(TRYING) for _ in range(sqlite_rehearsing.AT_ONCE)]
    for block in blocks:
        await block.__aenter__()
    with pytest.raises(TooManyRequests):
        await rehearse(graph, [c.PutTwin("a", room())])
    for block in blocks:
        await block.__aexit__(None, None, None)
    assert isinstance((await rehearse(graph, [c.PutTwin("a", room())]))[0], c.Written)


async def test_closing_ends_rehearsals_and_their_hold_on_the_log(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    graph.history.close()
    async with graph.service.rehearsing(TRYING) as decide:
        await graph.store.close()
        with pytest.raises(Unavailable):
            await decide([c.PutTwin("a", room())])
    log = sqlite.path().with_name(sqlite.path().name + "-wal")
    assert not log.exists() or log.stat().st_size == 0
    with pytest.raises(Unavailable):
        await rehearse(graph, [c.PutTwin("a", room())])


async def test_what_has_no_room_ends_it(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "MOST_BYTES", 100_000)
    commands = [c.PutTwin(f"t{n}", room(name="x" * 1_000)) for n in range(200)]
    with pytest.raises(Unavailable, match="no room"):
        await rehearse(graph, commands)
    assert len(await rehearse(graph, commands[:10])) == 10


async def test_one_that_takes_its_time_keeps_its_state(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rehearsal, sqlite_rehearsing, postgres_rehearsing):
        monkeypatch.setattr(module, "LONGEST_SECONDS", 0.05)
    await graph.put("a", room(name="old"))
    async with graph.service.rehearsing(TRYING, long=True) as decide:
        await graph.put("a", room(name="new"))
        await asyncio.sleep(0.2)
        put = c.PutTwin("b", room())
        relate = c.PutRelationship("b", "r", edge("a"))
        patch = c.PatchTwin("a", (replace("/name", "newer"), replace("/name", "newest")))
        written, related, patched, refused = (
            await decide([put, relate, patch, c.DeleteTwin("a")])
        ).outcomes
        assert isinstance(written, c.Written)
        assert isinstance(related, c.Written)
        assert orjson.loads(patched.doc)["name"] == "newest"
        assert refused.code == "RelationshipsNotDeleted"
        assert "dtmi:s:Room;1" in decide.catalog.models
    assert (await graph.document("a"))["name"] == "new"
    assert (await rehearse(graph, [c.DeleteTwin("b")]))[0].code == "DigitalTwinNotFound"
