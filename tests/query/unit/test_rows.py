"""Row shapes (query-language 8), MATCH (query-language 10), strict limits (query-language 13)."""

from __future__ import annotations

import json

import pytest
from query_graphs import Graph, drive, rows, service
from query_oracle import bag

from kastor.errors import QueryError
from kastor.records import SYSTEM


@pytest.fixture(scope="module")
def graph():
    made = Graph({"dtmi:x:Room;1": [], "dtmi:x:Room;2": []})
    made.twin(
        "a",
        "dtmi:x:Room;1",
        name="A",
        x=1.0,
        y=9007199254740993,
        address={"city": "Ulm"},
        Group=1,
        tags=[1],
    )
    made.twin("b", "dtmi:x:Room;2", name="B")
    made.twin("c", "dtmi:x:Room;2")
    made.relate("a", "contains", "b", "r1", weight=2)
    made.relate("a", "contains", "b", "r2")
    made.relate("b", "feeds", "c", "r3")
    made.relate("c", "feeds", "a", "r4")
    return made


@pytest.fixture(scope="module")
def engine(graph):
    return service(graph)


def test_a_twin_is_its_document_with_the_etag(graph, engine):
    assert rows(engine, "SELECT * FROM DIGITALTWINS T WHERE $dtId = 'a'") == [graph.twins["a"]]
    page = drive(engine.run("SELECT * FROM DIGITALTWINS WHERE $dtId = 'a'", SYSTEM))
    assert b'"x":1.0,"y":9007199254740993' in page.value
    assert rows(engine, "SELECT T FROM DIGITALTWINS T WHERE $dtId = 'a'") == [
        {"T": graph.twins["a"]}
    ]
    assert rows(engine, "SELECT * FROM RELATIONSHIPS WHERE weight = 2") == [graph.relationships[0]]


