"""The PostgreSQL dialect: its texts always, and its rows on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from query_cases import all_cases
from query_cases import building as building_of_cases
from query_generator import MODELS, SCALARS, Queries
from query_generator import graph as generate
from query_graphs import KEY, Graph, bounded, dump
from query_graphs import Reader as SqliteReader
from query_nested import nested_query, pattern_query, texts_graph
from query_oracle import bag, run
from query_texts import NO_FILTER, VALID

import kastor
from kastor.lang import ast, parse, print_query
from kastor.query.run import Reader as AnyReader
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialect import Dialect
from kastor.query.sql.postgres import Postgres
from kastor.query.sql.sqlite import Sqlite
from kastor.records import SYSTEM, Context
from kastor.storage.postgres.documents import into_jsonb
from tests.postgres.cluster import Cluster

SCHEMA = "graph_default"
GRAPHS = int(os.environ.get("KASTOR_POSTGRES_GRAPHS", "40"))
PER_GRAPH = 10
EXTENDED = [
    "SELECT T.name FROM DIGITALTWINS T WHERE EXISTS { (T)-[:contains]->(x) WHERE x.T = 1 }",
    "SELECT T.name FROM DIGITALTWINS T WHERE T.$dtId IN (SELECT $targetId FROM RELATIONSHIPS)",
    "SELECT a.$dtId, b.$dtId FROM DIGITALTWINS MATCH (a)-[*..7]->(b) WHERE a.$dtId = 'x'",
    "SELECT a.$dtId, b.$dtId FROM DIGITALTWINS MATCH (a)-[*..3]-(b) WHERE b.$dtId = 'x'",
    "SELECT T.$dtId, B.$dtId AS b FROM DIGITALTWINS T LEFT JOIN B RELATED T.contains",
    "SELECT $dtId FROM DIGITALTWINS WHERE name LIKE '%u%' OR LOWER(name) = 'x' OR Temperature + 1 = 31",
    "SELECT $dtId FROM DIGITALTWINS WHERE v NIN ['a', 1, true, null] OR NOT v = 'a' OR [[odd key]] = 5",
    "SELECT $dtId FROM DIGITALTWINS T WHERE NOT T IN (SELECT [[odd key]] FROM DIGITALTWINS) OR v = 1",
    "SELECT $dtId FROM DIGITALTWINS WHERE v > 'A' OR v < 5 OR v = true OR IS_ARRAY(v) OR ARRAY_CONTAINS(v, 1)",
]
SORTED = [
    "SELECT $dtId, v FROM DIGITALTWINS ORDER BY v",
    "SELECT $dtId, v FROM DIGITALTWINS ORDER BY v DESC",
    "SELECT $dtId FROM DIGITALTWINS ORDER BY w DESC, v LIMIT 20 OFFSET 3",
    "SELECT $dtId FROM DIGITALTWINS ORDER BY w, v DESC, $dtId",
    "SELECT $dtId FROM DIGITALTWINS WHERE w > 1 ORDER BY UPPER(v), v / 3 DESC",
    "SELECT $dtId FROM DIGITALTWINS WHERE w > 1 AND w + 1 > 1 ORDER BY v, $dtId LIMIT 9 OFFSET 1",
    "SELECT v, SUM(w) AS s FROM DIGITALTWINS WHERE w > 1 GROUP BY v HAVING SUM(w) > 1 ORDER BY v LIMIT 9 OFFSET 1",
    "SELECT $dtId FROM DIGITALTWINS WHERE v = 0.1 OR v > 0.3 ORDER BY v",
    "SELECT DISTINCT v FROM DIGITALTWINS",
    "SELECT DISTINCT v, w FROM DIGITALTWINS ORDER BY w DESC, v",
    "SELECT v, COUNT() AS n FROM DIGITALTWINS GROUP BY v ORDER BY v DESC",
    "SELECT w, COUNT(DISTINCT v) AS n, MIN(v) AS low, MAX(v) AS high FROM DIGITALTWINS GROUP BY w ORDER BY COUNT(DISTINCT v), w",
    "SELECT COUNT(DISTINCT v) FROM DIGITALTWINS",
    "SELECT w, SUM(v) AS total, AVG(v) AS mean FROM DIGITALTWINS GROUP BY w HAVING COUNT(v) > 2 ORDER BY SUM(v) DESC, w",
    "SELECT $metadata.$model AS m, MAX(v) AS high FROM DIGITALTWINS GROUP BY $metadata.$model HAVING MIN(w) = 0 ORDER BY MAX(v), $metadata.$model",
    "SELECT $dtId, MIN(v) AS low FROM DIGITALTWINS GROUP BY $dtId HAVING MIN(v) = 0.1 OR MIN(v) = 'ab' ORDER BY MIN(v) DESC",
    "SELECT v, COUNT() AS n FROM DIGITALTWINS GROUP BY v HAVING v > 0.1 OR v = true OR v = null ORDER BY COUNT() DESC, v",
]


def building() -> Graph:
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
def test_texts_hold_no_client_text_and_number_their_parameters(text: str) -> None:
    graph = building()
    query = QueryService(
        Reader(None), lambda: graph.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA)
    ).compile(text)
    for sql in (query.first(), query.next()) if not query.plan.counts else (query.first(),):
        used = {int(number) for number in re.findall(r"\$([0-9]+)", sql.text)}
        reserved = 0 if query.plan.counts else 1 + (sql.keys if sql.resumes else 0)
        assert used == set(range(1, reserved + len(sql.constants) + 1))
        for literal in ("'room0'", "Paris", "some\\", "Operator", "'x'", "odd key"):
            assert literal not in sql.text


def written(doc: dict[str, Any]) -> str:
    return into_jsonb(dump(doc).encode())


class Reader:
    look_up = None

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.connection.fetch(sql, *params, timeout=timeout)]

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[object, ...] | None:
        rows = await self.fetch_all(sql, params, context, timeout=timeout)
        return rows[0] if rows else None

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[object, ...]], bool]:
        return bounded(await self.fetch_all(sql, params, context, timeout=timeout), most)


def service_over(connection: Any, graph: Graph, settings: QuerySettings) -> QueryService:
    return QueryService(
        Reader(connection), lambda: graph.models, KEY, settings, dialect=Postgres(SCHEMA)
    )


async def fill(connection: Any, graph: Graph) -> None:
    sql = "".join(Path(kastor.__file__).parent.joinpath("storage/postgres/schema.sql").read_text())
    await connection.execute(f"CREATE SCHEMA {SCHEMA}")
    await connection.execute(sql.replace("{graph}", SCHEMA))
    await refill(connection, graph)


async def refill(connection: Any, graph: Graph) -> None:
    tables = ("model_keys", "twins", "relationship_names", "relationships", "parts")
    listed = ", ".join(f"{SCHEMA}.{table}" for table in tables)
    await connection.execute(f"TRUNCATE {listed} CASCADE")
    for model, key in graph.models.keys.items():
        await connection.execute(f"INSERT INTO {SCHEMA}.model_keys VALUES ($1, $2)", key, model)
    keys: dict[str, int] = {}
    names: dict[str, int] = {}
    for key, (one, doc) in enumerate(graph.twins.items(), 1):
        keys[one] = key
        model_key = graph.models.keys[doc["$metadata"]["$model"]]
        await connection.execute(
            f"INSERT INTO {SCHEMA}.twins VALUES ($1, $2, $3, $4, 1, 0, 0, '', $5)",
            key, one, model_key, doc["$etag"][3:-1], written(doc),
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
            keys[doc["$targetId"]], doc["$etag"][3:-1], written(doc),
        )  # fmt: skip


async def compare(dsn: str) -> dict[str, Any]:
    import asyncpg

    graph = building()
    connection = await asyncpg.connect(dsn)
    await fill(connection, graph)
    engine = QueryService(
        Reader(connection), lambda: graph.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA)
    )
    wrong: dict[str, Any] = {}
    for text in VALID + NO_FILTER + EXTENDED:
        expected = bag(run(parse(text), graph))
        for size in (None, 1):
            try:
                found = await all_rows(engine, text, size)
            except Exception as error:  # noqa: BLE001 - every text is tried
                wrong[text] = repr(error)
                break
            if bag(found) != expected:
                wrong[text] = (size, found, expected)
    await connection.close()
    return wrong


async def all_rows(
    engine: QueryService, text: str, size: int | None, context: Context = SYSTEM, **options: Any
) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = await engine.run(text, context, token=token, max_items=size, **options)
        found += json.loads(page.value)
        token = page.continuation
        if token is None:
            return found


def stored(value: Any, *, inside: bool = False) -> Any:
    """As jsonb keeps it: members in its order; no exponents inside, where text is compared."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: stored(value[key], inside=True) for key in keys}
    if isinstance(value, list):
        return [stored(one, inside=True) for one in value]
    return 2.5 if inside and isinstance(value, float) and "e" in repr(value) else value


