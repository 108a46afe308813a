"""Whatever a statement reads comes from its view: no construct finds a way around it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs
from query_generator import Queries
from query_generator import graph as generate
from query_graphs import KEY, drive, service
from query_nested import nested_query
from query_oracle import bag, rounded, run
from query_texts import NO_FILTER, VALID
from query_views import Early, Marked, early
from test_postgres import (
    EXTENDED,
    SCHEMA,
    SORTED,
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

from kastor.errors import InvalidArgument
from kastor.lang import parse, print_query
from kastor.query.compiled import Compiler, ask, plan_query
from kastor.query.settings import QuerySettings
from kastor.query.sql.postgres import Postgres
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import compile_plan
from kastor.query.sql.tables import NOW
from kastor.query.token import decode
from kastor.records import SYSTEM, AsOf, Context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from query_graphs import Graph, Models

    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.statement import Sql
    from kastor.query.sql.tables import GraphView

SETTINGS = QuerySettings(max_hops=6)
GRAPHS, PER_GRAPH = 40, 10
TEXTS = [
    *VALID,
    *NO_FILTER,
    *EXTENDED,
    *SORTED,
    "SELECT * FROM MODELS",
    "SELECT M.id FROM MODELS M WHERE M.decommissioned = false",
    "SELECT a.$dtId, r FROM DIGITALTWINS MATCH (a)-[r:contains*1..7]->(b)",
    "SELECT a.$dtId FROM DIGITALTWINS MATCH (a)-[SHORTEST*..6]->(b) WHERE b.$dtId = 'x'",
]


@pytest.fixture
def seen_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests with an instant see the test's view."""
    view = Early()
    monkeypatch.setattr(
        "kastor.query.run.view_of", lambda context, _: NOW if context.at is None else view
    )


def at(twins: int, about: Graph) -> Context:
    return structs.replace(SYSTEM, at=state(twins, about))


def state(twins: int, about: Graph) -> AsOf:
    models: Any = about.models
    return AsOf(twins, 0, models)


def resolved(graph: Graph) -> Callable[[int], Awaitable[AsOf]]:
    async def resolve(twins: int) -> AsOf:
        return state(twins, graph)

    return resolve


def generated_texts(seed: int) -> Iterator[str]:
    random = Random(seed)
    about = generate(random)
    yield print_query(Queries(random, about).query())
    yield print_query(Queries(random, about, superset=True).superset_query())
    yield nested_query(random)


def statements(text: str, models: Models, dialect: Dialect, view: GraphView) -> Iterator[Sql]:
    plan = plan_query(text, models, QuerySettings())
    for resumes in (False, True) if not plan.counts else (False,):
        for aggregate in (True, False):
            yield compile_plan(plan, dialect, view=view, resumes=resumes, aggregate=aggregate)


@pytest.mark.parametrize("dialect", [Sqlite(), Postgres(SCHEMA)], ids=["sqlite", "postgres"])
def test_no_statement_mentions_a_table_beside_its_view(dialect: Dialect) -> None:
    models, marked, mentions = building().models, Marked(), 0
    texts = TEXTS + [text for seed in range(300) for text in generated_texts(seed)]
    for text in texts:
        for sql in statements(text, models, dialect, marked):
            assert marked.unmarked(sql.text) == [], text
            mentions += sql.text.count(" v)")
        for sql in statements(text, models, dialect, NOW):
            assert marked.unmarked(sql.text) != [], text
    assert mentions > len(texts)


@pytest.mark.usefixtures("seen_early")
def test_rows_of_a_view_equal_the_oracles_of_what_it_shows() -> None:
    for seed in range(GRAPHS):
        random = Random(seed)
        about = generate(random)
        engine = service(about, max_hops=6)
        for number in range(PER_GRAPH):
            superset = Queries(random, about, superset=True)
            query = superset.superset_query() if number % 2 else Queries(random, about).query()
            text, twins = print_query(query), random.randrange(len(about.twins) + 1)
            expected = rounded(run(query, early(about, twins)))
            for size in (None, random.choice([1, 2, 3])):
                found = rounded(drive(all_rows(engine, text, size, at(twins, about))))
                assert bag(found) == bag(expected), f"{seed} {twins}: {text}"


@pytest.mark.usefixtures("seen_early")
def test_a_statement_of_a_view_serves_every_instant() -> None:
    graph = building()
    engine = service(graph)
    text = "SELECT a.$dtId FROM DIGITALTWINS MATCH (a)-[*..7]->(b) WHERE EXISTS { (a)-[]->(c) }"
    made = [drive(engine.runner.compiled(text, at(twins, graph))) for twins in (1, 2, 3)]
    compiled = {each.first().text for each in made}
    assert len(compiled) == 1
    assert made[0] is made[1]
    assert drive(engine.runner.compiled(text, SYSTEM)).first().text not in compiled
    for twins in range(4):
        expected = bag(run(parse(text), early(graph, twins)))
        assert bag(drive(all_rows(engine, text, None, at(twins, graph)))) == expected


@pytest.mark.usefixtures("seen_early")
def test_a_token_goes_on_as_of_its_instant() -> None:
    graph = building()
    engine = service(graph, resolve=resolved(graph))
    text = "SELECT $dtId FROM DIGITALTWINS"
    first = drive(engine.run(text, at(2, graph), max_items=1))
    assert decode(first.continuation, KEY).as_of == 2
    for later in (at(2, graph), SYSTEM):
        rest = drive(engine.run(None, later, token=first.continuation, max_items=9))
        assert (rest.rows, rest.continuation, rest.at.change) == (1, None, 2)
    with pytest.raises(InvalidArgument, match="are of change:2, and change:3 is asked for"):
        drive(engine.run(None, at(3, graph), token=first.continuation))
    now = drive(engine.run(text, SYSTEM, max_items=1))
    assert decode(now.continuation, KEY).as_of is None
    assert drive(engine.run(None, SYSTEM, token=now.continuation, max_items=9)).rows == 2
    with pytest.raises(InvalidArgument, match="are of the present, and change:1 is asked for"):
        drive(engine.run(None, at(1, graph), token=now.continuation))


@pytest.mark.usefixtures("seen_early")
def test_a_statement_runs_for_no_view_but_its_own() -> None:
    graph = building()
    engine = service(graph)
    compiled = drive(engine.runner.compiled("SELECT * FROM DIGITALTWINS", SYSTEM))
    with pytest.raises(ValueError, match="ran for another view"):
        drive(engine.runner.texts(compiled, compiled.plan, 9, at(1, graph)))


def test_plans_are_kept_apart_by_the_kind_of_view() -> None:
    models, compiler = building().models, Compiler(SETTINGS, Sqlite())
    text = "SELECT * FROM DIGITALTWINS"
    views: tuple[GraphView, ...] = (NOW, Early())
    for view in views:
        asked = ask(text, models, strict=False, view=view)
        compiler.keep(asked, compiler.make(asked))
    found = [compiler.find(ask(text, models, strict=False, view=view)) for view in views]
    assert [one and one.view.kind for one in found] == ["now", "early"]


async def compare_views(dsn: str) -> dict[str, Any]:
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
            twins = random.randrange(len(graph.twins) + 1)
            story = await difference(engine, query, early(graph, twins), 2, at(twins, graph))
            if story:
                wrong[f"{seed} {twins}: {print_query(query)}"] = story
    await connection.close()
    return wrong


@pytest.mark.usefixtures("seen_early")
def test_rows_of_a_view_on_a_real_server() -> None:
    on_a_server(compare_views)
