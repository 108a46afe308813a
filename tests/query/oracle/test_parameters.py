"""A query with parameters is the same query with the literals written in, on both engines."""

from __future__ import annotations

import asyncio
import json
import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from query_generator import Queries, graph
from query_given import Taken, written_in
from query_graphs import Graph, drive, service
from query_oracle import bag

from kastor.errors import QueryError, QueryTimeout
from kastor.lang import parse, print_query
from kastor.query.service import QueryService, QuerySettings
from kastor.records import SYSTEM
from tests.postgres.cluster import Cluster

MOST_PAGES = 50
SLOW_SECONDS = 1.0
LEFT_OUT: list[int] = []
"""Products of walks take minutes, and say no more than the others; few may be left out."""
FEW = 400
"""Each is run some twelve times; `dev test --slow` has many more."""
QUERIES = int(os.environ.get("KASTOR_QUERY_EXAMPLES", FEW))
GRAPHS = int(os.environ.get("KASTOR_POSTGRES_GRAPHS", "40"))
PER_GRAPH = 5

generated = settings(
    max_examples=QUERIES // PER_GRAPH,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=QUERIES == FEW,
    database=None,
    phases=[Phase.generate],
)


async def answered(
    engine: QueryService, text: str, size: int | None, parameters: Any = None
) -> list[Any] | str:
    """All rows by pages; the code of the error if it is refused."""
    found: list[Any] = []
    token = None
    try:
        while True:
            page = await engine.run(
                text, SYSTEM, token=token, max_items=size, parameters=parameters
            )
            found += json.loads(page.value)
            token = page.continuation
            if token is None:
                return found
    except QueryError as error:
        return error.code


def same(one: list[Any] | str, other: list[Any] | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return bag(one) == bag(other)


async def difference(engine: QueryService, random: Random, about: Graph) -> str | None:
    """What a query with parameters answers otherwise; with the first values, and with others."""
    taken = Taken(random)
    query = taken.tree(Queries(random, about, superset=True).superset_query())
    text = print_query(query)
    assert parse(text) == query, text
    for values in (taken.values, taken.others(), taken.values):
        literal = print_query(written_in(query, values))
        expected = await answered(engine, literal, None)
        # Each page of a product of patterns walks them anew: so many rows, so many pages.
        few = max(2, len(expected) // MOST_PAGES) if isinstance(expected, list) else 2
        for size in (None, few):
            found = await answered(engine, text, size, values)
            if not same(found, expected):
                return f"{text}\n{values}\n{found}\n{literal}\n{expected}"
    return None


@pytest.mark.timeout(3600)
@given(st.randoms(use_true_random=False))
@generated
def test_values_beside_the_text_are_as_values_in_it(random: Random) -> None:
    about = graph(random)
    engine = service(about, max_hops=6, timeout_seconds=SLOW_SECONDS)
    for _ in range(PER_GRAPH):
        try:
            story = drive(difference(engine, random, about))
        except QueryTimeout:
            LEFT_OUT.append(1)
            assert len(LEFT_OUT) <= QUERIES // 20
            continue
        assert story is None, story


async def compare(dsn: str) -> None:
    import asyncpg
    from test_postgres import building, fill, refill, service_over, stored_graph

    connection = await asyncpg.connect(dsn)
    await fill(connection, building())
    for seed in range(GRAPHS):
        random = Random(seed)
        about = stored_graph(random)
        await refill(connection, about)
        engine = service_over(connection, about, QuerySettings(max_hops=6))
        for _ in range(PER_GRAPH):
            story = await difference(engine, random, about)
            assert story is None, f"{seed}: {story}"
    await connection.close()


def test_values_beside_the_text_are_as_values_in_it_on_postgres() -> None:
    with Cluster(durable=False).create().start() as cluster:
        asyncio.run(compare(cluster.dsn))
