"""Every scalar function on both engines beside plain Python: same values, and never a failure."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import asyncpg
import function_oracle as f
import pytest
from query_graphs import KEY, Graph, service
from test_postgres import SCHEMA, Reader, all_rows, fill

from kastor.errors import QueryError
from kastor.lang.words import SCALARS
from kastor.query.distances import KINDS
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.postgres import Postgres
from tests.postgres.cluster import Cluster

ROUNDS = int(os.environ.get("KASTOR_FUNCTION_ROUNDS", "60"))
TEXTS = [
    "", "abc", "ÄÖ é\U0001f600x", " pad\t", "%x_", "day", "MONTH", "dow", "now", "infinity", "epoch",
    "2024-02-29T12:00:00Z", "2023-02-29", "2024-13-01", "2024-01-31", "2024-00-10", "2024-01-00",
    "2024-01-01T10:00:00+02:00", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59",
    "0001-01-01T00:00:00", "0000-01-01", "2024-1-1", "2024-01-01T24:00:00Z", "2024-04-31",
    "2024-01-01T23:59:60Z", "2024-01-01T23:59:59.9996Z", "2024-01-01 10:00", "2024-01-01t10:00",
    "2024-01-01T10:00:00.", "2024-01-01T10:00z", "2024-01-01T10:00:00+15:00", "2024-01-01Z",
    "1900-02-29", "2000-02-29", "2024-01-01T10:00:00.1234567Z", "2024-01-01T10:00:00 Z", "12:00",
    "2024-06-30T00:00:00.0005Z", "-2024-01-01", "12024-01-01", "2024-03-31T00:00:00", "2451544.5",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2, 3, 7, 12, 100, -3, -400, 2.5, -2.5, 0.5, -0.5, 1.5, 2.675, 0.1, 3.7, -7.25, 1e-9,
    1e22, -1e22, 1e12, 1e300, -1e300, 1e-300, 5e-324, 1.7976931348623157e308, 2**53, 4.35, 119999,
    120000, 1e6, 123456.789,
]  # fmt: skip
POINTS: list[Any] = [
    {"type": "Point", "coordinates": [10.0, 48.0]},
    {"type": "Point", "coordinates": [10.5, 48.5, 300.0]},
    {"type": "Point", "coordinates": [-170.25, -89.5]},
    {"type": "Point", "coordinates": [11.0, 48.5]},
    {"type": "Point", "coordinates": []},
    {"type": "Point", "coordinates": ["a", "b"]},
    {"type": "Point"},
    {"type": 5, "coordinates": [1, 2]},
    [10.0, 48.0],
    "Point",
    {"type": "Polygon", "coordinates": [[[10, 48], [11, 48], [11, 49], [10, 49], [10, 48]]]},
]
AREAS: list[Any] = [
    {"type": "Polygon", "coordinates": [[[10, 48], [11, 48], [11, 49], [10, 49], [10, 48]]]},
    {"type": "Polygon", "coordinates": [[[10, 48], [10, 49], [11, 49], [10.5, 48.25], [11, 48], [10, 48]]]},
    {"type": "Polygon", "coordinates": [[[10, 48], [11, 48], [11, 49], [10, 49]]]},
    {"type": "Point", "coordinates": [10.0, 48.0]},
]  # fmt: skip

Row = dict[str, Any]
CALLS: dict[str, Callable[[Row], Any]] = {
    "ABS(T.n)": lambda r: abs(r["n"]),
    "CEILING(T.n)": lambda r: math.ceil(r["n"]),
    "FLOOR(T.n)": lambda r: math.floor(r["n"]),
    "ROUND(T.n)": lambda r: f.nearest(r["n"]),
    "ROUND(T.n, T.m)": lambda r: f.rounded(r["n"], r["m"]),
    "SQRT(T.n)": lambda r: f.root(r["n"]),
    "POWER(T.n, T.m)": lambda r: f.power(r["n"], r["m"]),
    "T.n / T.m": lambda r: f.divide(r["n"], r["m"]),
    "LENGTH(T.s)": lambda r: len(r["s"]),
    "LOWER(T.s)": lambda r: f.lower(r["s"]),
    "UPPER(T.s)": lambda r: "".join(c.upper() if c.isascii() else c for c in r["s"]),
    "TRIM(T.s)": lambda r: r["s"].strip(" \t\n\r"),
    "INDEX_OF(T.s, T.t)": lambda r: r["s"].find(r["t"]),
    "CONCAT(T.s, '-', T.t)": lambda r: f"{r['s']}-{r['t']}",
    "SUBSTRING(T.s, T.n)": lambda r: f.substring(r["s"], r["n"]),
    "SUBSTRING(T.s, T.n, T.m)": lambda r: f.substring(r["s"], r["n"], r["m"]),
    "ARRAY_LENGTH(T.a)": lambda r: len(r["a"]) if isinstance(r["a"], list) else f.UNDEFINED,
    "DATETIME(T.s)": lambda r: f.shown(f.instant(r["s"])),
    "DATETIME_PART(T.t, T.s)": lambda r: f.part(r["t"], r["s"]),
    "DATETIME_DIFF(T.t, T.s, '2024-02-29T12:00:00Z')": lambda r: f.between(
        r["t"], r["s"], "2024-02-29T12:00:00Z"
    ),
    "ST_DISTANCE(T.p, T.q)": lambda r: f.distance(r["p"], r["q"]),
    "ST_DISTANCE(T.p, 10.25, 48.75)": lambda r: f.distance(r["p"], (10.25, 48.75)),
}


def calls_with(unit: str) -> dict[str, Callable[[Row], Any]]:
    return {
        f"DATETIME_ADD('{unit}', T.n, T.s)": lambda r: f.later(unit, r["n"], r["s"]),
        f"DATETIME_PART('{unit}', T.s)": lambda r: f.part(unit, r["s"]),
        f"DATETIME_DIFF('{unit}', T.s, T.t)": lambda r: f.between(unit, r["s"], r["t"]),
    }


for unit in ("year", "month", "day", "Hour", "minute", "second", "week"):
    CALLS |= calls_with(unit)


def rows(random: Random) -> list[Row]:
    def row(n: float, s: str) -> Row:
        return {
            "n": n, "m": random.choice(NUMBERS), "s": s, "t": random.choice(TEXTS),
            "a": random.choice([[], [1, "b"], {"a": 1}, "x", 5]),
            "p": random.choice(POINTS), "q": random.choice(POINTS), "area": random.choice(AREAS),
        }  # fmt: skip

    listed = [row(n, random.choice(TEXTS)) for n in NUMBERS]
    listed += [row(random.choice(NUMBERS), s) for s in TEXTS]
    return listed + [
        row(round(random.uniform(-50, 50), random.randrange(6)), random.choice(TEXTS))
        for _ in range(ROUNDS)
    ]


def graph(listed: list[Row]) -> Graph:
    made = Graph()
    for number, row in enumerate(listed):
        made.twin(f"t{number:03}", **row)
    return made


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, bool) or isinstance(expected, bool | str) or found is f.UNDEFINED:
        return bool(found == expected)
    if not isinstance(found, int | float) or expected is f.UNDEFINED:
        return False
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-6)


async def check(engine: QueryService, listed: list[Row]) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    for call, expected in CALLS.items():
        text = f"SELECT T.$dtId, {call} AS v FROM DIGITALTWINS T"
        for found in await all_rows(engine, text, 1000):
            row = listed[int(found["$dtId"][1:])]
            if not same(found.get("v", f.UNDEFINED), expected(row)):
                wrong[call] = (row, found.get("v", "undefined"), expected(row))
    for call, wanted in (("ST_WITHIN", True), ("NOT ST_WITHIN", False)):
        text = f"SELECT T.$dtId FROM DIGITALTWINS T WHERE {call}(T.p, T.area)"
        ids = {row["$dtId"] for row in await all_rows(engine, text, 1000)}
        should = [f.within(row["p"], row["area"]) is wanted for row in listed]
        differing = [n for n, each in enumerate(should) if each != (f"t{n:03}" in ids)]
        if differing:
            wrong[call] = [listed[n] for n in differing]
    return wrong


async def on_postgres(dsn: str, listed: list[Row], work: Callable[[QueryService], Any]) -> Any:
    connection = await asyncpg.connect(dsn)
    made = graph(listed)
    await fill(connection, made)
    engine = QueryService(
        Reader(connection), lambda: made.models, KEY, QuerySettings(), dialect=Postgres(SCHEMA)
    )
    try:
        return await work(engine)
    finally:
        await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        await connection.close()


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with Cluster(durable=False) as cluster:
        yield cluster.create().start().dsn


def test_every_function_is_here() -> None:
    shown = " ".join(CALLS)
    # Distances have an oracle of their own: tests/contract/test_vectors.py.
    assert {name for name in SCALARS if name not in shown} <= {"NOW", *KINDS}


def test_sqlite_gives_what_is_written() -> None:
    listed = rows(Random(1))
    assert asyncio.run(check(service(graph(listed)), listed)) == {}


def test_postgresql_gives_what_is_written(dsn: str) -> None:
    listed = rows(Random(2))
    assert asyncio.run(on_postgres(dsn, listed, lambda engine: check(engine, listed))) == {}


NESTED: dict[str, Callable[[int], str]] = {
    "arithmetic": lambda depth: "T.n" + "+1" * depth,
    "POWER": lambda depth: "POWER(" * depth + "T.n" + ", 1)" * depth,
    "ROUND": lambda depth: "ROUND(" * depth + "T.n" + ", 2)" * depth,
    "SUBSTRING": lambda depth: "SUBSTRING(" * depth + "T.s" + ", 0)" * depth,
    "DATETIME_ADD": lambda depth: "DATETIME_ADD('day', 1, " * depth + "T.s" + ")" * depth,
    "ST_DISTANCE": lambda depth: "ST_DISTANCE(T.p, " * depth + "T.n" + ", 1)" * depth,
    "minus": lambda depth: "- " * depth + "T.n",
}


async def nest(engine: QueryService) -> None:
    for build in NESTED.values():
        text = "SELECT T.$dtId, {} AS v FROM DIGITALTWINS T WHERE {} = 1 ORDER BY {}"
        await all_rows(engine, text.replace("{}", build(50)), 10)
        with pytest.raises(QueryError, match="more than 50 operators"):
            await all_rows(engine, text.replace("{}", build(51)), 10)


def test_calls_inside_calls_do_not_grow_beyond_measure(dsn: str) -> None:
    """Fifty levels; written out at each mention they would be 10^30."""
    listed = rows(Random(3))[:5]
    asyncio.run(nest(service(graph(listed))))
    asyncio.run(on_postgres(dsn, listed, nest))


def listed_paths(letter: str, count: int) -> str:
    return ", ".join(f"T.{letter}{n}" for n in range(count))


WIDE: dict[str, tuple[int, Callable[[str], str]]] = {
    "columns": (500, lambda many: f"SELECT {many} FROM DIGITALTWINS T"),
    "keys of ORDER BY": (30, lambda many: f"SELECT * FROM DIGITALTWINS T ORDER BY {many}"),
    "keys of GROUP BY": (
        30,
        lambda many: f"SELECT {many} FROM DIGITALTWINS T GROUP BY {many}",
    ),
}


async def widen(engine: QueryService) -> None:
    for what, (most, build) in WIDE.items():
        await all_rows(engine, build(listed_paths("c", most)), 2)
        with pytest.raises(QueryError, match=f"more than {most} {what}"):
            await all_rows(engine, build(listed_paths("c", most + 1)), 10)


def test_wide_queries_are_answered_up_to_the_limit(dsn: str) -> None:
    listed = rows(Random(4))[:3]
    asyncio.run(widen(service(graph(listed))))
    asyncio.run(on_postgres(dsn, listed, widen))
