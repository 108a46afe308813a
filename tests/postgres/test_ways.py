"""By which way changes came, where their positions are not given yet, and where they are dropped."""

from __future__ import annotations

import asyncpg
import orjson
import pytest

from kastor.storage.postgres.schema import quoted
from kastor.storage.postgres.snapshot import snapshot_of
from kastor.storage.postgres.statements import Qualified
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.tables import COPIED
from tests.store.graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph
from tests.store.postgres_engine import PostgresEngine
from tests.store.test_proposals import ANN, ANNS, propose, put, service_of

from .server import direct

pytestmark = pytest.mark.anyio
ORIGINS, INSTANTS = (
    next(each for each in COPIED if each.name == name) for name in ("origins", "instants")
)


async def _applied(graph: Graph, *twins: str) -> list[str]:
    service, found = service_of(graph), []
    for twin in twins:
        made = await propose(service, put(twin))
        await service.apply(made.token, ANNS, ANN)
        found.append(made.entry.id)
    return found


async def test_a_snapshot_has_the_ways_of_what_has_no_position_yet(
    postgres: PostgresEngine,
) -> None:
    graph = Graph(await postgres.open(), postgres.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    ids = await _applied(graph, "a", "b")
    unplaced = "SELECT count(*) FROM {graph}.changes WHERE pos IS NULL"
    assert postgres.history().rows(unplaced) == [(1,)], "the last one that nobody asked for"
    connection = await asyncpg.connect(direct(postgres.dsn))

    async def own() -> asyncpg.Connection:
        return connection

    async def give_no_positions() -> None:
        return

    texts = Qualified(quoted(postgres.schema()))
    async with snapshot_of(own, give_no_positions, texts) as snapshot:
        found = await snapshot.revisions(ORIGINS, None, 10)
        rows = await snapshot.rows(ORIGINS, [identity for identity, _ in found])
        known = {identity for identity, _ in await snapshot.revisions(INSTANTS, None, 10)}
        assert await snapshot.count(ORIGINS) == 2
    assert [orjson.loads(via)["proposal"] for _, _, via in rows] == ids
    assert {(change,) for change, _, _ in rows} <= known
    assert len({change for change, _, _ in rows}) == 2
    await connection.close()


async def test_what_a_copy_does_not_have_any_more_is_dropped_by_its_position(
    postgres: PostgresEngine,
) -> None:
    graph = Graph(await postgres.open(), postgres.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    ids = await _applied(graph, "a", "b")
    await graph.store.close()
    file = await PostgresGraphFile.open(postgres.dsn, postgres.schema(), writes=True)
    await file.number_log()
    [(first, _), _] = await file.revisions(ORIGINS, None, 10)
    await file.drop(ORIGINS, [first])
    [(_, revision)] = await file.revisions(ORIGINS, None, 10)
    assert orjson.loads(revision[0])["proposal"] == ids[1]
    await file.finish()
    await file.close()
