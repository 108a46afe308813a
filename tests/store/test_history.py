"""Reads of every state that a random history went through, against what was there then."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
import pytest
from msgspec import structs

from kastor.errors import InvalidArgument
from kastor.graph import commands as c
from kastor.graph.instants import Named
from kastor.jobs.exporting.wanted import Wanted
from kastor.records import SYSTEM, AsOf, Context
from kastor.storage.history import Kind, Version
from kastor.storage.sqlite import differences

from .engines import Engine
from .graphs import (
    HALL,
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    edge,
    hall,
    interface,
    prop,
    replace,
    room,
)
from .test_exports import exports

pytestmark = pytest.mark.anyio

Document: TypeAlias = dict[str, Any]
Identity: TypeAlias = tuple[str, ...]
Shown: TypeAlias = dict[Identity, Document]
Step: TypeAlias = Callable[[], Awaitable[None]]

TWINS = ("a", "b", "b%2Fc", "é")
RELATIONSHIPS = ("r", "r%2Fs", "ü")
KINDS: tuple[Kind, ...] = ("twin", "relationship")
ALL = 2**62
STEPS = 100
EXPORTS = 5
EXTRA = "dtmi:s:Extra;1"
QUERY = "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 0.5 AND IS_OF_MODEL(T, 'dtmi:s:Room;1')"


@dataclass
class Past:
    """A graph, and what it held after each entry of its change log."""

    graph: Graph
    rng: random.Random
    positions: list[int] = field(default_factory=list)
    shown: dict[Kind, list[Shown]] = field(default_factory=lambda: {"twin": [], "relationship": []})
    etags: list[dict[Identity, str]] = field(default_factory=list)
    models: list[dict[str, tuple[bytes, int, bool]]] = field(default_factory=list)
    exports: dict[int, list[bytes]] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)

    def steps(self) -> list[int]:
        """Those that are looked at: all, but where each look is a round trip."""
        every = 1 if self.graph.store.engine.name == "sqlite" else 4
        return list(range(0, len(self.positions), every))

    async def context(self, step: int) -> Context:
        at = await self.graph.service.at(Named(change=self.positions[step]))
        return structs.replace(SYSTEM, at=at)

    async def at(self, step: int) -> AsOf:
        found = (await self.context(step)).at
        assert found is not None
        return found

    async def note(self) -> None:
        """Write down what is there now, read by the plain road."""
        graph, twins, relationships = self.graph, Shown(), Shown()
        etags = dict[Identity, str]()
        for twin_id in TWINS:
            row = await graph.store.twin(twin_id, SYSTEM)
            if row is None:
                continue
            twins[twin_id,], etags[twin_id,] = orjson.loads(row.doc), row.etag
            page = await graph.store.outgoing(twin_id, None, "", 100, SYSTEM)
            assert page is not None
            for each in page.rows:
                relationships[twin_id, each.id] = orjson.loads(each.doc)
                etags[twin_id, each.id] = each.etag
        self.etags.append(etags)
        self.shown["twin"].append(twins)
        self.shown["relationship"].append(relationships)
        self.positions.append((await graph.store.events.log_bounds())[1])
        self.models.append(models_of(graph, SYSTEM))

    async def note_export(self) -> None:
        """Write down what is exported now: all, what changed lately, what a query finds."""
        wanted = [self.wanted(each) for each in range(3)]
        self.exports[len(self.positions) - 1] = [
            await exported(self.graph, each, SYSTEM) for each in wanted
        ]

    def wanted(self, which: int, step: int = -1) -> Wanted:
        since = self.positions[max(0, step - 10 if step >= 0 else len(self.positions) - 11)]
        return [Wanted(system=True), Wanted(since=since), Wanted(query=QUERY)][which]

    async def step(self) -> None:
        """Do one thing that writes one entry."""
        graph, rng, shown = self.graph, self.rng, self.shown["twin"][-1]
        related = self.shown["relationship"][-1]
        there = [twin_id for (twin_id,) in shown]
        if rng.random() < 0.1:
            await self._change_models()
        elif not there or rng.random() < 0.15:
            make = rng.choice([room, hall])
            await graph.put(rng.choice(TWINS), make(temperature=rng.random()))
        elif rng.random() < 0.3:
            await graph.patch(rng.choice(there), replace("/temperature", rng.random()))
        elif rng.random() < 0.25 and related:
            await graph.unrelate(*rng.choice(list(related)))
        elif rng.random() < 0.3 and (alone := self._alone(there)):
            await graph.delete(rng.choice(alone))
        elif rooms := [each for each in there if shown[each,]["$metadata"]["$model"] != HALL]:
            source, target = rng.choice(rooms), rng.choice(there)
            if source != target:
                body = edge(target, rng.choice(["nextTo", "above"]))
                await graph.relate(source, rng.choice(RELATIONSHIPS), body)

    async def _change_models(self) -> None:
        graph, known = self.graph, self.models[-1].get(EXTRA)
        if known is None:
            await graph.upload(interface(EXTRA, prop(f"p{len(self.positions)}", "string")))
        elif self.rng.random() < 0.5:
            await graph.execute(c.CommissionModel(EXTRA, in_service=known[2]))
        else:
            await graph.execute(c.DeleteModel(EXTRA))

    def _alone(self, there: list[str]) -> list[str]:
        related = self.shown["relationship"][-1]
        ends = {end for (source, _), doc in related.items() for end in (source, doc["$targetId"])}
        return [each for each in there if each not in ends]

    def made(self, kind: Kind, identity: Identity) -> list[tuple[int, Document | None]]:
        """What changes made of one thing: position, and the document; None where it went."""
        found, before = [], None
        states = zip(self.positions, self.shown[kind], self.etags, strict=True)
        for position, shown, etags in states:
            now = etags.get(identity)
            if now != before:
                found.append((position, shown.get(identity)))
            before = now
        return found

    def identities(self, kind: Kind) -> list[Identity]:
        return sorted({identity for shown in self.shown[kind] for identity in shown})


async def history_of(graph: Graph, *, exports_each: int = 2 * STEPS) -> Past:
    past = Past(graph, random.Random(4))
    await past.note()
    for step in range(STEPS):
        await past.step()
        await past.note()
        if step % exports_each == exports_each - 1:
            await past.note_export()
    assert len(past.identities("relationship")) > len(TWINS)
    return past


@pytest.fixture
async def past(graph: Graph) -> Past:
    return await history_of(graph)


@pytest.fixture
async def forgetful(engine: Engine) -> Past:
    """A past whose change log is gone already."""
    graph = Graph(await engine.open(log_seconds=0.0), engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    past = await history_of(graph)
    past.times = {row.pos: row.time for row in graph.history.log()}
    await graph.store.prune()
    assert graph.history.log() == []
    return past


def models_of(graph: Graph, context: Context) -> dict[str, tuple[bytes, int, bool]]:
    found = graph.service.models(context)
    return {each.id: (each.text, each.uploaded, each.decommissioned) for each in found}


async def exported(graph: Graph, wanted: Wanted, context: Context) -> bytes:
    return b"".join([part async for part in await exports(graph).open(wanted, context)])


def document(doc: bytes | None) -> Document | None:
    return None if doc is None else orjson.loads(doc)


async def test_reads_are_as_they_were(past: Past) -> None:
    await _single_things(past)
    await _listings_in_pages_of_every_size(past)
    await _models_and_what_they_say(past)


async def _single_things(past: Past) -> None:
    store = past.graph.store
    for step in past.steps():
        context, twins = await past.context(step), past.shown["twin"][step]
        for twin_id in TWINS:
            row = await store.twin(twin_id, context)
            assert (row and document(row.doc)) == twins.get((twin_id,))
            for relationship_id in RELATIONSHIPS:
                found, own = await store.relationship(twin_id, relationship_id, context)
                assert found is ((twin_id,) in twins)
                then = past.shown["relationship"][step].get((twin_id, relationship_id))
                assert (own and document(own.doc)) == then
                if own is not None and then is not None:
                    assert own.name == then["$relationshipName"]


async def _listings_in_pages_of_every_size(past: Past) -> None:
    store = past.graph.store
    for step in past.steps():
        context, twins = await past.context(step), past.shown["twin"][step]
        related = past.shown["relationship"][step]
        for twin_id in TWINS:
            name = past.rng.choice([None, "nextTo", "above"])
            size = past.rng.randrange(1, 4)
            if (twin_id,) not in twins:
                assert await store.outgoing(twin_id, name, "", size, context) is None
                assert await store.incoming(twin_id, (-1, -1, -1), size, context) is None
                continue
            expected = {
                key: doc
                for key, doc in related.items()
                if key[0] == twin_id and name in (None, doc["$relationshipName"])
            }
            found = await _outgoing(past.graph, twin_id, name, size, context)
            assert found == sorted(expected.items())
            sources = await _incoming(past.graph, twin_id, size, context)
            entering = [key for key, doc in related.items() if doc["$targetId"] == twin_id]
            assert sorted(sources) == sorted(entering)


async def _outgoing(
    graph: Graph, twin_id: str, name: str | None, size: int, context: Context
) -> list[tuple[Identity, Document]]:
    found: list[tuple[Identity, Document]] = []
    after, more = "", True
    while more:
        page = await graph.store.outgoing(twin_id, name, after, size, context)
        assert page is not None
        assert len(page.rows) <= size
        found += [((twin_id, row.id), orjson.loads(row.doc)) for row in page.rows]
        more = page.more
        after = page.rows[-1].id if page.rows else after
    return found


async def _incoming(graph: Graph, twin_id: str, size: int, context: Context) -> list[Identity]:
    found: list[Identity] = []
    after = (-1, -1, -1)
    while rows := await graph.store.incoming(twin_id, after, size, context):
        found += [(row.source_id, row.id) for row in rows]
        after = rows[-1].name_key, rows[-1].source_key, rows[-1].key
    return found


async def test_versions_follow_one_another_and_deletions_are_among_them(past: Past) -> None:
    for kind in KINDS:
        await _follow(past, kind)
    await _nothing_of_what_never_was_there(past)


async def _follow(past: Past, kind: Kind) -> None:
    history = past.graph.store.history
    for identity in past.identities(kind):
        made = past.made(kind, identity)
        everything = await _versions(past, kind, identity, 0, ALL)
        assert [(each.change, document(each.doc)) for each in everything] == made
        assert [each.version for each in everything] == list(range(1, len(made) + 1))
        for one, other in itertools.pairwise(everything):
            assert one.end == other.start
        assert everything[-1].end is None
        assert {each.actor for each in everything} == {"ann"}
        for _ in range(5):
            start, end = sorted(past.rng.choices(past.positions, k=2))
            some = await _versions(past, kind, identity, start, end)
            assert some == [each for each in everything if start <= each.change <= end]
        for number in range(len(made) + 3):
            before = await history.version_before(kind, identity, number)  # type: ignore[arg-type]
            assert before == (everything[:number][-1] if number else None)


async def _versions(
    past: Past, kind: Kind, identity: Identity, start: int, end: int
) -> list[Version]:
    """All of a range, which has to come the same in both orders and in portions."""
    orders: list[list[Version]] = []
    for descending in (False, True):
        size, found, low, high = past.rng.randrange(1, 5), list[Version](), start, end
        while True:
            portion = await past.graph.store.history.versions(
                kind,
                identity,  # type: ignore[arg-type]
                start=low,
                end=high,
                limit=size,
                descending=descending,
            )
            assert portion is not None
            assert len(portion) <= size
            if not portion:
                break
            found += portion
            low, high = (low, found[-1].change - 1) if descending else (found[-1].change + 1, high)
        orders.append(found[::-1] if descending else found)
    assert orders[0] == orders[1]
    return orders[0]


async def _nothing_of_what_never_was_there(past: Past) -> None:
    history = past.graph.store.history
    wanted: dict[str, Any] = {"start": 0, "end": ALL, "limit": 10, "descending": False}
    assert await history.versions("twin", ("never",), **wanted) is None
    assert await history.versions("relationship", ("never", "r"), **wanted) is None
    assert await history.versions("relationship", ("a", "never"), **wanted) is None
    assert await history.version_before("twin", ("never",), 5) is None


async def test_differences_are_all_that_differs_in_order(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in KINDS:
        for _ in range(12):
            await _compare(past, kind)
    # So many that they are put in order a part at a time.
    monkeypatch.setattr(differences, "MOST_KEYS", 2)
    monkeypatch.setattr(differences, "STEP_KEYS", 1)
    for kind in KINDS:
        for _ in range(10):
            await _compare(past, kind)


async def test_without_the_change_log_the_past_is_the_same(forgetful: Past) -> None:
    past, store = forgetful, forgetful.graph.store
    await _instants_lead_to_their_states(past)
    for kind in KINDS:
        for _ in range(12):
            await _compare(past, kind)
    for step in past.steps():
        context, twins = await past.context(step), past.shown["twin"][step]
        for twin_id in TWINS:
            row = await store.twin(twin_id, context)
            assert (row and document(row.doc)) == twins.get((twin_id,))
    for kind in KINDS:
        for identity in past.identities(kind):
            everything = await _versions(past, kind, identity, 0, ALL)
            assert [(each.change, document(each.doc)) for each in everything] == past.made(
                kind, identity
            )


async def _instants_lead_to_their_states(past: Past) -> None:
    history = past.graph.store.history
    # Entries of one upload have one time.
    times = [(each, past.times[each]) for each in dict.fromkeys(past.positions)]
    for (position, time), (_, later) in itertools.pairwise(times):
        for instant in (time, later - 1):
            assert (await history.resolve(time=instant)).change == position
    newest, last = times[-1]
    assert (await history.resolve(time=last)).change == newest
    assert (await history.resolve(time=last + 1)).change == newest


async def _compare(past: Past, kind: Kind) -> None:
    """Ask for all differences of two random states, in portions."""
    history, shown = past.graph.store.history, past.shown[kind]
    low, high = sorted(past.rng.choices(range(len(shown)), k=2))
    one, other, size = await past.at(low), await past.at(high), past.rng.randrange(1, 4)
    found = list[tuple[Identity, Document | None, Document | None]]()
    after: Identity = ()
    while portion := await history.differences(kind, one, other, after, size):
        assert len(portion) <= size
        found += [(d.identity, document(d.before), document(d.after)) for d in portion]
        after = portion[-1].identity
    assert found == [
        (each, shown[low].get(each), shown[high].get(each))
        for each in past.identities(kind)
        if shown[low].get(each) != shown[high].get(each)
    ]


async def _models_and_what_they_say(past: Past) -> None:
    assert sum(one != other for one, other in itertools.pairwise(past.models)) > 5
    for step in past.steps():
        context, models = await past.context(step), past.models[step]
        assert models_of(past.graph, context) == models
        catalog = past.graph.service.catalog_of(context)
        if EXTRA in models:
            (name,) = [each["name"] for each in orjson.loads(models[EXTRA][0])["contents"]]
            compiled = catalog.compiled(EXTRA)
            assert compiled is not None
            assert list(compiled.properties) == [name]
            assert name in catalog.property_names()
        else:
            assert catalog.compiled(EXTRA) is None


async def test_exports_are_as_they_were_byte_for_byte(graph: Graph) -> None:
    past = await history_of(graph, exports_each=STEPS // EXPORTS)
    assert len({each[0] for each in past.exports.values()}) == EXPORTS
    for step, found in past.exports.items():
        context = await past.context(step)
        for which, then in enumerate(found):
            assert await exported(past.graph, past.wanted(which, step), context) == then
    with pytest.raises(InvalidArgument, match="kastor"):
        await exported(graph, Wanted(kastor=True), await past.context(3))


async def test_before_the_first_entry_there_was_nothing(graph: Graph) -> None:
    await graph.put("a", room())
    first = await graph.store.history.resolve(change=1)
    at = await graph.service.at(Named(change=0))
    assert at.time <= first.time
    assert await graph.store.twin("a", structs.replace(SYSTEM, at=at)) is None
    assert graph.service.models(structs.replace(SYSTEM, at=at)) == []
    earlier = await graph.service.at(Named(time=first.time - 1))
    assert (earlier.change, earlier.time) == (0, first.time - 1)
