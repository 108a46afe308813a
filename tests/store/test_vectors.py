"""What of vectors is in memory, what is read anew, and that both tell the same, on both engines."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from kastor.distances import distance, packed, rounded
from kastor.storage.vectors import METRICS, VectorIndexRow
from kastor.vectors import following
from kastor.vectors.budget import VectorBudget
from kastor.vectors.following import VectorMemory

from .graphs import Graph, interface, replace

if TYPE_CHECKING:
    from kastor.storage.vectors import Metric

    from .engines import Engine

pytestmark = pytest.mark.anyio
THING = "dtmi:s:Thing;1"
MODEL = interface(
    THING,
    {
        "@type": "Property",
        "name": "embedding",
        "schema": {"@type": "Array", "elementSchema": "double"},
    },
    **{"@context": "dtmi:dtdl:context;3"},
)
TWINS, DIMS = 60, 4


def thing(vector: list[float] | None) -> dict[str, Any]:
    body: dict[str, Any] = {"$metadata": {"$model": THING}}
    return body if vector is None else {**body, "embedding": vector}


def index(name: str = "i", metric: Metric = "l2", path: str | None = "embedding") -> VectorIndexRow:
    return VectorIndexRow(name, DIMS, metric, path, (), 1)


def vector(chance: random.Random) -> list[float]:
    return [chance.uniform(-1, 1) for _ in range(DIMS)]


def memory(graph: Graph, size: int = 2**30) -> VectorMemory:
    return VectorMemory(graph.store.vectors, graph.store.events, VectorBudget(size))


@pytest.fixture
async def things(empty: Graph) -> Graph:
    """A graph of twins with vectors, some of which are none."""
    await empty.upload(MODEL)
    chance = random.Random(3)
    for number in range(TWINS):
        await empty.put(f"t{number}", thing(vector(chance)))
    for number, odd in enumerate([None, [], [1.0], [0.0] * DIMS, [1.0] * (DIMS + 1)]):
        await empty.put(f"odd{number}", thing(odd))
    return empty


async def keys(graph: Graph) -> list[int]:
    return list(memoryview(await graph.store.vectors.vector_keys(None)).cast("q"))


@pytest.mark.parametrize("metric", METRICS)
async def test_what_is_streamed_is_what_is_kept(
    things: Graph, metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = type(things.store.vectors).__module__
    monkeypatch.setattr(f"{engine}.PORTION_BYTES", 1_000)  # ten or sixty at once
    beside = index("side", metric, None)
    await things.store.vectors.put_vector_index(lambda _: beside)
    chance = random.Random(5)
    for number in range(0, TWINS, 2):
        given = packed(rounded(vector(chance)) or ())
        assert await things.store.vectors.put_vectors(beside, {f"t{number}": given})
    kept, streamed = memory(things), memory(things, 0)
    there = await keys(things)
    for each in (index(metric=metric), beside):
        for allowed in (None, np.array(there[::3], np.int64), np.array([], np.int64)):
            asked = vector(chance)
            found = await kept.nearest(each, asked, 7, allowed)
            assert await streamed.nearest(each, asked, 7, allowed) == found
            assert len(found) == (0 if allowed is not None and not len(allowed) else 7)
            assert allowed is None or {key for _, key in found} <= set(allowed.tolist())
    rows = await things.store.vectors.vectors_of(index(), [f"t{n}" for n in range(TWINS)])
    assert len(rows) == TWINS
    assert await streamed.count(index(metric=metric), None) is None


async def test_the_nearest_are_those_of_plain_python(things: Graph) -> None:
    chance = random.Random(3)
    stored = {f"t{n}": rounded(vector(chance)) or () for n in range(TWINS)}
    asked = rounded([0.3, -0.2, 0.1, 0.9]) or ()
    expected = sorted(stored, key=lambda twin: distance("l2", stored[twin], asked) or 0.0)[:9]
    for each in (memory(things), memory(things, 0)):
        found = await each.nearest(index(), asked, 9, None)
        names = dict(await things.store.vectors.twins_by_key([key for _, key in found]))
        assert [names[key] for _, key in found] == expected


async def test_far_behind_it_reads_anew_and_holds_all(
    things: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_BEHIND", 5)
    monkeypatch.setattr(following, "ENTRIES", 2)
    loads = 0
    load = VectorMemory._load

    async def counted(self: VectorMemory, *args: Any) -> bool:
        nonlocal loads
        loads += self is here
        return await load(self, *args)

    monkeypatch.setattr(VectorMemory, "_load", counted)
    here = memory(things)

    async def same() -> None:
        for asked in ([1.0, 0.0, 0.0, 0.0], [5.0] * DIMS):
            fresh = await memory(things, 0).nearest(index(), asked, 5, None)
            assert await here.nearest(index(), asked, 5, None) == fresh

    await same()
    assert loads == 1
    await things.put("near", thing([5.0] * DIMS))
    await things.patch("t1", replace("/embedding", [5.0, 5.0, 5.0, 4.0]))
    await things.delete("t2")
    await things.delete("t3")
    await things.put("t3", thing([5.0, 5.0, 4.0, 4.0]))
    await same()
    assert loads == 1, "five entries are followed, two at a time"
    for number in range(4, 10):
        await things.patch(f"t{number}", replace("/embedding", [float(number)] * DIMS))
    _, newest = await things.store.events.log_bounds()
    assert here.lag(index(), newest) == 6
    await same()
    assert loads == 2, "six are read anew"
    assert here.lag(index(), newest) == 0


async def test_who_was_asked_longest_ago_gives_room_also_to_another_graph(things: Graph) -> None:
    probe = VectorBudget()
    await VectorMemory(things.store.vectors, things.store.events, probe).nearest(
        index(), [1.0] * DIMS, 1, None
    )
    # One matrix was forgotten with its memory: nothing is held for what is gone.
    assert probe.used == 0
    one = memory(things)
    await one.nearest(index(), [1.0] * DIMS, 1, None)
    size = one._budget.used
    budget = VectorBudget(2 * size)
    first, other = (
        VectorMemory(things.store.vectors, things.store.events, budget) for _ in range(2)
    )
    asked = [0.1, 0.2, 0.3, 0.4]
    found = await first.nearest(index("a"), asked, 3, None)
    await other.nearest(index("b"), asked, 3, None)
    assert budget.used == 2 * size
    await first.nearest(index("a"), asked, 3, None)
    await other.nearest(index("c"), asked, 3, None)
    assert budget.used == 2 * size
    assert await first.count(index("a"), None) == TWINS + 1  # with the vector of zeros
    assert await other.count(index("b"), None) is None
    assert await other.nearest(index("b"), asked, 3, None) == found
    assert await first.count(index("a"), None) == TWINS + 1, "counting is a use"
    assert await other.count(index("c"), None) is None
    first.forget([])
    assert budget.used == size


async def test_one_at_work_is_not_taken_its_vectors(things: Graph) -> None:
    one = memory(things)
    await one.nearest(index(), [1.0] * DIMS, 1, None)
    budget = VectorBudget(one._budget.used)
    here = VectorMemory(things.store.vectors, things.store.events, budget)
    found = await here.nearest(index("a"), [1.0] * DIMS, 3, None)
    kept = here._kept[following._form(index("a"))]
    async with kept.lock:
        assert await here.nearest(index("b"), [1.0] * DIMS, 3, None) == found
        assert kept.whole
    assert index("b") not in here._too_large, "there was no room, which may come"


async def test_an_index_that_shrank_is_kept_again(things: Graph) -> None:
    one = memory(things)
    await one.nearest(index(), [1.0] * DIMS, 1, None)
    here = memory(things, one._budget.used - 1)
    asked = [1.0] * DIMS
    await here.nearest(index(), asked, 3, None)
    assert here._too_large
    for number in range(TWINS - 5):
        await things.delete(f"t{number}")
    await here.nearest(index(), asked, 3, None)
    assert not here._too_large
    fresh = await memory(things, 0).nearest(index(), asked, 3, None)
    assert await here.nearest(index(), asked, 3, None) == fresh


async def test_whoever_goes_away_leaves_no_thread_in_the_matrix(things: Graph) -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        go.wait(10)
        return "done"

    waiting = asyncio.ensure_future(following._in_thread(work))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await asyncio.sleep(0.02)
    assert not waiting.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_processes_find_what_another_has_written(engine: Engine, things: Graph) -> None:
    """Each process has a store and a memory of its own on one database."""
    if things.store.engine.name != "postgres":
        pytest.skip("a file has one process")
    second = Graph(await engine.open(), engine.history())
    beside = index("side", path=None)
    await things.store.vectors.put_vector_index(lambda _: beside)
    here, there = memory(things), memory(second)
    asked = [9.0] * DIMS

    async def best(each: VectorIndexRow, memory: VectorMemory) -> str | None:
        found = await memory.nearest(each, asked, 1, None)
        names = dict(await second.store.vectors.twins_by_key([key for _, key in found]))
        return names[found[0][1]] if found else None

    for round_ in range(3):
        await things.put(f"a{round_}", thing([7.0 + round_ / 2] * DIMS))
        assert await best(index(), there) == await best(index(), here) == f"a{round_}"
        await second.patch(f"t{round_}", replace("/embedding", [7.2 + round_ / 2] * DIMS))
        assert await best(index(), here) == await best(index(), there) == f"t{round_}"
        await things.store.vectors.put_vectors(
            beside, {f"t{round_}": packed([5.0 + round_] * DIMS)}
        )
        assert await best(beside, there) == await best(beside, here) == f"t{round_}"
    await second.store.vectors.remove_vector(beside, "t2")
    assert await best(beside, here) == "t1"
    await things.delete("t1")
    assert await best(beside, there) == "t0"


async def test_what_cannot_be_a_vector_is_not_read(things: Graph) -> None:
    await things.put("long", thing([1.5] * 5_000))
    await things.put("text", thing(None))
    rows = await things.store.vectors.vectors_of(index(), ["long", "text", "t0"])
    assert len(rows) == 3
    assert [row.vector is not None for row in sorted(rows, key=lambda row: row.key)] == [
        *(True, False, False)
    ]
    read = 0
    after = -1
    while portion := await things.store.vectors.vectors_after(index(), after):
        read += len(portion)
        after = portion[-1].key
    assert read == TWINS + 1


async def test_counts_are_told_without_vectors(things: Graph) -> None:
    beside = index("side", path=None)
    await things.store.vectors.put_vector_index(lambda _: beside)
    for number in range(4):
        await things.store.vectors.put_vectors(beside, {f"t{number}": packed([1.0] * DIMS)})
    await things.store.vectors.remove_vector(beside, "t0")
    await things.delete("t1")
    all_twins = TWINS + 5 - 1
    assert await things.store.vectors.vector_counts(beside, None) == (all_twins, 2)
    model = things.service.catalog.key_of(THING)
    assert await things.store.vectors.vector_counts(beside, [model]) == (all_twins, 2)
    assert await things.store.vectors.vector_counts(beside, []) == (0, 0)
    assert await things.store.vectors.vector_counts(index(), None) == (all_twins, 0)
