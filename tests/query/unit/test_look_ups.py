"""Which queries are one look-up, and that what is told at once is what a page would be."""

from __future__ import annotations

from typing import Any

import pytest
from query_graphs import Graph, Models, Reader, drive, service

from kastor.errors import BadRequest, InvalidArgument, QueryError
from kastor.query.compiled import plan_query
from kastor.query.look_ups import is_look_up
from kastor.query.service import QueryService
from kastor.query.settings import QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.records import SYSTEM

TWIN = "FROM DIGITALTWINS T WHERE T.$dtId = 't1'"
RELATIONSHIP = "FROM RELATIONSHIPS R WHERE R.$sourceId = 't1' AND R.$relationshipId = 'r1'"
LOOK_UPS = [
    f"SELECT * {TWIN}",
    f"SELECT T {TWIN}",
    "SELECT * FROM DIGITALTWINS WHERE 't1' = $dtId",
    f"SELECT T.$dtId, T.v, T.address.city, T.$metadata.$model AS m {TWIN}",
    f"SELECT TOP(1) T.$dtId {TWIN}",
    f"SELECT T.$dtId {TWIN} AND T.v > 0 AND T.name = 'n1' AND IS_NUMBER(T.v)",
    f"SELECT T.missing {TWIN}",
    "SELECT " + ", ".join(f"T.a{number}" for number in range(12)) + f" {TWIN}",
    f"SELECT * {TWIN} AND IS_OF_MODEL(T, 'dtmi:x:Room;1')",
    f"SELECT * {TWIN} AND T.$metadata.$model = 'dtmi:x:Room;1'",
    f"SELECT * {TWIN} AND T.name != 'n1'",
    "SELECT * FROM DIGITALTWINS WHERE $dtId = 'no such'",
    f"SELECT * {RELATIONSHIP}",
    f"SELECT R.$targetId, R.$relationshipName {RELATIONSHIP} AND R.$targetId = 't2'",
]
OTHERS = [
    "SELECT * FROM DIGITALTWINS",
    "SELECT * FROM DIGITALTWINS WHERE name = 't1'",
    "SELECT * FROM DIGITALTWINS WHERE $dtId != 't1'",
    "SELECT * FROM DIGITALTWINS WHERE $dtId > 't1'",
    "SELECT * FROM DIGITALTWINS WHERE NOT $dtId = 't1'",
    "SELECT * FROM DIGITALTWINS WHERE $dtId = 't1' OR v = 1",
    "SELECT * FROM DIGITALTWINS WHERE $dtId IN ['t1', 't2']",
    "SELECT * FROM DIGITALTWINS WHERE $dtId = name",
    f"SELECT * {TWIN} AND CONTAINS(T.name, 'n')",
    f"SELECT * {TWIN} AND STARTSWITH(T.name, 'n')",
    f"SELECT * {TWIN} AND T.name LIKE 'n_'",
    f"SELECT * {TWIN} AND T.name LIKE '%n%'",
    f"SELECT * {TWIN} AND (T.v = 1 OR T.v = 2)",
    f"SELECT * {TWIN} AND T.v = T.name",
    f"SELECT * {TWIN} AND T.v + 1 = 2",
    f"SELECT * {TWIN} AND UPPER(T.name) = 'N1'",
    f"SELECT * {TWIN} AND ARRAY_CONTAINS(T.tags, 1)",
    f"SELECT * {TWIN} AND T.v IN (SELECT v FROM DIGITALTWINS)",
    f"SELECT * {TWIN} AND EXISTS {{ (T)-[]->(x) }}",
    f"SELECT * {TWIN} AND " + " AND ".join(f"T.a{number} = 1" for number in range(5)),
    "SELECT " + ", ".join(f"T.a{number}" for number in range(13)) + f" {TWIN}",
    f"SELECT T.text AS a, T.text AS b {TWIN}",
    f"SELECT T, T.text {TWIN}",
    f"SELECT T.a.b, T.a {TWIN}",
    f"SELECT 'x' AS a {TWIN}",
    f"SELECT LENGTH(T.name) AS n {TWIN}",
    f"SELECT T.v = 1 AS a {TWIN}",
    f"SELECT COUNT() {TWIN}",
    f"SELECT DISTINCT T.v {TWIN}",
    f"SELECT T.v, COUNT() {TWIN} GROUP BY T.v",
    f"SELECT TOP(0) T.v {TWIN}",
    f"SELECT T.v {TWIN} ORDER BY T.v",
    f"SELECT T.v {TWIN} LIMIT 1 OFFSET 1",
    f"EXPLAIN SELECT * {TWIN}",
    "SELECT T FROM DIGITALTWINS T JOIN C RELATED T.next WHERE T.$dtId = 't1'",
    "SELECT a FROM DIGITALTWINS MATCH (a)-[]->(b) WHERE a.$dtId = 't1'",
    "SELECT a FROM DIGITALTWINS MATCH (a), (b) WHERE a.$dtId = 't1'",
    "SELECT * FROM RELATIONSHIPS WHERE $relationshipId = 'r1'",
    "SELECT * FROM RELATIONSHIPS WHERE $sourceId = 't1'",
    "SELECT * FROM MODELS WHERE id = 'dtmi:x:Room;1'",
]


