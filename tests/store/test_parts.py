"""What lies below a twin is kept through every write: held against plain reachability."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from string import ascii_letters
from typing import Any

import pytest
from msgspec import structs

from kastor.errors import KastorError
from kastor.graph import commands as c
from kastor.records import SYSTEM, PolicyPart
from kastor.storage.parts import key_of

from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, room

pytestmark = pytest.mark.anyio
TWINS = [f"t{n}" for n in range(7)]
NAMES = ("nextTo", "above")
PARTS = [
    PolicyPart("a", "t0", outgoing=("nextTo",)),
    PolicyPart("b", "t0", incoming=("nextTo", "above")),
    PolicyPart("c", "t3", outgoing=("above", "nextTo")),
]
Edges = dict[tuple[str, str], tuple[str, str]]


def below(part: PolicyPart, twins: set[str], edges: Edges) -> set[str]:
    """The twins that are reached from the part's own."""
    found: set[str] = set()
    todo = [part.under] if part.under in twins else []
    while todo:
        one = todo.pop()
        if one is None or one in found:
            continue
        found.add(one)
        for (source, _), (name, target) in edges.items():
            if source == one and name in part.outgoing:
                todo.append(target)
            if target == one and name in part.incoming:
                todo.append(source)
    return found


async def told(graph: Graph, part: PolicyPart) -> set[str]:
    """The twins that who may see a part can read."""
    context = structs.replace(SYSTEM, sees=await graph.service.seen([part]))
    found = set()
    for twin in TWINS:
        try:
            await graph.service.twin(twin, context)
        except KastorError:
            continue
        found.add(twin)
    return found


async def step(graph: Graph, random: Random, twins: set[str], edges: Edges) -> None:
    """One write of any kind, and what it does to the plain graph."""
    dice = random.random()
    if dice < 0.25 or len(twins) < 2:
        twin = random.choice(TWINS)
        await graph.put(twin, room())
        twins.add(twin)
    elif dice < 0.65:
        source, target = random.sample(sorted(twins), 2)
        # One that is there already leads to another twin from now on, or has another name.
        key, name = (source, f"r{random.randrange(2)}"), random.choice(NAMES)
        await graph.relate(*key, edge(target, name))
        edges[key] = name, target
    elif dice < 0.9 and edges:
        key = random.choice(sorted(edges))
        await graph.unrelate(*key)
        del edges[key]
    else:
        twin = random.choice(sorted(twins))
        for key, (_, target) in list(edges.items()):
            if twin in (key[0], target):
                await graph.unrelate(*key)
                del edges[key]
        await graph.delete(twin)
        twins.discard(twin)


@pytest.mark.parametrize("seed", range(6))
async def test_parts_hold_what_can_be_reached_after_every_write(graph: Graph, seed: int) -> None:
    random = Random(seed)
    twins: set[str] = set()
    edges: Edges = {}
    begins = random.choice([0, 20])
    for number in range(60):
        await step(graph, random, twins, edges)
        if number < begins:
            continue
        for part in PARTS:
            expected: Any = below(part, twins, edges)
            assert await told(graph, part) == expected, (seed, number, part)


async def together(graph: Graph, *commands: c.Command[Any]) -> None:
    results = await graph.service.execute_many(commands, SYSTEM, atomic=True)
    assert not results.refused, results


async def test_what_goes_together_takes_out_all_that_it_led_to(graph: Graph) -> None:
    """Of a way none is left to go on from the one to the other, whichever went first."""
    for twin in TWINS[:5]:
        await graph.put(twin, room())
    chain = list(pairwise(TWINS[:5]))
    for source, target in chain:
        await graph.relate(source, "r", edge(target))
    part = PARTS[0]
    assert await told(graph, part) == set(TWINS[:5])
    turned = (c.PutRelationship(source, "r", edge(target, "above")) for source, target in chain[1:])
    await together(graph, *turned)
    assert await told(graph, part) == {"t0", "t1"}
    await together(graph, *(c.PutRelationship(one, "r", edge(other)) for one, other in chain[1:]))
    assert await told(graph, part) == set(TWINS[:5])
    await together(graph, *(c.DeleteRelationship(source, "r") for source, _ in chain[:3]))
    assert await told(graph, part) == {"t0"}


async def test_names_may_be_many_long_and_given_twice(graph: Graph) -> None:
    await graph.put("t0", room())
    await graph.put("t1", room())
    await graph.relate("t0", "r", edge("t1"))
    long = tuple("".join(Random(n).choices(ascii_letters, k=400)) for n in range(49))
    for names in (("nextTo", "nextTo"), (*long, "nextTo")):
        part = PolicyPart("p", "t0", outgoing=names)
        assert await told(graph, part) == {"t0", "t1"}
        assert (await graph.service.seen([part])).parts[0].key == key_of(part), "in any graph"
    fewer = PolicyPart("p", "t0", outgoing=long)
    assert await told(graph, fewer) == {"t0"}


async def test_a_graph_that_was_emptied_keeps_its_parts(graph: Graph) -> None:
    await graph.put("t0", room())
    for twin in TWINS[1:]:
        await graph.put(twin, room())
        await graph.relate("t0", twin, edge(twin))
        await graph.relate(twin, "back", edge("t0"))
    assert await told(graph, PARTS[0]) == set(TWINS)
    await graph.store.reset()
    await graph.upload(ROOM_MODEL, THERMOSTAT_MODEL)
    for twin in TWINS[:3]:
        await graph.put(twin, room())
    assert await told(graph, PARTS[0]) == {"t0"}
    await graph.relate("t1", "r", edge("t2"))
    await graph.relate("t0", "r", edge("t1"))
    assert await told(graph, PARTS[0]) == set(TWINS[:3])
