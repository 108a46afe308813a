"""Answers that are kept for repeats: with what they tell of, by one of those who go on; bounded."""

from __future__ import annotations

import pytest

from kastor.errors import Conflict, TooManyRequests
from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.jobs import repeats
from kastor.jobs.repeats import Repeats
from kastor.records import SYSTEM, Context
from kastor.storage.batches import KeptAnswer, NotHeldError
from tests.store.engines import Engine
from tests.store.graphs import HALL_MODEL, Graph, hall

from .service import ANN

pytestmark = pytest.mark.anyio
DIGEST = b"d" * 32


@pytest.fixture
async def graph(engine: Engine) -> Graph:
    made = Graph(await engine.open(), engine.history())
    await made.upload(HALL_MODEL)
    return made


async def put(graph: Graph, twin_id: str, kept: KeptAnswer) -> None:
    command = c.PutTwin(twin_id, hall())
    service = GraphService(graph.store)
    results = await service.execute_many([command], ANN, note=lambda _: kept)
    assert results.applied
    assert not results.refused


def part(answer: bytes, *, known: int, done: bool = False, digest: bytes = DIGEST) -> KeptAnswer:
    return KeptAnswer("one", digest, answer, done, 5, known)


async def test_only_who_read_the_last_part_goes_on(graph: Graph) -> None:
    """Two processes may have the same request; what one of them has done the other does not."""
    jobs = graph.store.jobs
    await put(graph, "a", part(b"[1]", known=0))
    for late in (
        part(b"[1]", known=0),
        part(b"[1,2,3]", known=5),
        part(b"[1,2]", known=3, digest=b"e" * 32),
    ):
        with pytest.raises(NotHeldError):
            await put(graph, "b", late)
        assert await graph.store.twin("b", SYSTEM) is None
    await put(graph, "c", part(b"[1,2]", known=3))
    await put(graph, "d", part(b"[1,2,3]", known=5, done=True))
    with pytest.raises(NotHeldError):
        await put(graph, "e", part(b"[1,2,3,4]", known=7))
    assert await graph.store.twin("e", SYSTEM) is None
    assert await jobs.kept_answer("one") == part(b"[1,2,3]", known=0, done=True)


async def test_an_answer_is_kept_where_nothing_else_is_written(graph: Graph) -> None:
    kept = part(b"{}", known=0, done=True)
    await GraphService(graph.store).execute_many([], ANN, note=lambda _: kept)
    assert await graph.store.jobs.kept_answer("one") == kept


async def test_one_of_an_id_is_under_way_and_callers_have_ids_of_their_own(graph: Graph) -> None:
    found = Repeats(graph.store.jobs, graph.store.ticker)
    async with found.taking("one", b"body", ANN) as first:
        assert (first.found, first.done) == (b"", False)
        with pytest.raises(TooManyRequests):
            async with found.taking("one", b"body", ANN):
                raise AssertionError
        async with found.taking("one", b"other", Context("bob")):
            pass
        note = first.note(b"{}", done=True)
        await GraphService(graph.store).execute_many([], ANN, note=lambda _: note)
    async with found.taking("one", b"body", ANN) as again:
        assert (again.found, again.done) == (b"{}", True)
    with pytest.raises(Conflict) as caught:
        async with found.taking("one", b"other", ANN):
            raise AssertionError
    assert caught.value.code == "OperationIdReused"


async def test_what_is_kept_in_all_is_bounded(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "MOST_BYTES", 2_000)
    assert await graph.store.jobs.kept_bytes() == 0
    await put(graph, "a", part(b'["%b"]' % (b"x" * 3_000), known=0, done=True))
    assert 3_000 <= await graph.store.jobs.kept_bytes() <= 4_000
    found = Repeats(graph.store.jobs, graph.store.ticker)
    with pytest.raises(TooManyRequests, match="no room"):
        async with found.taking("two", b"body", ANN):
            raise AssertionError
    monkeypatch.setattr(repeats, "MOST_BYTES", 20_000)
    async with found.taking("two", b"body", ANN):
        pass
