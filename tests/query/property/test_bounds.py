"""Whatever the text: what it becomes is bounded, and what nests means what it says.

`KASTOR_BOUNDS_EXAMPLES=5000 pytest tests/query/property/test_bounds.py` tries as many texts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from random import Random

import apsw
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from query_generator import graph as generate
from query_graphs import Graph, rows, service
from query_nested import nested_query, pattern_query, texts_graph
from query_oracle import bag, run

from kastor.errors import QueryError
from kastor.lang import parse
from kastor.query.compiled import Compiler, plan_query
from kastor.query.settings import QuerySettings
from kastor.query.sql.dialect import Dialect
from kastor.query.sql.parameters import MAX_SQL
from kastor.query.sql.postgres import Postgres
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import Sql, compile_plan
from kastor.query.sql.tables import NOW

EXAMPLES = int(os.environ.get("KASTOR_BOUNDS_EXAMPLES", "50"))
MODELS = Graph().models
LIMIT = QuerySettings().max_text
GROWTH = 1.5
"""What a statement may have beyond `MAX_SQL`: the rest around what is counted."""

generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES == 50,
    database=None,
    phases=[Phase.generate],
)


class Texts:
    """Queries of up to `budget` characters, nested and wide."""

    def __init__(self, random: Random, budget: int) -> None:
        self.random = random
        self.left = budget
        self.number = 0
        self.inner = 0

    def pick(self, *makes: Callable[[], str]) -> str:
        return self.random.choice(makes)()

    def query(self, depth: int = 0) -> str:
        source = self.random.choice(["FROM DIGITALTWINS T", self.match(), self.joins()])
        name = "T" if "MATCH" not in source and "JOIN" not in source else "a"
        columns = ", ".join(
            self.value(name, 0) + f" AS c{n}"
            for n in range(1 if depth else self.random.choice([1, 2, 30]))
        )
        terms = [self.condition(name, depth)]
        while depth == 0 and self.left > 0 and len(terms) < 900:
            terms.append(self.condition(name, depth))
        text = f"SELECT {columns} {source} WHERE {' AND '.join(terms)}"
        if depth == 0 and self.random.randrange(2):
            keys = [self.value(name, 0) for _ in range(self.random.choice([1, 2, 20]))]
            text += " ORDER BY " + ", ".join(f"{key} DESC" for key in keys)
        return text

    def match(self) -> str:
        edges = [self.edge() for _ in range(self.random.choice([1, 1, 2, 4]))]
        parts = "".join(f"{edge}(b{self.new()})" for edge in edges)
        return f"FROM DIGITALTWINS MATCH (a){parts}"

    def joins(self) -> str:
        parts = " ".join(f"JOIN j{n} RELATED a.r" for n in range(self.random.choice([1, 3])))
        return f"FROM DIGITALTWINS a {parts}"

    def edge(self) -> str:
        hops = self.random.choice(["", "", "*2", "*..3", "*..9", "*5", "*"])
        return f"-[{hops}]-" + self.random.choice(["", "", ">"])

    def new(self) -> int:
        self.number += 1
        return self.number

    def condition(self, name: str, depth: int) -> str:
        self.left -= 30
        if self.left < 0 or depth > 30:
            return f"{name}.p = 1"
        if self.inner > 40:
            return self.leaf(name)
        return self.pick(
            lambda: self.leaf(name),
            lambda: self.leaf(name),
            lambda: self.exists(name, depth),
            lambda: self.exists(name, depth),
            lambda: self.listed(name, depth),
            lambda: f"NOT ({self.condition(name, depth + 1)})",
            lambda: self.chain(name, depth, " AND "),
            lambda: self.chain(name, depth, " OR "),
        )

    def chain(self, name: str, depth: int, word: str) -> str:
        count = self.random.choice([2, 3, 40])
        return "(" + word.join(self.condition(name, depth + 1) for _ in range(count)) + ")"

    def listed(self, name: str, depth: int) -> str:
        self.inner += 1
        return f"{name}.p IN ({self.query(depth + 4)})"

    def exists(self, name: str, depth: int) -> str:
        self.inner += 1
        inner = f"x{self.new()}"
        edges = "".join(f"{self.edge()}()" for _ in range(self.random.randrange(3)))
        where = self.condition(self.random.choice([name, inner]), depth + 4)
        return f"EXISTS {{ ({name}){self.edge()}({inner}){edges} WHERE {where} }}"

    def leaf(self, name: str) -> str:
        listed = ", ".join(map(str, range(self.random.choice([1, 20, 300]))))
        return self.pick(
            lambda: f"{name}.p = {name}.q",
            lambda: f"{name}.p IN [{listed}]",
            lambda: f"{self.value(name, 0)} > {self.value(name, 0)}",
            lambda: f"CONTAINS({self.value(name, 0)}, {self.value(name, 0)})",
            lambda: f"{name}.p LIKE '%{'a_' * self.random.choice([1, 30])}'",
            lambda: f"ST_WITHIN({name}.p, {name}.q)",
            lambda: f"ARRAY_CONTAINS({name}.p, {name}.q)",
        )

    def value(self, name: str, depth: int) -> str:
        self.left -= 5
        if self.left < 0 or depth > 4:
            return f"{name}.p"
        inner = [self.value(name, depth + 1) for _ in range(self.random.choice([1, 1, 2]))]
        inner = (inner * 2)[:2]
        return self.random.choice(
            [
                f"{name}.p", f"{name}.a.b.c", "1", "'a'", f"({inner[0]} + 1)", f"-({inner[0]} % 7)",
                f"ROUND({inner[0]}, 2)", f"POWER({inner[0]}, 2)", f"LOWER({inner[0]})",
                f"CONCAT({inner[0]}, {inner[1]})", f"SUBSTRING({inner[0]}, 1, 2)",
                f"INDEX_OF({inner[0]}, {inner[1]})", f"DATETIME_ADD('day', 1, {inner[0]})",
                f"DATETIME_PART('year', {inner[0]})", f"ST_DISTANCE({inner[0]}, {inner[1]})",
            ]
        )  # fmt: skip


def statements(text: str, dialect: Dialect) -> Iterator[Sql]:
    plan = plan_query(text, MODELS, QuerySettings())
    for resumes in (False, True):
        if not (plan.counts and resumes):
            yield compile_plan(plan, dialect, view=NOW, resumes=resumes, aggregate=True)


@pytest.mark.timeout(1800)
@given(st.randoms(use_true_random=False), st.sampled_from([200, 1500, 20_000, 60_000]))
@generated
def test_any_text_becomes_a_bounded_statement_or_is_refused(random: Random, budget: int) -> None:
    text = Texts(random, budget).query()[:LIMIT]
    connection = Graph().open()
    for dialect in (Sqlite(), Postgres("g")):
        begun = time.process_time()
        try:
            made = list(statements(text, dialect))
        except QueryError:
            made = []
        assert time.process_time() - begun < 20, text
        for sql in made:
            assert len(sql.text) < MAX_SQL * GROWTH, text
            assert sum(len(str(value)) for value in sql.constants) < 4 * LIMIT, text
            if isinstance(dialect, Sqlite) and len(sql.text) < 200_000:
                prepare(connection, sql)


def prepare(connection: apsw.Connection, sql: Sql) -> None:
    """SQLite takes it, or says what of it is too much."""
    values = [1] * (1 + sql.keys if sql.resumes else 1) + list(sql.constants)
    try:
        connection.execute("EXPLAIN " + sql.text, values[: len(values)]).fetchall()
    except apsw.SQLError as error:
        said = str(error)
        assert any(word in said for word in ("too large", "too many", "at most", "stack")), said


NESTED = {
    "edges": lambda depth, inner: f"EXISTS {{ (x{depth})-[]-(x{depth - 1}) WHERE {inner} }}",
    "ranges": lambda depth, inner: f"EXISTS {{ (x{depth})-[*..3]-(x{depth - 1}) WHERE {inner} }}",
    "lists": lambda depth, inner: (
        f"x{depth}.a IN (SELECT x{depth - 1}.b FROM DIGITALTWINS x{depth - 1} WHERE {inner})"
    ),
    "negated": lambda depth, inner: (
        f"NOT x{depth}.a NOT IN (SELECT x{depth - 1}.b FROM DIGITALTWINS x{depth - 1} WHERE {inner})"
    ),
}


@pytest.mark.parametrize("dialect", [Sqlite(), Postgres("g")], ids=["sqlite", "postgres"])
@pytest.mark.parametrize("kind", NESTED)
def test_nesting_is_linear(kind: str, dialect: Dialect) -> None:
    sizes = []
    for depth in (2, 4, 8):
        inner = "1 = 1"
        for level in range(1, depth + 1):
            inner = NESTED[kind](level, inner)
        first, *_ = statements(f"SELECT * FROM DIGITALTWINS x{depth} WHERE {inner}", dialect)
        sizes.append(len(first.text))
    assert sizes[1] < 2.2 * sizes[0], sizes
    assert sizes[2] < 2.2 * sizes[1], sizes


@pytest.mark.timeout(1800)
@given(st.randoms(use_true_random=False))
@generated
def test_nested_queries_equal_the_oracle(random: Random) -> None:
    about = generate(random, twins=5, relationships=7)  # the oracle tries everything
    engine = service(about)
    for text in [nested_query(random) for _ in range(4)]:
        assert bag(rows(engine, text)) == bag(run(parse(text), about)), text


@pytest.mark.timeout(1800)
@given(st.randoms(use_true_random=False))
@generated
def test_patterns_equal_the_oracle(random: Random) -> None:
    about = texts_graph(random)
    engine = service(about)
    for text in [pattern_query(random) for _ in range(10)]:
        assert bag(rows(engine, text)) == bag(run(parse(text), about)), text


def test_plans_are_kept_up_to_a_size() -> None:
    compiler = Compiler(QuerySettings(max_cache_bytes=1_000_000), Sqlite())
    small = "SELECT * FROM DIGITALTWINS WHERE a = 1"
    kept = compiler.compile(small, MODELS, strict=False)
    large = (
        "SELECT * FROM DIGITALTWINS WHERE a IN [" + ", ".join(["'" + "x" * 50 + "'"] * 900) + "]"
    )
    one = compiler.compile(large, MODELS, strict=False)
    assert compiler.compile(large, MODELS, strict=False) is not one
    assert compiler.compile(small, MODELS, strict=False) is kept
    for number in range(400):
        compiler.compile(
            f"SELECT * FROM DIGITALTWINS WHERE a{'x' * 300} = {number}", MODELS, strict=False
        )
        assert compiler.tally.size <= 1_000_000
    assert compiler.compile(small, MODELS, strict=False) is not kept


@pytest.mark.parametrize("pattern", ["abc%", "a\\%b%", "abc"])
def test_prefixes_use_the_index(pattern: str) -> None:
    plan = plan_query(
        f"SELECT * FROM DIGITALTWINS WHERE name LIKE {pattern!r}", MODELS, QuerySettings()
    )
    connection = Graph().open()
    connection.execute("CREATE INDEX by_name ON twins (doc ->> '$.name')")
    sql = compile_plan(
        plan, Sqlite(), view=NOW, resumes=False, aggregate=True, indexed=frozenset({("name",)})
    )
    steps = connection.execute("EXPLAIN QUERY PLAN " + sql.text, (1, *sql.constants)).fetchall()
    assert any("by_name" in str(step[-1]) for step in steps), steps
