"""What a store says of queries that its engine cannot run, and of values that it cannot hold."""

from __future__ import annotations

import asyncio
import json

import pytest

from kastor.errors import QueryError, QueryTimeout
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM
from tests.store.postgres_engine import PostgresEngine

from .engines import Engine
from .graphs import Graph, room

pytestmark = pytest.mark.anyio
TOO_MUCH = {
    "sqlite": "SELECT abs(-9223372036854775807 - 1)",
    "postgres": "SELECT 1 / 0",
}
SLOW = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)
SELECT count(*) FROM n
"""
NUL = [
    ("T.name = 'a\0'", []),
    ("T.name IN ['a\0', 'b']", ["b"]),
    ("T.name != 'a\0'", ["a", "b"]),
    ("T.name > 'a\0'", ["b"]),
    ("T.name < 'a\0b'", ["a"]),
    ("STARTSWITH(T.name, 'a\0')", []),
    ("CONTAINS(T.name, '\0')", []),
    ("T.$dtId = 'a\0'", []),
    ("T.name LIKE 'a\0%'", []),
]


def kind(engine: Engine) -> str:
    return "postgres" if isinstance(engine, PostgresEngine) else "sqlite"


async def test_what_the_engine_cannot_run_is_the_querys_fault(engine: Engine, graph: Graph) -> None:
    with pytest.raises(QueryError, match="cannot run this query"):
        await graph.store.fetch_all(TOO_MUCH[kind(engine)], (), SYSTEM, timeout=5)
    assert await graph.store.fetch_all("SELECT 1", (), SYSTEM, timeout=5) == [(1,)]


async def test_a_query_ends_at_its_limit_and_leaves_the_store_usable(graph: Graph) -> None:
    runs = [graph.store.fetch_all(SLOW, (), SYSTEM, timeout=0.3) for _ in range(4)]
    for found in await asyncio.gather(*runs, return_exceptions=True):
        assert isinstance(found, QueryTimeout)
    assert await graph.store.fetch_all("SELECT 1", (), SYSTEM, timeout=5) == [(1,)]


@pytest.mark.parametrize(("condition", "expected"), NUL, ids=[repr(each) for each, _ in NUL])
async def test_a_text_that_nothing_can_be_is_compared_all_the_same(
    graph: Graph, condition: str, expected: list[str]
) -> None:
    store = graph.store
    for name in "ab":
        await graph.put(name, room(name=name))
    service = QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        QuerySettings(),
        dialect=dialect_of(store.engine),
        refresh=store.refresh,
    )
    page = await service.run(f"SELECT T.$dtId FROM DIGITALTWINS T WHERE {condition}", SYSTEM)
    assert sorted(row["$dtId"] for row in json.loads(page.value)) == expected
