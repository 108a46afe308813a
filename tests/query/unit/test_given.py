"""Parameters of queries: reading, bounds, places, tokens, and what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from query_graphs import Graph, drive, pages, rows, service

from kastor.errors import BadRequest, QueryError
from kastor.lang import parse, print_query
from kastor.query import compiled
from kastor.query.given import Given, read_given
from kastor.query.service import QueryService
from kastor.query.settings import QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.query.token import decode, encode
from kastor.records import SYSTEM

FROM = "SELECT $dtId FROM DIGITALTWINS"
SETTINGS = QuerySettings(max_parameters=3, max_parameter_bytes=2_000, max_list=5)


@pytest.fixture(scope="module")
def engine() -> QueryService:
    made = Graph({"dtmi:x:Room;1": [], "dtmi:x:Hall;1": []})
    for number in range(6):
        model = f"dtmi:x:{'Hall' if number % 2 else 'Room'};1"
        made.twin(f"t{number}", model, v=number, name=f"n{number}", tags=["a", number])
    made.twin("odd", "dtmi:x:Room;1", v="2", flag=True, none=None)
    return service(made)


def ids(engine: QueryService, text: str, parameters: Any, **options: Any) -> list[str]:
    return [row["$dtId"] for row in rows(engine, text, parameters=parameters, **options)]


@pytest.mark.parametrize(
    ("where", "parameters", "found"),
    [
        ("v = $v", {"v": 2}, ["t2"]),
        ("v = $v", {"v": "2"}, ["odd"]),
        ("$v = v", {"v": 2.0}, ["t2"]),
        ("v > $low AND v <= $high", {"low": 1, "high": 3}, ["t2", "t3"]),
        ("v BETWEEN $low AND $high", {"low": 1, "high": 2}, ["t1", "t2"]),
        ("flag = $f", {"f": True}, ["odd"]),
        ("none = $n", {"n": None}, ["odd"]),
        ("v IN $list", {"list": [1, "2", None]}, ["odd", "t1"]),
        ("v IN [$a, 4, $b]", {"a": 1, "b": 5}, ["t1", "t4", "t5"]),
        ("v IN $list", {"list": []}, []),
        ("$dtId IN $list", {"list": ["t1", "t3", "no"]}, ["t1", "t3"]),
        ("name LIKE $p AND v < 2", {"p": "n_"}, ["t0", "t1"]),
        ("STARTSWITH(name, $p) AND v < 2", {"p": "n"}, ["t0", "t1"]),
        ("CONTAINS(name, $p)", {"p": "4"}, ["t4"]),
        ("ARRAY_CONTAINS(tags, $x)", {"x": 3}, ["t3"]),
        ("IS_OF_MODEL($m) AND v < $n", {"m": "dtmi:x:Hall;1", "n": 4}, ["t1", "t3"]),
        ("IS_OF_MODEL($m, exact) AND v < 3", {"m": "dtmi:x:Room;1"}, ["t0", "t2"]),
        ("v * $a + $b = 9", {"a": 2, "b": 1}, ["t4"]),
        ("$dtId = $Id AND 1 = $one", {"Id": "t1", "one": 1}, ["t1"]),
        ("$dtId = $Id AND 1 = $one", {"Id": "t1", "one": 2}, []),
        ("$dtId = 't1' AND $x IN $l", {"x": 1, "l": [1, 2]}, ["t1"]),
        ("$dtId = 't1' AND $x IN $l", {"x": 3, "l": [1, 2]}, []),
        ("$dtId = 't1' AND $x IN $l", {"x": 3, "l": [3]}, ["t1"]),
        ("$dtId = 't1' AND 2 NIN [$x, 5]", {"x": 3}, ["t1"]),
        ("$dtId = 't1' AND 2 NIN [$x, 5]", {"x": 2}, []),
        ("$dtId = 't1' AND $s LIKE 'ab'", {"s": "ab"}, ["t1"]),
        ("$dtId = 't1' AND $s LIKE 'ab'", {"s": "abc"}, []),
        ("$dtId = 't1' AND $s NOT LIKE 'a%'", {"s": "b"}, ["t1"]),
        ("$dtId = 't1' AND $s NOT LIKE 'a%'", {"s": "ab"}, []),
    ],
)
def test_a_value_stands_where_a_literal_may(
    engine: QueryService, where: str, parameters: Any, found: list[str]
) -> None:
    text = f"{FROM} WHERE {where}"
    assert sorted(ids(engine, text, parameters)) == found
    assert parse(print_query(parse(text))) == parse(text)


def test_rows_are_counted_by_parameters(engine: QueryService) -> None:
    text = "SELECT TOP($n) $dtId FROM DIGITALTWINS ORDER BY v DESC, $dtId LIMIT $l OFFSET $o"
    for n, limit, offset in ((2, 5, 0), (5, 1, 2), (0, 3, 1), (2, 5, 0)):
        whole = ids(engine, f"{FROM} ORDER BY v DESC, $dtId", None)
        found = ids(engine, text, {"n": n, "l": limit, "o": offset})
        assert found == whole[offset:][: min(n, limit)]


@pytest.mark.parametrize(
    ("text", "parameters", "told"),
    [
        (
            f"{FROM} WHERE v = $lowset",
            {"lowest": 1},
            "$lowset is not given; .* Did you mean lowest?",
        ),
        (f"{FROM} WHERE v = $v", None, "$v is not given"),
        (f"{FROM} WHERE v IN $v", {}, "$v is not given"),
        (f"{FROM} WHERE v IN $v", {"v": 1}, "$v is a number; a list can stand here"),
        (f"{FROM} WHERE v = $v", {"v": [1]}, "$v is a list; a string or a number"),
        (f"{FROM} WHERE v = $v", {"v": {"a": 1}}, "$v is a map; a string or a number"),
        (f"{FROM} WHERE v IN $v", {"v": [[1]]}, "$v is a list of lists or maps; a list can"),
        (f"{FROM} WHERE v LIKE $v", {"v": 1}, "$v is a number; a string can stand here"),
        (f"{FROM} WHERE IS_OF_MODEL($v)", {"v": None}, "$v is null; a string can"),
        ("SELECT TOP($v) FROM DIGITALTWINS", {"v": "1"}, "$v is a string; a number"),
        ("SELECT TOP($v) FROM DIGITALTWINS", {"v": True}, "$v is a boolean; a number"),
        ("SELECT TOP($v) FROM DIGITALTWINS", {"v": -1}, "$v cannot be the number of rows"),
        ("SELECT TOP($v) FROM DIGITALTWINS", {"v": 1.5}, "$v cannot be the number of rows"),
        ("SELECT TOP($v) FROM DIGITALTWINS", {"v": 10**18}, "$v cannot be the number of rows"),
    ],
)
def test_what_cannot_stand_there_is_refused_at_its_place(
    engine: QueryService, text: str, parameters: Any, told: str
) -> None:
    pattern = told.replace("$", r"\$").replace("?", r"\?")
    with pytest.raises(QueryError, match=pattern) as raised:
        drive(engine.run(text, SYSTEM, parameters=parameters))
    assert raised.value.position == text.index("$v" if "$v" in text else "$lowset")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ([], "must be an object"),
        ("x", "must be an object"),
        ({"$v": 1}, "no dollar sign: 'v'"),
        ({"": 1}, "cannot be the name"),
        ({"a b": 1}, "cannot be the name"),
        ({"1": 1}, "cannot be the name"),
        ({"x" * 129: 1}, "at most 128"),
        ({"dtId": 1}, "system property"),
        ({"relationshipName": 1}, "system property"),
        ({"v": {"a": [1, 2, 3], "b": {"c": [4, 5, 6]}}}, "The map v has more than 5 values"),
        ({"v": [[], {}, [], {}, [[]]]}, "The list v has more than 5 values"),
        ({"v": [[1, 2, 3], [4, 5, 6]]}, "The list v has more than 5 values"),
        ({"v": json.loads("[" * 65 + "]" * 65)}, "nested deeper than 64 levels"),
        ({"v": 10**400}, "out of range"),
        ({"v": float("inf")}, "out of range"),
        ({"v": [1] * 6}, "max_list"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, "more than 3 parameters"),
        ({"v": "x" * 2_000}, "more than 2000 bytes"),
    ],
)
def test_values_are_bounded_before_anything_is_made_of_them(parameters: Any, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        read_given(parameters, SETTINGS)


def test_numbers_are_read_as_literals_are() -> None:
    given = read_given({"a": 2**63, "b": -0.0, "c": 2**63 - 1}, SETTINGS)
    assert given is not None
    assert [repr(one) for one in given.values.values()] == [
        repr(float(2**63)),
        "0.0",
        str(2**63 - 1),
    ]
    assert read_given(None, SETTINGS) is read_given({}, SETTINGS) is None


def test_an_alias_may_look_like_a_parameter(engine: QueryService) -> None:
    text = "SELECT $t FROM DIGITALTWINS $t WHERE $t.v = $v AND IS_OF_MODEL($t, $m)"
    parameters = {"v": 2, "m": "dtmi:x:Room;1"}
    assert [row["$t"]["$dtId"] for row in rows(engine, text, parameters=parameters)] == ["t2"]
    engine.compile("SELECT $t FROM DIGITALTWINS $t WHERE $t.v = 2", strict=True)


def test_a_name_in_brackets_is_a_property() -> None:
    graph = Graph({"dtmi:x:Room;1": []})
    graph.twin("a", "dtmi:x:Room;1", **{"$v": 1})
    engine = service(graph)
    text = f"{FROM} WHERE [[$v]] = $v"
    assert ids(engine, text, {"v": 1}) == ["a"]
    assert parse(print_query(parse(text))) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{FROM} WHERE v = $v",
        f"{FROM} WHERE v IN $v",
        f"{FROM} WHERE v IN [$v]",
        "SELECT TOP($v) FROM DIGITALTWINS",
        f"{FROM} WHERE IS_OF_MODEL($v)",
        "SELECT $v FROM DIGITALTWINS",
    ],
)
def test_a_strict_request_has_none(engine: QueryService, text: str) -> None:
    with pytest.raises(QueryError, match="strict"):
        drive(engine.run(text, SYSTEM, parameters={"v": 1}, strict=True))
    assert ids(engine, f"{FROM} WHERE v = 1", {"v": {"no": "matter"}}, strict=True) == ["t1"]


def test_values_are_no_text_of_the_statement(engine: QueryService) -> None:
    evil = "'; DROP TABLE twins; --"
    text = f"EXPLAIN {FROM} WHERE v = $v OR name IN $l OR name LIKE $p OR STARTSWITH(name, $v)"
    parameters = {"v": evil, "l": [evil, "x"], "p": f"%{evil}_"}
    (row,) = rows(engine, text, parameters=parameters)
    assert "DROP" not in row["sql"]
    assert evil in row["parameters"]
    assert "$v" not in json.dumps(row["plan"])


def test_a_plan_serves_other_values_of_the_same_kinds(
    engine: QueryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    original = compiled.plan_query

    def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(compiled, "plan_query", counted)
    text = "SELECT TOP($n) $dtId FROM DIGITALTWINS WHERE v >= $v AND name IN $l"
    listed = [f"n{number}" for number in range(6)]
    for value, expected in ((1, "t1"), (4, "t4"), (2.5, "t3"), (0, "t0")):
        assert ids(engine, text, {"n": 1, "v": value, "l": listed[value > 2 :]}) == [expected]
    assert len(made) == 1
    assert len(ids(engine, text, {"n": 3, "v": 1, "l": listed})) == 3  # the number decides
    assert ids(engine, text, {"n": 1, "v": "1", "l": listed}) == []  # another kind
    assert len(made) == 3
    assert len(ids(engine, text, {"n": 3, "v": 2, "l": listed})) == 3
    assert ids(engine, text, {"n": 1, "v": 5, "l": listed}) == ["t5"]
    assert len(made) == 3


def test_tokens_carry_few_values(engine: QueryService) -> None:
    text = f"{FROM} WHERE v >= $v"
    first = drive(engine.run(text, SYSTEM, max_items=2, parameters={"v": 1}))
    for beside in (None, {"v": 4}, "nonsense"):
        second = drive(engine.run(None, SYSTEM, token=first.continuation, parameters=beside))
        assert [row["$dtId"] for row in json.loads(second.value)] == ["t3", "t4"]
    assert len(pages(engine, text, 2, parameters={"v": 1})) == 3


def test_many_values_have_to_be_repeated(engine: QueryService) -> None:
    text = f"{FROM} WHERE v IN $v"
    many = {"v": [*range(6), "x" * 1_100]}
    first = drive(engine.run(text, SYSTEM, max_items=2, parameters=many))
    token = first.continuation
    assert len(token) < 1_000
    second = drive(engine.run(None, SYSTEM, token=token, parameters=dict(many)))
    assert [row["$dtId"] for row in json.loads(second.value)] == ["t2", "t3"]
    with pytest.raises(BadRequest, match="repeat parameters"):
        drive(engine.run(None, SYSTEM, token=token))
    with pytest.raises(BadRequest, match="others than those"):
        drive(engine.run(None, SYSTEM, token=token, parameters={"v": [*range(5), "x" * 1_100]}))


def test_a_token_without_values_is_as_it_was() -> None:
    from query_graphs import KEY

    from kastor.query.token import Position

    plain = Position("SELECT * FROM DIGITALTWINS", 2, None, (1,))
    assert decode(encode(plain, KEY), KEY) == plain
    filled = Position("SELECT * FROM DIGITALTWINS", 2, None, (1,), given={"a": [1, "x"]})
    assert decode(encode(filled, KEY), KEY) == filled
    assert len(encode(filled, KEY)) > len(encode(plain, KEY))


@pytest.mark.parametrize("size", [1_024, 1_025])
def test_a_kilobyte_is_carried(size: int) -> None:
    given = Given({"v": "x" * (size - len('{"v":""}'))})
    assert given.size == size
    assert isinstance(given.carried(), str) == (size > 1_024)


def test_what_is_kept_holds_nobodys_values(engine: QueryService) -> None:
    secret = "x" * 5_000
    text = f"{FROM} WHERE v IN $l OR name = $s OR v IN [1, $s] OR UPPER(name) = UPPER($s)"
    parameters = {"l": list(range(5_000)), "s": secret}
    assert len(ids(engine, text, parameters)) == 6
    (kept,) = [one for key, one in engine.runner._compiler._kept.items() if key[0] == text]
    assert len(repr(kept.plan)) < 2_000
    assert kept.size < 20_000
    assert kept.statements == {}
    pattern = f"{FROM} WHERE name LIKE $s"
    before = engine.runner._compiler.tally.size
    assert ids(engine, pattern, {"s": secret}) == []
    assert engine.runner._compiler.tally.size - before > len(secret)


def test_a_statement_that_two_threads_make_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = compiled.Compiler(QuerySettings(), Sqlite())
    models = Graph().models
    asked = compiled.ask(f"{FROM} WHERE a = 'x'", models, strict=False)
    alone = compiler.make(asked)
    alone.first()
    made = compiler.make(asked)
    write, others = compiled.KeptPlan.sql, [made.first]

    def meanwhile(kept: compiled.KeptPlan, *args: Any, **options: Any) -> Any:
        if others:
            others.pop()()
        return write(kept, *args, **options)

    monkeypatch.setattr(compiled.KeptPlan, "sql", meanwhile)
    made.first()
    assert made.kept.size == alone.kept.size
