"""Two languages, one plan: what Cypher costs beside ADT SQL. `python -m bench.languages [SCALE]`.

Every pair asks for the same rows of the graph of `bench.data`. Each is timed in turns with the
other, with a warm plan and as a text that was never seen, for which it is parsed, bound and
compiled too; the ratio is the median of the rounds' ratios. The file is kept in KASTOR_BENCH_DIR
(default: the system's folder for temporary files).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

sys.path.insert(0, str(Path(__file__).parent))

from data import Models, ensure
from kastor.query.compiled import plan_query
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import compile_plan
from kastor.query.sql.tables import NOW
from query import Reader, ask

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 31


def pairs(keys: dict[str, int]) -> list[tuple[str, str, str]]:
    """(title, ADT SQL, Cypher) of the same meaning."""
    point, level, building = (f"{kind}-{keys[kind]}" for kind in ("point", "level", "building"))
    return [
        (
            "twin by id",
            f"SELECT T FROM DIGITALTWINS T WHERE T.$dtId = '{point}'",
            f"MATCH (T) WHERE T.$dtId = '{point}' RETURN T",
        ),
        ("100 whole twins", "SELECT T FROM DIGITALTWINS T", "MATCH (T) RETURN T"),
        (
            "indexed filter",
            "SELECT T FROM DIGITALTWINS T WHERE T.temperature > 99.9",
            "MATCH (T) WHERE T.temperature > 99.9 RETURN T",
        ),
        (
            "model and range",
            (
                "SELECT T FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:bench:Point0;1')"
                " AND T.temperature > 90"
            ),
            "MATCH (T:`dtmi:bench:Point0;1`) WHERE T.temperature > 90 RETURN T",
        ),
        (
            "count by model",
            "SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:bench:Room0;1')",
            "MATCH (T:`dtmi:bench:Room0;1`) RETURN count(*) AS COUNT",
        ),
        (
            "two hops",
            (
                "SELECT t FROM DIGITALTWINS MATCH (s)-[:hasPart]->(m)-[:hasPart]->(t)"
                f" WHERE s.$dtId = '{level}'"
            ),
            f"MATCH (s)-[:hasPart]->(m)-[:hasPart]->(t) WHERE s.$dtId = '{level}' RETURN t",
        ),
        (
            "1..4 hops",
            (
                "SELECT t FROM DIGITALTWINS MATCH (s)-[:hasPart*1..4]->(t)"
                f" WHERE s.$dtId = '{building}'"
            ),
            f"MATCH (s)-[:hasPart*1..4]->(t) WHERE s.$dtId = '{building}' RETURN t",
        ),
    ]


def in_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float, float]:
    """Microseconds of each and the median ratio of the second to the first."""
    one(), other()
    begun = time.perf_counter()
    one()
    count = max(1, min(200, int(0.02 / max(time.perf_counter() - begun, 1e-7))))
    rounds = []
    for number in range(ROUNDS):
        times = [0.0, 0.0]
        for which in (0, 1) if number % 2 else (1, 0):
            work = (one, other)[which]
            begun = time.perf_counter()
            for _ in range(count):
                work()
            times[which] = (time.perf_counter() - begun) / count * 1e6
        rounds.append(times)
    ratio = statistics.median(second / first for first, second in rounds)
    return (*(statistics.median(column) for column in zip(*rounds, strict=True)), ratio)


def main() -> None:
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    folder = Path(os.environ.get("KASTOR_BENCH_DIR", tempfile.gettempdir()))
    connection = apsw.Connection(str(ensure(folder, scale)))
    connection.execute("PRAGMA cache_size = -262144; PRAGMA mmap_size = 0")
    connection.execute(
        "CREATE INDEX IF NOT EXISTS bench_temperature ON twins (doc ->> '$.temperature')"
    )
    models, settings, dialect = Models(), QuerySettings(), Sqlite()
    indexed = frozenset({("temperature",)})
    service = QueryService(
        Reader(connection),
        lambda: models,
        b"k" * 32,
        settings,
        dialect=dialect,
        indexes=lambda: indexed,
    )
    keys = dict(
        connection.execute(
            "SELECT substr(id, 1, instr(id, '-') - 1), min(key) FROM twins GROUP BY 1"
        )
    )

    def compiled(text: str) -> Callable[[], object]:
        return lambda: compile_plan(
            plan_query(text, models, settings),
            dialect,
            view=NOW,
            resumes=False,
            aggregate=True,
            indexed=indexed,
        )

    def asked(text: str) -> Callable[[], object]:
        return lambda: ask(service, text)

    print(f"{'microseconds':18} {'':16} {'ADT SQL':>9} {'Cypher':>9} {'ratio':>6}")
    for title, adt, cypher in pairs(keys):
        assert ask(service, adt).rows == ask(service, cypher).rows, title
        for what, way in (("warm", asked), ("parsed, compiled", compiled)):
            first, second, ratio = in_turns(way(adt), way(cypher))
            print(f"{title:18} {what:16} {first:9.1f} {second:9.1f} {ratio:6.2f}", flush=True)


if __name__ == "__main__":
    main()
