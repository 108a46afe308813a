"""A graph over its life: restarts, emptying, paging through what is there, status."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kastor.errors import KastorError, NotFound, ValidationFailed
from kastor.graph import commands as c
from kastor.records import SYSTEM, RelationshipPage

from .engines import Engine
from .graphs import HALL, HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, hall, replace, room

pytestmark = pytest.mark.anyio


async def fill(graph: Graph) -> None:
    """Some of everything: current rows, versions, tombstones, log, a decommissioned model."""
    for name in "abcd":
        await graph.put(name, room(name=name))
    await graph.patch("a", replace("/name", "A"))
    await graph.relate("a", "e1", edge("b", door="oak"))
    await graph.relate("a", "e2", edge("c", "above"))
    await graph.relate("b", "e1", edge("c"))
    await graph.unrelate("a", "e2")
    await graph.delete("d")
    await graph.execute(c.SendTelemetry("a", b'{"t":1}', "application/json", "m1"))
    await graph.execute(c.CommissionModel(HALL, False))


async def contents(graph: Graph) -> dict[str, Any]:
    history = graph.history
    return {
        "twins": {name: await graph.service.twin(name, SYSTEM) for name in "abc"},
        "outgoing": {
            name: await graph.service.outgoing(name, None, "", 10, SYSTEM) for name in "abc"
        },
        "versions": [history.twin_versions(name) for name in "abcd"],
        "relationship versions": [history.relationship_versions(name) for name in ("e1", "e2")],
        "log": history.log(),
        "uploads": history.uploads(),
        "tombstones": history.tombstones(),
        "models": dict(graph.service.catalog.models),
        "keys": dict(graph.service.catalog.keys),
        "epoch": graph.service.catalog.epoch,
        "host": graph.store.host_name,
        "signing key": graph.store.signing_key,
        "sizes": history.sizes(),
    }


async def test_a_restart_keeps_everything(engine: Engine, graph: Graph) -> None:
    await fill(graph)
    before, status = await contents(graph), await graph.store.status(SYSTEM)
    await graph.store.close()
    again = Graph(await engine.open(), engine.history())
    assert await contents(again) == before
    after = await again.store.status(SYSTEM)
    assert (after.version_bytes, after.log_bytes) == (status.version_bytes, status.log_bytes)


async def test_after_a_restart_writing_goes_on_where_it_stopped(
    engine: Engine, graph: Graph
) -> None:
    await fill(graph)
    last = graph.history.log()[-1]
    row = await graph.service.twin("a", SYSTEM)
    await graph.store.close()
    again = Graph(await engine.open(), engine.history())
    await again.patch("a", replace("/name", "B"))
    await again.relate("a", "e2", edge("c", "above"))
    await again.put("d", room())
    log = again.history.log()
    assert [each.seq for each in log[-3:]] == [last.seq + 1, last.seq + 2, last.seq + 3]
    assert [each.version for each in log[-3:]] == [row.version + 1, 3, 3]
    assert again.service.model(HALL, SYSTEM).decommissioned


async def test_two_graphs_of_one_engine_know_nothing_of_each_other(engine: Engine) -> None:
    one = Graph(await engine.open("one"), engine.history("one"))
    two = Graph(await engine.open("two"), engine.history("two"))
    await one.upload(HALL_MODEL)
    await one.put("h", hall())
    assert two.service.catalog.models == {}
    with pytest.raises(NotFound):
        await two.service.twin("h", SYSTEM)
    assert one.store.host_name != two.store.host_name
    assert one.store.signing_key != two.store.signing_key


async def test_reset_empties_the_graph_and_it_can_be_filled_again(graph: Graph) -> None:
    await fill(graph)
    log = graph.history.log()
    keys = (await graph.service.twin("a", SYSTEM)).key, graph.service.model(HALL, SYSTEM).key
    await graph.store.reset()
    status = await graph.store.status(SYSTEM)
    counts = (
        status.twins,
        status.relationships,
        status.models,
        status.versions,
        status.log_entries,
    )
    assert counts == (0, 0, 0, 0, 0)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes() == (0, 0)
    assert graph.history.tombstones() == []
    assert graph.history.uploads() == []
    assert dict(graph.service.catalog.models) == {}
    with pytest.raises(NotFound):
        await graph.service.twin("a", SYSTEM)
    with pytest.raises(ValidationFailed):
        await graph.put("a", room())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await fill(graph)
    again = graph.history.log()
    # Emptying is no licence to use a number again.
    assert again[0].seq > log[-1].seq
    assert again[0].time > log[-1].time
    assert (await graph.service.twin("a", SYSTEM)).key > keys[0]
    assert graph.service.model(HALL, SYSTEM).key > keys[1]
    assert not {row.event_id for row in again} & {row.event_id for row in log} - {"m1"}
    assert graph.history.twin_versions("a")[0].version == 1


async def test_emptying_takes_a_position_so_that_readers_of_the_log_see_it(graph: Graph) -> None:
    await fill(graph)
    events = graph.store.events
    _, last = await events.log_bounds()
    assert await events.before_next(0) == 0
    assert await events.before_next(last - 1) == last - 1
    assert await events.before_next(last) == last
    await graph.store.reset()
    assert await events.before_next(last) == last + 1 == (await events.log_bounds())[1]
    async with asyncio.timeout(5):
        await events.log_wake(last)
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    first = (await events.changes_after(last, 1))[0].seq
    assert first == last + 2
    assert await events.before_next(3) == last + 1


async def test_reset_among_writes_leaves_a_sound_graph(graph: Graph) -> None:
    async def writer(n: int) -> None:
        await graph.put(f"r{n}", room())
        await graph.put(f"s{n}", room())
        await graph.relate(f"r{n}", "e", edge(f"s{n}"))

    for _ in range(3):
        results = await asyncio.gather(
            *(writer(n) for n in range(20)),
            graph.store.reset(),
            *(writer(n) for n in range(20, 40)),
            return_exceptions=True,
        )
        assert all(each is None or isinstance(each, KastorError) for each in results)
        await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        await writer(99)
        await graph.store.reset()
        await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    status = await graph.store.status(SYSTEM)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()


async def test_a_reset_is_kept_over_a_restart(engine: Engine, graph: Graph) -> None:
    await fill(graph)
    epoch = graph.service.catalog.epoch
    await graph.store.reset()
    await graph.store.close()
    again = Graph(await engine.open(), engine.history())
    assert dict(again.service.catalog.models) == {}
    assert again.service.catalog.epoch == epoch + 1
    assert again.history.log() == []


async def test_outgoing_relationships_are_paged_in_order_of_code_points(graph: Graph) -> None:
    await graph.put("a", room())
    await graph.put("b", room())
    ids = ["B", "a", "é", "漢", "😀", "Z", "10", "9", "\uffff"]
    for each in ids:
        await graph.relate("a", each, edge("b", "above" if each == "a" else "nextTo"))
    found: list[str] = []
    while True:
        page = await graph.service.outgoing("a", None, found[-1] if found else "", 2, SYSTEM)
        found += [row.id for row in page.rows]
        assert page.more == (len(found) < len(ids))
        if not page.more:
            break
    assert found == sorted(ids)
    named = await graph.service.outgoing("a", "nextTo", "", 100, SYSTEM)
    assert [row.id for row in named.rows] == sorted(set(ids) - {"a"})


async def test_incoming_relationships_are_paged_without_loss(graph: Graph) -> None:
    await graph.put("hub", room())
    for n in range(12):
        await graph.put(f"r{n}", room())
        for name in ("nextTo", "above"):
            await graph.relate(f"r{n}", name, edge("hub", name))
    found, after = [], (0, 0, 0)
    while page := await graph.service.incoming("hub", after, 5, SYSTEM):
        found += [(row.source_id, row.name, row.id) for row in page]
        after = (page[-1].name_key, page[-1].source_key, page[-1].key)
    expected = [(f"r{n}", name, name) for n in range(12) for name in ("nextTo", "above")]
    assert sorted(found) == sorted(expected)


async def test_reads_of_what_is_not_there_say_so(graph: Graph) -> None:
    await graph.put("a", room())
    assert await graph.store.twin("x", SYSTEM) is None
    assert await graph.store.relationship("x", "e", SYSTEM) == (False, None)
    assert await graph.store.relationship("a", "e", SYSTEM) == (True, None)
    assert await graph.store.outgoing("x", None, "", 1, SYSTEM) is None
    assert await graph.store.incoming("x", (0, 0, 0), 1, SYSTEM) is None
    assert await graph.store.outgoing("a", "nextTo", "", 1, SYSTEM) == RelationshipPage([], False)
    assert await graph.store.incoming("a", (0, 0, 0), 1, SYSTEM) == []


async def test_status_counts_what_is_stored(graph: Graph) -> None:
    await fill(graph)
    status = await graph.store.status(SYSTEM)
    versions = [graph.history.twin_versions(name) for name in "abcd"]
    versions += [graph.history.relationship_versions(name) for name in ("e1", "e2")]
    ended = [each.valid_to for group in versions for each in group if each.valid_to]
    log = graph.history.log()
    assert (status.twins, status.relationships, status.models) == (3, 2, 3)
    assert (status.versions, status.log_entries) == (len(ended), len(log))
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()
    assert status.oldest_version == min(ended)
    assert status.oldest_log_entry == log[0].time
    assert status.file_bytes > 0


async def test_ids_that_an_encoded_slash_reached_in_early_versions_are_found(graph: Graph) -> None:
    assert await graph.store.escaped_slashes(3, SYSTEM) == (0, [])
    for name in ("b%2Fc", "a%2f", "plain", "2F", "a/b"):
        await graph.put(name, room())
    await graph.relate("plain", "r%2Fs", edge("2F"))
    assert await graph.store.escaped_slashes(2, SYSTEM) == (3, ["a%2f", "b%2Fc"])
    assert await graph.store.escaped_slashes(9, SYSTEM) == (3, ["a%2f", "b%2Fc", "r%2Fs"])
