"""Texts that differ in literals share what is kept, and nobody can tell.

`KASTOR_SHAPE_EXAMPLES=20000 pytest tests/query/property/test_shapes.py` tries as many.
"""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from query_generator import Queries, graph
from query_graphs import Graph, Models, drive, rows, service
from query_literals import others
from query_oracle import bag, rounded, run
from query_texts import INVALID, VALID

from kastor.errors import QueryError
from kastor.lang import print_query
from kastor.lang.tokens import STRING, tokenize, unescape
from kastor.query.compiled import Compiler, ask, plan_query
from kastor.query.given import Given
from kastor.query.settings import QuerySettings
from kastor.query.shapes import MAX_SHAPED, literals_of, shape_of
from kastor.query.sql.dialect import Dialect
from kastor.query.sql.parameters import filled
from kastor.query.sql.postgres import Postgres
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import compile_plan
from kastor.query.sql.tables import NOW
from kastor.records import SYSTEM

EXAMPLES = int(os.environ.get("KASTOR_SHAPE_EXAMPLES", "300"))
SETTINGS = QuerySettings(max_hops=6)
DIALECTS: tuple[Dialect, ...] = (Sqlite(), Postgres("g"))

generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES == 300,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)


def is_plain(literal: str) -> bool:
    doubled = literal[0] == "'" and "''" in literal[1:-1]
    return "\\" not in literal and not doubled


@given(st.text(alphabet="'\"\\-[]x \n=\0é$1", max_size=40))
@example("'a''b' \"it's\" --'no'\n[[it's]] '' \"\"")
@example("[[[x']]] '--' -- 'x'\n'y'")
@generated
def test_literals_are_the_lexers(text: str) -> None:
    try:
        tokens = tokenize(text)
    except QueryError:
        return
    strings = [
        (start, literal)
        for kind, literal, start in zip(tokens.kinds, tokens.texts, tokens.starts, strict=True)
        if kind == STRING and is_plain(literal)
    ]
    shape = shape_of(text)
    assert list(shape.values.values()) == [unescape(text, one, at) for at, one in strings]
    assert list(literals_of(text).items()) == [
        (at, name) for (at, _), name in zip(strings, shape.values, strict=True)
    ]


@given(st.text(alphabet="'\"\\-[]x \n.", max_size=30), st.text(alphabet="'\".x", max_size=30))
@example("'a'\"b\"", "'x''x'")
@generated
def test_texts_of_one_shape_are_the_same_but_for_literals(one: str, other: str) -> None:
    if shape_of(one).text != shape_of(other).text:
        return
    try:
        first, second = tokenize(one), tokenize(other)
    except QueryError:
        return
    assert first.kinds == second.kinds
    for left, right in zip(first.texts, second.texts, strict=True):
        assert left == right or (is_plain(left) and is_plain(right))


@pytest.mark.parametrize("text", ["'" + "x" * MAX_SHAPED + "'", "'\ud800'"])
def test_some_texts_are_their_own_shape(text: str) -> None:
    assert shape_of(text).text == text
    assert not shape_of(text).values
    assert not literals_of(text)


def story(compiler: Compiler, text: str, models: Models, *, strict: bool = False) -> Any:
    """All that comes of a text; or what is wrong with it."""
    try:
        made = compiler.compile(text, models, strict=strict)
        sqls = [made.first()] if made.plan.counts else [made.first(), made.next()]
    except QueryError as error:
        return error.code, error.message, error.position
    bound = [filled(sql.constants, made.values, None) for sql in sqls]
    shown = [(sql.text, sql.keys, sql.layout, sql.plain, sql.lead) for sql in sqls]
    about = (made.plan, made.hops, made.warnings, made.looks_up)
    return about, shown, [list(zip(map(type, one), one, strict=True)) for one in bound]


def known(about: Graph) -> Models:
    about.models.known = True
    return about.models


@pytest.mark.timeout(1800)
@given(st.randoms(use_true_random=False))
@generated
def test_what_is_shared_is_what_would_be_made_anew(random: Random) -> None:
    about = graph(random)
    models = known(about)
    shared = [Compiler(SETTINGS, dialect) for dialect in DIALECTS]
    query = Queries(random, about, superset=random.choice([True, False])).superset_query()
    for _ in range(4):
        text = print_query(query)
        for compiler, dialect in zip(shared, DIALECTS, strict=True):
            for strict in (False, True):
                found = story(compiler, text, models, strict=strict)
                assert found == story(Compiler(SETTINGS, dialect), text, models, strict=strict)
                assert found == story(compiler, text, models, strict=strict)
                if isinstance(found[0], tuple) and not strict:
                    assert found[0][0] == plan_query(text, models, SETTINGS)
        query = others(query, random)


@pytest.mark.parametrize("text", [*VALID, *(one for one, *_ in INVALID)])
def test_real_queries_share_their_plans(text: str) -> None:
    about = graph(Random(1))
    models = known(about)
    for dialect in DIALECTS:
        shared = Compiler(SETTINGS, dialect)
        for other in (text, text.replace("'x'", "'[1]'"), text.replace("'x'", "'y'"), text):
            expected = story(Compiler(SETTINGS, dialect), other, models)
            assert story(shared, other, models) == expected


