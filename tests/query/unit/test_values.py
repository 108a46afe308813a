"""The rules of query-language 11 and 12, one table each, on stored values of every kind."""

from __future__ import annotations

import pytest
from query_graphs import Graph, rows, service

VALUES = {
    "n0": 0, "n1": 1, "n21": 21, "r21": 21.0, "neg": -5, "big": 2**63 - 1, "bigger": 2**53 + 1, "t": True, "f": False,
    "null": None, "s21": "21", "sa": "a", "sA": "A", "se": "", "strue": "true", "sbr": "[1]", "arr": [1, "a", True, None],
    "arr2": [1.0, "a", True, None], "obj": {"a": 1, "b": 2}, "obj2": {"b": 2, "a": 1.0}, "empty": [], "date": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    made = Graph()
    for name, value in VALUES.items():
        made.twin(name, v=value, w={"odd key": value, "3x": value, "count": value})
    made.twin("missing")
    return service(made)


def ids(engine, condition):
    text = f"SELECT $dtId FROM DIGITALTWINS T WHERE {condition}"
    return {row["$dtId"] for row in rows(engine, text)}


NUMBERS = {"n0", "n1", "n21", "r21", "neg", "big", "bigger"}
STRINGS = {"s21", "sa", "sA", "se", "strue", "sbr", "date"}
CASES = [
    ("v = 21", {"n21", "r21"}),
    ("v = 21.0", {"n21", "r21"}),
    ("v = '21'", {"s21"}),
    ("v = 1", {"n1"}),
    ("v = true", {"t"}),
    ("v = 'true'", {"strue"}),
    ("v = '[1]'", {"sbr"}),
    ("v = null", {"null"}),
    ("v != null", set()),
    ("NOT v = null", set()),
    ("v < null", set()),
    ("v != 21", NUMBERS - {"n21", "r21"}),
    ("NOT v = 21", NUMBERS - {"n21", "r21"}),
    ("v != 'a'", STRINGS - {"sa"}),
    ("v != true", {"f"}),
    ("v < true", {"f"}),
    ("v >= false", {"t", "f"}),
    ("v > 0", NUMBERS - {"n0", "neg"}),
    ("v >= 0", NUMBERS - {"neg"}),
    ("v < 1", {"n0", "neg"}),
    ("NOT v < 1", NUMBERS - {"n0", "neg"}),
    ("v > -1e300", NUMBERS),
    ("v < 1e300", NUMBERS),
    ("v = 9223372036854775807", {"big"}),
    ("v = 9007199254740993", {"bigger"}),
    ("v = 9007199254740992", set()),
    ("v > 9007199254740992 AND v < 9007199254740994", {"bigger"}),
    ("v > 'A'", STRINGS - {"sA", "se", "s21", "date"}),
    ("v >= ''", STRINGS),
    ("v < 'Z'", {"s21", "sA", "se", "date"}),
    ("21 < v", {"big", "bigger"}),
    ("v > '2026'", STRINGS - {"se"}),
    ("v IN [1, 'a', true, null]", {"n1", "sa", "t", "null"}),
    ("v IN [0, 1]", {"n0", "n1"}),
    ("v IN ['[1]']", {"sbr"}),
    ("v NIN [1, 'a', true, null]", VALUES.keys() - {"n1", "sa", "t", "null"}),
    ("NOT v IN [1]", VALUES.keys() - {"n1"}),
    ("v NOT IN [1]", VALUES.keys() - {"n1"}),
    ("IS_DEFINED(v)", set(VALUES)),
    ("NOT IS_DEFINED(v)", {"missing"}),
    ("IS_NULL(v)", {"null"}),
    ("NOT IS_NULL(v)", VALUES.keys() - {"null"} | {"missing"}),
    ("IS_BOOL(v)", {"t", "f"}),
    ("IS_NUMBER(v)", NUMBERS),
    ("IS_STRING(v)", STRINGS),
    ("IS_PRIMITIVE(v)", NUMBERS | STRINGS | {"t", "f", "null"}),
    ("IS_OBJECT(v)", {"obj", "obj2"}),
    ("IS_ARRAY(v)", {"arr", "arr2", "empty"}),
    ("STARTSWITH(v, '2')", {"s21", "date"}),
    ("NOT STARTSWITH(v, '2')", STRINGS - {"s21", "date"}),
    ("STARTS_WITH(v, '[')", {"sbr"}),
    ("STARTSWITH(v, '')", STRINGS),
    ("ENDSWITH(v, '1')", {"s21"}),
    ("ENDSWITH(v, '')", STRINGS),
    ("ENDS_WITH(v, 'longer than all of them')", set()),
    ("CONTAINS(v, 'r')", {"strue"}),
    ("NOT CONTAINS(v, '1')", {"sa", "sA", "se", "strue"}),
    ("CONTAINS(v, 1)", set()),
    ("NOT CONTAINS(v, 1)", set()),
    ("ARRAY_CONTAINS(v, 1)", {"arr", "arr2"}),
    ("ARRAY_CONTAINS(v, true)", {"arr", "arr2"}),
    ("ARRAY_CONTAINS(v, 'A')", set()),
    ("NOT ARRAY_CONTAINS(v, 'A')", {"arr", "arr2", "empty"}),
    ("v = v", set(VALUES)),
    ("NOT v = v", set()),
    ("v = 5 OR IS_NULL(v)", {"null"}),
    ("NOT (v = 5 AND nope = 3)", VALUES.keys() & (NUMBERS)),
    ("v.a = 1", {"obj", "obj2"}),
    ("v.a.b = 1", set()),
    ("w.[[odd key]] = 1", {"n1"}),
    ("w.[[3x]] = 1", {"n1"}),
    ("w.count = 1 AND w.[[count]] = 1", {"n1"}),
    ("T.v = 1 AND v = 1", {"n1"}),
    ("T.V = 1", set()),
    ("t.v = 1", set()),
    ("$dtId = 'n1'", {"n1"}),
    ("$dtId != 'n1' AND $dtId < 'n1'", {"bigger", "big", "arr", "arr2", "empty", "date", "f", "missing", "n0"}),
    ("$dtId = 1", set()),
    ("$dtId IN ['n1', 5, 'x']", {"n1"}),
    ("STARTSWITH($dtId, 'arr')", {"arr", "arr2"}),
    ("CONTAINS($etag, 'W/') AND $dtId = 'n1'", {"n1"}),
    ("$metadata.$model = 'dtmi:x:Thing;1' AND v = 1", {"n1"}),
    ("$metadata.$lastUpdateTime > '2025' AND v = 1", {"n1"}),
    ("$metadata.v.lastUpdateTime < '2027' AND v = 1", {"n1"}),
    ("IS_OBJECT($metadata) AND IS_OBJECT(T) AND v = 1", {"n1"}),
    ("1 = 1 AND v = 1", {"n1"}),
    ("1 = '1' OR v = 1", {"n1"}),
    ("'b' > 'a' AND v = 1", {"n1"}),
    ('v = "a"', {"sa"}),
    ("v = '\\u0061'", {"sa"}),
    ("v <> 21 AND v == 0", {"n0"}),
    ("v = '\x00'", set()),
    ("STARTSWITH(v, '\x00')", set()),
    ("[[a\x00b]] = 1 OR v = 1", {"n1"}),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), CASES, ids=[case[0] for case in CASES])
def test_condition(engine, condition, expected):
    assert ids(engine, condition) == set(expected)


def test_long_chains_and_lists(engine):
    terms = " OR ".join(f"v = {n}" for n in range(1000))
    assert ids(engine, terms) == {"n0", "n1", "n21", "r21"}
    listed = ", ".join(map(str, range(10_000)))
    assert ids(engine, f"v IN [{listed}]") == {"n0", "n1", "n21", "r21"}
    deep = "v = 1"
    for number in range(99):
        deep = f"(v = {number + 5} OR (IS_DEFINED(v) AND {deep}))"
    assert "n1" in ids(engine, deep)
    assert ids(engine, "NOT " * 198 + "v = 1") == {"n1"}
