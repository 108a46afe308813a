"""The past of who may see some twins: membership of now decides, of what is gone the last one."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec import structs

from kastor.errors import NotFound
from kastor.graph.instants import Named
from kastor.records import SYSTEM, Context, PolicyPart

from .graphs import HALL, ROOM, Graph, edge, hall, room
from .test_parts import Edges, below

pytestmark = pytest.mark.anyio
TWINS = [f"t{n}" for n in range(6)]
NAMES = ("nextTo", "above")
PARTS = [
    PolicyPart("a", "t0", outgoing=("nextTo",)),
    PolicyPart("b", "t1", incoming=("nextTo", "above")),
    PolicyPart("c", models=(HALL,)),
    PolicyPart("d", "t0", outgoing=("nextTo", "above"), models=(ROOM,)),
]


class World:
    """A graph beside its plain form, with what each twin was in last."""

    def __init__(self, graph: Graph, random: Random) -> None:
        self.graph, self.random = graph, random
        self.twins: dict[str, str] = {}
        self.edges: Edges = {}
        self.last: dict[str, str] = {}
        """Models that twins were of last."""
        self.left: dict[str, set[str]] = {}
        """Names of the parts under a twin that each twin left last."""
        self._in: dict[str, set[str]] = {each.name: set() for each in PARTS if each.under}

    async def step(self) -> None:
        dice, twins = self.random.random(), sorted(self.twins)
        if dice < 0.3 or len(twins) < 2:
            twin = self.random.choice(TWINS)
            if twin not in self.twins:
                kind = self.random.choice([ROOM, HALL])
                await self.graph.put(twin, room() if kind == ROOM else hall())
                self.twins[twin] = self.last[twin] = kind
                self.left.pop(twin, None)
        elif dice < 0.7:
            sources = [each for each in twins if self.twins[each] == ROOM]
            if sources:
                source, target = self.random.choice(sources), self.random.choice(twins)
                key, name = (source, f"r{self.random.randrange(2)}"), self.random.choice(NAMES)
                if source != target:
                    await self.graph.relate(*key, edge(target, name))
                    self.edges[key] = name, target
        elif dice < 0.85 and self.edges:
            key = self.random.choice(sorted(self.edges))
            await self.graph.unrelate(*key)
            del self.edges[key]
        else:
            twin = self.random.choice(twins)
            for key, (_, target) in list(self.edges.items()):
                if twin in (key[0], target):
                    await self.graph.unrelate(*key)
                    del self.edges[key]
                    self._note()
            await self.graph.delete(twin)
            del self.twins[twin]
        self._note()

    def _note(self) -> None:
        """Note who left parts with the last write, and forget that of who joined one."""
        leaving: dict[str, set[str]] = {}
        joining: set[str] = set()
        for part in PARTS:
            if part.under is not None:
                now, before = below(part, set(self.twins), self.edges), self._in[part.name]
                for twin in before - now:
                    leaving.setdefault(twin, set()).add(part.name)
                joining |= now - before
                self._in[part.name] = now
        self.left |= leaving
        for twin in joining:
            self.left.pop(twin, None)

    def members(self, part: PolicyPart) -> set[str]:
        """The twins whose past can be seen."""
        found = set()
        for twin in TWINS:
            is_below = part.under is None or (
                twin in self._in[part.name]
                if twin in self.twins
                else part.name in self.left.get(twin, set())
            )
            model = self.twins.get(twin, self.last.get(twin))
            if is_below and (not part.models or model in part.models):
                found.add(twin)
        return found


async def outcome(read: Any, *args: Any) -> Any:
    try:
        return await read(*args)
    except NotFound as error:
        return f"{error.code}: {error.message}"


@pytest.mark.parametrize("seed", range(8))
async def test_states_show_what_can_be_seen_now(graph: Graph, seed: int) -> None:
    random = Random(seed)
    world, service = World(graph, random), graph.service
    for part in PARTS:
        await service.seen([part])  # from the beginning, so that what is left is noted
    states: list[tuple[int, dict[str, str], Edges]] = []
    for _ in range(40):
        await world.step()
        states.append((await service.position(), dict(world.twins), dict(world.edges)))
    for part in PARTS:
        seen = world.members(part)
        sees = await service.seen([part])
        for change, twins, edges in random.sample(states, 6):
            context = structs.replace(SYSTEM, at=await service.at(Named(change=change)), sees=sees)
            await assert_state(graph, context, seen, twins, edges)


async def assert_state(
    graph: Graph, context: Context, seen: set[str], twins: dict[str, str], edges: Edges
) -> None:
    service = graph.service
    for twin in [*TWINS, "missing"]:
        found = await outcome(service.twin, twin, context)
        there = twin in twins and twin in seen
        assert (getattr(found, "id", None) == twin) == there, (twin, found)
        out = await outcome(service.outgoing, twin, None, "", 1, context)
        into = await outcome(service.incoming, twin, (-1, -1, -1), 9, context)
        if not there:
            missing = (await outcome(service.twin, "missing", context)).replace("missing", twin)
            assert (found, out, into) == (missing, missing, missing)
            continue
        shown = sorted(r for (s, r), (_, t) in edges.items() if s == twin and {s, t} <= seen)
        assert [row.id for row in out.rows] == shown[:1]
        assert out.more == (len(shown) > 1)
        assert sorted(row.id for row in into) == sorted(
            r for (s, r), (_, t) in edges.items() if t == twin and {s, t} <= seen
        )
    for (source, relationship), (_, target) in edges.items():
        found = await outcome(service.relationship, source, relationship, context)
        assert (getattr(found, "id", None) == relationship) == ({source, target} <= seen)
