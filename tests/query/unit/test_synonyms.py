"""What other languages write: plain meaning by default, refused with the cure where strict."""

from __future__ import annotations

import unicodedata

import pytest
from query_graphs import Graph, rows, service

from kastor.errors import QueryError
from kastor.lang import ast, parse, print_query
from kastor.lang.characters import UNUSUAL_BLANKS
from kastor.query.service import QueryService

FROM = "SELECT $dtId FROM DIGITALTWINS"
SYNONYMS = [
    (f"{FROM} WHERE Temperature == 30", f"{FROM} WHERE Temperature = 30", 49, "write ="),
    (f"{FROM} WHERE !IS_DEFINED(Humidity)", f"{FROM} WHERE NOT IS_DEFINED(Humidity)", 37, "NOT"),
    (f"{FROM} WHERE !(Temperature < 40)", f"{FROM} WHERE NOT Temperature < 40", 37, "write NOT"),
    (
        f"{FROM} WHERE !STARTSWITH(name, 'r') AND name != 'x'",
        f"{FROM} WHERE NOT STARTSWITH(name, 'r') AND name != 'x'",
        37,
        "write NOT",
    ),
    ("SELECT COUNT(*) FROM DIGITALTWINS", "SELECT COUNT() FROM DIGITALTWINS", 7, "write COUNT()"),
    (
        f"{FROM} WHERE Temperature BETWEEN 30 AND 50 AND name = 'r'",
        f"{FROM} WHERE (Temperature >= 30 AND Temperature <= 50) AND name = 'r'",
        49,
        "write x >= low AND x <= high",
    ),
    (
        f"{FROM} WHERE Temperature NOT BETWEEN 31 AND 50",
        f"{FROM} WHERE NOT (Temperature >= 31 AND Temperature <= 50)",
        53,
        "write x >= low",
    ),
    (f"{FROM} AS T WHERE T.name = 'x'", f"{FROM} T WHERE T.name = 'x'", 31, "leave out AS"),
    (
        "SELECT R.$relationshipId FROM DIGITALTWINS T JOIN C RELATED T.contains AS R WHERE T.$dtId = 'x'",
        "SELECT R.$relationshipId FROM DIGITALTWINS T JOIN C RELATED T.contains R WHERE T.$dtId = 'x'",
        71,
        "leave out AS",
    ),
    (f"{FROM} WHERE name = 'it''s'", f"{FROM} WHERE name = 'it\\'s'", 47, "write \\'"),
    (f"{FROM} WHERE name IN ['''', 'it''s']", f"{FROM} WHERE name IN ['\\'', 'it\\'s']", 47, "\\'"),
    (f"{FROM} WHERE dict['temp'] = 5", f"{FROM} WHERE dict.temp = 5", 41, "write .temp"),
    (f"{FROM} T WHERE T['dict']['a b'] = 1", f"{FROM} T WHERE T.dict.[[a b]] = 1", 40, ".dict"),
]


@pytest.fixture(scope="module")
def engine() -> QueryService:
    made = Graph({"dtmi:x:Room;1": []})
    made.twin("x", "dtmi:x:Room;1", name="x", Temperature=30, dict={"temp": 5})
    made.twin("room0", "dtmi:x:Room;1", name="r", Temperature=50, Humidity=5)
    made.twin("a", "dtmi:x:Room;1", name="it's", dict={"a b": 1, "a]b": 2})
    made.twin("b", "dtmi:x:Room;1", name="'")
    made.relate("x", "contains", "a")
    return service(made)


@pytest.mark.parametrize(("text", "plain", "position", "cure"), SYNONYMS)
def test_it_means_what_it_plainly_means(
    text: str, plain: str, position: int, cure: str, engine: QueryService
) -> None:
    assert parse(text) == parse(plain)
    assert parse(print_query(parse(text))) == parse(plain)
    found = rows(engine, text)
    assert found
    assert found == rows(engine, plain)


@pytest.mark.parametrize(("text", "plain", "position", "cure"), SYNONYMS)
def test_a_strict_request_is_told_the_cure(
    text: str, plain: str, position: int, cure: str, engine: QueryService
) -> None:
    with pytest.raises(QueryError) as raised:
        engine.compile(text, strict=True)
    assert (raised.value.line, raised.value.position) == (1, position)
    assert cure in raised.value.message
    if "JOIN" not in plain:
        engine.compile(plain, strict=True)


def test_a_name_that_has_no_plain_form_is_reached_too(engine: QueryService) -> None:
    text = f"{FROM} WHERE dict['a]b'] = 2"
    assert rows(engine, text) == [{"$dtId": "a"}]
    assert parse(print_query(parse(text))) == parse(text)
    with pytest.raises(QueryError, match="at least one character"):
        parse(f"{FROM} WHERE dict[''] = 2")


def test_the_list_of_blanks_is_unicodes() -> None:
    # White_Space is category Z, the controls HT to CR, and NEL.
    spaces = {chr(n) for n in range(0x110000) if unicodedata.category(chr(n))[0] == "Z"}
    spaces |= set(map(chr, range(9, 14))) | {"\x85"}
    assert spaces - set(" \t\r\n") | {"\u200b", "\ufeff"} == UNUSUAL_BLANKS


