"""A whole graph into PostgreSQL, and a graph moved to another server while it is written to.

`python -m bench.bulk [SCALE]` copies the bench graph (see `data.py`; 0.1 is 100,000 twins) with
`kastor.storage.transfer`, beside the raw driver's COPY of the same rows and beside INSERT; then
serves it, patches one twin without pause, and moves the graph.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import data
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.tables import TABLES
from kastor.storage.transfer import CHUNK_ROWS, synchronise
from kastor.testing import KastorServer
from tests.postgres.cluster import Cluster

TWINS = next(table for table in TABLES if table.name == "twins")
VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:bulk:Busy;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "size", "schema": "integer"}],
}
INSERTED = 5_000


async def raw(dsn: str, rows: list[tuple[Any, ...]], *, insert: bool) -> float:
    """Rows a second of the bare driver into a table like that of twins, indexes included."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE IF EXISTS raw")
    await connection.execute("CREATE TABLE raw (LIKE graph_raw.twins INCLUDING ALL)")
    started = time.perf_counter()
    if insert:
        marks = ", ".join(f"${n}" for n in range(1, len(TWINS.columns) + 1))
        text = f"INSERT INTO raw ({', '.join(TWINS.columns)}) VALUES ({marks})"
        for start in range(0, len(rows), CHUNK_ROWS):
            async with connection.transaction():
                await connection.executemany(text, rows[start : start + CHUNK_ROWS])
    else:
        for start in range(0, len(rows), CHUNK_ROWS):
            await connection.copy_records_to_table(
                "raw", columns=TWINS.columns, records=rows[start : start + CHUNK_ROWS]
            )
    seconds = time.perf_counter() - started
    await connection.close()
    return len(rows) / seconds


async def twin_rows(source: SqliteGraphFile) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    after = None
    while chunk := await source.revisions(TWINS, after, CHUNK_ROWS):
        rows += await source.rows(TWINS, [identity for identity, _ in chunk])
        after = chunk[-1][0]
    place = TWINS.columns.index("doc")
    return [(*row[:place], row[place], *row[place + 1 :]) for row in rows]


async def loads(dsn: str, path: Path) -> list[tuple[str, float]]:
    """Rows a second: raw COPY, raw INSERT, the store's COPY of twins, a whole copy."""
    source = SqliteGraphFile.reading(path)
    rows = await twin_rows(source)
    model = await PostgresGraphFile.open(dsn, "graph_raw", writes=True)
    found = [
        ("COPY of twins, raw driver", await raw(dsn, rows, insert=False)),
        ("INSERT of twins, raw driver", await raw(dsn, rows[:INSERTED], insert=True)),
    ]
    await model.connection.execute("ALTER TABLE graph_raw.relationships DISABLE TRIGGER ALL")
    started = time.perf_counter()
    for start in range(0, len(rows), CHUNK_ROWS):
        await model.put(TWINS, rows[start : start + CHUNK_ROWS], fresh=True)
    found.append(("COPY of twins, into a graph", len(rows) / (time.perf_counter() - started)))
    await model.close()
    target = await PostgresGraphFile.open(dsn, "graph_big", writes=True)
    started = time.perf_counter()
    written = await synchronise(source, target)
    found.append(("whole graph, read from SQLite", written / (time.perf_counter() - started)))
    await target.close()
    await source.close()
    return found


class Writer:
    """Patches one twin without pause; knows the longest time between two acknowledgements."""

    def __init__(self, base: str) -> None:
        self._http = httpx2.Client(base_url=base, params=VERSION)
        self._http.post("/models", json=[MODEL])
        self._http.put(
            "/digitaltwins/busy", json={"$metadata": {"$model": MODEL["@id"]}, "size": 0}
        )
        self.longest = 0.0
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        last = time.perf_counter()
        while not self._stop.is_set():
            patch = [{"op": "add", "path": "/size", "value": self.count}]
            if self._http.patch("/digitaltwins/busy", json=patch).status_code == 204:
                now = time.perf_counter()
                self.longest, last = max(self.longest, now - last), now
                self.count += 1
            else:
                time.sleep(0.02)

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        size = self._http.get("/digitaltwins/busy").json()["size"]
        assert size == self.count - 1, "an acknowledged write was lost"
        self._http.close()


def move(first: Cluster, second: Cluster, folder: Path) -> list[tuple[str, float]]:
    """Seconds that a move takes, and the longest that a write waited meanwhile."""
    settings = folder / "kastor.toml"
    settings.write_text(f'[databases]\neast = "{second.dsn}"\n', encoding="utf-8")
    with KastorServer(("--db", first.dsn, "--config", str(settings))) as server:
        graphs = f"{server.url}/kastor/v1/graphs"
        httpx2.put(f"{graphs}/big", json={"schema": "graph_big"}, timeout=60).raise_for_status()
        writer = Writer(f"{server.url}/graphs/big")
        started = time.perf_counter()
        httpx2.post(f"{graphs}/big/move", json={"database": "east"}).raise_for_status()
        while (info := httpx2.get(f"{graphs}/big").json())["state"] == "moving":
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        assert "error" not in info, info
        time.sleep(2)
        writer.end()
    return [("move, s", seconds), ("longest wait of a write meanwhile, s", writer.longest)]


def run(scale: float = 0.1) -> list[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as name, Cluster() as first, Cluster() as second:
        folder = Path(name)
        first.create().start()
        second.create().start()
        path = folder / "source.sqlite3"
        data.build(path, scale)
        return asyncio.run(loads(first.dsn, path)) + move(first, second, folder)


if __name__ == "__main__":
    for title, value in run(*(float(each) for each in sys.argv[1:2])):
        print(f"{title:<44} {value:12,.1f}")
