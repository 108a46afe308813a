"""Names that no stored model knows: an alias that is none, warnings, and no advice."""

from __future__ import annotations

import json
import time

import pytest
from query_graphs import Graph, drive, rows, service

from kastor.errors import QueryError
from kastor.query.notes import nearest
from kastor.records import SYSTEM


@pytest.fixture
def graph():
    made = Graph({"dtmi:x:Room;1": []})
    made.models.known = True
    made.models.declared = frozenset({"Temperature", "Humidity", "address", "since"})
    made.twin("a", "dtmi:x:Room;1", Temperature=1, address={"city": "Ulm"})
    made.twin("b", "dtmi:x:Room;1")
    made.relate("a", "contains", "b", since=1)
    return made


def warnings(engine, text, **options):
    return list(drive(engine.run(text, SYSTEM, **options)).warnings)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("SELECT * FROM DIGITALTWINS T WHERE t.Temperature = 1", 35),
        ("SELECT x.Temperature FROM DIGITALTWINS room", 7),
        ("SELECT * FROM RELATIONSHIPS R WHERE rel.since = 1", 36),
        ("SELECT T FROM DIGITALTWINS T ORDER BY twin.Temperature", 38),
    ],
)
def test_an_alias_that_is_none_is_refused(graph, text, position):
    engine = service(graph)
    with pytest.raises(QueryError, match="unknown alias") as raised:
        engine.compile(text)
    assert raised.value.position == position
    if "ORDER" not in text:
        engine.compile(text, strict=True)
    graph.models.known = False
    fresh = service(graph)
    rows(fresh, text)
    assert "is read as a property" in warnings(fresh, text)[0]


def test_the_alias_is_suggested(graph):
    with pytest.raises(QueryError, match=r"known are rooms\. Did you mean rooms\?"):
        service(graph).compile("SELECT * FROM DIGITALTWINS rooms WHERE room.Temperature = 1")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM DIGITALTWINS T WHERE address.city = 'Ulm'",
        "SELECT * FROM DIGITALTWINS T WHERE $metadata.$model = 'dtmi:x:Room;1'",
        "SELECT * FROM DIGITALTWINS WHERE nosuch.city = 'Ulm'",
        "SELECT * FROM DIGITALTWINS T WHERE nosuch = 'Ulm'",
        "SELECT * FROM MODELS M WHERE model.displayName = 'x'",
    ],
)
def test_whatever_may_be_a_property_is_one(graph, text):
    service(graph).compile(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "SELECT T.Temprature FROM DIGITALTWINS T",
            "no model declares a property Temprature. Did you mean Temperature?",
        ),
        (
            "SELECT * FROM DIGITALTWINS WHERE temperature = 1",
            "no model declares a property temperature. Did you mean Temperature?",
        ),
        (
            "SELECT C FROM DIGITALTWINS T JOIN C RELATED T.contians WHERE T.$dtId = 'a'",
            "no model declares a relationship contians. Did you mean contains?",
        ),
        (
            "SELECT b FROM DIGITALTWINS MATCH (a)-[:contain]->(b) WHERE a.$dtId = 'a'",
            "no model declares a relationship contain. Did you mean contains?",
        ),
        (
            "SELECT * FROM RELATIONSHIPS R WHERE R.$relationshipName IN ['contains', 'has']",
            "no model declares a relationship has.",
        ),
        (
            "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:x:Roam;1')",
            "there is no model dtmi:x:Roam;1, nor one that extends it. Did you mean dtmi:x:Room;1?",
        ),
        (
            "SELECT * FROM DIGITALTWINS T WHERE EXISTS { (T)-[:contains]->(x) WHERE x.humidity = 1 }",
            "no model declares a property humidity. Did you mean Humidity?",
        ),
        (
            "SELECT * FROM DIGITALTWINS WHERE $dtId IN (SELECT $targetId FROM RELATIONSHIPS WHERE snce = 1)",
            "no model declares a property snce.",
        ),
    ],
)
def test_names_that_no_model_knows_are_told(graph, text, told):
    engine = service(graph)
    (warning,) = warnings(engine, text)
    assert warning.startswith(told)
    assert warnings(engine, text) == [warning]  # of the kept plan too
    (row,) = json.loads(drive(engine.run(text, SYSTEM, explain=True)).value)
    assert row["warnings"] == [warning]
    assert not any("nam" in one for one in row["advice"])


def test_names_that_a_model_knows_are_not(graph):
    text = (
        "SELECT A.Temperature, R.since FROM DIGITALTWINS A JOIN B RELATED A.contains R "
        "WHERE A.$dtId = 'a' AND B.address.city = 'Ulm' AND IS_OF_MODEL(A, 'dtmi:x:Room;1')"
    )
    assert warnings(service(graph), text) == []
    graph.models.known = False
    odd = "SELECT nosuch FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:no;1')"
    assert warnings(service(graph), odd) == []


def test_no_index_is_advised_for_what_no_model_declares(graph):
    text = "EXPLAIN SELECT * FROM DIGITALTWINS WHERE nosuch > 5 AND Temperature > 5"
    (row,) = rows(service(graph), text)
    assert [one.split(" would")[0] for one in row["advice"]] == ["an index on Temperature"]


def test_many_names_are_told_in_part_and_quickly(graph):
    graph.models.declared = frozenset(f"property{number:05}" for number in range(50_000))
    columns = ", ".join(f"T.propertx{number:05}" for number in range(400))
    engine = service(graph)
    begun = time.process_time()
    assert len(warnings(engine, f"SELECT {columns} FROM DIGITALTWINS T")) == 9
    assert time.process_time() - begun < 3
    assert nearest("x" * 10_000, graph.models.declared) == ""