def same_numbers(value: Any) -> Any:
    """Numbers to twelve digits, whole ones as integers: the engines spell and add differently."""
    if isinstance(value, dict):
        return {key: same_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [same_numbers(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    near = float(f"{value:.12g}")
    return int(near) if near.is_integer() and abs(near) < 2**40 else near


def sorts(query: ast.Query) -> bool:
    columns = query.columns or ()
    groups = any(isinstance(column.value, ast.Aggregate) for column in columns)
    return bool(query.order or query.group or query.distinct or groups)


def stored_graph(random: Random, **sizes: int) -> Graph:
    graph = generate(random, **sizes)
    for doc in [*graph.twins.values(), *graph.relationships]:
        doc.update({key: stored(value) for key, value in doc.items() if key != "$metadata"})
    return graph


async def compare_generated(dsn: str) -> dict[str, Any]:
    import asyncpg

    connection = await asyncpg.connect(dsn)
    await fill(connection, building())
    wrong: dict[str, Any] = {}
    tried = 0
    for seed in range(GRAPHS):
        random = Random(seed)
        graph = stored_graph(random)
        await refill(connection, graph)
        settings = QuerySettings(max_hops=6)
        engine = service_over(connection, graph, settings)
        for _ in range(PER_GRAPH):
            query = Queries(random, graph, superset=True).superset_query()
            if sorts(query):
                tried += 1
                story = await difference(engine, query, graph, random.choice([1, 2, 3]))
                if story:
                    wrong[f"{seed}: {print_query(query)}"] = story
    await connection.close()
    assert tried > GRAPHS
    return wrong


def every_scalar() -> Graph:
    graph = Graph(MODELS)
    values = [*SCALARS, 0.1, 0.30000000000000004, 1e-7, [1], [1, "a"], [0.5], {"city": 1}, "t1", 21]
    for number, value in enumerate(values):
        graph.twin(f"t{number}", f"dtmi:x:Thing;{1 + number % 2}", v=value, w=number % 5)
    graph.twin("bare")
    return graph


async def compare_scalars(dsn: str) -> dict[str, Any]:
    import asyncpg

    graph = every_scalar()
    connection = await asyncpg.connect(dsn)
    await fill(connection, graph)
    wrong: dict[str, Any] = {}
    for aggregate in (True, False):
        engine = QueryService(
            Reader(connection), lambda: graph.models, KEY, QuerySettings(aggregate=aggregate),
            dialect=Postgres(SCHEMA),
        )  # fmt: skip
        for text in SORTED:
            for size in (1, 3, 7):
                story = await difference(engine, parse(text), graph, size)
                if story:
                    wrong[f"{text} by {size}"] = story
    await connection.close()
    return wrong


async def difference(
    engine: QueryService,
    query: ast.Query,
    graph: Graph,
    size: int | None,
    context: Context = SYSTEM,
) -> str | None:
    """What the server says otherwise than the oracle, or its pages otherwise than the whole."""
    text = print_query(query)
    expected = same_numbers(run(query, graph))
    try:
        whole = await all_rows(engine, text, None, context)
        paged = await all_rows(engine, text, size, context)
    except Exception as error:  # noqa: BLE001 - every text is tried
        return repr(error)
    found = same_numbers(whole)
    same = found == expected if query.order else bag(found) == bag(expected)
    if not same or same_numbers(paged) != found:
        return f"{found} {paged} expected {expected}"
    return None


async def compare_nested(dsn: str) -> dict[str, Any]:
    import asyncpg

    connection = await asyncpg.connect(dsn)
    await fill(connection, building())
    wrong: dict[str, Any] = {}
    for seed in range(GRAPHS):
        random = Random(seed)
        graph = stored_graph(random, twins=5, relationships=7)
        await refill(connection, graph)
        engine = service_over(connection, graph, QuerySettings())
        for text in [nested_query(random) for _ in range(PER_GRAPH)]:
            story = await difference(engine, parse(text), graph, 2)
            if story:
                wrong[f"{seed}: {text}"] = story
    await connection.close()
    return wrong


async def compare_patterns(dsn: str) -> dict[str, Any]:
    import asyncpg

    random = Random(1)
    graph = texts_graph(random)
    connection = await asyncpg.connect(dsn)
    await fill(connection, graph)
    engine = QueryService(
        Reader(connection), lambda: graph.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA)
    )
    wrong: dict[str, Any] = {}
    for text in [pattern_query(random) for _ in range(GRAPHS * PER_GRAPH)]:
        story = await difference(engine, parse(text), graph, 5)
        if story:
            wrong[text] = story
    await connection.close()
    return wrong


async def compare_cases(dsn: str) -> dict[str, Any]:
    """The two statements of a case file give the same rows."""
    import asyncpg

    graph = building_of_cases()
    connection = await asyncpg.connect(dsn)
    await fill(connection, graph)
    wrong = {}
    for case in all_cases():
        if "FROM MODELS" in case.query or case.query.startswith("EXPLAIN"):
            continue  # the graph has no documents of models; steps are each engine's own
        found = []
        engines: tuple[tuple[AnyReader, Dialect], ...] = (
            (SqliteReader(graph.open()), Sqlite()),
            (Reader(connection), Postgres(SCHEMA)),
        )
        settings = QuerySettings(aggregate=case.page != "single")
        for reader, dialect in engines:
            engine = QueryService(
                reader, lambda: graph.models, KEY, settings,
                indexes=partial(attrgetter("indexed"), case), dialect=dialect,
            )  # fmt: skip
            rows = await all_rows(engine, case.query, 2, parameters=case.given)
            found.append(bag(same_numbers(rows)))
        if found[0] != found[1]:
            wrong[case.name] = found
    await connection.close()
    return wrong


def on_a_server(work: Callable[[str], Coroutine[Any, Any, dict[str, Any]]]) -> None:
    with Cluster(durable=False).create().start() as cluster:
        wrong = asyncio.run(work(cluster.dsn))
    assert not wrong, "\n".join(f"{text}: {found}" for text, found in wrong.items())


@pytest.mark.parametrize(
    "work",
    [
        *(compare, compare_scalars, compare_generated, compare_nested, compare_patterns),
        compare_cases,
    ],
)
def test_rows_on_a_real_server(work: Callable[[str], Coroutine[Any, Any, dict[str, Any]]]) -> None:
    on_a_server(work)
