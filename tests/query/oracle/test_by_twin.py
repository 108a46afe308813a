"""Queries of who may see some twins: rows equal the oracle's over just these, on both engines."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from msgspec import structs
from query_generator import Queries
from query_generator import graph as generate
from query_graphs import drive, service
from query_oracle import bag, rounded, run
from query_parts import kept, random_sees, seen
from test_postgres import (
    SCHEMA,
    all_rows,
    building,
    difference,
    fill,
    on_a_server,
    refill,
    service_over,
    sorts,
    stored_graph,
)

from kastor.errors import Forbidden
from kastor.lang import parse, print_query
from kastor.query.settings import QuerySettings
from kastor.records import Context, PolicyPart, Sees
from kastor.storage.postgres.part_table import keep
from kastor.storage.postgres.statements import Qualified

if TYPE_CHECKING:
    from query_graphs import Graph

    from kastor.query.service import QueryService

SETTINGS = QuerySettings(max_hops=6)
GRAPHS, PER_GRAPH = 60, 10


def as_seen(sees: Sees) -> Context:
    return Context("ann", sees=sees)


def is_too_deep(engine: QueryService, text: str, sees: Sees) -> bool:
    """Whether SQLite refuses a statement for how many queries are in it; told as an error."""
    try:
        drive(all_rows(engine, text, None, as_seen(sees)))
    except apsw.SQLError as error:
        if "nested too deep" not in str(error):
            raise
        return True
    return False


def test_no_row_count_or_path_is_of_what_is_hidden() -> None:
    shown = refused = 0
    for seed in range(GRAPHS):
        random = Random(seed)
        about = generate(random)
        engine = service(about, max_hops=6)
        for number in range(PER_GRAPH):
            superset = Queries(random, about, superset=True)
            query = superset.superset_query() if number % 2 else Queries(random, about).query()
            text, sees = print_query(query), kept(engine, random_sees(random, about))
            expected = rounded(run(query, seen(about, sees)))
            shown += len(expected)
            sizes = (None, random.choice([1, 2, 3]))
            if is_too_deep(engine, text, sees):
                refused += 1
                continue
            for size in sizes:
                found = rounded(drive(all_rows(engine, text, size, as_seen(sees))))
                assert bag(found) == bag(expected), f"{seed} {sees}: {text}"
    assert shown > GRAPHS
    assert refused <= GRAPHS * PER_GRAPH // 50


def chain() -> Graph:
    graph = building()
    for twin in ("top", "middle", "end"):
        graph.twin(twin, "dtmi:x:Room;1")
    graph.relate("top", "contains", "middle")
    graph.relate("middle", "contains", "end")
    graph.relate("top", "feeds", "end")
    return graph


RANGES = [
    "SELECT a.$dtId, b.$dtId AS b FROM DIGITALTWINS MATCH (a)-[:contains*2..2]->(b)",
    "SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[:contains*1..3]-(b) WHERE a.$dtId = 'top'",
    "SELECT a.$dtId FROM DIGITALTWINS a WHERE EXISTS { (a)-[:contains*1..3]->(b) }",
    "SELECT COUNT() FROM RELATIONSHIPS",
]


@pytest.mark.parametrize("text", RANGES)
def test_a_hidden_twin_in_the_middle_of_a_way_ends_it(text: str) -> None:
    graph = chain()
    engine = service(graph)
    for part in (
        PolicyPart("p", "top", outgoing=("feeds",)),
        PolicyPart("p", "end", incoming=("feeds",)),
        PolicyPart("p", "middle", outgoing=("contains",)),
        PolicyPart("p", "top", outgoing=("contains",)),
    ):
        sees = kept(engine, Sees((part,)))
        expected = bag(run(parse(text), seen(graph, sees)))
        assert bag(drive(all_rows(engine, text, None, as_seen(sees)))) == expected


def test_who_sees_other_parts_has_other_statements_and_none_is_kept_for_another() -> None:
    graph = chain()
    engine = service(graph)
    text = "SELECT $dtId FROM DIGITALTWINS WHERE $dtId = 'end'"
    for _round in range(2):
        for under, rows in (("top", 0), ("middle", 1)):
            part = PolicyPart("p", under, outgoing=("contains" if rows else "none",))
            sees = kept(engine, Sees((part,)))
            assert len(drive(all_rows(engine, text, None, as_seen(sees)))) == rows


def test_explain_is_refused() -> None:
    graph = chain()
    engine = service(graph)
    sees = kept(engine, Sees((PolicyPart("p", "top", outgoing=("contains",)),)))
    text = "SELECT * FROM DIGITALTWINS"
    for asked, explain in ((text, True), (f"EXPLAIN {text}", False)):
        with pytest.raises(Forbidden, match="whole graph"):
            drive(engine.run(asked, as_seen(sees), explain=explain))


async def kept_there(connection: Any, sees: Sees) -> Sees:
    parts = []
    for part in sees.parts:
        key = None if part.under is None else await keep(connection, Qualified(SCHEMA), part)
        parts.append(structs.replace(part, key=key))
    return Sees(tuple(parts))


async def compare(dsn: str) -> dict[str, Any]:
    import asyncpg

    connection = await asyncpg.connect(dsn)
    await fill(connection, building())
    wrong: dict[str, Any] = {}
    for seed in range(GRAPHS):
        random = Random(seed)
        graph = stored_graph(random)
        await refill(connection, graph)
        engine = service_over(connection, graph, SETTINGS)
        for number in range(PER_GRAPH):
            superset = Queries(random, graph, superset=True)
            query = superset.superset_query() if number % 2 else Queries(random, graph).query()
            if number % 2 and not sorts(query):
                continue
            sees = await kept_there(connection, random_sees(random, graph))
            story = await difference(engine, query, seen(graph, sees), 2, as_seen(sees))
            if story:
                wrong[f"{seed} {sees}: {print_query(query)}"] = story
    await connection.close()
    return wrong


def test_the_same_on_a_real_server() -> None:
    on_a_server(compare)
