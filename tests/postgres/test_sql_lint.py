"""What every statement of the engine keeps to, so that a graph can be moved, pooled and sharded.

No triggers or procedures, no table outside the graph's schema, no session state, no notifications,
and no sequence taken for an order.
"""

from __future__ import annotations

import re
from importlib import import_module
from itertools import pairwise
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
from kastor.storage.postgres.snapshot_statements import STATE_TABLES
from kastor.storage.tables import TABLES

CATALOG = frozenset(
    {
        *("pg_class", "pg_namespace", "pg_attribute", "pg_index", "pg_depend", "pg_extension"),
        *("pg_type", "pg_rewrite", "pg_constraint", "pg_attrdef"),
        *("pg_trigger", "pg_proc"),
    }
)
CONTROL = "kastor_control.graphs"
"""The table of placements, in the server's own database; no statement joins it with a graph."""

TEMPORARY = frozenset(re.findall(r"TEMP TABLE (\w+)", "".join(STATE_TABLES)))
"""Tables of a snapshot's own transaction."""

PARTS = {"comparison": comparison._written}
"""Modules whose statements are patterns for every table."""

VERBS = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|BEGIN|COMMIT|SET|LOCK)\b"
)
FORBIDDEN = {
    "triggers, procedures and rules": r"\bTRIGGER\b|\bFUNCTION\b|\bPROCEDURE\b|\bRULE\b|\bDO\s+\$",
    "notifications": r"(^|;)\s*(NOTIFY|LISTEN)\b|pg_notify",
    "session state": r"(^|;)\s*(SET\s+(?!LOCAL\b)|RESET\b|PREPARE\b|DISCARD\b)"
    r"|\bTEMP\b(?!(?s:.*)ON COMMIT DROP)"
    r"|set_config|search_path|pg_(try_)?advisory_lock\b",
    "a sequence as order": r"ORDER BY (\w+\.)?seq\b|nextval|currval",
    "an array that the driver looks up, with settings of the session": r"\$\d+::(?!text\b)\w+\[",
    "two-phase commits": r"PREPARE TRANSACTION",
    "volatile functions": r"\b(clock_timestamp|timeofday|random|gen_random_uuid)\s*\(",
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
    found += [("schema.sql", part) for part in schema.statements_of(schema.schema_text())]
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


OF_THE_DATABASE = {
    "replacing._ALONE": "one restore at a time, held by a connection of the command's own",
    "replacing._USERS": "whether servers use what is to be replaced",
}
"""Statements of commands about the whole database, which no shard and no pooler ever sees."""
OF_RULES = {
    "part_table._TRIGGERS": "made only where a rule of the policy names what lies below a twin; a"
    " database that takes no triggers is told of as one that cannot keep such rules",
    "ownership._DROP_FUNCTIONS": "what these triggers called goes with the graph",
}
"""Statements that a graph without such rules never sees."""
LEFT_OUT = OF_THE_DATABASE | OF_RULES
ALL = [each for each in engine_texts() + query_texts() if each[0] not in LEFT_OUT]


def bare(text: str) -> str:
    """Without comments and literals."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", text))


@pytest.mark.parametrize(("name", "text"), ALL, ids=[name for name, _ in ALL])
def test_a_statement_keeps_to_what_can_be_sharded(name: str, text: str) -> None:
    sql = bare(text)
    for what, pattern in FORBIDDEN.items():
        assert re.search(pattern, sql, re.IGNORECASE) is None, f"{what}: {text}"


@pytest.mark.parametrize(("name", "text"), ALL, ids=[name for name, _ in ALL])
def test_a_statement_may_be_run_part_by_part(name: str, text: str) -> None:
    assert read_after_writing(text) == set(), text


def read_after_writing(text: str) -> set[str]:
    """The tables that one part of a statement changes and another one may read later.

    Citus runs a statement that inserts in a CTE as several, one after another, so that a later
    part sees what an earlier one did. What is materialized is read where it stands.
    """
    sql = bare(text)
    if not re.search(r"\(\s*INSERT INTO", sql):
        return set()
    starts = [match.start() for match in CTE.finditer(sql)]
    body = sql.rindex("SELECT")
    parts = [sql[a:b] for a, b in pairwise([*starts, body, len(sql)])]
    named = [set(re.findall(r"{graph}\.(\w+)", part)) for part in parts]
    found: set[str] = set()
    for writer, part in enumerate(parts):
        changed = set(re.findall(r"(?:\bUPDATE|DELETE FROM|INSERT INTO) {graph}\.(\w+)", part))
        for reader, other in enumerate(parts):
            if reader != writer and not (reader < writer and "AS MATERIALIZED" in other):
                found |= changed & named[reader]
    return found


@pytest.mark.parametrize(("name", "text"), ALL, ids=[name for name, _ in ALL])
def test_a_statement_names_only_tables_of_its_graph(name: str, text: str) -> None:
    assert strangers(text) == [], text


def strangers(text: str) -> list[str]:
    """The tables that are neither of the graph, nor the statement's own, nor the catalog's."""
    sql = bare(text)
    known = set(CTE.findall(sql)) | CATALOG | WORDS | TEMPORARY
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


def test_the_lint_finds_a_part_that_reads_what_another_one_changed() -> None:
    text = """
    WITH old AS (SELECT * FROM {graph}.twins WHERE key = $1),
    new AS (UPDATE {graph}.twins SET doc = $2 WHERE key = $1 RETURNING key),
    kept AS (INSERT INTO {graph}.twin_versions SELECT o.* FROM old o JOIN new USING (key))
    SELECT count(*) FROM new
    """
    assert read_after_writing(text) == {"twins"}


def test_the_schema_is_taken_apart_into_its_statements() -> None:
    statements = schema.statements_of(schema.schema_text())
    verbs = [statement.split()[0] for statement in statements]
    assert verbs.count("CREATE") > 25
    assert set(verbs) == {"CREATE", "INSERT"}
    assert schema.statements_of("A b; -- c; d\n;\n E '%';") == ["A b", "E '%'"]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TRIGGER t AFTER UPDATE ON {graph}.twins",
        "SELECT pg_notify('a', 'b')",
        "SET search_path = x",
        "SELECT * FROM {graph}.changes ORDER BY seq",
        "DELETE FROM {graph}.dead_letters WHERE key = ANY($1::bigint[])",
        "UPDATE {graph}.meta SET pruning_until = clock_timestamp()",
    ],
)
def test_the_lint_finds_what_it_looks_for(text: str) -> None:
    assert any(re.search(pattern, bare(text)) for pattern in FORBIDDEN.values())
    assert not re.search(FORBIDDEN["session state"], "SET LOCAL jit = off")
