"""Many writes in one message: in order, all or none, and nothing but what single writes leave."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import replace as replaced

from kastor.clock import Stamp
from kastor.errors import NotFound, PreconditionFailed, ValidationFailed
from kastor.graph import commands as c
from kastor.graph.command import Decided, IfMatch, State
from kastor.graph.twin import RelationshipsLeft
from kastor.records import SYSTEM, Context, Decision, WriteTwin
from kastor.storage.batches import (
    MOST_TOGETHER,
    JobProgress,
    KeptAnswer,
    NotHeldError,
    Results,
    Write,
)
from kastor.storage.jobs import JobRow, JobStatus

from .engines import Engine
from .graphs import HALL, Graph, edge, hall, replace, room

pytestmark = pytest.mark.anyio

BEN = Context("ben")
NOBODY = b"{}"


async def send(graph: Graph, *commands: c.Command[Any], **options: Any) -> Results:
    return await graph.service.execute_many(commands, BEN, **options)


def kinds(results: Results) -> list[str]:
    return [type(each).__name__ for each in results.outcomes]


def entries(graph: Graph) -> list[tuple[str, str, int | None]]:
    log = [each for each in graph.history.log() if not each.kind.startswith("Model.")]
    return [(each.kind, each.subject, each.version) for each in log]


async def test_each_write_sees_those_before_it(graph: Graph) -> None:
    results = await send(
        graph,
        c.PutTwin("a", room(name="one")),
        c.PutTwin("b", room()),
        c.PutRelationship("a", "r", edge("b", door="oak")),
        c.PatchTwin("a", (replace("/name", "two"),)),
        c.DeleteTwin("b"),
        c.PatchRelationship("a", "r", (replace("/door", "elm"),)),
        c.DeleteRelationship("a", "r"),
        c.DeleteTwin("b"),
        c.PatchTwin("b", ()),
        c.PutTwin("b", hall(seats=3)),
        c.PutRelationship("a", "r", edge("b", "above")),
    )
    assert results.applied
    assert kinds(results) == [
        *("Written", "Written", "Written", "Written", "RelationshipsLeft", "Written"),
        *("NoneType", "NoneType", "NotFound", "Written", "Written"),
    ]
    assert (await graph.document("a"))["name"] == "two"
    assert [each.version for each in graph.history.twin_versions("a")] == [1, 2]
    b = graph.history.twin_versions("b")
    assert [(each.version, "seats" in each.doc) for each in b] == [(1, False), (3, True)]
    assert len({each.key for each in b}) == 1
    r = graph.history.relationship_versions("r")
    assert [(each.version, each.name, each.doc.get("door")) for each in r] == [
        (1, "nextTo", "oak"),
        (2, "nextTo", "elm"),
        (4, "above", None),
    ]
    assert graph.history.tombstones() == []
    assert entries(graph) == [
        ("Twin.Create", "a", 1),
        ("Twin.Create", "b", 1),
        ("Relationship.Create", "a/relationships/r", 1),
        ("Twin.Update", "a", 2),
        ("Relationship.Update", "a/relationships/r", 2),
        ("Relationship.Delete", "a/relationships/r", 3),
        ("Twin.Delete", "b", 2),
        ("Twin.Create", "b", 3),
        ("Relationship.Create", "a/relationships/r", 4),
    ]
    log = [each for each in graph.history.log() if not each.kind.startswith("Model.")]
    assert [each.seq for each in log] == sorted(each.seq for each in log)
    assert len({each.time for each in log}) == len(log)
    assert {each.actor for each in log} == {"ben"}


async def test_what_is_refused_changes_nothing_and_hinders_nobody(graph: Graph) -> None:
    await graph.put("old", hall(seats=1))
    results = await send(
        graph,
        c.PutTwin("a", hall(seats="many")),
        c.PutTwin("b", hall(seats=2)),
        c.PutRelationship("b", "r", {"$relationshipName": "nextTo"}),
        c.PatchTwin("old", (replace("/seats", 9),), IfMatch(frozenset({"another"}))),
        c.PutTwin("old", hall(), only_if_absent=True),
        c.DeleteTwin("nobody"),
        c.PatchTwin("b", (replace("/seats", 3),)),
    )
    assert results.applied
    assert results.refused == 5
    refused = [type(each) for each in results.outcomes if isinstance(each, Exception)]
    assert refused[0] is ValidationFailed
    assert refused[2:] == [PreconditionFailed, PreconditionFailed, NotFound]
    assert (await graph.document("b"))["seats"] == 3
    assert (await graph.document("old"))["seats"] == 1
    assert entries(graph)[1:] == [("Twin.Create", "b", 1), ("Twin.Update", "b", 2)]


async def test_all_or_none_leaves_nothing_of_a_refused_batch(graph: Graph) -> None:
    for name in "ab":
        await graph.put(name, room(name=name))
    await graph.relate("a", "r", edge("b"))
    before, status = await everything(graph), await graph.store.status(SYSTEM)
    notes: list[Results] = []

    def note(results: Results) -> KeptAnswer:
        notes.append(results)
        return KeptAnswer("op", b"d", NOBODY, True, 1)

    results = await send(
        graph,
        c.PutTwin("new", hall()),
        c.PatchTwin("a", (replace("/name", "A"),)),
        c.DeleteRelationship("a", "r"),
        c.DeleteTwin("b"),
        c.PutTwin("b", room(name="again")),
        c.DeleteTwin("nobody"),
        c.PutRelationship("a", "q", edge("new", "above")),
        atomic=True,
        note=note,
    )
    assert not results.applied
    assert [type(each) for each in results.outcomes if isinstance(each, Exception)] == [NotFound]
    assert kinds(results)[6] == "Written", "those after are decided as well"
    assert await everything(graph) == before
    after = await graph.store.status(SYSTEM)
    assert (after.version_bytes, after.log_bytes) == (status.version_bytes, status.log_bytes)
    assert notes == []
    assert await graph.store.jobs.kept_answer("op") is None
    await graph.patch("a", replace("/name", "A"))
    assert [each.version for each in graph.history.twin_versions("a")] == [1, 2]


async def everything(graph: Graph) -> list[Any]:
    history = graph.history
    return [
        *(history.twin_versions(each) for each in ("a", "b", "new")),
        *(history.relationship_versions(each) for each in "rq"),
        history.log(),
        history.tombstones(),
        history.sizes(),
    ]


async def test_all_or_none_is_applied_where_nothing_is_refused(graph: Graph) -> None:
    results = await send(graph, c.PutTwin("a", hall()), c.DeleteTwin("a"), atomic=True)
    assert results.applied
    assert [each.kind for each in graph.history.tombstones()] == ["twin"]


def job(owner_of: str = "j") -> JobRow:
    return JobRow("imports", owner_of, JobStatus.RUNNING, 5, 5, 9, "ann", b"{}")


async def test_progress_is_noted_with_what_it_tells_of(graph: Graph) -> None:
    store = graph.store
    await store.jobs.add_job(job(), (), 100)
    assert await store.jobs.hold_job("imports", "j", "me", 60)

    def note(results: Results) -> JobProgress:
        progress = b'{"done":%d}' % (len(results.outcomes) - results.refused)
        return JobProgress("imports", "j", "me", progress, (b'"x"', b'"y"'))

    await send(graph, c.PutTwin("a", hall()), c.DeleteTwin("no"), note=note)
    await send(graph, note=note)
    row = await store.jobs.job("imports", "j")
    assert row is not None
    assert orjson.loads(row.progress) == {"done": 0}
    lines = await store.jobs.log_lines("imports", "j", 0, 10)
    assert lines == [(1, b'"x"'), (2, b'"y"'), (3, b'"x"'), (4, b'"y"')]


async def test_a_note_that_cannot_be_written_takes_everything_back(graph: Graph) -> None:
    before = await everything(graph)

    def note(_: Results) -> JobProgress:
        return JobProgress("imports", "gone", "me", NOBODY)

    with pytest.raises(NotHeldError):
        await send(graph, c.PutTwin("a", hall()), note=note)
    assert await everything(graph) == before


async def test_an_answer_is_kept_with_what_it_tells_of(graph: Graph) -> None:
    def note(results: Results) -> KeptAnswer:
        return KeptAnswer("op", b"digest", b"[%d]" % results.refused, True, 7)

    await send(graph, c.PutTwin("a", hall()), c.DeleteTwin("no"), note=note)
    kept = await graph.store.jobs.kept_answer("op")
    assert kept == KeptAnswer("op", b"digest", b"[1]", True, 7)
    assert await graph.store.twin("a", SYSTEM) is not None


async def test_an_unforeseen_error_is_the_outcome_of_its_write_alone(graph: Graph) -> None:
    def broken(_current: Any, _stamp: Any) -> Any:
        raise RuntimeError("broken")

    writes = [
        graph.service._write_of(c.PutTwin("a", hall())),
        Write(c.PutTwin("b", hall()).needs(), broken),
        graph.service._write_of(c.PutTwin("c", hall())),
    ]
    results = await graph.store.write_many(writes, BEN)
    assert kinds(results) == ["Written", "RuntimeError", "Written"]
    assert [subject for _, subject, _ in entries(graph)] == ["a", "c"]


async def test_what_the_engine_refuses_is_the_outcome_of_its_write_alone(graph: Graph) -> None:
    """A body that is no JSON: decisions make none, and what they make is not looked at again."""

    def broken(current: State, stamp: Stamp) -> Decided[None]:
        change = c.PutTwin("b", hall()).decide(current, stamp).change
        assert isinstance(change, WriteTwin)
        return Decision(replaced(change, doc=b"{no"), None)

    writes = [graph.service._write_of(c.PutTwin(f"t{n}", hall(seats=n))) for n in range(20)]
    writes[7] = writes[8] = writes[19] = Write(c.PutTwin("b", hall()).needs(), broken)
    results = await graph.store.write_many(writes, BEN)
    assert results.applied
    assert [n for n, each in enumerate(results.outcomes) if isinstance(each, Exception)] == [
        *(7, 8, 19)
    ]
    assert len(entries(graph)) == 17
    assert await graph.store.twin("b", SYSTEM) is None


async def test_changes_of_models_go_alone(graph: Graph) -> None:
    with pytest.raises(TypeError, match="models"):
        await send(graph, c.PutTwin("a", hall()), c.CommissionModel(HALL, False))
    assert await graph.store.twin("a", SYSTEM) is None
    await graph.put("a", hall())


async def test_too_many_are_refused_and_none_are_fine(graph: Graph) -> None:
    assert await send(graph) == Results([], applied=True)
    with pytest.raises(ValueError, match="10001"):
        await send(graph, *[c.DeleteTwin("x")] * (MOST_TOGETHER + 1))


async def test_ten_thousand_writes_in_one_message(graph: Graph) -> None:
    count = MOST_TOGETHER // 2
    twins = [c.PutTwin(f"t{n}", hall(seats=n)) for n in range(count // 2)]
    twins += [c.PutTwin(f"r{n}", room()) for n in range(count // 2)]
    edges = [
        c.PutRelationship(f"r{n % (count // 2)}", f"e{n}", edge(f"t{(n * 7) % (count // 2)}"))
        for n in range(count)
    ]
    results = await send(graph, *twins, *edges)
    assert results.refused == 0
    status = await graph.store.status(SYSTEM)
    assert (status.twins, status.relationships) == (count, count)
    assert status.log_entries == MOST_TOGETHER + 3


async def test_a_twin_is_deleted_with_its_relationships_in_one_batch(graph: Graph) -> None:
    await send(graph, *(c.PutTwin(f"r{n}", room()) for n in range(20)))
    links = [(f"r{n}", f"e{k}", f"r{(n + k) % 20}") for n in range(20) for k in (1, 2)]
    await send(graph, *(c.PutRelationship(a, each, edge(b)) for a, each, b in links))
    early = await send(
        graph,
        c.DeleteRelationship("r0", "e1"),
        c.DeleteRelationship("r0", "e2"),
        c.DeleteRelationship("r19", "e1"),
        c.DeleteTwin("r0"),
    )
    assert isinstance(early.outcomes[-1], RelationshipsLeft), "r18 is related to it"
    left = [(a, each) for a, each, _ in links if (a, each) not in {("r0", "e1"), ("r0", "e2")}]
    left.remove(("r19", "e1"))
    results = await send(
        graph,
        *(c.DeleteRelationship(*each) for each in left),
        *(c.DeleteTwin(f"r{n}") for n in range(20)),
    )
    assert results.refused == 0
    status = await graph.store.status(SYSTEM)
    assert (status.twins, status.relationships) == (0, 0)


async def test_a_body_of_any_bytes_and_ids_of_any_text_come_back(graph: Graph) -> None:
    odd = "a\x1eb,c{d}\"e'\\f\n é"
    results = await send(
        graph,
        c.PutTwin(odd, room(name="x\x1ey")),
        c.PutTwin("b", room()),
        c.PutRelationship("b", odd, edge(odd)),
        c.SendTelemetry(odd, b"\x00\xff\x1e", "application/octet-stream", "m1"),
        c.SendTelemetry("b", b"", 'text/plain;a="b,"', "m2"),
    )
    assert results.refused == 0
    assert (await graph.document(odd))["name"] == "x\x1ey"
    log = graph.history.log()[-4:]
    assert [each.subject for each in log] == ["b", f"b/relationships/{odd}", odd, "b"]
    assert [each.data for each in log[2:]] == [b"\x00\xff\x1e", b""]
    assert [each.content_type for each in log[2:]] == [
        "application/octet-stream",
        'text/plain;a="b,"',
    ]


async def test_batches_and_single_writers_of_the_same_ids_lose_nothing(
    engine: Engine, graph: Graph
) -> None:
    """Two stores where the engine has several processes, else one: no error leaves, no version."""
    other = graph
    if not engine.in_order:
        other = Graph(await engine.open(), engine.history())
    names = [f"t{n}" for n in range(12)]
    await send(graph, *(c.PutTwin(each, room(labels={})) for each in names))

    def label(who: int, n: int) -> dict[str, Any]:
        return {"op": "add", "path": f"/labels/k{who}_{n}", "value": "x"}

    async def batches(side: Graph, who: int) -> None:
        for n in range(6):
            mine = names[who:] + names[:who]  # the orders of two batches cross
            results = await send(side, *(c.PatchTwin(each, (label(who, n),)) for each in mine))
            assert results.refused == 0

    async def singles(side: Graph, who: int) -> None:
        for n in range(12):
            await side.patch(names[n], label(who, n))

    await asyncio.gather(
        *(batches((graph, other)[who % 2], who) for who in range(4)),
        *(singles((graph, other)[who % 2], who) for who in range(4, 8)),
    )
    for each in names:
        versions = graph.history.twin_versions(each)
        assert [version.version for version in versions] == list(range(1, 4 * 6 + 4 + 2))
        assert [len(version.doc["labels"]) for version in versions] == list(range(4 * 6 + 4 + 1))
        assert len([1 for _, subject, _ in entries(graph) if subject == each]) == len(versions)


async def test_creations_and_deletions_of_batches_that_race_keep_one_history(
    engine: Engine, graph: Graph
) -> None:
    other = graph
    if not engine.in_order:
        other = Graph(await engine.open(), engine.history())
    names = [f"t{n}" for n in range(8)]
    refusals: set[type] = set()

    async def client(side: Graph, who: int) -> None:
        for n in range(5):
            order = names if (who + n) % 2 else names[::-1]
            work: list[c.Command[Any]] = [c.PutTwin(each, room()) for each in order]
            work += [c.PutRelationship(order[0], f"e{who}", edge(order[1]))]
            work += [c.DeleteRelationship(order[0], f"e{who}")]
            work += [c.DeleteTwin(each) for each in order[2:]]
            results = await send(side, *work)
            refusals.update(type(each) for each in results.outcomes if each is not None)

    await asyncio.gather(*(client((graph, other)[who % 2], who) for who in range(4)))
    assert refusals <= {c.Written, RelationshipsLeft, NotFound}
    for each in names:
        log = [version for _, subject, version in entries(graph) if subject == each]
        assert sorted(log, key=lambda version: version or 0) == list(range(1, len(log) + 1))
