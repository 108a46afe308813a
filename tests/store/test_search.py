"""Search beside a model in plain Python: random graphs and histories, on every engine."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kastor.errors import InvalidArgument, KastorError
from kastor.graph import commands as c
from kastor.search.ranking import best_match, question
from kastor.search.service import SearchAnswer
from kastor.storage.search_texts import fold, folded_places, is_near

from . import search_oracle as oracle
from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, interface, prop, replace, room
from .searched import LIMIT, QUESTIONS, ask, ids, searching

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_search")]

IDS = ("room-1", "room-2", "Halle-Süd", "pump", "airHandlingUnit7", "a b")
TEXTS = (
    *("Lobby North", "lobby", "Büro der Leitung", "temperature sensor", "Temperatur", "aaaa"),
    *("pump room 2", "ROOM", "north-west 12", "", " ", "sensor\nsensor", "東京 lobby", "ahu%_'\""),
)

STRANGE = interface("dtmi:s:Strange;1", prop("x", "string"), displayName="Büro Lobby")
OTHER = interface("dtmi:s:Other;1", displayName="Pump", description="A temperature sensor")
NAMES = ("nextTo", "above")


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


async def test_questions_that_cannot_be_asked(graph: Graph) -> None:
    async with searching(graph) as service:
        await service.reach(None)
        for text in ("", " \n", "x" * 201, "a b c d e f g h i"):
            with pytest.raises(InvalidArgument):
                await ask(service, text)
        with pytest.raises(InvalidArgument, match="no change 99"):
            await service.reach(99)


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
