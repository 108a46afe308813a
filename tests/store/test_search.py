"""Search beside a model in plain Python: random graphs and histories, on every engine."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kastor.errors import InvalidArgument, KastorError, Unavailable
from kastor.graph import commands as c
from kastor.records import SYSTEM
from kastor.search import follower, service
from kastor.search.ranking import best_match, question
from kastor.search.service import KINDS, SearchAnswer, SearchService
from kastor.storage.search import IndexBatch, IndexedText, IndexQuestion, IndexState
from kastor.storage.search_texts import fold, folded_places, is_near
from kastor.storage.sqlite import unsynced
from kastor.storage.sqlite.search_index import index_file
from kastor.storage.sqlite.unsynced import BOOT_FILE, MARK_SUFFIX
from kastor.vital import Vitals

from . import search_oracle as oracle
from .engines import Engine
from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, interface, prop, replace, room
from .sqlite_engine import SqliteEngine

pytestmark = pytest.mark.anyio
LIMIT = 100
IDS = ("room-1", "room-2", "Halle-Süd", "pump", "airHandlingUnit7", "a b")
TEXTS = (
    *("Lobby North", "lobby", "Büro der Leitung", "temperature sensor", "Temperatur", "aaaa"),
    *("pump room 2", "ROOM", "north-west 12", "", " ", "sensor\nsensor", "東京 lobby", "ahu%_'\""),
)
QUESTIONS = (
    *("room", "lobby", "loby", "lobbi", "olbby", "buro", "BÜRO", "temperature", "tempersture"),
    *(
        "temperatures",
        "room 2",
        "ro",
        "a",
        "north 1",
        "aaa",
        "sensor s",
        "pmup",
        "東京",
        "東京 lobby",
    ),
    *("handling", "hand", "unit7", "%_'\"", "halle sud", "nirgends", "a b", "lobby pump", "12"),
)
STRANGE = interface("dtmi:s:Strange;1", prop("x", "string"), displayName="Büro Lobby")
OTHER = interface("dtmi:s:Other;1", displayName="Pump", description="A temperature sensor")
NAMES = ("nextTo", "above")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found depends on no clock here."""
    monkeypatch.setattr(service, "FIND_SECONDS", 10.0)
    monkeypatch.setattr(service, "REACH_SECONDS", 60.0)


@asynccontextmanager
async def searching(graph: Graph) -> AsyncIterator[SearchService]:
    store = graph.store
    made = SearchService(store.search, store.events, store.host_name, Vitals())
    made.start()
    try:
        yield made
    finally:
        await made.stop()


async def ask(service: SearchService, text: str, limit: int = LIMIT) -> SearchAnswer:
    return await service.search(text, KINDS, limit, SYSTEM)


def ids(found: SearchAnswer, kind: str) -> set[str]:
    return {hit.id for hit in found.hits if hit.kind == kind}


IDENTITY, TEXT = st.sampled_from(IDS), st.sampled_from(TEXTS)
STEP = st.one_of(
    st.tuples(st.just("put"), IDENTITY, TEXT, TEXT),
    st.tuples(st.just("patch"), IDENTITY, TEXT),
    st.tuples(st.just("number"), IDENTITY, st.floats(0, 9)),
    st.tuples(st.just("delete"), IDENTITY),
    st.tuples(st.just("relate"), IDENTITY, IDENTITY, st.sampled_from(NAMES)),
    st.tuples(st.just("unrelate"), IDENTITY),
    st.tuples(st.just("models"), st.sampled_from((STRANGE["@id"], OTHER["@id"]))),
    st.tuples(st.just("follow")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("reset")),
)


