# ruff: noqa: E501, ARG002 - statements are easier to compare in one line
"""The query road beside hand-written SQL on the same file: `python -m bench.query [SCALE]`.

Each row is the median of five rounds, service with a warm plan against the raw driver; the budget
is 1.5 times the raw time plus 100 us. Both run on one connection in this thread; what the hand-over
to a reader thread costs is a row of its own. The file is kept in KASTOR_BENCH_DIR (default: the
system's folder for temporary files).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

sys.path.insert(0, str(Path(__file__).parent))

from data import Models, ensure
from kastor.query.compiled import plan_query
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import compile_plan
from kastor.query.sql.tables import NOW
from kastor.records import SYSTEM, Context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ETAG = """'{"$etag":"W/\\"' || t.etag || '\\"",' || substr(json(t.doc), 2)"""
PART = "(SELECT key FROM relationship_names WHERE name = 'hasPart')"


class Reader:
    """The driver, without threads."""

    look_up = None

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    async def fetch_one(
        self, sql: str, params: Sequence[Any], context: Context, *, timeout: float
    ) -> Any:
        return self.connection.execute(sql, params).fetchall()[0]

    async def fetch_all(
        self, sql: str, params: Sequence[Any], context: Context, *, timeout: float
    ) -> Any:
        return self.connection.execute(sql, params).fetchall()

    async def fetch_some(
        self, sql: str, params: Sequence[Any], context: Context, *, timeout: float, most: int
    ) -> Any:
        return self.connection.execute(sql, params).fetchall(), False


def drive(coroutine: Any) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError


def measure(work: Callable[[], Any], seconds: float = 0.4) -> float:
    """Microseconds of one call: median of five rounds."""
    work()
    begun = time.perf_counter()
    work()
    count = max(1, min(2000, int(seconds / max(time.perf_counter() - begun, 1e-7))))
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(count):
            work()
        rounds.append((time.perf_counter() - begun) / count * 1e6)
    return statistics.median(rounds)


def fetch(connection: apsw.Connection, sql: str, params: tuple[Any, ...]) -> Any:
    return connection.execute(sql, params).fetchall()


def ask(service: QueryService, text: str) -> Any:
    return drive(service.run(text, SYSTEM))


def cases(keys: dict[str, int]) -> list[tuple[str, str, str, tuple[Any, ...]]]:
    """(title, query, hand-written SQL, its parameters); both give the same number of rows."""
    room = Models().matching("dtmi:bench:Point0;1", exact=False)
    models = ", ".join(map(str, sorted(room)))
    hop = "relationships r{0} ON r{0}.source_key = {1} AND r{0}.name_key = " + PART
    steps = " JOIN ".join(
        hop.format(n, "s.key" if n == 1 else f"r{n - 1}.target_key") for n in range(1, 6)
    )
    ranged = " UNION ALL ".join(
        f"SELECT r{n}.target_key AS k FROM twins s JOIN "
        + " JOIN ".join(steps.split(" JOIN ")[:n])
        + " WHERE s.id = ?1"
        for n in range(1, 6)
    )
    two = f"FROM twins s JOIN {' JOIN '.join(steps.split(' JOIN ')[:2])} JOIN twins t ON t.key = r2.target_key WHERE s.id = ?1"
    three = f"FROM twins s JOIN {' JOIN '.join(steps.split(' JOIN ')[:3])} JOIN twins t ON t.key = r3.target_key WHERE s.id = ?1"
    up = (
        "WITH RECURSIVE w(k, d) AS (SELECT key, 0 FROM twins WHERE id = ?1 UNION ALL SELECT r.source_key, d + 1"
        f" FROM w CROSS JOIN relationships r ON r.target_key = w.k AND r.name_key = {PART} WHERE d < 10)"
        f" SELECT {ETAG} FROM w CROSS JOIN twins t ON t.key = w.k WHERE d > 0"
    )
    building, level, point = keys["building"], keys["level"], keys["point"]
    match = "SELECT t FROM DIGITALTWINS MATCH (s)-[:hasPart{0}]->(t) WHERE s.$dtId = '{1}'"
    return [
        (
            "100 whole twins",
            "SELECT * FROM DIGITALTWINS",
            f"SELECT {ETAG} FROM twins t ORDER BY key LIMIT 100",
            (),
        ),
        (
            "indexed filter, common: first page",
            "SELECT * FROM DIGITALTWINS WHERE temperature > 90",
            f"SELECT {ETAG} FROM twins t WHERE doc ->> '$.temperature' > 90 AND doc ->> '$.temperature' < '' LIMIT 100",
            (),
        ),
        (
            "indexed filter, rare",
            "SELECT * FROM DIGITALTWINS WHERE temperature > 99.995",
            f"SELECT {ETAG} FROM twins t WHERE doc ->> '$.temperature' > 99.995 AND doc ->> '$.temperature' < '' LIMIT 100",
            (),
        ),
        (
            "count by model",
            "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:bench:Point0;1')",
            f"SELECT count(*) FROM twins WHERE model_key IN ({models})",
            (),
        ),
        (
            "twin by id",
            f"SELECT * FROM DIGITALTWINS WHERE $dtId = 'point-{point}'",
            f"SELECT {ETAG} FROM twins t WHERE id = ?",
            (f"point-{point}",),
        ),
        (
            "two hops",
            match.format("*2", f"level-{level}"),
            f"SELECT {ETAG} {two} LIMIT 100",
            (f"level-{level}",),
        ),
        (
            "three hops",
            match.format("*3", f"level-{level}"),
            f"SELECT {ETAG} {three} LIMIT 100",
            (f"level-{level}",),
        ),
        (
            "1..5 hops: count",
            f"SELECT COUNT() FROM DIGITALTWINS MATCH (s)-[:hasPart*..5]->(t) WHERE s.$dtId = 'building-{building}'",
            f"SELECT count(*) FROM ({ranged})",
            (f"building-{building}",),
        ),
        (
            "1..5 hops: first page of documents",
            match.format("*..5", f"building-{building}"),
            f"SELECT {ETAG} FROM ({ranged} LIMIT 100) w CROSS JOIN twins t ON t.key = w.k",
            (f"building-{building}",),
        ),
        (
            "all ancestors of a point",
            f"SELECT a FROM DIGITALTWINS MATCH (a)-[:hasPart*..10]->(p) WHERE p.$dtId = 'point-{point}'",
            up,
            (f"point-{point}",),
        ),
        (
            "model and range: first page",
            "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:bench:Point0;1') AND temperature > 90",
            f"SELECT {ETAG} FROM twins t WHERE model_key IN ({models}) AND doc ->> '$.temperature' > 90 AND doc ->> '$.temperature' < '' LIMIT 100",
            (),
        ),
    ]


def main() -> None:
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    folder = Path(os.environ.get("KASTOR_BENCH_DIR", tempfile.gettempdir()))
    connection = apsw.Connection(str(ensure(folder, scale)))
    connection.execute("PRAGMA cache_size = -262144; PRAGMA mmap_size = 0")
    connection.execute(
        "CREATE INDEX IF NOT EXISTS bench_temperature ON twins (doc ->> '$.temperature')"
    )
    connection.execute("ANALYZE bench_temperature")
    models = Models()
    indexed = frozenset({("temperature",)})
    service = QueryService(
        Reader(connection),
        lambda: models,
        b"k" * 32,
        QuerySettings(),
        dialect=Sqlite(),
        indexes=lambda: indexed,
    )
    stepped = QueryService(
        Reader(connection),
        lambda: models,
        b"k" * 32,
        QuerySettings(aggregate=False),
        dialect=Sqlite(),
        indexes=lambda: indexed,
    )
    keys = dict(
        connection.execute(
            "SELECT substr(id, 1, instr(id, '-') - 1), min(key) FROM twins GROUP BY 1"
        )
    )
    print(
        f"{'query':38} {'rows':>5} {'raw us':>9} {'service':>9} {'stepped':>9} {'ratio':>6}  budget"
    )
    for title, text, sql, params in cases(keys):
        raw_rows = connection.execute(sql, params).fetchall()
        page = drive(service.run(text, SYSTEM))
        count = raw_rows[0][0] if "COUNT" in text else len(raw_rows)
        rows = int(page.value.split(b":")[1].strip(b"}]")) if "COUNT" in text else page.rows
        assert count == rows, (title, count, rows)
        raw = measure(partial(fetch, connection, sql, params))
        ours = measure(partial(ask, service, text))
        other = measure(partial(ask, stepped, text))
        budget = 1.5 * raw + 100
        verdict = "ok" if ours <= budget else f"OVER {budget:.0f}"
        print(
            f"{title:38} {rows:5} {raw:9.1f} {ours:9.1f} {other:9.1f} {ours / raw:6.2f}  {verdict}"
        )
    text = (
        "SELECT T.$dtId, R.$relationshipId AS rel, C.Temperature FROM DIGITALTWINS T JOIN C RELATED T.contains R "
        "WHERE T.$dtId IN ['building-1', 'building-2'] AND IS_OF_MODEL(C, 'dtmi:bench:Room0;1') AND C.Temperature > 21"
    )
    settings, dialect = QuerySettings(), Sqlite()

    def fresh() -> None:
        compile_plan(
            plan_query(text, models, settings), dialect, view=NOW, resumes=False, aggregate=True
        )

    print(
        f"parse + plan + SQL of a new query of {len(text)} characters: {measure(fresh):.1f} us (budget 300)"
    )
    print(f"the same from the cache: {measure(lambda: service.compile(text)):.2f} us (budget 10)")
    with ThreadPoolExecutor(1) as pool:
        hand_over = measure(lambda: pool.submit(lambda: None).result())
    print(f"hand-over to a thread and back: {hand_over:.1f} us")


if __name__ == "__main__":
    main()