@pytest.mark.timeout(1800)
@given(st.randoms(use_true_random=False))
@generated
def test_rows_of_a_shared_plan_equal_the_oracles(random: Random) -> None:
    about = graph(random)
    engine = service(about, max_hops=6)
    query = Queries(random, about, superset=True).superset_query()
    for _ in range(4):
        text = print_query(query)
        found = rounded(rows(engine, text))
        expected = rounded(run(query, about))
        assert found == expected if query.order else bag(found) == bag(expected), text
        at_once = engine.at_once(text, SYSTEM)
        assert at_once is None or at_once == drive(engine.run(text, SYSTEM))
        query = others(query, random)


NUMBERS = [-(2**63), -2, -0.5, 0, 0.0, 0.25, 1, 1.0, 1.5, 2, 1e300]
STRINGS = ["", "a", "[", "{", "[1]", "1", "\0", "\uffff", "it is"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("op", ["=", "!=", "<", ">", "<=", ">="])
@pytest.mark.parametrize("place", ["p", "T.[[odd key]].x", "$dtId", "$etag", "$metadata.$model"])
def test_a_statement_with_variables_is_the_one_with_the_values(
    dialect: Dialect, op: str, place: str
) -> None:
    models = Graph({"dtmi:x:Room;1": []}).models
    compiler = Compiler(SETTINGS, dialect)
    values: list[str | int | float] = [*STRINGS, *NUMBERS, *reversed(STRINGS)]
    for value in values:
        asked = repr(value) if isinstance(value, int | float) else f"'{value}'"
        text = f"SELECT * FROM DIGITALTWINS T WHERE {place} {op} {{}}"
        plan = plan_query(text.format(asked), models, SETTINGS)
        expected = compile_plan(plan, dialect, view=NOW, resumes=False, aggregate=True)
        given = ask(text.format("$v"), models, strict=False, given=Given({"v": value}))
        for one in (ask(text.format(asked), models, strict=False), given):
            made = compiler.find(one) or compiler.make(one)
            compiler.keep(one, made)
            assert made.plan == plan
            assert made.first().text == expected.text
            assert filled(made.first().constants, made.values, None) == expected.constants


LOOKED_UP = "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = '{}' AND T.v != '{}'"


def test_a_million_ids_are_one_entry() -> None:
    about = Graph({"dtmi:x:Room;1": []})
    compiler = Compiler(QuerySettings(), Sqlite())
    compiler.compile(LOOKED_UP.format("t", "x"), about.models, strict=False).first()
    before = compiler.tally.size
    for number in range(20_000):
        asked = ask(LOOKED_UP.format(number, f"x{number}"), about.models, strict=False)
        found = compiler.find(asked)
        assert found is not None
        if number % 1_000 == 0:
            compiler.keep(asked, found)
            assert str(number) in filled(found.first().constants, found.values, None)
    assert len(compiler._kept) == 1
    assert compiler.tally.size - before < 2_000


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM DIGITALTWINS WHERE name LIKE '{}_'",
        "SELECT * FROM DIGITALTWINS WHERE name = 'x' AND IS_OF_MODEL('dtmi:x:{};1')",
        "SELECT '{}' AS a FROM DIGITALTWINS",
        "SELECT * FROM RELATIONSHIPS WHERE $relationshipName = '{}'",
    ],
)
def test_literals_that_decide_a_plan_are_kept_with_it_up_to_a_size(text: str) -> None:
    about = Graph({"dtmi:x:Room;1": []})
    limits = QuerySettings(max_cache_bytes=200_000, cache_size=50)
    compiler = Compiler(limits, Sqlite())
    for number in range(500):
        made = compiler.compile(text.format("y" * (number % 90)), about.models, strict=False)
        fresh = Compiler(limits, Sqlite()).compile(
            text.format("y" * (number % 90)), about.models, strict=False
        )
        assert made.plan == fresh.plan
        assert compiler.tally.size <= limits.max_cache_bytes
        assert len(compiler._kept) <= limits.cache_size


def test_forms_of_values_have_statements_of_their_own_up_to_a_number() -> None:
    about = Graph({"dtmi:x:Room;1": []})
    compiler = Compiler(QuerySettings(), Sqlite())
    terms = [f"p{number} = '{{}}'" for number in range(6)]
    text = f"SELECT * FROM DIGITALTWINS WHERE {' OR '.join(terms)}"
    sizes = set()
    for number in range(64):
        values = ["[x" if number >> bit & 1 else "x" for bit in range(6)]
        made = compiler.compile(text.format(*values), about.models, strict=False)
        sizes.add(made.first().text.count("json_type"))
        assert len(made.kept.statements) <= 8
    assert sizes == set(range(7))
    assert len(compiler._kept) == 1


def test_a_longer_literal_is_refused_as_ever() -> None:
    about = Graph({"dtmi:x:Room;1": []})
    compiler = Compiler(replace(SETTINGS, max_text=60), Sqlite())
    text = "SELECT * FROM DIGITALTWINS WHERE name = '{}'"
    compiler.compile(text.format("x"), about.models, strict=False)
    with pytest.raises(QueryError, match="max_text"):
        compiler.compile(text.format("x" * 30), about.models, strict=False)
    with pytest.raises(QueryError, match="lone surrogate"):
        compiler.compile(text.format("\ud800"), about.models, strict=False)
