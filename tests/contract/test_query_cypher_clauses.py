"""Clauses of the openCypher subset over HTTP, on both engines: rows, pages, explanation, past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_error, assert_json
from .models import M, building
from .test_query_cypher import ask

if TYPE_CHECKING:
    from .client import Api

NAMES: dict[str, dict[str, Any]] = {
    "A": {"AverageTemperature": 1, "TemperatureUnit": "C"},
    "B": {"AverageTemperature": 2, "TemperatureUnit": "C"},
    "C": {"AverageTemperature": 3},
    "D": {"AverageTemperature": 4, "TemperatureUnit": "F"},
}
EDGES = [("A", "ab", "B"), ("A", "ac", "C"), ("B", "bd", "D"), ("C", "cd", "D")]
ID = "`$dtId`"
TEXTS: dict[str, list[dict[str, Any]]] = {
    f"MATCH (a) OPTIONAL MATCH (a)-->(b) WHERE b.AverageTemperature > 2 "
    f"RETURN a.{ID} AS a, b.{ID} AS b, b IS NULL AS none ORDER BY a": [
        {"a": "A", "b": "C", "none": False},
        {"a": "B", "b": "D", "none": False},
        {"a": "C", "b": "D", "none": False},
        {"a": "D", "b": None, "none": True},
    ],
    f"MATCH (a) WITH a ORDER BY a.AverageTemperature DESC LIMIT 2 MATCH (a)<--(b) "
    f"RETURN a.{ID} AS a, b.{ID} AS b ORDER BY a, b": [
        {"a": "C", "b": "A"},
        {"a": "D", "b": "B"},
        {"a": "D", "b": "C"},
    ],
    f"MATCH (a)-->(b) WITH a, count(*) AS n WHERE n > 1 RETURN a.{ID} AS a, n": [
        {"a": "A", "n": 2}
    ],
    f"MATCH (a)-->(b) WITH a, count(*) AS n WHERE n > 1 MATCH (a)-->(c) "
    f"RETURN a.{ID} AS a, n, c.{ID} AS c ORDER BY c": [
        {"a": "A", "n": 2, "c": "B"},
        {"a": "A", "n": 2, "c": "C"},
    ],
    f"MATCH (a) WITH a ORDER BY a.{ID} DESC WITH collect(a.{ID}) AS ids RETURN ids": [
        {"ids": ["D", "C", "B", "A"]}
    ],
    f"UNWIND ['D', 'A'] AS id MATCH (a {{{ID}: id}}) RETURN id, a.AverageTemperature AS t": [
        {"id": "D", "t": 4},
        {"id": "A", "t": 1},
    ],
    f"MATCH (a {{{ID}: 'A'}})-->(b) WITH collect(b) AS all UNWIND all AS b MATCH (b)-->(c) "
    f"RETURN b.{ID} AS b, c.{ID} AS c ORDER BY b": [{"b": "B", "c": "D"}, {"b": "C", "c": "D"}],
    "MATCH (a) RETURN a.TemperatureUnit AS unit UNION RETURN 'K' AS unit": [
        {"unit": "C"},
        {"unit": "F"},
        {"unit": "K"},
        {"unit": None},
    ],
    "RETURN 1 AS n UNION ALL RETURN 1 AS n": [{"n": 1}, {"n": 1}],
    f"MATCH p = ({{{ID}: 'A'}})-[*2]->() UNWIND nodes(p) AS x RETURN DISTINCT x.{ID} AS x "
    "ORDER BY x": [{"x": "A"}, {"x": "B"}, {"x": "C"}, {"x": "D"}],
    f"MATCH (a {{{ID}: 'A'}}), (d {{{ID}: 'D'}}) MATCH p = allShortestPaths((a)-[*]-(d)) "
    f"RETURN length(p) AS steps, nodes(p)[1].{ID} AS via ORDER BY via": [
        {"steps": 2, "via": "B"},
        {"steps": 2, "via": "C"},
    ],
    f"MATCH (a {{{ID}: 'A'}})-[*0..]->(b) RETURN count(*) AS n, count(DISTINCT b) AS twins": [
        {"n": 5, "twins": 4}
    ],
    f"MATCH (a)-[r]->({{{ID}: 'B'}}) MATCH (c)-[r]-(d) RETURN c.{ID} AS c ORDER BY c": [
        {"c": "A"},
        {"c": "B"},
    ],
}


def fill(api: Api) -> Api:
    api.add_models(M)
    for name, members in NAMES.items():
        api.add_twin(name, building(**members))
    for source, name, target in EDGES:
        api.relate(source, name, target)
    return api


def paged(api: Api, text: str) -> list[Any]:
    """The rows by pages of one."""
    body: dict[str, Any] = {"query": text}
    found: list[Any] = []
    while True:
        page = assert_json(api.post("/query", body, headers={"max-items-per-page": "1"}))
        found += page["value"]
        if page["continuationToken"] is None:
            return found
        body = {"continuationToken": page["continuationToken"]}


@pytest.mark.parametrize("text", TEXTS)
def test_rows_whole_and_page_by_page(api: Api, text: str) -> None:
    fill(api)
    found = ask(api, text)
    key = str if " UNION " in text else (lambda row: 0)
    assert sorted(found, key=key) == sorted(TEXTS[text], key=key)
    assert paged(api, text) == found


def test_a_path_is_an_array_of_documents(api: Api) -> None:
    fill(api)
    text = f"MATCH p = (a {{{ID}: 'A'}})-[*..1]->(b {{{ID}: 'B'}}) RETURN p, relationships(p) AS r"
    (row,) = ask(api, text)
    a, b = (assert_json(api.get(f"/digitaltwins/{one}")) for one in "AB")
    edge = assert_json(api.get("/digitaltwins/A/relationships/ab"))
    assert row == {"p": [a, edge, b], "r": [edge]}


def test_what_assistants_ask_is_answered_at_once(api: Api) -> None:
    fill(api)
    text = (
        f"MATCH (a) WITH a ORDER BY a.AverageTemperature LIMIT 3"
        f" OPTIONAL MATCH (a)-[out]->(to) OPTIONAL MATCH (a)<-[into]-(from)"
        f" RETURN a, collect(DISTINCT {{edge: out, twin: to}}) AS outgoing,"
        f" collect(DISTINCT {{edge: into, twin: from}}) AS incoming ORDER BY a.{ID}"
    )
    rows = ask(api, text)
    assert [row["a"]["$dtId"] for row in rows] == ["A", "B", "C"]
    names = [
        sorted(str(one["edge"] and one["edge"]["$relationshipId"]) for one in row[side])
        for row in rows
        for side in ("outgoing", "incoming")
    ]
    assert names == [["ab", "ac"], ["None"], ["bd"], ["ab"], ["cd"], ["ac"]]
    assert rows[1]["outgoing"][0]["twin"]["$dtId"] == "D"


def test_an_open_range_is_never_cut(api: Api) -> None:
    api.add_models(M)
    for number in range(33):
        api.add_twin(f"T{number}", building())
    for number in range(32):
        api.relate(f"T{number}", "r", f"T{number + 1}")
    text = f"MATCH (a {{{ID}: 'T%d'}})-[*]->(b) RETURN count(*) AS n"
    assert ask(api, text % 2) == [{"n": 30}]
    for start in (0, 1):
        error = assert_error(api.query(text % start), 400, "SqlQueryError")
        assert "max_open_hops" in str(error)
    path = f"MATCH (a {{{ID}: 'T%d'}}), (b {{{ID}: 'T%d'}}) MATCH p = shortestPath((a)-[*]->(b))"
    path += " RETURN length(p) AS n"
    assert ask(api, path % (0, 30)) == [{"n": 30}]
    assert ask(api, path % (5, 3)) == []
    for far in (31, 32):
        assert "max_open_hops" in str(
            assert_error(api.query(path % (0, far)), 400, "SqlQueryError")
        )
    beside = path.replace("MATCH p", "WITH a, b LIMIT 1 MATCH p")
    assert ask(api, beside % (0, 30)) == [{"n": 30}]
    assert "max_open_hops" in str(assert_error(api.query(beside % (0, 32)), 400, "SqlQueryError"))


def test_clauses_are_explained_and_asked_of_the_past(api: Api) -> None:
    fill(api)
    text = f"MATCH (a) WITH a LIMIT 3 OPTIONAL MATCH (a)-->(b) RETURN a.{ID} AS a, b.{ID} AS b"
    (row,) = ask(api, f"EXPLAIN {text}")
    assert row["rows"] == 4
    assert row["plan"]["graph"]["sources"][0]["plans"][0]["top"] == 3
    before = ask(api, text)
    at = assert_json(api.get("/digitaltwins/D"))["$metadata"]["$lastUpdateTime"]
    then = assert_json(api.query(text, headers={"kastor-as-of": at}))["value"]
    for source, name, _ in EDGES:
        assert api.delete(f"/digitaltwins/{source}/relationships/{name}").status_code == 204
    assert len(ask(api, text)) == 3
    assert assert_json(api.query(text, headers={"kastor-as-of": at}))["value"] == then
    assert len(before) == 4


def test_rows_that_do_not_change_are_neither_skipped_nor_repeated(api: Api) -> None:
    fill(api)
    text = f"MATCH (a) WITH a ORDER BY a.{ID} MATCH (a)-->(b) RETURN a.{ID} AS a, b.{ID} AS b"
    first = assert_json(api.post("/query", {"query": text}, headers={"max-items-per-page": "2"}))
    assert first["value"] == [{"a": "A", "b": "B"}, {"a": "A", "b": "C"}]
    assert api.delete("/digitaltwins/A/relationships/ab").status_code == 204
    rest = assert_json(api.post("/query", {"continuationToken": first["continuationToken"]}))
    assert rest["value"] == [{"a": "B", "b": "D"}, {"a": "C", "b": "D"}]