SHAPES = [
    ("SELECT name, x FROM DIGITALTWINS", [{"name": "A", "x": 1.0}, {"name": "B"}, {}]),
    ("SELECT T.address.city FROM DIGITALTWINS T WHERE $dtId = 'a'", [{"city": "Ulm"}]),
    ("SELECT T.[[Group]] FROM DIGITALTWINS T WHERE $dtId = 'a'", [{"Group": 1}]),
    ("SELECT T.name AS [[a \"q\" b]] FROM DIGITALTWINS T WHERE $dtId = 'a'", [{'a "q" b': "A"}]),
    ("SELECT $metadata.$model FROM DIGITALTWINS WHERE $dtId = 'a'", [{"$model": "dtmi:x:Room;1"}]),
    ("SELECT tags, address FROM DIGITALTWINS WHERE $dtId = 'a'", [{"tags": [1], "address": {"city": "Ulm"}}]),
    ("SELECT COUNT() FROM DIGITALTWINS WHERE x = 5", [{"COUNT": 0}]),
    ("select count() as n from digitaltwins", [{"n": 3}]),
    ("SELECT A.$dtId, B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.contains R", [{"$dtId": "a", "B.$dtId": "b"}] * 2),
    ("SELECT R.weight FROM DIGITALTWINS A JOIN B RELATED A.contains R", [{"weight": 2}, {}]),
    ("SELECT a.$dtId AS a, c.$dtId AS c FROM DIGITALTWINS MATCH (a)-[:contains]->()-[:feeds]->(c)", [{"a": "a", "c": "c"}] * 2),
    ("SELECT c.$dtId FROM DIGITALTWINS MATCH (a)-[*1..2]->(c) WHERE a.$dtId = 'b'", [{"$dtId": "a"}]),
    ("SELECT c.$dtId FROM DIGITALTWINS MATCH (a)-[*0..2]->(c) WHERE a.$dtId = 'b'", [{"$dtId": "c"}, {"$dtId": "a"}]),
    ("SELECT c.$dtId FROM DIGITALTWINS MATCH (a)-[*2]->(c) WHERE a.$dtId = 'b'", [{"$dtId": "a"}]),
    ("SELECT c.$dtId FROM DIGITALTWINS MATCH (a)-[*3..2]->(c)", []),
    ("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[*2..2]->(c)", [{"COUNT": 0}]),
    ("SELECT c.$dtId FROM DIGITALTWINS MATCH (a)-[:feeds|nope]-(c) WHERE a.$dtId = 'c'", [{"$dtId": "b"}, {"$dtId": "a"}]),
    ("SELECT a.$dtId FROM DIGITALTWINS MATCH (a)-[]->(b)-[]->(c)-[]->(a) WHERE a.$dtId = 'a'", [{"$dtId": "a"}] * 2),
    ("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[:contains]->(b)-[:contains]-(c)", [{"COUNT": 2}]),
    ("SELECT r.$relationshipId FROM DIGITALTWINS MATCH (a)<-[r]-(b) WHERE a.$dtId = 'c'", [{"$relationshipId": "r3"}]),
    ("SELECT a.$dtId FROM DIGITALTWINS T MATCH (a) WHERE a.name = 'A'", [{"$dtId": "a"}]),
    ("SELECT * FROM DIGITALTWINS MATCH ()-[]->()", [{}] * 4),
    ("SELECT $dtId FROM DIGITALTWINS T WHERE EXISTS { (T)-[*2..1]-() }", []),
    ("SELECT DISTINCT T.$dtId FROM DIGITALTWINS T LEFT JOIN B RELATED T.contains WHERE EXISTS { (B) }", [{"$dtId": "a"}]),
    ("SELECT DISTINCT T.$dtId FROM DIGITALTWINS T LEFT JOIN B RELATED T.contains WHERE NOT EXISTS { (B) }", [{"$dtId": "b"}, {"$dtId": "c"}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SHAPES, ids=[shape[0] for shape in SHAPES])
def test_shape(engine, text, expected):
    assert bag(rows(engine, text)) == bag(expected)


def test_star_with_match_is_keyed_by_the_variables(graph, engine):
    found = rows(engine, "SELECT * FROM DIGITALTWINS MATCH (a)-[r:feeds]->(c) WHERE a.$dtId = 'b'")
    assert found == [{"a": graph.twins["b"], "r": graph.relationships[2], "c": graph.twins["c"]}]


def test_ranges_may_be_read_with_both_ends(graph):
    text = "SELECT c.$dtId FROM DIGITALTWINS MATCH (a)-[*1..2]->(c) WHERE a.$dtId = 'b'"
    assert len(rows(service(graph, inclusive_ranges=True), text)) == 2


STRICT = [
    "SELECT a FROM DIGITALTWINS MATCH (a)-[*]->(b) WHERE a.$dtId = 'a'",
    "SELECT a FROM DIGITALTWINS MATCH (a)-[*2..]->(b) WHERE a.$dtId = 'a'",
    "SELECT a FROM DIGITALTWINS MATCH (a)-[*{1,2}]->(b) WHERE a.$dtId = 'a'",
    "SELECT * FROM DIGITALTWINS MATCH (a)-[]->(b) WHERE a.$dtId = 'a'",
    "SELECT name FROM DIGITALTWINS ORDER BY name",
    "SELECT name FROM DIGITALTWINS LIMIT 1",
    "SELECT DISTINCT name FROM DIGITALTWINS",
    "SELECT $metadata.$model, COUNT() FROM DIGITALTWINS GROUP BY $metadata.$model",
    "SELECT name FROM DIGITALTWINS WHERE x + 1 = 2",
    "SELECT name FROM DIGITALTWINS WHERE LOWER(name) = 'a'",
    "SELECT name FROM DIGITALTWINS WHERE name LIKE 'a%'",
    "SELECT name FROM DIGITALTWINS WHERE CONTAINS(name, 'a', true)",
    "SELECT name FROM DIGITALTWINS WHERE tags[0] = 1",
]


@pytest.mark.parametrize("text", STRICT)
def test_extensions_are_refused_when_strict(text, engine, graph):
    rows(engine, text)
    with pytest.raises(QueryError):
        engine.compile(text, strict=True)
    with pytest.raises(QueryError):
        service(graph, strict=True).compile(text)


LIMITS = [
    ({"max_text": 30}, "SELECT * FROM DIGITALTWINS WHERE x = 1", "max_text"),
    (
        {"max_terms": 2},
        "SELECT * FROM DIGITALTWINS WHERE x = 1 OR x = 2 OR x = 3 OR x = 4",
        "max_terms",
    ),
    ({"max_list": 2}, "SELECT * FROM DIGITALTWINS WHERE x IN [1, 2, 3]", "max_list"),
    (
        {"max_joins": 1},
        "SELECT a FROM DIGITALTWINS a JOIN b RELATED a.x JOIN c RELATED a.x",
        "max_joins",
    ),
    ({"max_hops": 2}, "SELECT a FROM DIGITALTWINS MATCH (a)-[*..3]->(b)", "max_hops"),
    ({"max_hops": 2}, "SELECT a FROM DIGITALTWINS MATCH (a)-[]->()-[]->()-[]->()", "max_hops"),
    ({"require_id_filter": True}, "SELECT a FROM DIGITALTWINS MATCH (a)-[]->(b)", "$dtId"),
    (
        {"require_id_filter": True},
        "SELECT a FROM DIGITALTWINS a JOIN b RELATED a.x WHERE a.x = 1",
        "$dtId",
    ),
]


@pytest.mark.parametrize(("settings", "text", "part"), LIMITS)
def test_limits_are_named(graph, settings, text, part):
    with pytest.raises(QueryError, match=part.replace("$", r"\$")):
        service(graph, **settings).compile(text)


def test_nothing_of_a_text_reaches_sql(graph):
    engine = service(graph)
    text = (
        "SELECT T.[[x'); DROP TABLE twins; --]] AS [[evil\"key'; --]], T.name FROM DIGITALTWINS T "
        "WHERE T.[[a'b\"c\\d]] = 'evil\\'; DROP' OR STARTSWITH(T.name, 'evil') OR T.name IN ['evil', 'wicked']"
    )
    assert len(rows(engine, text)) == 0
    for sql in (engine.compile(text).first().text, engine.compile(text).next().text):
        for word in ("evil", "wicked", "DROP", "a'b"):
            assert word not in sql
    json.dumps(rows(engine, text))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM DIGITALTWINS WHERE " + " OR ".join(f"x = {n}" for n in range(52)),
        "SELECT * FROM DIGITALTWINS WHERE x IN [" + ", ".join(map(str, range(101))) + "]",
        "SELECT a FROM DIGITALTWINS a JOIN b RELATED a.x",
        "SELECT a FROM DIGITALTWINS MATCH (a)-[*..6]->()-[*..6]->(b) WHERE a.$dtId = 'a'",
        "SELECT * FROM DIGITALTWINS WHERE name = '" + "x" * 8000 + "'",
    ],
)
def test_strict_requests_have_the_clouds_limits(graph, engine, text):
    rows(engine, text)
    with pytest.raises(QueryError):
        engine.compile(text, strict=True)
