"""What expressions of the openCypher subset give: lists, maps, choices, functions, division."""

from __future__ import annotations

from typing import Any

import apsw
import pytest
from query_cases import building
from query_graphs import rows, service

from kastor.errors import QueryError
from kastor.lang.cypher.printer import print_literal

LAB = "MATCH (n {name: 'Lab'}) RETURN "
VALUES: list[tuple[str, Any]] = [
    ("[1, 2.0, 'a', null, [n.level], {a: n.gone}]", [1, 2.0, "a", None, [1], {"a": None}]),
    ("[1, 2, 3][-1]", 3),
    ("[1, 2, 3][5]", None),
    ("n.tags[n.level]", "lab"),
    ("n.tags[1..]", ["lab"]),
    ("n.tags[..-1]", ["quiet"]),
    ("n.tags[null..2]", None),
    ("n.gone[0..2]", None),
    ("n['na' + 'me']", "Lab"),
    ("{a: {b: [n.name]}}.a.b[0]", "Lab"),
    ("n.tags + ['x', 1] + n.level", ["quiet", "lab", "x", 1, 1]),
    ("[1] + [[2]]", [1, [2]]),
    ("[1] + null", None),
    ("size(n.tags + [null])", 3),
    ("[1, null] = [1, null]", None),
    ("[1, null] = [2, null]", False),
    ("[1, null] <> [1]", True),
    ("{a: 1, b: null} = {b: 2, a: 1.0}", None),
    ("{a: 1} = {b: 1}", False),
    ("[[1, null], 2] = [[1, 3], 3]", False),
    ("[1] IN [[1.0], 2]", True),
    ("[1, null] IN [[1, 2]]", None),
    ("null IN []", False),
    ("n IN [n]", True),
    ("CASE WHEN n.gone THEN 1 WHEN n.occupied THEN 2 ELSE 3 END", 2),
    ("CASE n.gone WHEN null THEN 1 END", None),
    ("CASE n.level WHEN 1.0 THEN 'one' END", "one"),
    ("coalesce(null, n.gone, n.level)", 1),
    ("n.level > 0", True),
    ("n.gone > 0", None),
    ("true XOR n.occupied XOR false XOR n.gone", None),
    ("true XOR n.occupied XOR false XOR true", True),
    ("[1, null] >= [1]", True),
    ("[1, 2] >= [1, null]", None),
    ("[1, 'a'] >= [1, 2]", None),
    ("[1, 2] >= [3, null]", False),
    ("[1] < [1, 2]", True),
    ("n.tags < ['r']", True),
    ("[1] < 'a'", None),
    ("none(x IN [] WHERE x.a = 2)", True),
    ("[x IN [1, 2, 3] WHERE x > 1 | x * 2]", [4, 6]),
    ("[x IN n.tags]", ["quiet", "lab"]),
    ("[x IN [1, 2] | [y IN [10] | x + y]]", [[11], [12]]),
    ("[x IN [[1, 2]] | [x IN x | x + n.level]]", [[2, 3]]),
    ("[x IN null | 1]", None),
    ("[n IN [1] | n] + [n.level]", [1, 1]),
    ("any(x IN [1, null] WHERE x = 1)", True),
    ("any(x IN [2, null] WHERE x = 1)", None),
    ("any(x IN [] WHERE x = 1)", False),
    ("all(x IN [1, null] WHERE x = 1)", None),
    ("all(x IN [2, null] WHERE x = 1)", False),
    ("none(x IN [2] WHERE x = 1)", True),
    ("single(x IN [1, 2] WHERE x = 1)", True),
    ("single(x IN [1, null] WHERE x = 1)", None),
    ("single(x IN [1, 1, null] WHERE x = 1)", False),
    ("single(x IN [2] WHERE x = 1)", False),
    ("[(n)-[:none]->(b) | b.name]", []),
    (
        "[(f:Floor)-[r]->(n) | [f.name, type(r), n.level]]",
        [["First floor", "contains", 1], ["First floor", "feeds", 1]],
    ),
    ("size([p = (n)<-[*1..3]-() WHERE length(p) > 1 | nodes(p)])", 7),
    ("[(n)<-[:feeds]-(f) | {up: [(f)<--(h) | h.name]}]", [{"up": ["Headquarters"]}]),
    ("[p = (n)-[:observedBy]->() | size(nodes(p)) + length(p)]", [3]),
    ("labels(n)", ["Twin", "Room", "Space"]),
    ("keys({b: 1, a: 2})", ["b", "a"]),
    ("id(n)", "room1"),
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("-7 % 3", -1),
    ("7 / 2.0", 3.5),
    ("n.level / 2", 0),
    ("n.temperature / n.level", 21.5),
    ("2 ^ 3", 8.0),
    ("n.target + 1", 21.5),
    ("n.name + 1 + 2.5", "Lab12.5"),
    ("toString(n.level) + toString(n.occupied)", "1true"),
    ("toString(1.0)", "1.0"),
    ("toString(0.1 + 0.2)", "0.30000000000000004"),
    ("toInteger(' 12.9 ')", 12),
    ("toInteger('-1e2')", -100),
    ("toInteger('1 2')", None),
    ("toInteger('')", None),
    ("toInteger('9223372036854775807')", 9223372036854775807),
    ("toInteger('9223372036854775808')", None),
    ("toFloat('1e400')", None),
    ("toFloat('.5')", 0.5),
    ("toBoolean(' True')", True),
    ("toBoolean('yes')", None),
    ("toUpper(n.name)", "LAB"),
    (
        "toUpper('stra\u00dfe \u00e9\u0151\u01c6\ufb03' + n.name)",
        "STRASSE \u00c9\u0150\u01c4FFILAB",
    ),
    (
        "toLower('\u00c9\u03a3\u0391\u03a3 \u0130\U00010400' + n.name)",
        "\u00e9\u03c3\u03b1\u03c3 i\u0307\U00010428lab",
    ),
    ("toLower(n.gone + '\u00c9')", None),
    ("ltrim(' a ') + '|' + rtrim(' b ')", "a | b"),
    ("replace('hello', 'l', 'LL')", "heLLLLo"),
    ("split('a,,\"b\\n', ',')", ["a", "", '"b\n']),
    ("split('', ',')", [""]),
    ("substring('hello', 1, 3)", "ell"),
    ("substring('hello', n.level + 3)", "o"),
    ("left('hello', 9) + right('hello', 0) + right('hello', 2)", "hellolo"),
    ("reverse('h\u00e9llo')", "oll\u00e9h"),
    ("reverse([1, [2]])", [[2], 1]),
    ("range(10, 0, -3)", [10, 7, 4, 1]),
    ("range(1, 0)", []),
    ("tail([1])", []),
    ("head([])", None),
    ("last(split('a b', ' '))", "b"),
    ("round(-2.5)", -2.0),
    ("sign(-0.5)", -1),
    ("exists(n.gone)", False),
    ("isEmpty(n.tags)", False),
    ("properties({a: 1})", {"a": 1}),
    ("$list + 4", [1, "a", None, 4]),
]
FAILING = {
    "[[1]] < [[2]]": "order",
    "n.level / 0": "zero",
    "5 % (n.level - 1)": "zero",
    "n.temperature % 2": "remainder",
    "sqrt(-1)": "finite",
    "log(0)": "finite",
    "10 ^ 400": "finite",
    "n.target + 'x'": "kinds",
    "n.target[0..1]": "kinds",
    "[1, 'a'][n.level] * 2": "kinds",
    "toString(n.target)": "kinds",
    "size(coalesce(n.target, []))": "kinds",
    "split(n.name, '')": "split",
    "left(n.name, -1)": "range",
    "range(1, 3, 0)": "range",
    "range(1, 200000)": "max_items",
    "toString(1e20)": "digits",
}


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values(text: str, value: Any) -> None:
    parameters = {"list": [1, "a", None]} if "$" in text else None
    found = rows(service(building()), f"{LAB}{text} AS x", parameters=parameters)
    assert found == [{"x": value}]
    assert type(found[0]["x"]) is type(value)


