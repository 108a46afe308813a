"""Who follows the change log into the index of search: where it goes on, who holds it, how long."""

from __future__ import annotations

import asyncio
from dataclasses import replace as with_changes
from typing import Any

import pytest

from kastor.errors import Unavailable
from kastor.search import follower
from kastor.search.service import SearchService
from kastor.storage.search import IndexBatch, IndexedText, IndexQuestion, IndexState
from kastor.vital import Vitals

from .engines import Engine
from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, room
from .searched import ask, ids, searching

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_search")]


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
