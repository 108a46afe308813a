"""Versions: gapless, whole, in time; tombstones carry keys and numbers over a deletion."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import orjson
import pytest

from kastor.clock import twin_time
from kastor.errors import KastorError, PreconditionFailed
from kastor.graph import commands as c
from kastor.records import SYSTEM

from .engines import Engine, Version
from .graphs import HALL_MODEL, Graph, edge, hall, remove, replace, room

pytestmark = pytest.mark.anyio


def assert_chain(versions: list[Version]) -> None:
    """Numbers without gaps, each beginning where the one before it ended."""
    numbers = [each.version for each in versions]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for older, newer in pairwise(versions):
        assert older.valid_to == newer.valid_from
        assert older.valid_from < newer.valid_from
    assert all(each.valid_to is not None for each in versions[:-1])
    assert len({each.etag for each in versions}) == len(versions)


async def test_every_write_of_a_twin_is_a_version_with_its_whole_document(graph: Graph) -> None:
    written = [await graph.put("r", room(temperature=1.5, name="one"))]
    written.append(await graph.patch("r", replace("/temperature", 2)))
    written.append(await graph.put("r", room(name="three")))
    written.append(await graph.patch("r", remove("/name")))
    written.append(await graph.patch("r"))
    versions = graph.history.twin_versions("r")
    assert [each.version for each in versions] == [1, 2, 3, 4, 5]
    assert_chain(versions)
    assert [each.doc for each in versions] == [orjson.loads(each.doc) for each in written]
    assert [each.etag for each in versions] == [each.etag for each in written]
    assert versions[-1].valid_to is None
    assert [twin_time(each.valid_from) for each in versions] == [
        each.doc["$metadata"]["$lastUpdateTime"] for each in versions
    ]


async def test_a_stored_document_has_no_etag_and_keeps_its_id(graph: Graph) -> None:
    await graph.put("r", room(**{"$etag": 'W/"other"', "$dtId": "other"}))
    [version] = graph.history.twin_versions("r")
    assert "$etag" not in version.doc
    assert version.doc["$dtId"] == "r"


async def test_versions_tell_who_wrote_and_who_ended_them(graph: Graph) -> None:
    await graph.execute(c.PutTwin("h", hall()), "ann")
    await graph.execute(c.PatchTwin("h", ()), "ben")
    await graph.execute(c.DeleteTwin("h"), "cleo")
    versions = graph.history.twin_versions("h")
    assert [(each.actor, each.ended_actor) for each in versions] == [
        ("ann", "ben"),
        ("ben", "cleo"),
    ]


async def test_every_write_of_a_relationship_is_a_version(graph: Graph) -> None:
    for name in "abc":
        await graph.put(name, room())
    await graph.relate("a", "e", edge("b", door="oak"))
    await graph.execute(c.PatchRelationship("a", "e", (replace("/door", "pine"),)))
    await graph.relate("a", "e", edge("c", "above"))
    versions = graph.history.relationship_versions("e")
    assert_chain(versions)
    assert [(each.version, each.name, each.doc.get("door")) for each in versions] == [
        (1, "nextTo", "oak"),
        (2, "nextTo", "pine"),
        (3, "above", None),
    ]
    keys = [(await graph.service.twin(name, SYSTEM)).key for name in "abbc"]
    assert [versions[0].source_key, *(each.target_key for each in versions)] == keys
    assert len({each.key for each in versions}) == 1


async def test_times_increase_strictly_over_the_whole_graph(graph: Graph) -> None:
    await asyncio.gather(*(graph.put(f"h{n}", hall(seats=n)) for n in range(200)))
    times = [row.time for row in graph.history.log() if row.kind == "Twin.Create"]
    assert len(times) == 200
    assert all(older < newer for older, newer in pairwise(times))


async def test_time_goes_on_when_the_clock_stands_still_or_runs_backwards(engine: Engine) -> None:
    ticks = iter([1000, 1000, 1000, 500, 2000, 1])
    store = await engine.open(clock=lambda: next(ticks))
    graph = Graph(store, engine.history())
    await graph.upload(HALL_MODEL)
    for n in range(5):
        await graph.put("h", hall(seats=n))
    times = [each.valid_from for each in graph.history.twin_versions("h")]
    assert times == [1001, 1002, 1003, 2000, 2001]


async def test_time_does_not_run_backwards_over_a_restart(engine: Engine) -> None:
    store = await engine.open(clock=lambda: 5000)
    await Graph(store, engine.history()).upload(HALL_MODEL)
    await store.close()
    store = await engine.open(clock=lambda: 10)
    graph = Graph(store, engine.history())
    await graph.put("h", hall())
    assert graph.history.twin_versions("h")[0].valid_from == 5001


async def test_a_deleted_twin_that_is_created_again_goes_on_counting(graph: Graph) -> None:
    await graph.put("h", hall(seats=1))
    await graph.patch("h", replace("/seats", 2))
    key = (await graph.service.twin("h", SYSTEM)).key
    await graph.delete("h")
    [tomb] = graph.history.tombstones()
    assert (tomb.kind, tomb.id, tomb.key, tomb.last_version) == ("twin", "h", key, 3)
    await graph.put("h", hall(seats=4))
    assert graph.history.tombstones() == []
    row = await graph.service.twin("h", SYSTEM)
    assert (row.key, row.version) == (key, 4)
    versions = graph.history.twin_versions("h")
    assert [each.version for each in versions] == [1, 2, 4]
    log = [row.version for row in graph.history.log() if row.subject == "h"]
    assert log == [1, 2, 3, 4]


async def test_a_twin_may_live_and_die_many_times(graph: Graph) -> None:
    for _ in range(4):
        await graph.put("h", hall())
        await graph.delete("h")
    versions = graph.history.twin_versions("h")
    assert [each.version for each in versions] == [1, 3, 5, 7]
    assert len({each.key for each in versions}) == 1
    assert [row.version for row in graph.history.log() if row.subject == "h"] == list(range(1, 9))


async def test_a_deleted_relationship_that_is_created_again_goes_on_counting(graph: Graph) -> None:
    for name in "ab":
        await graph.put(name, room())
    for source, target in (("a", "b"), ("b", "a")):
        await graph.relate(source, "e", edge(target))
    key = (await graph.service.relationship("a", "e", SYSTEM)).key
    await graph.unrelate("a", "e")
    other = await graph.service.relationship("b", "e", SYSTEM)
    assert other.key != key
    await graph.relate("a", "e", edge("b"))
    row = await graph.service.relationship("a", "e", SYSTEM)
    assert (row.key, row.version) == (key, 3)
    assert (await graph.service.relationship("b", "e", SYSTEM)).version == 1


async def test_a_key_is_never_used_for_another_twin(graph: Graph) -> None:
    seen = set()
    for n in range(10):
        await graph.put(f"h{n}", hall())
        seen.add((await graph.service.twin(f"h{n}", SYSTEM)).key)
        await graph.delete(f"h{n}")
    assert len(seen) == 10


async def test_refused_writes_leave_no_trace(graph: Graph) -> None:
    written = await graph.put("r", room(temperature=1))
    for command in (
        c.PutTwin("r", room(temperature="warm")),
        c.PutTwin("r", room(), only_if_absent=True),
        c.PatchTwin("r", (replace("/nothing", 1),)),
        c.PatchTwin("r", (replace("/temperature", "warm"),)),
        c.PatchTwin("r", (replace("/temperature", 2),), c.IfMatch(frozenset({"other"}))),
        c.DeleteTwin("r", c.IfMatch(frozenset({"other"}))),
        c.PutRelationship("r", "e", edge("nobody")),
        c.DeleteRelationship("r", "e"),
        c.SendTelemetry("nobody", b"{}", "application/json"),
    ):
        before = graph.history.log()
        with pytest.raises(KastorError):
            await graph.execute(command)
        assert graph.history.log() == before
    [version] = graph.history.twin_versions("r")
    assert version.etag == written.etag
    assert graph.history.tombstones() == []


async def test_if_match_is_compared_inside_the_transaction(graph: Graph) -> None:
    written = await graph.put("h", hall(seats=0))
    condition = c.IfMatch(frozenset({written.etag}))
    results = await asyncio.gather(
        *(
            graph.execute(c.PatchTwin("h", (replace("/seats", n),), condition))
            for n in range(1, 31)
        ),
        return_exceptions=True,
    )
    won = [each for each in results if isinstance(each, c.Written)]
    lost = [each for each in results if isinstance(each, PreconditionFailed)]
    assert (len(won), len(lost)) == (1, 29)
    assert (await graph.service.twin("h", SYSTEM)).etag == won[0].etag


async def test_concurrent_writes_of_one_twin_are_serial_and_none_is_lost(graph: Graph) -> None:
    await graph.put("r", room(labels={}))
    await asyncio.gather(
        *(
            graph.patch("r", {"op": "add", "path": f"/labels/k{n}", "value": "x"})
            for n in range(150)
        )
    )
    assert len((await graph.document("r"))["labels"]) == 150
    versions = graph.history.twin_versions("r")
    assert [each.version for each in versions] == list(range(1, 152))
    assert_chain(versions)
    assert [len(each.doc["labels"]) for each in versions] == list(range(151))