@pytest.mark.parametrize("blank", sorted(UNUSUAL_BLANKS), ids=lambda one: f"U+{ord(one):04X}")
def test_unusual_blanks_separate_words(blank: str, engine: QueryService) -> None:
    text = (
        f"{blank}SELECT{blank}*\n{blank}FROM{blank}DIGITALTWINS WHERE name{blank}={blank}'x'{blank}"
    )
    plain = "SELECT * FROM DIGITALTWINS WHERE name = 'x'"
    assert parse(text) == parse(plain)
    assert rows(engine, text) == rows(engine, plain)
    strict = f"SELECT *\nFROM{blank}DIGITALTWINS"
    with pytest.raises(QueryError) as raised:
        engine.compile(strict, strict=True)
    assert (raised.value.line, raised.value.position) == (2, 4)
    assert f"U+{ord(blank):04X}" in raised.value.message


def test_blanks_inside_a_string_are_the_strings(engine: QueryService) -> None:
    query = parse("SELECT * FROM DIGITALTWINS WHERE name = 'a\u00a0b'")
    assert isinstance(query.where, ast.Comparison)
    assert isinstance(query.where.right, ast.Literal)
    assert query.where.right.value == "a\u00a0b"
    engine.compile("SELECT * FROM DIGITALTWINS WHERE name = 'a\u00a0b'", strict=True)
    with pytest.raises(QueryError, match="U\\+00A0 NO-BREAK SPACE"):
        engine.compile("SELECT\u00a0* FROM DIGITALTWINS", strict=True)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("test", "cures"),
    [
        ("a.b IS NULL", ("NOT IS_DEFINED(a.b) for what is missing", "IS_NULL(a.b) for a null")),
        ("a IS NOT NULL", ("write IS_DEFINED(a)", "NOT IS_NULL(a)")),
    ],
)
def test_is_null_is_refused_with_both_cures(
    test: str, cures: tuple[str, str], strict: bool, engine: QueryService
) -> None:
    with pytest.raises(QueryError) as raised:
        engine.compile(f"SELECT * FROM DIGITALTWINS WHERE {test}", strict=strict)
    assert all(cure in raised.value.message for cure in cures)
    assert raised.value.position == len("SELECT * FROM DIGITALTWINS WHERE ") + test.index("IS")


@pytest.mark.parametrize(
    ("text", "told", "never"),
    [
        ("SELECT FROM DIGITALTWINS", "a column is missing before it, for example *", "[[FROM]]"),
        ("SELECT a, FROM DIGITALTWINS", "a column is missing before it", "[[FROM]]"),
        ("SELECT * FROM DIGITALTWINS WHERE AND a = 1", "missing before it", "[[AND]]"),
        ("SELECT * FROM DIGITALTWINS WHERE a = \u201cx\u201d", "U+201C LEFT DOUBLE", "'\u201d'"),
        ("SELECT * FROM DIGITALTWINS WHERE a = \u2018x\u2019", "plain quotes: 'text'", "U+2019"),
        ("SELECT * FROM DIGITALTWINS WHERE a \u2265 1", "write >=", "?"),
        ("SELECT * FROM DIGITALTWINS WHERE a = \u0001", "U+0001", "'\u0001'"),
        (
            "SELECT * FROM DIGITALTWINS WHERE EXISTS (SELECT a FROM RELATIONSHIPS)",
            "EXISTS { (T)-[:name]->(x) WHERE .. }",
            "Did you mean",
        ),
        ("EXPLAIN ANALYZE SELECT * FROM DIGITALTWINS", "leave out ANALYZE", "missing SELECT"),
        ('SELECT T."name" FROM DIGITALTWINS T', "[[name]]", "?"),
        ('SELECT * FROM DIGITALTWINS WHERE IS_DEFINED("a b")', "[[a b]]", "?"),
        ("SELECT * FROM DIGITALTWINS WHERE !a = 1", "write NOT", "?"),
        ("SELECT * FROM DIGITALTWINS WHERE a BETWEEN 1", "AND and the upper end", "?"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_cure(
    text: str, told: str, never: str, engine: QueryService
) -> None:
    with pytest.raises(QueryError) as raised:
        engine.compile(text)
    message = raised.value.message.split("\n")[0]
    assert told in message
    assert never not in message


@pytest.mark.parametrize(
    ("text", "line", "column", "length"),
    [
        ("foo", 1, 0, 3),
        ("SELECT *\n  FROM nosuch", 2, 7, 6),
        ("SELECT * FROM DIGITALTWINS WHERE x = 'a' 'bcd'", 1, 41, 5),
        ("SELECT * FROM", 1, 13, 0),
    ],
)
def test_the_place_is_told_as_data(text: str, line: int, column: int, length: int) -> None:
    with pytest.raises(QueryError) as raised:
        parse(text)
    (detail,) = raised.value.details
    assert detail.code == "SqlQueryError"
    assert detail.place == {"line": line, "column": column, "length": length}
    assert detail.message in raised.value.message