@pytest.fixture(scope="module")
def about() -> Graph:
    made = Graph({"dtmi:x:Room;1": []})
    for number in range(4):
        made.twin(
            f"t{number}", "dtmi:x:Room;1", v=number, name=f"n{number}", address={"city": "Ghent"}
        )
    made.relate("t1", "next", "t2", "r1")
    return made


@pytest.fixture(scope="module")
def engine(about: Graph) -> QueryService:
    return service(about)


@pytest.mark.parametrize("text", LOOK_UPS)
def test_a_look_up_is_told_at_once(engine: QueryService, text: str) -> None:
    assert is_look_up(plan_query(text, Models({"dtmi:x:Room;1": []}), QuerySettings()))
    for _ in range(2):
        at_once = engine.at_once(text, SYSTEM, max_items=1)
        assert at_once is not None
        assert at_once == drive(engine.run(text, SYSTEM))


@pytest.mark.parametrize("text", OTHERS)
def test_all_others_are_not(engine: QueryService, text: str) -> None:
    assert not is_look_up(plan_query(text, Models({"dtmi:x:Room;1": []}), QuerySettings()))
    assert engine.at_once(text, SYSTEM) is None


def test_a_test_of_very_many_models_is_none() -> None:
    models = Models({f"dtmi:x:M{number};1": ["dtmi:x:Room;1"] for number in range(200)})
    text = f"SELECT * {TWIN} AND IS_OF_MODEL(T, 'dtmi:x:Room;1')"
    assert not is_look_up(plan_query(text, models, QuerySettings()))


def test_parameters_are_told_at_once_too(engine: QueryService) -> None:
    text = "SELECT $dtId FROM DIGITALTWINS WHERE $dtId = $id AND v = $v"
    for number in (1, 2, 1):
        parameters = {"id": f"t{number}", "v": number}
        page = engine.at_once(text, SYSTEM, parameters=parameters)
        assert page is not None
        assert page.value == b'[{"$dtId":"t%d"}]' % number
    empty = engine.at_once(text, SYSTEM, parameters={"id": "t1", "v": 2})
    assert empty is not None
    assert empty.value == b"[]"
    assert engine.at_once(text, SYSTEM, parameters={"id": 1, "v": 2}) is None


@pytest.mark.parametrize("options", [{"aggregate": False}, {}])
def test_where_it_cannot_be_it_is_a_page(about: Graph, options: dict[str, bool]) -> None:
    class Remote(Reader):
        look_up: Any = None

    reader = Remote(about.open()) if not options else Reader(about.open())
    engine = QueryService(
        reader, lambda: about.models, b"k" * 32, QuerySettings(**options), dialect=Sqlite()
    )
    assert engine.at_once(LOOK_UPS[0], SYSTEM) is None
    assert drive(engine.run(LOOK_UPS[0], SYSTEM)).rows == 1


def test_what_is_wrong_is_told_as_by_a_page(engine: QueryService) -> None:
    for text, options, kind in (
        ("SELECT", {}, QueryError),
        (LOOK_UPS[0], {"max_items": 0}, InvalidArgument),
        (LOOK_UPS[0], {"parameters": []}, BadRequest),
        ("SELECT * FROM DIGITALTWINS WHERE $dtId = $id", {}, QueryError),
    ):
        with pytest.raises(kind) as told:
            engine.at_once(text, SYSTEM, **options)
        with pytest.raises(kind) as expected:
            drive(engine.run(text, SYSTEM, **options))
        assert str(told.value) == str(expected.value)
    assert engine.at_once(None, SYSTEM) is engine.at_once("", SYSTEM) is None
    assert engine.at_once("SELECT * FROM DIGITALTWINS" + " " * 3_000, SYSTEM) is None