class World:
    """A graph, and what a search of it has to know."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.begin()

    def begin(self) -> None:
        self.twins: dict[str, dict[str, Any]] = {}
        self.edges: dict[str, tuple[str, str]] = {}
        self.models = {each["@id"]: each for each in (THERMOSTAT_MODEL, ROOM_MODEL)}

    async def empty(self) -> None:
        await self.graph.store.reset()
        await self.graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
        self.begin()

    async def step(self, step: tuple[Any, ...]) -> None:
        with contextlib.suppress(KastorError):  # it was not possible, and changed nothing
            await getattr(self, f"_{step[0]}")(*step[1:])

    async def _put(self, name: str, called: str, mode: str) -> None:
        document = room(name=called, labels={"first": mode, "second": "kitchen"})
        document["thermostat"]["mode"] = mode
        await self.graph.put(name, document)
        self.twins[name] = document

    async def _patch(self, name: str, text: str) -> None:
        await self.graph.patch(name, replace("/name", text))
        self.twins[name] = self.twins[name] | {"name": text}

    async def _number(self, name: str, value: float) -> None:
        await self.graph.patch(name, {"op": "add", "path": "/temperature", "value": value})

    async def _delete(self, name: str) -> None:
        await self.graph.delete(name)
        del self.twins[name]

    async def _relate(self, source: str, target: str, name: str) -> None:
        await self.graph.relate(source, "e", edge(target, name))
        self.edges[source] = (target, name)

    async def _unrelate(self, source: str) -> None:
        await self.graph.unrelate(source, "e")
        del self.edges[source]

    async def _models(self, model: str) -> None:
        document = STRANGE if model == STRANGE["@id"] else OTHER
        if model in self.models:
            await self.graph.execute(c.DeleteModel(model))
            del self.models[model]
        else:
            await self.graph.upload(document)
            self.models[model] = document

    def things(self) -> list[oracle.Thing]:
        twins = [oracle.twin(name, document) for name, document in self.twins.items()]
        return [*twins, *(oracle.model(each) for each in self.models.values())]


@given(steps=st.lists(STEP, max_size=25), asked=st.lists(st.sampled_from(QUESTIONS), min_size=3))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_a_search_finds_what_plain_python_finds(
    empty: Graph, steps: list[tuple[Any, ...]], asked: list[str]
) -> None:
    world = World(empty)
    await world.empty()
    for part in _apart(steps):
        async with searching(empty) as service:
            for step in part:
                if step[0] == "follow":
                    await service.reach(None)
                elif step[0] == "reset":
                    await world.empty()
                else:
                    await world.step(step)
            await service.reach(None)
            for text in {*asked, "room", "loby"}:
                _compare(await ask(service, text), world, text)


def _apart(steps: list[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
    parts: list[list[tuple[Any, ...]]] = [[]]
    for step in steps:
        if step[0] == "restart":
            parts.append([])
        else:
            parts[-1].append(step)
    return parts


def _compare(found: SearchAnswer, world: World, text: str) -> None:
    wanted = oracle.found(world.things(), text, LIMIT)
    assert wanted is not None
    assert {kind: ids(found, kind) for kind in wanted} == wanted, text
    counts = Counter(name for _, name in world.edges.values())
    for hit in found.hits:
        if hit.kind == "relationship":
            assert hit.count == counts[hit.id] > 0
    assert not found.more
    assert not found.lag
    scores = [hit.match.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


async def test_what_is_better_comes_first_and_is_shown_where_it_is(graph: Graph) -> None:
    await graph.put("kitchen", room())
    await graph.put("kitchenette", room())
    await graph.put("r1", room(name="Kitchen"))
    await graph.put("r2", room(name="Old kitchen"))
    await graph.put("r3", room(labels={"by": "x" * 300 + " the kitchen sink"}))
    await graph.put("r4", room(name="kitchan"))
    async with searching(graph) as service:
        await service.reach(None)
        found = await ask(service, "Kitchen")
        few = await ask(service, "Kitchen", 2)
    assert [hit.id for hit in found.hits] == ["kitchen", "r1", "kitchenette", "r2", "r3", "r4"]
    assert [hit.id for hit in few.hits] == ["kitchen", "r1"]
    assert few.more
    deep = found.hits[4].match
    assert deep.path == "/labels/by"
    ((start, length),) = deep.places
    assert deep.text[start : start + length] == "kitchen"
    assert len(deep.text) == 200


async def test_names_of_relationships_are_counted_through_renames(graph: Graph) -> None:
    for each in "abc":
        await graph.put(each, room())
    async with searching(graph) as service:
        await graph.relate("a", "e", edge("b"))
        await graph.relate("b", "e", edge("c"))
        await service.reach(None)
        await graph.relate("a", "e", edge("b", "above"))
        await service.reach(None)
        first = await ask(service, "nexto")
        other = await ask(service, "above")
        await graph.unrelate("a", "e")
        await service.reach(None)
        gone = await ask(service, "above")
    assert [(hit.id, hit.count) for hit in first.hits] == [("nextTo", 1)]
    assert [(hit.id, hit.count) for hit in other.hits] == [("above", 1)]
    assert not gone.hits


async def test_a_log_that_was_cut_and_an_index_of_another_graph_are_read_anew(
    engine: Engine,
) -> None:
    store = await engine.open(log_seconds=0)
    graph = Graph(store, engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    await graph.put("first", room(name="Lobby"))
    async with searching(graph) as service:
        await service.reach(None)
    await graph.put("second", room(name="Lobby"))
    await graph.delete("first")
    await store.prune()
    await graph.put("third", room(name="Lobby"))
    async with searching(graph) as service:
        await service.reach(None)
        found = await ask(service, "lobby")
    assert ids(found, "twin") == {"second", "third"}
    held = await store.search.state()
    assert held.scan > 1
    owner = "somebody"
    assert await store.search.hold(owner, 5)
    foreign = IndexState(source="another.graph", position=3, scan=7)
    assert await store.search.write(owner, IndexBatch(foreign))
    await store.search.let_go(owner)
    async with searching(graph) as service:
        await service.reach(None)
        assert ids(await ask(service, "lobby"), "twin") == {"second", "third"}


async def test_what_was_made_again_under_another_number_is_there_once(graph: Graph) -> None:
    search, owner = graph.store.search, "somebody"
    await search.prepare()
    assert await search.hold(owner, 5)
    state = await search.state()
    for key, name in ((7, "Old lobby"), (9, "New lobby")):
        fields = (("$dtId", "A"), ("/name", name))
        text = IndexedText("twin", key, "A", name, None, fields, 2)
        assert await search.write(owner, IndexBatch(state, [text]))
    found = await search.find(IndexQuestion("twin", "lobby", ("lobby",), (), 10, 10.0))
    assert [row.name for row in found.rows] == ["New lobby"]
    await search.let_go(owner)


async def test_a_scan_goes_on_where_it_was_and_answers_meanwhile(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "SCANNED", 5)
    for number in range(20):
        await graph.put(f"room-{number}", room(name="Lobby"))
    read, stuck, enough = graph.store.search.next_rows, asyncio.Event(), asyncio.Event()
    calls = []

    async def few(kind: Any, after: int, limit: int) -> Any:
        calls.append((kind, after))
        if kind == "twin" and after >= 10 and not enough.is_set():
            stuck.set()
            await asyncio.Event().wait()
        return await read(kind, after, limit)

    monkeypatch.setattr(graph.store.search, "next_rows", few)
    async with searching(graph) as service:
        await stuck.wait()
        half = await ask(service, "lobby")
        assert half.building
        assert 5 <= len(half.hits) <= 10
        with pytest.raises(Unavailable, match="has not come to change"):
            await service._follower.reach(1, 0.05)
    enough.set()
    calls.clear()
    async with searching(graph) as service:
        await service.reach(None)
        whole = await ask(service, "lobby")
    assert len(whole.hits) == 20
    assert calls[0] == ("twin", 10)


async def test_one_of_several_followers_writes(engine: Engine, graph: Graph) -> None:
    if not graph.store.search.shared:
        pytest.skip("one process has the index to itself")
    await graph.put("a", room(name="Lobby"))
    async with searching(graph) as one, searching(graph) as other:
        await one.reach(None)
        await graph.put("b", room(name="Lobby"))
        await other.reach(None)
        assert ids(await ask(other, "lobby"), "twin") == {"a", "b"}
        before = await graph.store.search.state()
        assert not await graph.store.search.write("nobody", IndexBatch(IndexState(position=99)))
        assert await graph.store.search.state() == before


async def test_who_has_lost_the_index_sweeps_nothing(graph: Graph) -> None:
    search = graph.store.search
    if not search.shared:
        pytest.skip("one process has the index to itself")
    await search.prepare()
    assert await search.holder() is None
    assert await search.hold("one", 5)
    rows = [
        IndexedText("twin", key, str(key), None, None, (("$dtId", str(key)),), 1)
        for key in range(3)
    ]
    assert await search.write("one", IndexBatch(IndexState(scan=1), put=rows))
    await search.let_go("one")
    assert await search.hold("other", 5)
    assert await search.holder() == "other"
    before = await search.state()
    assert not await search.write("one", IndexBatch(IndexState(scan=2), sweep=True))
    assert await search.state() == before
    asked = IndexQuestion("twin", "1", (), ("1",), 5, 5.0)
    assert [each.id for each in (await search.find(asked)).rows] == ["1"]


async def test_a_write_that_takes_long_keeps_the_index(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = graph.store.search
    if not search.shared:
        pytest.skip("one process has the index to itself")
    monkeypatch.setattr(follower, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(follower, "LEASE_SECONDS", 1.0)
    write, taken = search.write, []

    async def slow(owner: str, batch: IndexBatch) -> bool:
        if batch.sweep:
            await asyncio.sleep(2.0)
            taken.append(await search.hold("another", 1.0))
        return await write(owner, batch)

    monkeypatch.setattr(search, "write", slow)
    async with searching(graph) as service:
        await service.reach(None)
        held = (await service.status()).held_by
        assert held is not None
        assert held.count("/") == 2, "host, process and a word of its own, as all leases have"
        assert held == await search.holder()
    assert taken == [False]
    assert await search.holder() is None


async def test_a_claim_that_was_given_up_is_renewed_no_more(graph: Graph) -> None:
    search = graph.store.search
    await search.prepare()
    assert await search.hold("one", 5)
    assert await search.keep("one", 5)
    await search.let_go("one")
    assert await search.keep("one", 5) is not search.shared
    assert await search.holder() is None


async def test_who_had_lost_the_index_reads_where_it_stands(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = graph.store.search
    if not search.shared:
        pytest.skip("one process has the index to itself")
    monkeypatch.setattr(follower, "RENEW_SECONDS", 0.1)
    async with searching(graph) as made:
        await made.reach(None)
        owner = await search.holder()
        assert owner is not None
        await search.let_go(owner)
        assert await search.hold("another", 5)
        moved = with_changes(await search.state(), scan=70)
        assert await search.write("another", IndexBatch(moved))
        await search.let_go("another")
        await asyncio.sleep(1.0)
        await graph.put("b", room(name="Lobby"))
        await made.reach(None)
        assert (await search.state()).scan == 70


async def test_however_many_wait_the_store_is_asked_one_question(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = graph.store.search
    await graph.put("a", room(name="Lobby"))
    async with searching(graph) as holding:
        await holding.reach(None)
        waiting = SearchService(search, graph.store.events, graph.store.host_name, Vitals())
        state, asked, at_once = search.state, 0, 0

        async def counted() -> IndexState:
            nonlocal asked, at_once
            asked += 1
            at_once += 1
            try:
                await asyncio.sleep(0.05)
                return await state()
            finally:
                at_once -= 1
                assert at_once == 0

        monkeypatch.setattr(search, "state", counted)
        await asyncio.gather(*(waiting.reach(None) for _ in range(30)))
        assert asked < 10


async def test_questions_that_cannot_be_asked(graph: Graph) -> None:
    async with searching(graph) as service:
        await service.reach(None)
        for text in ("", " \n", "x" * 201, "a b c d e f g h i"):
            with pytest.raises(InvalidArgument):
                await ask(service, text)
        with pytest.raises(InvalidArgument, match="no change 99"):
            await service.reach(99)


@pytest.mark.parametrize("damage", ["rubbish", "cut short", "pages", "another program's"])
async def test_a_damaged_index_is_made_anew(sqlite: SqliteEngine, damage: str) -> None:
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    for number in range(50):
        await graph.put(f"room-{number}", room(name=f"Lobby {number}"))
    async with searching(graph) as service:
        await service.reach(None)
    path = index_file(sqlite.path())
    await store.close()
    whole = path.read_bytes()
    path.write_bytes(
        {
            "rubbish": b"x" * 10_000,
            "cut short": whole[: len(whole) // 3],
            "pages": whole[:4096] + bytes(8 * 4096) + whole[9 * 4096 :],
            "another program's": whole[:68] + b"OTHR" + whole[72:],
        }[damage]
    )
    store = await sqlite.open("graph")
    graph = Graph(store, sqlite.history())
    async with searching(graph) as service:
        await service.reach(None)
        found = await ask(service, "lobby")
    assert len(found.hits) == 50


async def _with_a_hole(sqlite: SqliteEngine) -> None:
    """Leave an index that does not find what it should, so that it tells whether it is kept."""
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    await graph.put("a", room(name="Lobby"))
    async with searching(graph) as service:
        await service.reach(None)
        await store.search.write("", IndexBatch(await store.search.state(), twins=["a"]))
    await store.close()


async def _is_kept(sqlite: SqliteEngine) -> bool:
    store = await sqlite.open("graph")
    async with searching(Graph(store, sqlite.history())) as service:
        await service.reach(None)
        found = ids(await ask(service, "lobby"), "twin")
    await store.close()
    return not found


def _mark(sqlite: SqliteEngine) -> Path:
    file = index_file(sqlite.path())
    return file.with_name(file.name + MARK_SUFFIX)


async def test_an_index_that_the_system_left_in_the_middle_is_made_anew(
    sqlite: SqliteEngine,
) -> None:
    await _with_a_hole(sqlite)
    mark = _mark(sqlite)
    assert not mark.exists(), "all of it is on the disk"
    assert await _is_kept(sqlite)
    mark.write_bytes(BOOT_FILE.read_bytes())
    assert await _is_kept(sqlite), "a process that is killed leaves a whole file"
    assert not mark.exists()
    mark.write_bytes(b"the boot before\n")
    assert not await _is_kept(sqlite)
    assert not mark.exists()


async def test_an_index_waits_for_the_disk_where_a_power_cut_would_not_be_noticed(
    sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    modes = []
    for boot in (BOOT_FILE, tmp_path / "none"):
        monkeypatch.setattr(unsynced, "BOOT_FILE", boot)
        store = await sqlite.open()
        await store.search.prepare()
        index: Any = store.search
        modes.append(index._connection.pragma("synchronous"))
        assert _mark(sqlite).exists() == (boot is BOOT_FILE)
        await store.close()
        assert not _mark(sqlite).exists()
    assert modes == [0, 1]


async def test_an_index_that_is_damaged_while_it_is_served_is_made_anew(
    sqlite: SqliteEngine,
) -> None:
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    await graph.put("a", room(name="Lobby"))
    async with searching(graph) as service:
        await service.reach(None)
        index: Any = store.search
        index._connection.execute("DROP TABLE words").fetchall()
        await graph.put("b", room(name="Lobby"))
        await asyncio.wait_for(_until(service, {"a", "b"}), 10)
        assert (await ask(service, "lobbi")).hits


def _write_and_be_killed(place: str, name: str, written: int) -> None:
    command = [sys.executable, "-m", "tests.store.search_child", place, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(written):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)


async def _until(service: SearchService, wanted: set[str]) -> None:
    while True:
        try:
            await service.reach(None)
            if ids(await ask(service, "lobby"), "twin") == wanted:
                return
        except Unavailable:
            pass
        await asyncio.sleep(0.02)


async def test_a_process_that_is_killed_while_it_follows_leaves_a_true_index(
    engine: Engine, graph: Graph
) -> None:
    place, name = engine.place("graph")
    if not graph.store.search.shared:
        await graph.store.close()  # one process at a time
    for written in (1, 40, 90):
        await asyncio.to_thread(_write_and_be_killed, place, name, written)
    store = graph.store if graph.store.search.shared else await engine.open()
    rows = await store.search.next_rows("twin", 0, 1_000)
    models = await store.search.next_rows("model", 0, 1_000)
    things = [oracle.twin(row.id, orjson.loads(row.doc)) for row in rows]
    things += [oracle.model(orjson.loads(row.doc)) for row in models]
    async with searching(Graph(store, graph.history)) as service:
        await service.reach(None)
        for text in QUESTIONS:
            found, wanted = await ask(service, text), oracle.found(things, text, LIMIT)
            assert wanted is not None
            assert {kind: ids(found, kind) for kind in wanted} == wanted, text
        counted = dict(await store.search.names(10))
    assert counted == (await store.search.count_names()).counts
    assert (await store.search.state()).scan == 1


@given(st.text(max_size=40), st.text(max_size=3))
@settings(max_examples=200, deadline=None)
def test_what_is_shown_as_found_is_there(text: str, part: str) -> None:
    assert len(folded_places(text)) == len(fold(text)) + 1
    asked = question(f"{text[:20]} {part}")
    if not asked.text or not asked.words:
        return
    match = best_match(asked, [("$dtId", f"{text} {part}")], 1)
    assert match is not None
    units = match.text.encode("utf-16-le", "surrogatepass")
    for start, length in match.places:
        assert length > 0
        assert start + length <= len(units) // 2


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_one_letter_apart(one: str, other: str) -> None:
    assert is_near(one, other) == oracle.one_letter_apart(one, other)
