"""The openCypher subset: what is refused and how, and which plans it shares with ADT's language."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from query_cases import building, models
from query_graphs import Graph, rows, service

from kastor.errors import BadRequest, QueryError
from kastor.lang.cypher import is_cypher, parse_cypher, print_cypher
from kastor.query.compiled import plan_query
from kastor.query.plan import Plan
from kastor.query.settings import QuerySettings

SETTINGS = QuerySettings()


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(QueryError) as caught:
        rows(service(building()), text, **options)
    message = caught.value.message
    assert message.startswith("Cypher query parse failed: Cypher Parser Error, Line=")
    assert "See /docs/reference/cypher" in message
    return message


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("match (n) return n", True),
        (" \n // it's\n /* SELECT */ MATCH (n) RETURN n", True),
        ("EXPLAIN MATCH (n) RETURN n", True),
        ("explain /* */ optional match (n) return n", True),
        *((f"{word} x", True) for word in ("CREATE", "MERGE", "SET", "REMOVE", "DELETE", "DETACH")),
        *((f"{word} x", True) for word in ("WITH", "UNWIND", "RETURN", "CALL")),
        ("SELECT * FROM DIGITALTWINS", False),
        ("EXPLAIN SELECT * FROM DIGITALTWINS", False),
        ("// MATCH", False),
        ("MATCHES", False),
        ("/* MATCH (n) RETURN n", False),
        ("", False),
        ("/**/" * 20_000, False),
    ],
)
def test_the_first_word_decides(text: str, first: bool) -> None:
    assert is_cypher(text) is first


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("CREATE (n)", "PUT /digitaltwins/{id}"),
        ("MERGE (n {name: 'x'})", "PUT /digitaltwins/{id}"),
        ("MATCH (n) SET n.name = 'x'", "PATCH /digitaltwins/{id}"),
        ("MATCH (n) REMOVE n.name", "PATCH /digitaltwins/{id}"),
        ("MATCH (n)\nDETACH\nDELETE n", "DELETE /digitaltwins/{id}"),
        ("MATCH (n) RETURN n DELETE n", "DELETE /digitaltwins/{id}"),
    ],
)
def test_words_that_write_name_the_call(text: str, call: str) -> None:
    assert re.search(
        rf"changes the graph; queries are read-only. Use {re.escape(call)}", refusal(text)
    )


def test_the_same_words_are_free_where_no_clause_begins() -> None:
    text = (
        "MATCH (t) WHERE t.set = 'DELETE n' OR t.name = 'Asset 12' RETURN t.name AS delete LIMIT 1"
    )
    assert rows(service(building()), text) == []
    assert rows(service(building()), "MATCH (t {name: 'Lab'}) RETURN t.name AS create") == [
        {"create": "Lab"}
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("CALL db.labels()", "CALL is not in the subset"),
        ("MATCH (n) RETURN stDev(n.level)", "deviations are not in the subset"),
        ("MATCH (n) RETURN date(n.name)", "types of time are not in the subset"),
        ("MATCH (n) RETURN [n.name, toUpper(n.level)]", "models say that this can be integer"),
        ("MATCH (n) RETURN labels(n.name)", "labels takes a twin here"),
        ("MATCH (n) RETURN keys(n.name)", "keys takes a twin"),
        ("MATCH (n) RETURN size(n.level)", "size takes a list or a string"),
        ("MATCH (n) RETURN toBoolean(1.5)", "toBoolean does not take real"),
        ("MATCH (n) RETURN toInteger([1])", "toInteger does not take array"),
        ("MATCH (n) RETURN [1, 2]['a']", "have members"),
        ("MATCH (n) RETURN [1, 2][n.name]", "a list is asked by an integer"),
        ("MATCH (n) RETURN {a: 1}[0]", "a map by a string"),
        ("MATCH (n) RETURN n[0]", "a map by a string"),
        ("MATCH (n) RETURN (1)[0]", "only lists have elements"),
        ("MATCH (n) RETURN (1).a", "have members"),
        ("MATCH (n) RETURN [1, 2][0..'a']", "a slice takes integer"),
        ("MATCH (n) RETURN n < [2]", "is compared with another one"),
        ("MATCH (n) RETURN n.name ORDER BY {a: n.level}", "maps and paths have no order here"),
        ("MATCH (n) RETURN max({a: n.level})", "max takes numbers, strings, booleans and lists"),
        ("MATCH (n) RETURN true + 1", "not a boolean"),
        ("MATCH (n) RETURN n + 1", "not a twin, a relationship or a map"),
        ("MATCH (n) RETURN (n)-->()", "a pattern stands in WHERE"),
        ("MATCH (n) RETURN n.level + 1 AS a, n.level + 1 + count(*) AS b", "neither a column"),
        ("MATCH (n) RETURN collect(collect(n))", "collect can stand in RETURN"),
        ("MATCH (n) WHERE collect(n) = [] RETURN n", "collect can stand in RETURN"),
        ("MATCH (n)-[r]->(m) RETURN startNode(n)", "takes a relationship here"),
        ("MATCH (n) RETURN [x IN n.level | x]", "models say that this can be integer"),
        ("MATCH (n) RETURN [x IN [1] | count(*)]", "count can stand in RETURN"),
        ("MATCH (n) RETURN [x IN [1] WHERE (n)-->() | x]", "inside a comprehension"),
        ("MATCH (n) RETURN [x IN [1] | x], x", "unknown variable 'x'"),
        ("MATCH (n) RETURN [(n)-->(m)]", "expecting WHERE or '|'"),
    ("MATCH (n) RETURN [(n)-->(m) | count(m)]", "count can stand in RETURN and ORDER BY only"),
    ("MATCH (n) RETURN [x IN [n] | [(x)-->(m) | m]]", "a pattern inside a comprehension"),
        ("MATCH (n) RETURN reduce(a = 0, x IN [1] | a + x)", "reduce is not in the subset"),
        ("MATCH (n) RETURN any(x IN [1])", "expecting 'WHERE'"),
        ("MATCH (n) RETURN substring(n.name, -1)", "no negative numbers"),
        ("MATCH (n) RETURN CASE n.level END", "expecting WHEN"),
        ("MATCH (n) RETURN CASE WHEN true THEN 1", "expecting WHEN, ELSE or END"),
        ("MATCH (n) RETURN n END", "extraneous input 'END'"),
        ("MATCH (n) RETURN replace(n.name, 'a')", "takes 3 arguments, not 2"),
        ("MATCH (n) RETURN n.nmae, siez(n.name)", "Did you mean size?"),
        ("MATCH (n) WHERE n.name =~ 'a.*' RETURN n", "=~ is not in the subset"),
        ("MATCH (a)-[*1..11]->(b) RETURN b", "limit max_hops"),
        ("MATCH (n) RETURN n.target / 2", "convert one with toInteger or toFloat"),
        ("MATCH (n) RETURN n.name - 1", "models say that this can be string"),
        ("MATCH (n) RETURN sum(n.name)", "models say that this can be string"),
        ("MATCH (n) RETURN m", "unknown variable 'm'; known are n."),
        ("MATCH (n) WHERE m.x = 1 MATCH (m) RETURN n", "unknown variable 'm'"),
        ("MATCH (n) WHERE (n)-[:feeds]->(m) RETURN n", "unknown variable 'm'"),
        ("MATCH (a)-[r]->(b)-[r]->(c) RETURN a", "'r' is bound twice in one MATCH"),
        ("MATCH (a)-[r*1..2]->(b)-[r]->(c) RETURN a", "'r' is declared twice"),
        ("MATCH (a) WITH a.name AS b MATCH (b)-->(c) RETURN c", "'b' is bound already"),
        ("MATCH (a) WITH a.name RETURN 1", "a column of WITH needs a name"),
        ("MATCH (a) WITH a.name AS b RETURN a", "unknown variable 'a'; known are b."),
        ("MATCH (a) WITH a AS b, a.name AS b RETURN b", "two columns are called 'b'"),
        ("MATCH (a) WITH count(*) AS n, a.level + 1 + count(*) AS m RETURN n", "neither a column"),
        ("MATCH (a) RETURN a LIMIT -1", "an integer that is not negative"),
        ("MATCH (a) RETURN a SKIP 1.5", "an integer that is not negative"),
        ("MATCH (a) RETURN a LIMIT a.level", "a literal, a parameter, or a sum of these"),
        ("UNWIND 1 AS x RETURN x", "UNWIND takes array"),
        ("UNWIND [1] AS x UNWIND [2] AS x RETURN x", "'x' is bound already"),
        ("MATCH (n) RETURN n.name AS a UNION MATCH (n) RETURN n.name AS b", "equal names"),
        ("MATCH (n) RETURN n UNION MATCH (m) RETURN m.name AS n", "twins, relationships or other"),
        ("RETURN 1 AS a UNION RETURN 2 AS a UNION ALL RETURN 3 AS a", "do not stand in one query"),
        ("MATCH (n) WITH n", "a clause or RETURN"),
        ("MATCH (n) OPTIONAL (m) RETURN n", "MATCH"),
        ("MATCH p = (a)-->(b), p = (c)-->(d) RETURN p", "'p' is bound already"),
        ("MATCH (n) RETURN nodes(n)", "nodes takes a path"),
        ("MATCH p = shortestPath((a)-->(b)) RETURN p", "a shortest path is of a range"),
        ("MATCH p = shortestPath((a)-[*2..4]->(b)) RETURN p", "no least length but 0 or 1"),
        ("MATCH p = shortestPath((a)-[*]->(b)-[*]->(c)) RETURN p", "one relationship or range"),
        ("MATCH (a)-[*40..]->(b) RETURN b", "limit max_open_hops"),
        ("MATCH (m:Model) MATCH (n) RETURN n", ":Model stands alone"),
        ("MATCH (a)-[r*1..2]->(b) WHERE EXISTS { (b)-->(c) WHERE c.level = size(r) } RETURN a",
         "look at it outside"),
        ("MATCH (a)-[a]->(b) RETURN a", "'a' is no relationship"),
        ("MATCH (r)-[x]->(b), (x) RETURN r", "'x' is no node"),
        ("MATCH (n:Model)-[r]->(m) RETURN n", ":Model stands alone"),
        ("MATCH (n) RETURN count(*) + n.level", "neither a column nor inside"),
        ("MATCH (n) WHERE n.level RETURN n", "a condition is true, false or null"),
        ("MATCH (n) RETURN DISTINCT n.level ORDER BY n.name", "neither a column nor inside"),
        ("MATCH (n) RETURN sum(count(*))", "count can stand in RETURN"),
        ("MATCH (n) WHERE count(n) > 1 RETURN n", "count can stand in RETURN"),
        ("MATCH (n) RETURN n.name AS a, n.level AS a", "two columns are called 'a'"),
        ("MATCH (n) WHERE n.name RETURN n AS m ORDER BY o", "unknown variable 'o'"),
        ("MATCH (n) WHERE 'x' RETURN n", "a condition is true, false or null"),
        ("MATCH (n) WHERE n RETURN n", "a condition is true, false or null"),
        ("MATCH (n) WHERE n = n.name RETURN n", "is compared with another one"),
        ("MATCH (n) WHERE n.name = $who RETURN n", "the parameter $who is not given"),
        ("MATCH (n) RETURN n n", "extraneous input 'n'"),
        ("MATCH (n) RETURN 9223372036854775808", "out of range"),
        ("MATCH (n) RETURN 'a\\qb'", "unknown escape"),
        ("MATCH (n) RETURN 'a", "no closing '"),
        ("MATCH (n) RETURN 1a", "a number ends where"),
        ("MATCH (n) WHERE " + "(" * 200 + "true" + ")" * 200 + " RETURN n", "nested deeper"),
        ("MATCH (n) WHERE " + " XOR ".join(["n.b"] * 99) + " RETURN n", "more than 50 operators"),
        ("MATCH (n) RETURN " + "-" * 20 + "n.level", "nested deeper|sign|operators"),
    ],
)  # fmt: skip
def test_what_is_wrong_or_left_out_is_named(text: str, told: str) -> None:
    if text.startswith("MATCH (n) RETURN ----"):
        assert rows(service(building()), "MATCH (n {name: 'Lab'}) RETURN --n.level AS n") == [
            {"n": 1}
        ]
        return
    assert re.search(told if "|" in told else re.escape(told), refusal(text))


def test_an_error_shows_its_place() -> None:
    with pytest.raises(QueryError) as caught:
        parse_cypher("MATCH (n)\nRETURN n.")
    assert (caught.value.line, caught.value.position) == (2, 9)
    assert "\n  RETURN n.\n           ^\n" in caught.value.message


def test_values_that_nest_too_deep_are_refused_soon() -> None:
    text = "t.level"
    for _ in range(30):
        text = f"({text} = t.target)"
    with pytest.raises(QueryError, match=r"nested too deep|max_sql"):
        rows(service(building()), f"MATCH (t) RETURN {text} AS x")


@pytest.mark.parametrize(
    ("cypher", "adt"),
    [
        ("MATCH (t) WHERE t.`$dtId` = 'room1' RETURN t.name AS name",
         "SELECT t.name FROM DIGITALTWINS t WHERE t.$dtId = 'room1'"),
        ("MATCH (t:`dtmi:example:Space;1`) RETURN t.name AS name",
         "SELECT t.name FROM DIGITALTWINS t WHERE IS_OF_MODEL(t, 'dtmi:example:Space;1')"),
        ("MATCH (t) WHERE digitaltwins.is_of_model(t, 'dtmi:example:Room;1', true) RETURN count(t)",
         "SELECT COUNT() AS [[count(t)]] FROM DIGITALTWINS t WHERE IS_OF_MODEL(t, 'dtmi:example:Room;1', exact)"),
        ("MATCH (f)-[:contains]->(r), (r)<-[x:feeds*2..3]-(g) WHERE f['$dtId'] = $id RETURN r.name AS name",
         "SELECT r.name FROM DIGITALTWINS MATCH (f)-[:contains]->(r)<-[x:feeds*{2,3}]-(g) WHERE f.$dtId = $id"),
        ("MATCH (t) WHERE t.temperature > 20 AND t.name STARTS WITH 'R' OR 'lab' IN t.tags RETURN t.name AS name ORDER BY name",
         "SELECT t.name FROM DIGITALTWINS t WHERE t.temperature > 20 AND STARTSWITH(t.name, 'R') OR ARRAY_CONTAINS(t.tags, 'lab') ORDER BY name"),
        ("MATCH (t) RETURN t.level AS level, count(*) AS n ORDER BY n DESC SKIP 1 LIMIT 2",
         "SELECT t.level, COUNT() AS n FROM DIGITALTWINS t GROUP BY t.level ORDER BY n DESC LIMIT 2 OFFSET 1"),
        ("MATCH (t) WHERE EXISTS { (t)-[:feeds]->(x) WHERE x.level = 1 } RETURN t.name AS name",
         "SELECT t.name FROM DIGITALTWINS t WHERE EXISTS { (t)-[:feeds]->(x) WHERE x.level = 1 }"),
    ],
)  # fmt: skip
def test_the_same_meaning_is_the_same_plan(cypher: str, adt: str) -> None:
    cypher, adt = cypher.replace("$id", "'floor1'"), adt.replace("$id", "'floor1'")

    def plan(text: str) -> Plan:
        return dataclasses.replace(plan_query(text, models(), SETTINGS), nulls=False)

    assert plan(cypher) == plan(adt)


def test_parameters_are_values_and_their_plans_are_kept() -> None:
    engine = service(building())
    text = "MATCH (t) WHERE t.name = $who AND t.level IN $levels RETURN t.name LIMIT $most"
    for who, levels, found in (("Lab", [1, None], 1), ("Lab", [2], 0), ("Room 3", [9], 1)):
        given = {"who": who, "levels": levels, "most": 5}
        assert len(rows(engine, text, parameters=given)) == found
    never = "MATCH (t) WHERE NOT t.level IN $levels RETURN t.name"
    assert rows(engine, never, parameters={"levels": [2, None]}) == []
    assert len(rows(engine, never, parameters={"levels": [2]})) == 4
    assert len(rows(engine, never, parameters={"levels": []})) == 7
    assert rows(engine, "MATCH (t) WHERE t.name = $x RETURN t", parameters={"x": None}) == []
    assert rows(engine, never, parameters={"levels": None}) == []
    assert len(rows(engine, "MATCH (t) WHERE t.name = $x RETURN t", parameters={"x": "Lab"})) == 1


def test_texts_that_differ_in_literals_share_a_plan_and_not_their_rows() -> None:
    engine = service(building())
    for name in ("Lab", "Room 2", "gone", "it's", "\\"):
        literal = name.replace("\\", "\\\\").replace("'", "\\'")
        found = rows(
            engine, f"MATCH (t) WHERE t.name = '{literal}' RETURN t.name AS n, '{literal}' AS m"
        )
        assert found == ([{"n": name, "m": name}] if name in {"Lab", "Room 2"} else [])
    for comment in ("Lab", "gone"):
        text = f"MATCH (t) // it's {comment}\nWHERE t.name = 'Lab' RETURN t.name // isn't"
        assert rows(engine, text) == [{"t.name": "Lab"}]
    for key in ("name", "serial"):
        text = f"MATCH (t {{`it's`: 1}}) WHERE t.{key} = 'x' RETURN t"
        assert rows(engine, text) == []


def test_integers_are_exact_and_names_may_hold_anything() -> None:
    graph = Graph()
    graph.twin("t", n=2**53 + 1, **{"odd `key'\"": 2**62})
    assert rows(service(graph), 'MATCH (t) RETURN t.n, t.`odd ``key\'"` AS `a"b`') == [
        {"t.n": 2**53 + 1, 'a"b': 2**62}
    ]


def test_a_strict_request_and_a_server_without_it_know_one_language() -> None:
    for options in ({"strict": True}, {"cypher": False}):
        with pytest.raises(QueryError, match=r"SQL query parse failed.*missing SELECT"):
            rows(service(building(), **options), "MATCH (n) RETURN n")


def test_the_member_language_forces_one() -> None:
    engine = service(building())
    engine.require_language("MATCH (n) RETURN n", "cypher")
    engine.require_language("SELECT * FROM DIGITALTWINS", "adt")
    with pytest.raises(QueryError, match="Cypher Parser Error"):
        engine.require_language("SELECT * FROM DIGITALTWINS", "cypher")
    with pytest.raises(QueryError, match="SQL Parser Error"):
        engine.require_language("MATCH (n) RETURN n", "adt")
    with pytest.raises(BadRequest, match="'adt' or 'cypher'"):
        engine.require_language("MATCH (n) RETURN n", "gremlin")
    with pytest.raises(BadRequest, match="switched off"):
        service(building(), cypher=False).require_language("MATCH (n) RETURN n", "cypher")
    engine.require_language("MATCH (n) RETURN n", "gremlin", strict=True)


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (a:contains:`x y` {`$dtId`: 'it\\'s'})<-[r:`a b`|c*..3]-()-->({n: -1}) RETURN *, a AS `select`",
        "EXPLAIN MATCH (a), (b) WHERE -(-1) < -a.n ^ 2 OR NOT (a.b OR a.c) = true RETURN DISTINCT a.x[0].y, (a:Room) IS NULL",
        "MATCH (a) WHERE (NOT a.b) IN [1, [2], $p] XOR a.x STARTS WITH 'b' = true RETURN 1.5e300 - (2 - 3) % 4 SKIP $s LIMIT 2",
        "MATCH (a) WHERE 1 < a.x <= 3 <> a.y AND EXISTS { (a)--(b), (b)-[:x]->(c) WHERE c.n } RETURN count(DISTINCT a.x), count(*)",
    ],
)  # fmt: skip
def test_what_is_printed_parses_to_the_same_tree(text: str) -> None:
    query = parse_cypher(text)
    assert parse_cypher(print_cypher(query)) == query
