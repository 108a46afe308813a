"""Random writes while many queries are followed: what clients hold is what the queries give.

`KASTOR_LIVE_EXAMPLES` sets the number of runs and makes them other ones each time.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kastor.graph import commands as c

from .world import BASE, HALL, ROOM, Client, World, world

EXAMPLES = os.environ.get("KASTOR_LIVE_EXAMPLES")

QUERIES = (
    "SELECT * FROM DIGITALTWINS",
    "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 20",
    "SELECT T FROM DIGITALTWINS T WHERE NOT T.temperature > 20 AND IS_OF_MODEL(T, 'dtmi:live:Base;1')",
    "SELECT T.name FROM DIGITALTWINS T ORDER BY T.temperature",
    "SELECT * FROM RELATIONSHIPS R WHERE R.weight > 1",
    "SELECT R.$targetId FROM RELATIONSHIPS R WHERE R.$sourceId IN ['t0', 't1']",
    "SELECT A, R, B FROM DIGITALTWINS A JOIN B RELATED A.next R WHERE B.temperature > 20",
    "SELECT A.name FROM DIGITALTWINS A JOIN B RELATED A.next JOIN C RELATED A.above WHERE IS_OF_MODEL(B, 'dtmi:live:Hall;1')",
    "SELECT A.$dtId, C.name FROM DIGITALTWINS MATCH (A)-[:next]->()<-[:above]-(C)",
    "SELECT A.$dtId, R, B.temperature FROM DIGITALTWINS MATCH (A)-[R:next|above]-(B)",
    "SELECT * FROM DIGITALTWINS MATCH (a)-[r]->(b), (b)-[s]->(c) WHERE c.temperature > 20",
    "SELECT COUNT() FROM DIGITALTWINS T WHERE T.temperature > 20",
    "SELECT COUNT() FROM DIGITALTWINS MATCH (A)-[:next*..2]->(B)",
    "SELECT T.name, COUNT() AS n, AVG(T.temperature) AS mean FROM DIGITALTWINS T GROUP BY T.name",
    "SELECT DISTINCT T.name, T.temperature FROM DIGITALTWINS T",
    "SELECT DISTINCT A FROM DIGITALTWINS A JOIN B RELATED A.next",
    "SELECT MAX(T.temperature) AS most FROM DIGITALTWINS T",
    "SELECT TOP(2) T.$dtId FROM DIGITALTWINS T ORDER BY T.temperature DESC",
    "SELECT T.$dtId FROM DIGITALTWINS T WHERE EXISTS { (T)-[:next]->(x) WHERE x.temperature > 20 }",
    "SELECT $dtId FROM DIGITALTWINS WHERE $dtId NOT IN (SELECT $targetId FROM RELATIONSHIPS)",
    "SELECT A.$dtId, B.name FROM DIGITALTWINS A LEFT JOIN B RELATED A.next",
    "SELECT A.name, W, B.$dtId FROM DIGITALTWINS MATCH (A)-[W:next|above*..2]-(B) WHERE A.$dtId = 't0'",
    "SELECT id, decommissioned FROM MODELS",
)

Write: TypeAlias = Callable[[World], Coroutine[Any, Any, bool]]

TWINS = st.sampled_from(["t0", "t1", "t2", "t3", "t4", "it's/%odd".replace("/", "-")])
RELS = st.sampled_from(["r0", "r1", "r2"])
NAMES = st.sampled_from(["next", "above"])
TEMPERATURES = st.sampled_from([10.0, 20.0, 21.0, 30.0])


def _put(twin: str, model: str, temperature: float, name: str) -> Write:
    return lambda w: w.put(twin, model, temperature=temperature, name=name)


def _patch(twin: str, temperature: float) -> Write:
    operation = {"op": "add", "path": "/temperature", "value": temperature}
    return lambda w: w.do(c.PatchTwin(twin, (operation,)))


def _relate(source: str, rel: str, target: str, name: str, weight: int) -> Write:
    return lambda w: w.relate(source, rel, target, name, weight=weight)


WRITES: st.SearchStrategy[Write] = st.one_of(
    st.builds(
        _put, TWINS, st.sampled_from([BASE, ROOM, HALL]), TEMPERATURES, st.sampled_from("xy")
    ),
    st.builds(_patch, TWINS, TEMPERATURES),
    st.builds(_relate, TWINS, RELS, TWINS, NAMES, st.integers(0, 3)),
    st.builds(_relate, TWINS, RELS, TWINS, NAMES, st.integers(0, 3)),
    st.builds(lambda s, r: lambda w: w.do(c.DeleteRelationship(s, r)), TWINS, RELS),
    st.builds(lambda t: lambda w: w.do(c.DeleteTwin(t)), TWINS),
    st.builds(lambda t: lambda w: w.do(c.SendTelemetry(t, b"{}", "application/json")), TWINS),
    st.builds(lambda m: lambda w: w.do(c.DeleteModel(m)), st.sampled_from([ROOM, HALL])),
    st.builds(lambda m: lambda w: w.upload(m), st.sampled_from([ROOM, HALL])),
    st.builds(lambda m, on: lambda w: w.do(c.CommissionModel(m, on)), st.just(HALL), st.booleans()),
)


async def compare(made: World, clients: list[Client]) -> None:
    newest = await made.newest()
    for client in clients:
        await client.settle(newest)
        assert client.applied == await made.result(client.text), client.text


async def play(folder: Path, bursts: list[list[Write]], late: str) -> None:
    async with world(folder) as made:
        for number in range(3):
            await made.put(f"t{number}", temperature=20.0 + number, name="x")
        await made.relate("t0", "r0", "t1")
        clients = [await made.follow(text) for text in QUERIES]
        await compare(made, clients)
        for burst in bursts:
            opening = asyncio.create_task(made.follow(late))  # in the midst of the writes
            half = len(burst) // 2
            await asyncio.gather(*(write(made) for write in burst[:half]))
            for write in burst[half:]:
                await write(made)
            clients.append(await opening)
            await compare(made, clients)
        for client in clients:
            await client.leave()
        assert len(made.live) == 0


@settings(
    max_examples=int(EXAMPLES or 25),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(st.lists(WRITES, min_size=1, max_size=10), min_size=1, max_size=4),
    st.sampled_from(QUERIES),
)
def test_what_clients_hold_is_what_the_queries_give(bursts: list[list[Write]], late: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), bursts, late))
