# ruff: noqa: E501 - statements are easier to compare in one line
"""Queries of the past beside the same ones of the present: `python -m bench.history [TIMES]`.

100,000 twins with 500,000 superseded versions (TIMES 10: ten times that), of which a tenth of the
twins changed since the state that is asked for. Each row is the median of five rounds on one
connection, plans warm; the limit is twice the plain query. `same` are states since which only
documents changed, `more` those since which twins and relationships were created, `any` those since
which some went; the rows of all three are compared with those of a file of that state. The files
are kept in KASTOR_BENCH_DIR (default: the system's folder for temporary files).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
from msgspec import structs

sys.path.insert(0, str(Path(__file__).parent))

from data import Models, ensure
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.records import SYSTEM, AsOf, Context, Others, Since
from kastor.storage.sqlite.documents import add_unpacking
from query import Reader, cases, drive, measure

if TYPE_CHECKING:
    from kastor.query.service import ResultPage

SCALE = 0.1
"""Of the benches' graph, for 100,000 twins."""
VERSIONS = 5
"""Superseded ones of each twin, before the state that is asked for."""
CHANGED = 10
"""One twin in so many changed since."""
LIMIT = 2.0
SINCE = {
    "same": Since(Others.NONE, Others.NONE),
    "more": Since(Others.MORE, Others.MORE),
    "any": Since(Others.ANY, Others.ANY),
}
SECONDS = 0.2
"""A round takes about so long."""
WHOLE = [
    ("count of a scan", "SELECT COUNT() FROM DIGITALTWINS WHERE serial != 'x'"),
    ("groups", "SELECT active, AVG(temperature) AS a FROM DIGITALTWINS GROUP BY active"),
    ("in order of a value", "SELECT TOP(10) $dtId FROM DIGITALTWINS ORDER BY temperature DESC"),
    ("EXISTS", "SELECT COUNT() FROM DIGITALTWINS T WHERE EXISTS { (T)-[:feeds]->(x) }"),
    (
        "join, first page",
        "SELECT T.$dtId, C.temperature FROM DIGITALTWINS T JOIN C RELATED T.feeds",
    ),
]
"""Beside those of `bench.query`: what reads much."""


def _doc(column: str, number: str) -> str:
    """The same document with another temperature."""
    return f"jsonb_set({column}, '$.temperature', round({number} % 9973 / 99.73, 2))"


def _etag(*numbers: Any) -> str:
    return str(uuid.UUID(int=numbers[0] + 2**64))


def count(connection: apsw.Connection, table: str) -> int:
    found: Any = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    return int(found)


def write_past(connection: apsw.Connection) -> int:
    """Give every twin superseded versions, and a tenth of them another document since.

    Returns:
        the state before that tenth.
    """
    connection.create_scalar_function("etag", _etag, 1)
    twins = count(connection, "twins")
    before = VERSIONS
    state = (VERSIONS + 1) * twins
    with connection:
        for n in range(before):
            connection.execute(
                "INSERT INTO twin_versions SELECT key, id, model_key, etag(key * 8 + ?2), ?2 + 1, 0,"
                f" ?2 * ?1 + key, '', {_doc('doc', '(key * 31 + ?2 * 7)')}, 0, (?2 + 1) * ?1 + key, ''"
                " FROM twins ORDER BY key",
                (twins, n),
            )
        connection.execute(
            "UPDATE twins SET change = ?1 * ?2 + key, version = ?1 + 1", (before, twins)
        )
        since = f"key % {CHANGED} = 1"
        connection.execute(
            "INSERT INTO twin_versions SELECT key, id, model_key, etag, version, 0, change, '', doc,"
            f" 0, ?1 + key, '' FROM twins WHERE {since}",
            (state,),
        )
        connection.execute(
            "UPDATE twins SET change = ?1 + key, version = version + 1, etag = etag(key * 8 + 7),"
            f" doc = {_doc('doc', '(key * 37)')} WHERE {since}",
            (state,),
        )
    return state


def open_file(path: Path) -> apsw.Connection:
    """A connection as readers have it, with the index that some queries use."""
    connection = apsw.Connection(str(path))
    add_unpacking(connection)
    connection.execute("PRAGMA cache_size = -262144; PRAGMA mmap_size = 0")
    connection.execute(
        "CREATE INDEX IF NOT EXISTS bench_temperature ON twins (doc ->> '$.temperature')"
    )
    connection.execute("ANALYZE bench_temperature")
    return connection


def ensure_past(folder: Path, scale: float) -> tuple[Path, Path]:
    """The file of a state, and the same file after all that came later."""
    then = ensure(folder, scale)
    now = folder / f"bench-history-{scale:g}.sqlite3"
    if not now.exists():
        unfinished = now.with_suffix(".part")
        shutil.copy(then, unfinished)
        connection = apsw.Connection(str(unfinished))
        write_past(connection)
        connection.close()
        unfinished.rename(now)
    return then, now


def service(connection: apsw.Connection, since: Since) -> QueryService:
    """Queries of a file, of whose past so much became."""
    models = Models()
    return QueryService(
        Reader(connection),
        lambda: models,
        b"k" * 32,
        QuerySettings(timeout_seconds=300.0),
        dialect=Sqlite(),
        indexes=lambda: frozenset({("temperature",)}),
        since=lambda _: since,
    )


def ask(queries: QueryService, text: str, context: Context) -> ResultPage:
    found: ResultPage = drive(queries.run(text, context))
    return found


def rows(page: ResultPage) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in json.loads(page.value))


def main() -> None:
    times = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    folder = Path(os.environ.get("KASTOR_BENCH_DIR", tempfile.gettempdir()))
    then, now = map(open_file, ensure_past(folder, SCALE * times))
    twins = count(now, "twins")
    models: Any = Models()
    state = structs.replace(SYSTEM, at=AsOf((VERSIONS + 1) * twins, 0, models))
    keys = dict(
        now.execute("SELECT substr(id, 1, instr(id, '-') - 1), min(key) FROM twins GROUP BY 1")
    )
    versions = count(now, "twin_versions")
    print(f"{twins} twins, {versions} versions, {twins // CHANGED} twins changed since")
    asked = {name: service(now, since) for name, since in SINCE.items()}
    plain, copy = asked["same"], service(then, SINCE["same"])
    titles = "".join(f"{name + ' us':>12}{'ratio':>7}" for name in SINCE)
    print(f"{'query':38} {'rows':>5} {'plain us':>11}{titles}")
    for title, text in [*((each[0], each[1]) for each in cases(keys)), *WHOLE]:
        wanted = rows(ask(copy, text, SYSTEM))
        floor = measure(partial(ask, plain, text, SYSTEM), SECONDS)
        cells = ""
        for name, queries in asked.items():
            assert rows(ask(queries, text, state)) == wanted, (title, name)
            found = measure(partial(ask, queries, text, state), SECONDS)
            cells += f"{found:12.1f}{found / floor:6.2f}{' ' if found <= LIMIT * floor else '!'}"
        print(f"{title:38} {len(wanted):5} {floor:11.1f}{cells}", flush=True)


if __name__ == "__main__":
    main()
