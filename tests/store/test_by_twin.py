"""Point reads of who may see some twins: what is hidden is answered as what is missing."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec import structs

from kastor.errors import NotFound
from kastor.records import SYSTEM, Context, PolicyPart, Sees

from .graphs import HALL, ROOM, Graph, edge, hall, room

pytestmark = pytest.mark.anyio
SEEDS = range(12)
NAMES = ("nextTo", "above")
TWINS = [f"t{n}" for n in range(8)]


def as_seen(*parts: PolicyPart) -> Context:
    return structs.replace(SYSTEM, sees=Sees(parts))


async def outcome(read: Any, *args: Any) -> Any:
    """What a read answers, or the text of its refusal."""
    try:
        return await read(*args)
    except NotFound as error:
        return f"{error.code}: {error.message}"


async def wandering(graph: Graph, random: Random) -> list[tuple[str, str, str, str]]:
    """Fill a graph with twins and relationships, circles among them."""
    made = []
    for twin in TWINS:
        await graph.put(twin, room() if twin < "t5" else hall())
    for number in range(14):
        source, target = random.choice(TWINS[:5]), random.choice(TWINS)
        if source == target:
            continue
        name = random.choice(NAMES)
        await graph.relate(source, f"r{number}", edge(target, name))
        made.append((source, f"r{number}", name, target))
    return made


def members(part: PolicyPart, edges: list[tuple[str, str, str, str]]) -> set[str]:
    found = {
        twin
        for twin in TWINS
        if not part.models or ((ROOM if twin < "t5" else HALL) in part.models)
    }
    if part.under is None:
        return found
    below: set[str] = set()
    todo = [part.under] if part.under in TWINS else []
    while todo:
        one = todo.pop()
        if one not in below:
            below.add(one)
            for source, _, name, target in edges:
                if part.outgoing and source == one and name in part.outgoing:
                    todo.append(target)
                if part.incoming and target == one and name in part.incoming:
                    todo.append(source)
    return found & below


def random_part(random: Random) -> PolicyPart:
    names = tuple(random.sample(NAMES, random.choice([1, 2])))
    under = random.choice([*TWINS, "nobody", None])
    models = tuple(random.sample([ROOM, HALL], 1)) if under is None or random.random() < 0.3 else ()
    ways = ((), ()) if under is None else random.choice([(names, ()), ((), names)])
    return PolicyPart("p", under, *ways, models)


@pytest.mark.parametrize("seed", SEEDS)
async def test_reads_show_what_the_parts_hold_and_nothing_else(graph: Graph, seed: int) -> None:
    random = Random(seed)
    edges = await wandering(graph, random)
    service = graph.service
    for _ in range(6):
        parts = [random_part(random) for _ in range(random.randrange(4))]
        sees = await service.seen(parts)
        context = structs.replace(SYSTEM, sees=sees)
        shown = set().union(*(members(part, edges) for part in parts))
        there = [each for each in edges if {each[0], each[3]} <= shown]
        for twin in [*TWINS, "missing"]:
            found = await outcome(service.twin, twin, context)
            assert (getattr(found, "id", None) == twin) == (twin in shown), (parts, twin)
            out = await outcome(service.outgoing, twin, None, "", 99, context)
            named = await outcome(service.outgoing, twin, "above", "", 99, context)
            into = await outcome(service.incoming, twin, (-1, -1, -1), 99, context)
            if twin not in shown:
                missing = await outcome(service.twin, "missing", SYSTEM)
                for answer in (found, out, named, into):
                    assert answer == missing.replace("missing", twin)
                continue
            leaving = sorted(each[1] for each in there if each[0] == twin)
            assert [row.id for row in out.rows] == leaving
            assert [row.id for row in named.rows] == sorted(
                each[1] for each in there if each[0] == twin and each[2] == "above"
            )
            assert sorted(row.id for row in into) == sorted(
                each[1] for each in there if each[3] == twin
            )
            first = await service.outgoing(twin, None, "", 1, context)
            assert first.more == (len(leaving) > 1)
        for source, relationship, _, _ in edges:
            found = await outcome(service.relationship, source, relationship, context)
            if (source, relationship) in {each[:2] for each in there}:
                assert found.id == relationship
            else:
                absent = await outcome(service.relationship, source, "absent", context)
                assert found == absent.replace("absent", relationship)


async def test_membership_is_that_of_the_moment(graph: Graph) -> None:
    await graph.put("a", room())
    await graph.put("b", room())
    sees = await graph.service.seen([PolicyPart("p", "a", outgoing=("above",))])
    context = structs.replace(SYSTEM, sees=sees)
    assert isinstance(await outcome(graph.service.twin, "b", context), str)
    await graph.relate("a", "r", edge("b", "above"))
    assert (await graph.service.twin("b", context)).id == "b"
    await graph.unrelate("a", "r")
    assert isinstance(await outcome(graph.service.twin, "b", context), str)


async def test_models_that_extend_a_model_belong_to_it(graph: Graph) -> None:
    await graph.put("a", room())
    await graph.put("h", hall())
    parts = [PolicyPart("p", models=(HALL,)), PolicyPart("q", models=("dtmi:s:Nothing;1",))]
    context = structs.replace(SYSTEM, sees=await graph.service.seen(parts))
    assert (await graph.service.twin("h", context)).id == "h"
    assert isinstance(await outcome(graph.service.twin, "a", context), str)


async def test_a_part_whose_models_were_not_looked_up_shows_nothing(graph: Graph) -> None:
    await graph.put("h", hall())
    with pytest.raises(ValueError, match="not looked up"):
        await graph.service.twin("h", as_seen(PolicyPart("p", models=(HALL,))))