@pytest.mark.parametrize("text", FAILING)
def test_errors_of_single_rows(text: str) -> None:
    with pytest.raises(apsw.SQLError, match=f"kastor-limit:{FAILING[text]}"):
        rows(service(building()), f"{LAB}{text} AS x")


def test_a_number_that_is_given_is_an_integer_or_none() -> None:
    engine = service(building())
    text = f"{LAB}7 / $n AS whole, toString($n) AS text, [7, $n][1] / 2 AS half"
    for number, found in (
        (2, {"whole": 3, "text": "2", "half": 1}),
        (2.5, {"whole": 2.8, "text": "2.5", "half": 1.25}),
        (3, {"whole": 2, "text": "3", "half": 1}),
    ):
        assert rows(engine, text, parameters={"n": number}) == [found]


def test_a_map_and_a_list_of_lists_are_given() -> None:
    engine = service(building())
    text = f"{LAB}$m AS m, $m.a.b[1] AS b, $l[0] = [1] AS same, [1] IN $l AS among, n.level + $m.c AS c"
    for number in (2, 2.5, "x"):
        given = {"m": {"a": {"b": [1, number]}, "c": 1}, "l": [[1], {"k": None}]}
        wanted = {"m": given["m"], "b": number, "same": True, "among": True, "c": 2}
        assert rows(engine, text, parameters=given) == [wanted]


