"""Streams of items in a graph: what is written, in which order, and what is told of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from kastor.client import AccessError, AsyncKastorClient, NotFoundError, Retries, UnreachableError
from kastor.moving.items import ItemFault, ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.loading import batches
from kastor.moving.loading.loader import Loader
from kastor.moving.loading.rehearsal import LoadRehearsal
from kastor.moving.loading.report import ItemCounts, LoadReport
from kastor.testing import KastorServer

from .graphs import CONTEXT, MODELS, PART, THING, client_of, edge, graph, twin


async def some(items: Sequence[Placed | ItemFault]) -> AsyncIterator[Placed | ItemFault]:
    for each in items:
        yield each


def placed(*items: Any) -> list[Placed | ItemFault]:
    """Items with their numbers as places."""
    return [
        each if isinstance(each, ItemFault) else Placed(each, f"item {number}")
        for number, each in enumerate(items)
    ]


def models() -> list[ModelItem]:
    return [ModelItem(each) for each in MODELS]


def load(
    server: KastorServer, items: Sequence[Placed | ItemFault], kind: Any = Loader, **options: Any
) -> LoadReport:
    async def work() -> LoadReport:
        async with client_of(server) as client:
            found: LoadReport = await kind(client, **options).load(some(items))
            return found

    return asyncio.run(work())


def told(report: LoadReport) -> list[tuple[str, str]]:
    return sorted((each.where, each.code) for each in report.faults)


def test_a_mixed_stream_becomes_a_graph(server: KastorServer) -> None:
    async def work() -> None:
        seen: list[int] = []
        async with client_of(server) as client:
            loader = Loader(client, on_progress=lambda report: seen.append(report.written.total))
            report = await loader.load(graph(60, 40))
            assert report == LoadReport(ItemCounts(2, 60, 40), ItemCounts(2, 60, 40))
            assert seen == sorted(seen)
            assert seen[-1] == 102
            status = await client.status()
            # Each was written once: an entry of the change log for each.
            assert status["counts"]["changeLog"] == 102
            stored = await client.twins.get("t3")
            assert stored["$metadata"]["size"]["sourceTime"] == "2026-01-02T03:04:05.1234567Z"
            assert (await client.relationships.get("t5", "to-36"))["weight"] == 1.25

    asyncio.run(work())


def test_what_is_there_is_replaced_and_equal_models_are_left(server: KastorServer) -> None:
    assert load(server, placed(*models(), twin(1))).written == ItemCounts(2, 1, 0)
    changed = TwinItem("t1", {**twin(1).body, "size": 99.0})
    report = load(server, placed(*models(), changed))
    assert (report.written, report.unchanged, report.failed) == (ItemCounts(0, 1, 0), 2, 0)


def test_faults_are_told_with_their_places_and_the_rest_is_written(server: KastorServer) -> None:
    bad = TwinItem("t2", {**twin(2).body, "size": "large"})
    nan = TwinItem("t3", {**twin(3).body, "size": float("nan")})
    faults: list[ItemFault] = []
    items = placed(
        *models(),
        twin(1),
        bad,
        twin(4),
        ItemFault("row 7", "Unreadable", "no id"),
        nan,
        edge(1, 2),
        edge(1, 4),
        edge(1, 1),
        TwinItem("a/b", twin(1).body),
    )
    report = load(server, items, on_fault=faults.append)
    assert report.written == ItemCounts(2, 2, 1)
    assert [where for where, _ in told(report)] == [
        *("item 10", "item 3", "item 6", "item 7", "item 9", "row 7")
    ]
    assert report.failed == 6
    assert sorted(f.where for f in faults) == [w for w, _ in told(report)]
    message = next(each.message for each in faults if each.where == "item 3")
    assert "size" in message
    assert "double" in message


def test_the_first_fault_ends_a_load_if_that_is_wished(server: KastorServer) -> None:
    bad = TwinItem("t2", {**twin(2).body, "size": "large"})
    report = load(server, placed(*models(), bad, edge(2, 2)), stop_on_error=True)
    assert (report.failed, report.stopped, report.written.relationships) == (1, True, 0)


def test_of_one_id_the_last_one_stays(server: KastorServer) -> None:
    versions = [TwinItem("t1", {**twin(1).body, "size": float(n)}) for n in range(8)]
    assert load(server, placed(*models(), *versions)).written.twins == 8

    async def stored() -> Any:
        async with client_of(server) as client:
            return (await client.twins.get("t1"))["size"]

    assert asyncio.run(stored()) == 7.0


def test_a_refused_model_does_not_keep_others_out(server: KastorServer) -> None:
    broken = {**THING, "@id": "dtmi:x:Broken;1", "contents": [{"@type": "Property"}]}
    needing = {**PART, "@id": "dtmi:x:Needing;1", "extends": "dtmi:x:Broken;1"}
    items = placed(ModelItem(needing), ModelItem(broken), *models(), ModelItem({"a": 1}))
    report = load(server, items)
    assert report.written.models == 2
    assert [where for where, _ in told(report)] == ["item 0", "item 1", "item 4"]


def test_another_model_of_a_stored_id_is_a_fault(server: KastorServer) -> None:
    load(server, placed(*models()))
    other = {**PART, "contents": []}
    report = load(server, placed(ModelItem(other)))
    assert told(report) == [("item 0", "ModelIdAlreadyExists")]
    twice = load(
        server,
        placed(ModelItem({**other, "@id": "dtmi:x:N;1"}), ModelItem({**PART, "@id": "dtmi:x:N;1"})),
    )
    assert told(twice) == [("item 1", "ModelIdAlreadyExists")]


def test_a_chain_of_models_longer_than_a_request_is_uploaded_in_order(narrow: KastorServer) -> None:
    chain = [
        {
            "@id": f"dtmi:x:M{number};1",
            "@type": "Interface",
            "@context": CONTEXT,
            **({} if number == 9 else {"extends": f"dtmi:x:M{number + 1};1"}),
        }
        for number in range(10)
    ]
    many = [{**PART, "@id": f"dtmi:x:P{number};1"} for number in range(260)]
    report = load(narrow, placed(*[ModelItem(each) for each in (*chain, *many)]))
    assert (report.written.models, report.failed) == (270, 0)


def test_whoever_may_not_write_is_told_at_once(own: KastorServer) -> None:
    async def work() -> None:
        async with AsyncKastorClient(own.url, own.token("reader")) as client:
            await Loader(client).load(graph(2, 0))

    with pytest.raises(AccessError):
        asyncio.run(work())


def test_nobody_there_ends_it(own: KastorServer) -> None:
    async def work() -> None:
        async with AsyncKastorClient("http://127.0.0.1:9", retries=Retries(attempts=1)) as client:
            await Loader(client).load(graph(2, 0))

    with pytest.raises(UnreachableError):
        asyncio.run(work())


def test_writes_of_one_twin_keep_to_the_rate_of_the_cloud(narrow: KastorServer) -> None:
    """Ten a second: thirty relationships of one twin take two seconds, and none is lost."""
    items = placed(*models(), *[twin(n) for n in range(31)], *[edge(0, n) for n in range(1, 31)])
    report = load(narrow, items)
    assert (report.written, report.failed) == (ItemCounts(2, 31, 30), 0)


def test_a_rehearsal_judges_as_the_server_would_and_changes_nothing(server: KastorServer) -> None:
    bad = TwinItem("t2", {**twin(2).body, "size": "large"})
    gone = RelationshipItem("t1", "r", {"$relationshipName": "next", "$targetId": "nobody"})
    unknown = RelationshipItem("t1", "r", {"$relationshipName": "no", "$targetId": "t1"})
    orphan = TwinItem("t4", {"$metadata": {"$model": "dtmi:x:Nothing;1"}})
    bare = TwinItem("t5", {"$metadata": {"$model": THING["@id"]}})
    broken = ModelItem({**THING, "@id": "dtmi:x:Broken;1", "contents": [{"@type": "Property"}]})
    items = placed(
        *models(),
        broken,
        twin(1),
        twin(4),
        bad,
        gone,
        unknown,
        orphan,
        bare,
        edge(1, 4),
        edge(1, 2),
        edge(1, 1),
    )
    tried = load(server, items, LoadRehearsal)

    async def is_empty() -> None:
        async with client_of(server) as client:
            assert await client.models.list().collect() == []
            with pytest.raises(NotFoundError):
                await client.twins.get("t1")

    asyncio.run(is_empty())
    done = load(server, items)
    assert tried.written == done.written == ItemCounts(2, 2, 1)
    assert [where for where, _ in told(tried)] == [where for where, _ in told(done)]
    again = load(server, placed(*models(), edge(4, 1)), LoadRehearsal)
    assert (again.unchanged, again.failed, again.written.relationships) == (2, 0, 1)


def test_a_stream_is_read_no_faster_than_it_is_written(
    server: KastorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read and is not written is all that memory holds, however long the stream is."""
    monkeypatch.setattr(batches, "OPERATIONS", 20)
    gaps: list[int] = []

    def watch(report: LoadReport) -> None:
        gaps.append(report.read.total - report.written.total)

    async def work() -> LoadReport:
        async with client_of(server) as client:
            return await Loader(client, parallel=2, on_progress=watch).load(graph(700, 0))

    assert asyncio.run(work()).written.twins == 700
    # A batch that is filled for each shard, and two that wait or are under way.
    assert max(gaps) <= 20 * 3 * batches.SHARDS
