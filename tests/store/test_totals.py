"""How much a graph may hold under the profile adt, on each engine, with small limits."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.errors import LimitExceeded
from kastor.graph import commands as c
from kastor.graph.totals import CountedGraphService, TotalLimits, Totals
from kastor.records import Context

from .graphs import Graph, edge, hall, room

pytestmark = pytest.mark.anyio

ANN = Context("ann")


class Counted:
    """A graph whose totals are small, and a clock that the test sets."""

    def __init__(self, graph: Graph, **limits: int) -> None:
        self.now = 0.0
        self.graph, self.asked = graph, 0
        self.totals = Totals(graph.store, TotalLimits(**limits), lambda: self.now)
        self.service = CountedGraphService(graph.store, None, 1_000_000, self.totals)

    async def put(self, twin_id: str) -> None:
        await self.service.execute(c.PutTwin(twin_id, room()), ANN)

    async def relate(self, source: str, identifier: str, target: str) -> None:
        await self.service.execute(c.PutRelationship(source, identifier, edge(target)), ANN)

    async def many(self, *commands: c.Command[Any]) -> list[str]:
        """Return the code of each refusal, empty for what was done."""
        results = await self.service.execute_many(commands, ANN)
        return [each.code if isinstance(each, LimitExceeded) else "" for each in results.outcomes]

    async def held(self) -> tuple[int, int]:
        status = await self.graph.store.status(ANN)
        return status.twins, status.relationships


def puts(*names: str) -> list[c.Command[Any]]:
    return [c.PutTwin(name, room()) for name in names]


async def test_the_last_twin_is_taken_and_one_more_is_not(graph: Graph) -> None:
    await graph.put("there", hall())
    counted = Counted(graph, twins=3)
    await counted.put("a")
    await counted.put("b")
    with pytest.raises(LimitExceeded, match="--adt-totals off") as caught:
        await counted.put("c")
    assert caught.value.code == "TwinLimitReached"
    await counted.put("a")  # replaced
    await counted.service.execute(c.DeleteTwin("b"), ANN)
    await counted.put("c")
    assert await counted.held() == (3, 0)


async def test_a_batch_is_counted_as_it_goes(graph: Graph) -> None:
    counted = Counted(graph, twins=3, relationships=2)
    twin = "TwinLimitReached"
    assert await counted.many(*puts("a", "b", "a", "c", "d", "e")) == ["", "", "", "", twin, twin]
    assert await counted.many(c.DeleteTwin("c"), *puts("d", "e")) == ["", "", twin]
    edges = [c.PutRelationship("a", f"r{n}", edge("b")) for n in (1, 2, 3)]
    assert await counted.many(*edges) == ["", "", "LimitExceeded"]
    assert await counted.held() == (3, 2)


async def test_an_atomic_batch_beyond_the_limit_changes_nothing(graph: Graph) -> None:
    counted = Counted(graph, twins=2)
    results = await counted.service.execute_many(puts("a", "b", "c"), ANN, atomic=True)
    assert not results.applied
    assert await counted.held() == (0, 0)
    assert await counted.many(*puts("a", "b", "c")) == ["", "", "TwinLimitReached"]


async def test_relationships_have_a_limit_of_all_and_of_each_twin(graph: Graph) -> None:
    for name in "abcd":
        await graph.put(name, room())
    await graph.relate("a", "r0", edge("b"))
    counted = Counted(graph, relationships=5, of_a_twin=2)
    await counted.relate("a", "r1", "c")
    with pytest.raises(LimitExceeded, match="2 relationships leave its source"):
        await counted.relate("a", "r2", "d")
    await counted.relate("a", "r1", "c")  # replaced
    await counted.relate("c", "r0", "b")
    with pytest.raises(LimitExceeded, match="2 relationships enter its target"):
        await counted.relate("d", "r0", "b")
    await counted.service.execute(c.DeleteRelationship("a", "r0"), ANN)
    await counted.relate("a", "r2", "d")
    await counted.relate("d", "r0", "b")
    await counted.relate("b", "r0", "a")
    with pytest.raises(LimitExceeded, match="holds 5 relationships") as caught:
        await counted.relate("b", "r1", "d")
    assert caught.value.code == "LimitExceeded"
    assert await counted.held() == (4, 5)


async def test_twins_and_relationships_of_one_batch_are_counted(graph: Graph) -> None:
    counted = Counted(graph, of_a_twin=2)
    edges = [c.PutRelationship("a", f"r{n}", edge("b")) for n in range(4)]
    refused = "LimitExceeded"
    assert await counted.many(*puts("a", "b"), *edges) == ["", "", "", "", refused, refused]
    assert await counted.many(edges[3]) == [refused]


async def test_nothing_is_counted_for_a_write(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(graph, twins=100)
    asked: list[str] = []
    for name in ("status", "degrees"):
        read = getattr(graph.store, name)

        async def noting(*arguments: Any, name: str = name, read: Any = read) -> Any:
            asked.append(name)
            return await read(*arguments)

        monkeypatch.setattr(graph.store, name, noting)
    for number in range(20):
        await counted.put(f"t{number}")
    for number in range(20):
        await counted.relate("t0", f"r{number}", "t1")
    assert asked == ["status", "degrees"]


async def test_what_others_wrote_is_seen_when_the_limit_seems_to_be_reached(graph: Graph) -> None:
    counted = Counted(graph, twins=2)
    await counted.put("a")
    await counted.put("b")
    await graph.delete("a")  # behind its back
    with pytest.raises(LimitExceeded):
        await counted.put("c")
    counted.now += 1
    await counted.put("c")