def test_texts_that_differ_in_literals_share_no_rows() -> None:
    engine = service(building())
    forms = (
        "t.name IN split('{}', ',')",
        "CASE t.name WHEN '{}' THEN true ELSE false END",
        "[t.name] = ['{}']",
        "any(x IN ['{}'] WHERE x = t.name)",
        "{{a: '{}'}}.a = t.name",
        "coalesce(t.gone, t.name) = replace('{}', 'x', 'y')",
    )
    for form in forms:
        for name in ("Lab", "Room 2", "Lab"):
            text = f"MATCH (t) WHERE {form.format(name)} RETURN t.name AS n"
            assert rows(engine, text) == [{"n": name}]


def test_collect_leaves_null_out_and_nests() -> None:
    engine = service(building())
    text = "MATCH (a)-[r:contains]->(b) RETURN a.name AS name, collect(b.level) AS levels"
    assert rows(engine, text) == [
        {"name": "First floor", "levels": [1]},
        {"name": "Headquarters", "levels": [1]},
    ]
    (row,) = rows(engine, "MATCH (a {name: 'Lab'})-[r]->(b) RETURN collect({of: r, to: b}) AS all")
    assert [one["to"]["$dtId"] for one in row["all"]] == [
        one["of"]["$targetId"] for one in row["all"]
    ]
    assert rows(engine, "MATCH (n:Nothing) RETURN collect(n) AS none") == [{"none": []}]
    (row,) = rows(engine, "MATCH (n) RETURN collect(DISTINCT [n.level, 1]) AS some")
    assert sorted(map(str, row["some"])) == ["[1, 1]", "[9, 1]", "[None, 1]"]


def test_lists_sort_by_their_elements_and_kinds_apart() -> None:
    listed = [
        *([], [[1]], [[1], 2], ["A"], ["a"], ["a", 1], ["ab"], [False], [True], [-1e300], [-10]),
        *([-1.5], [-1], [-1e-300], [0], [1e-300], [1], [1, "a"], [1, None], [9.5], [100], [1e300]),
        *([None, 1], "x", "\u00e9", False, True, -3, 5, 123456, None),
    ]
    shuffled = sorted(listed, key=str)
    text = f"UNWIND {print_literal_list(shuffled)} AS v RETURN v ORDER BY v"
    engine = service(building())
    assert [row["v"] for row in rows(engine, text)] == listed
    assert [row["v"] for row in rows(engine, f"{text} DESC", 3)] == listed[::-1]
    (row,) = rows(engine, text.replace("RETURN v ORDER BY v", "RETURN min(v) AS a, max(v) AS b"))
    assert row == {"a": [], "b": 123456}


def print_literal_list(values: list[Any]) -> str:
    shown = [
        print_literal_list(one) if isinstance(one, list) else print_literal(one) for one in values
    ]
    return f"[{', '.join(shown)}]"


def test_ends_of_relationships_are_as_they_are_stored() -> None:
    text = "MATCH ({name: 'Lab'})-[r]-() RETURN startNode(r).`$dtId` AS s, endNode(r) AS e, r, id(r) AS i"
    for row in rows(service(building()), text):
        assert row["s"] == row["r"]["$sourceId"]
        assert row["e"]["$dtId"] == row["r"]["$targetId"]
        assert row["i"] == f"{row['s']}/{row['r']['$relationshipId']}"


def test_groups_by_lists_take_equal_numbers_as_one() -> None:
    text = "MATCH (n) WHERE n.level = 1 RETURN DISTINCT [CASE WHEN n.name = 'Lab' THEN 1.0 ELSE 1 END] AS x"
    (row,) = rows(service(building()), text)
    assert row["x"] == [1]


@pytest.mark.parametrize(
    "value",
    [
        "n.name + '{}'",
        "CASE WHEN n.a THEN '{}' ELSE 'b' END",
        "coalesce(n.gone, '{}')",
        "toUpper($s)",
    ],
)
def test_nothing_is_made_of_a_text_that_no_engine_shares(value: str) -> None:
    engine = service(building())
    assert rows(engine, f"{LAB}$s AS x, n.name = $s AS y", parameters={"s": "\0"}) == [
        {"x": "\0", "y": False}
    ]
    with pytest.raises(QueryError, match=r"character U\+0000"):
        rows(engine, LAB + value.format("\\u0000"), parameters={"s": "\0"})
