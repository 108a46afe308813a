"""`query` and `explain_query` in openCypher and ADT SQL: pages, groups, parameters, estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.query.estimate import GraphSize, guessed, told_by_engine
from kastor.query.token import Position, decode, encode, place_of, position_at

from .speaking import Speaker
from .test_tools import every_page

if TYPE_CHECKING:
    from tests.contract.client import Api

ROOM = "dtmi:kastor:sample:Room;1"
KEY = b"k" * 32


def _rest(
    building: Api, text: str, headers: dict[str, str] | None = None, **more: Any
) -> list[Any]:
    """Every row that REST answers, as lists of its values."""
    rows: list[Any] = []
    body: dict[str, Any] = {"query": text, **more}
    while True:
        page = building.post("/query", body, headers=headers).json()
        rows += [list(each.values()) for each in page["value"]]
        if (token := page["continuationToken"]) is None:
            return rows
        body = {"continuationToken": token, **more}


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (t:Room) RETURN t.`$dtId` AS id, t.name AS name",
        "MATCH (t:Room) RETURN t.`$dtId` AS id, t.name AS name ORDER BY name DESC",
        "MATCH (t:Room) RETURN t.`$dtId` AS id ORDER BY t.area, id SKIP 3 LIMIT 17",
        "MATCH (a)-[r]->(b) RETURN type(r) AS r, count(*) AS n, sum(b.area) AS area",
        "MATCH (a)-[r]->(b) RETURN a.`$dtId` AS a, count(*) AS n ORDER BY n DESC, a",
        "MATCH (a:Floor)-[:hasPart|hasSensor*1..2]->(b) RETURN a.`$dtId` AS a, b.`$dtId` AS b",
        "MATCH (t) RETURN count(*) AS n",
    ],
)
@pytest.mark.parametrize("limit", [3, 200])
def test_every_row_of_cypher_comes_once_however_it_is_cut(
    anna: Speaker, building: Api, text: str, limit: int
) -> None:
    rows = every_page(anna, "query", "rows", q=text, limit=limit, max_chars=2_000)
    assert rows == _rest(building, text)
    assert rows


def test_documents_of_cypher_are_cut_between_rows_and_go_on(anna: Speaker, building: Api) -> None:
    text = "MATCH (t:Room)-[r:hasSensor]->(s) RETURN t, r, s ORDER BY t.`$dtId`"
    change = anna.got("query", q=text)["at"].partition("change=")[2]
    rows = every_page(anna, "query", "rows", q=text, limit=200, as_of=f"change:{change}")
    expected = _rest(building, text, {"kastor-as-of": f"change:{change}"})
    assert len(rows) == len(expected) > 20
    for shown, whole in zip(rows, expected, strict=True):
        for document, found in zip(shown, whole, strict=True):
            assert "$lastUpdateTime" not in str(document)
            kept = [name for name in document if not isinstance(document[name], dict)]
            assert {n: document[n] for n in kept} == {n: found[n] for n in kept}
            assert set(document) == set(found) - ({"$metadata"} - set(document))


def test_parameters_go_on_behind_a_cursor_in_cypher(anna: Speaker, building: Api) -> None:
    text = "MATCH (t:Room) WHERE t.`$dtId` STARTS WITH $start RETURN t.`$dtId` AS id ORDER BY id"
    for start in ("room-2", "room-1"):
        asked = {"q": text, "parameters": {"start": start}}
        rows = every_page(anna, "query", "rows", **asked, limit=4)
        assert rows == _rest(building, text, parameters={"start": start})
        assert len(rows) > 10
    # More than a token carries: it holds the hash of the values alone.
    many = {"q": "MATCH (t) WHERE t.`$dtId` IN $ids RETURN t.`$dtId` AS id"}
    ids = [each[0] for each in rows] + [f"none-{n}" + "x" * 40 for n in range(40)]
    found = every_page(anna, "query", "rows", **many, parameters={"ids": ids}, limit=4)
    assert sorted(found) == sorted(rows)
    first = anna.got("query", **many, parameters={"ids": ids}, limit=4)
    other = anna.call("query", **many, parameters={"ids": ids[1:]}, cursor=first["cursor"])
    assert other.value["code"] == "InvalidCursor"


def test_cypher_warns_explains_and_teaches_as_sql_does(anna: Speaker) -> None:
    warned = anna.got("query", q="MATCH (t:Room) WHERE t.temprature > 3 RETURN t")
    assert warned["rows"] == []
    assert "temperature" in warned["warnings"][0]
    told = anna.got(
        "explain_query", q="MATCH (t:Room) WHERE t.area > $a RETURN t", parameters={"a": 3}
    )
    assert told["valid"] is True
    assert told["plan"]["node"] == "Plan"
    assert told["steps"]
    wrong = anna.call("explain_query", q="MATCH (t:Room)\nWHERE t.area >> 3 RETURN t")
    assert wrong.is_error
    assert wrong.value["at"]["line"] == 2
    writes = anna.call("query", q="MATCH (t) DETACH DELETE t")
    assert writes.is_error
    assert "DELETE /digitaltwins/{id}" in writes.value["message"]


def test_both_languages_of_one_meaning_are_estimated_alike(anna: Speaker) -> None:
    sql = anna.got(
        "explain_query", q=f"SELECT T FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')"
    )
    cypher = anna.got("explain_query", q=f"MATCH (T:`{ROOM}`) RETURN T")
    assert sql["estimatedRows"] == cypher["estimatedRows"] > 0


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("SELECT COUNT() FROM DIGITALTWINS T", 1, 1),
        ("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'room-2-14'", 0, 2),
        ("SELECT TOP(5) FROM DIGITALTWINS T", 5, 5),
        ("MATCH (t) RETURN t LIMIT 7", 7, 7),
    ],
)
def test_what_is_sure_is_estimated_right(anna: Speaker, text: str, least: int, most: int) -> None:
    told = anna.got("explain_query", q=text)
    assert least <= told["estimatedRows"] <= most
    assert told["estimateBy"] in ("engine", "rule")


def test_the_estimate_of_all_twins_is_their_number(anna: Speaker) -> None:
    counts = anna.got("describe_graph")["counts"]
    told = anna.got("explain_query", q="SELECT * FROM DIGITALTWINS T")
    if told["estimateBy"] == "rule":
        assert told["estimatedRows"] == counts["twins"]
    else:  # a guess of the engine, from when it looked last
        assert told["estimatedRows"] > 0
    both = anna.got("explain_query", q="MATCH (a), (b) RETURN a, b LIMIT 1000")
    assert both["estimatedRows"] > 0


def test_the_engines_guess_is_read_below_the_limit() -> None:
    from kastor.query.plan import Graph, Plan, Source, Truth

    plan = Plan(Graph((Source("twin", "T"),)), Truth(value=True), None)
    steps = [
        "Aggregate  (cost=9.1..9.2 rows=1 width=32)",
        "  CTE k",
        "    ->  Limit  (cost=0.2..9.1 rows=101 width=72)",
        "          ->  Index Scan using t on twins t0  (cost=0.2..99.1 rows=1234 width=72)",
        "  ->  CTE Scan on k  (cost=0.0..2.0 rows=101 width=64)",
    ]
    assert told_by_engine(steps, plan) == 1234
    assert told_by_engine(["SCAN t0", "SEARCH t1 USING INDEX x"], plan) is None


def test_rules_of_thumb_are_finite_whatever_the_plan_is() -> None:
    from kastor.query.plan import Graph, Hop, Plan, Source, Truth

    sources = tuple(Source("twin") for _ in range(12))
    hops = tuple(Hop(0, n, "-", (), 1, 30) for n in range(1, 6))
    plan = Plan(Graph(sources, hops), Truth(value=True), None)
    assert guessed(plan, GraphSize(10**9, 10**12, 5)) == 10**15
    assert guessed(plan, GraphSize(0, 0, 0)) == 0


def test_a_place_is_what_a_token_says_beside_what_is_sent_again() -> None:
    position = Position(
        *("MATCH (t) RETURN t", None, 7, (1, "x", 2.5)),
        as_of=9,
        layout=3,
        lead=("a", 1),
        given={"a": 1},
    )
    place = place_of(position)
    assert "MATCH" not in str(place)
    again = position_at(place, position.text, 9, {"a": 1})
    assert again == position
    assert decode(encode(again, KEY), KEY) == position
