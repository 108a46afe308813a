"""What every statement of the engine keeps to, so that a graph can be moved, pooled and sharded.

No triggers or procedures, no table outside the graph's schema, no session state, no notifications,
and no sequence taken for an order.
"""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

import kastor.storage.postgres as engine
from kastor.dtdl import ValueRules
from kastor.graph.catalog import catalog_builder
from kastor.query.compiled import Compiler
from kastor.query.settings import QuerySettings
from kastor.query.sql.postgres import Postgres
from kastor.storage.postgres import comparison, schema
from kastor.storage.transfer import TABLES

CATALOG = frozenset({"pg_class", "pg_namespace", "pg_attribute", "pg_index"})
CONTROL = "kastor_control.graphs"
"""The table of placements, in the server's own database; no statement joins it with a graph."""

PARTS = {"comparison": comparison._written}
"""Modules whose statements are patterns for every table."""

VERBS = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|BEGIN|COMMIT|SET|LOCK)\b"
)
FORBIDDEN = {
    "triggers, procedures and rules": r"\bTRIGGER\b|\bFUNCTION\b|\bPROCEDURE\b|\bRULE\b|\bDO\s+\$",
    "notifications": r"(^|;)\s*(NOTIFY|LISTEN)\b|pg_notify",
    "session state": r"(^|;)\s*(SET\s+(?!LOCAL\b)|RESET\b|PREPARE\b|DISCARD\b)|\bTEMP\b"
    r"|set_config|search_path|pg_(try_)?advisory_lock\b",
    "a sequence as order": r"ORDER BY (\w+\.)?seq\b|nextval|currval",
    "an array that the driver looks up, with settings of the session": r"\$\d+::(?!text\b)\w+\[",
    "two-phase commits": r"PREPARE TRANSACTION",
}
TABLE = re.compile(
    r"(?<!DO )(?<!NO KEY )\b(?:FROM|JOIN|INTO|UPDATE|REFERENCES|USING|LOCK TABLE|CREATE TABLE"
    r"|ON(?= [{\"]))\s+(LATERAL\s+)?(?P<name>[\w{}\".]+)(?P<call>\s*\()?"
)
CTE = re.compile(
    r"(?:WITH(?: RECURSIVE)?|\)?,)\s+(\w+)(?:\s*\([\w, ]*\))?\s+AS\s*(?:MATERIALIZED\s*)?\("
)
WORDS = frozenset({"SELECT", "LATERAL", "SKIP", "SET", "OF", "unnest", "NOT"})


def texts(module: ModuleType) -> list[tuple[str, str]]:
    place = module.__name__.rpartition(".")[2]
    found = [
        (f"{place}.{name}", text)
        for name, value in vars(module).items()
        for text in (value if isinstance(value, tuple) else (value,))
        if isinstance(text, str) and VERBS.match(text) and name != "__doc__"
    ]
    write = PARTS.get(place)
    if write is None:
        return found
    return [
        (f"{name} {table.name}", write(text, table)) for name, text in found for table in TABLES
    ]


def engine_texts() -> list[tuple[str, str]]:
    modules = [
        import_module(f"{engine.__name__}.{each.name}") for each in iter_modules(engine.__path__)
    ]
    found = [each for module in modules for each in texts(module)]
    found += [("schema.sql", part) for part in schema.schema_text().split(";") if part.strip()]
    found += [(f"migration {number}", text) for number, text in schema.load_migrations().items()]
    return found


QUERIES = (
    "SELECT * FROM DIGITALTWINS T WHERE T.a > 5 AND T.b = 'x' AND STARTSWITH(T.$dtId, 'a')",
    "SELECT T, CT, R FROM DIGITALTWINS T JOIN CT RELATED T.contains R WHERE T.$dtId = 'a'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[R:has*1..8]->(B) WHERE A.$dtId = 'a'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[*..3]-(B) WHERE B.$dtId = 'a'",
    "SELECT COUNT() FROM RELATIONSHIPS R WHERE R.$relationshipName = 'x'",
    "SELECT TOP(3) T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:a;1')",
)


def query_texts() -> list[tuple[str, str]]:
    compiler = Compiler(QuerySettings(), Postgres("graph_default"))
    models = catalog_builder(ValueRules())((), (), 1)
    found = []
    for text in QUERIES:
        compiled = compiler.compile(text, models, strict=False)
        statements = (
            [compiled.first()] if compiled.plan.counts else [compiled.first(), compiled.next()]
        )
        found += [(text, sql.text) for sql in statements]
    return found


ALL = engine_texts() + query_texts()


def bare(text: str) -> str:
    """Without comments and literals."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", text))


@pytest.mark.parametrize(("name", "text"), ALL, ids=[name for name, _ in ALL])
def test_a_statement_keeps_to_what_can_be_sharded(name: str, text: str) -> None:
    sql = bare(text)
    for what, pattern in FORBIDDEN.items():
        assert re.search(pattern, sql, re.IGNORECASE) is None, f"{what}: {text}"


@pytest.mark.parametrize(("name", "text"), ALL, ids=[name for name, _ in ALL])
def test_a_statement_names_only_tables_of_its_graph(name: str, text: str) -> None:
    assert strangers(text) == [], text


def strangers(text: str) -> list[str]:
    """The tables that are neither of the graph, nor the statement's own, nor the catalog's."""
    sql = bare(text)
    known = set(CTE.findall(sql)) | CATALOG | WORDS
    found = []
    for match in TABLE.finditer(sql):
        table = match["name"]
        ours = table.startswith(("{graph}.", '"graph_default".', CONTROL)) or table in known
        if not ours and (not match["call"] or "." in table):  # a call is a function
            found.append(table)
    return found


def test_no_statement_joins_a_graph_with_the_placements() -> None:
    assert not [text for _, text in ALL if CONTROL in text and "{graph}" in text]


def test_there_is_something_to_look_at() -> None:
    assert len(ALL) > 80
    joined = "\n".join(text for _, text in ALL)
    for word in ("INSERT INTO {graph}.changes", "UPDATE {graph}.twins", '"graph_default".twins'):
        assert word in joined


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM twins",
        "SELECT * FROM {graph}.twins JOIN other.twins ON true",
        "INSERT INTO other.twins SELECT 1",
        "UPDATE twins SET doc = doc",
        "CREATE TABLE {graph}.t (key bigint REFERENCES other.twins (key))",
    ],
)
def test_the_lint_finds_tables_of_others(text: str) -> None:
    assert strangers(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TRIGGER t AFTER UPDATE ON {graph}.twins",
        "SELECT pg_notify('a', 'b')",
        "SET search_path = x",
        "SELECT * FROM {graph}.changes ORDER BY seq",
        "DELETE FROM {graph}.dead_letters WHERE key = ANY($1::bigint[])",
    ],
)
def test_the_lint_finds_what_it_looks_for(text: str) -> None:
    assert any(re.search(pattern, bare(text)) for pattern in FORBIDDEN.values())
    assert not re.search(FORBIDDEN["session state"], "SET LOCAL jit = off")
