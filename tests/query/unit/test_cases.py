"""Every case file says what the compiler makes of its query; `--update` writes them anew."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from query_cases import (
    ENGINES,
    FOLDER,
    PAGES,
    SETTINGS,
    all_cases,
    building,
    compiled,
    models,
    plan_of,
    read_case,
    rewrite,
    sql_of,
    statement,
)
from query_graphs import KEY, Reader, rows
from query_lines import in_lines, is_same

from kastor.lang import ast, parse
from kastor.lang.cypher import is_cypher
from kastor.lang.words import FUNCTIONS
from kastor.query import plan
from kastor.query.distances import KINDS
from kastor.query.service import QueryService
from kastor.query.sql.sqlite import Sqlite

CASES = all_cases()
NAMES = [case.name for case in CASES]


@pytest.fixture(scope="module", autouse=True)
def up_to_date(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        for case in CASES:
            rewrite(case)


@pytest.mark.parametrize("name", NAMES)
def test_plan(name: str) -> None:
    case = read_case(FOLDER / f"{name}.case")
    assert case.written["plan"] == plan_of(case)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ENGINES)
def test_statement(engine: str, name: str) -> None:
    case = read_case(FOLDER / f"{name}.case")
    parts = {title: text for title, text in case.written.items() if title.startswith(engine)}
    assert parts == sql_of(case, engine)
    assert is_same(parts[engine], statement(case, compiled(case, engine)).text)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_says_what_it_shows_and_is_as_it_would_be_written(name: str) -> None:
    case = read_case(FOLDER / f"{name}.case")
    assert re.fullmatch(r"[A-Z][^\n]{3,80}[^.\n]", case.title)
    assert re.fullmatch(r"[A-Z`].+\.", case.shows, re.DOTALL)
    assert case.page in PAGES
    titles = ["plan", *(title for engine in ENGINES for title in sql_of(case, engine))]
    assert list(case.written) == titles
    assert case.path.read_text(encoding="utf-8") == case.text()


@pytest.fixture(scope="module")
def reader() -> Reader:
    connection = building().open()
    connection.execute(
        "INSERT INTO models SELECT key, 1, '{}', 639028224001234567, NULL, 1, NULL, 0, NULL"
        " FROM model_keys"
    )
    return Reader(connection)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_finds_rows_with_its_statement(name: str, reader: Reader) -> None:
    case, known = read_case(FOLDER / f"{name}.case"), models()
    settings = dataclasses.replace(SETTINGS, aggregate=case.page != "single")
    query = QueryService(
        reader, lambda: known, KEY, settings, dialect=Sqlite(), indexes=lambda: case.indexed
    )
    before = len(reader.statements)
    found = rows(query, case.query, 1 if case.page == "next" else None, parameters=case.given)
    ran = reader.statements[before:]
    assert bool(found) is (name != "where_never")
    if found:
        assert statement(case, compiled(case, "sqlite")).text in ran


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
    assert len({case.title for case in CASES}) == len(CASES)
    assert len({(case.query, case.page, case.indexed) for case in CASES}) == len(CASES)


def _kinds(node: Any) -> set[str]:
    if isinstance(node, tuple):
        return {kind for one in node for kind in _kinds(one)}
    if not dataclasses.is_dataclass(node):
        return set()
    inner = (getattr(node, each.name) for each in dataclasses.fields(node))
    return {type(node).__name__}.union(*map(_kinds, inner))


def _nodes_of(module: Any) -> set[str]:
    return {
        name
        for name, one in vars(module).items()
        if dataclasses.is_dataclass(one) and one.__module__ == module.__name__
    }


def test_every_construct_of_the_language_is_in_some_case() -> None:
    adt = [case for case in CASES if not is_cypher(case.query)]
    assert set().union(*(_kinds(parse(case.query)) for case in adt)) == _nodes_of(ast)


def test_every_function_is_in_some_case() -> None:
    spelled = {word for case in CASES for word in re.findall(r"\b[A-Z_]+\b", case.query)}
    # Distances need parameters, which cases have not: tests/contract/test_vectors.py.
    assert FUNCTIONS - {"STARTS_WITH", "ENDS_WITH"} - KINDS.keys() <= spelled


def test_every_node_of_plans_is_in_some_case() -> None:
    shown = set().union(*(_kinds(compiled(case, "sqlite").plan) for case in CASES))
    assert shown == _nodes_of(plan) - {"Not"}  # a finished plan has none


def test_a_statement_in_lines_keeps_every_word() -> None:
    for case in CASES:
        for engine in ENGINES:
            sql = statement(case, compiled(case, engine)).text
            assert is_same(in_lines(sql), sql)
    assert not is_same("SELECT 'a' , 2", "SELECT 'a', 1")
