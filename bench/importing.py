"""A large file imported by upload, beside the raw load of the same rows and one-by-one PUT.

`python bench/importing.py [SCALE] [--postgres DSN]`: at scale 1.0, 330,000 twins and 450,000
relationships of RealEstateCore and three other models, and 5 % bad lines (`import_file.py`).
Meanwhile another process sends 200 GETs a second. The raw load takes the rows that the import left,
change log included, and writes them with the driver alone: `executemany`, or COPY.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import apsw
import asyncpg
import orjson
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.digitaltwins.core import DigitalTwinsClient

import import_file
from import_file import Counts
from kastor.storage.postgres import schema as postgres_schema
from kastor.testing import KastorServer
from processes import HERE, cpu_seconds

RATE = 200
CHUNK = 10_000
SAMPLED = 300
SCHEMA, RAW_SCHEMA = "bench_importing", "bench_importing_raw"
STORED_COLUMNS = """
SELECT string_agg(column_name, ', ') FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 AND is_generated = 'NEVER'
"""
TABLES = ("model_keys", "models", "relationship_names", "twins", "relationships", "changes")


@dataclass
class Found:
    """What was measured."""

    counts: Counts
    seconds: float = 0.0
    cpu: float = 0.0
    raw_seconds: float = 0.0
    raw_cpu: float = 0.0
    peak_megabytes: float = 0.0
    idle_megabytes: float = 0.0
    put_seconds: float = 0.0
    gets: dict[str, float] | None = None

    @property
    def ratio(self) -> float:
        """Seconds beside those of the raw load."""
        return self.seconds / self.raw_seconds


def run(scale: float = 1.0, dsn: str | None = None) -> Found:
    """Import a file into a new graph and measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.ndjson")
        found = Found(import_file.write(path, scale))
        flags = () if dsn is None else ("--db", dsn, "--graph-schema", SCHEMA)
        if dsn is not None:
            asyncio.run(_execute(dsn, f"DROP SCHEMA IF EXISTS {SCHEMA}, {RAW_SCHEMA} CASCADE"))
        data = Path(folder, "data")
        with KastorServer(flags, data_dir=data) as server:
            _import(server, path, found)
            found.put_seconds = _put_one_by_one(server, found.counts)
        if dsn is None:
            graph = data / "graphs" / "default.sqlite3"
            found.raw_seconds, found.raw_cpu = _load_sqlite(graph, Path(folder, "raw.sqlite3"))
        else:
            found.raw_seconds = asyncio.run(_load_postgres(dsn))
    return found


# --- the import -----------------------------------------------------------------------------------


def _import(server: KastorServer, path: Path, found: Found) -> None:
    pid = server.process.pid
    _call(server.url, "POST", "/models", orjson.dumps([_probe_model()]))
    _call(server.url, "PUT", "/digitaltwins/probe", _twin("dtmi:bench:Probe;1"))
    found.idle_megabytes = _peak(pid)
    with Gets(server.url) as gets:
        before, began = cpu_seconds(pid), time.perf_counter()
        with path.open("rb") as file:
            request = urllib.request.Request(
                f"{server.url}/kastor/v1/jobs/imports",
                file,
                {
                    "Content-Type": "application/x-ndjson",
                    "Content-Length": str(path.stat().st_size),
                },
            )
            with urllib.request.urlopen(request) as answer:
                job = answer.headers["Location"]
        while (state := _get(job))["status"] in ("notstarted", "running"):
            time.sleep(0.2)
        found.seconds, found.cpu = time.perf_counter() - began, cpu_seconds(pid) - before
    found.gets = gets.found
    found.peak_megabytes = _peak(pid)
    counts = state.get("counts", {})
    expected: dict[str, int] = dict(
        zip(("models", "twins", "relationships", "errors"), found.counts, strict=True)
    )
    if {name: counts.get(name) for name in expected} != expected:
        raise RuntimeError(f"expected {expected}, found {state}")


class Gets:
    """GETs at a steady rate for as long as a block runs."""

    def __init__(self, url: str) -> None:
        port = url.rpartition(":")[2]
        command = [sys.executable, str(HERE / "paced.py"), port, str(RATE)]
        self._command = [*command, "/digitaltwins/probe?api-version=2023-10-31"]
        self.found: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        output, _errors = self._process.communicate(b"")
        self.found = json.loads(output)


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _call(url: str, method: str, path: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    target = f"{url}{path}?api-version=2023-10-31"
    urllib.request.urlopen(urllib.request.Request(target, body, headers, method=method)).close()


def _get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def _probe_model() -> dict[str, Any]:
    kind = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:bench:Probe;1", "@type": "Interface"}
    return {**kind, "contents": [{"@type": "Property", "name": "n", "schema": "integer"}]}


def _twin(model: str) -> bytes:
    return orjson.dumps({"$metadata": {"$model": model}, "n": 1})


# --- beside it ------------------------------------------------------------------------------------


def _put_one_by_one(server: KastorServer, counts: Counts) -> float:
    """Return the seconds that the SDK would take for all of them, by a sample."""
    # The SDK sends tokens over https alone; this server asks for none.
    policy = SansIOHTTPPolicy[Any, Any]()
    client = DigitalTwinsClient(server.url, server.credential, authentication_policy=policy)
    twin = {"$metadata": {"$model": "dtmi:bench:Probe;1"}, "n": 1}
    began = time.perf_counter()
    for number in range(SAMPLED):
        client.upsert_digital_twin(f"one-{number}", twin)
    each = (time.perf_counter() - began) / SAMPLED
    return each * (counts.twins + counts.relationships)


def _load_sqlite(graph: Path, target: Path) -> tuple[float, float]:
    """Write the rows of a graph into a new file of the same schema; return seconds and CPU."""
    source = apsw.Connection(str(graph))
    raw = apsw.Connection(str(target))
    for (statement,) in source.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    ).fetchall():
        raw.execute(str(statement))
    raw.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").fetchall()
    seconds = cpu = 0.0
    for table in TABLES:
        columns = [str(row[1]) for row in source.execute(f"PRAGMA table_info({table})").fetchall()]
        named = ", ".join(columns)  # all but generated ones
        for rows in _chunks(source, f"SELECT {named} FROM {table}"):
            places = ", ".join("?" * len(rows[0]))
            began, before = time.perf_counter(), time.process_time()
            raw.execute("BEGIN")
            raw.executemany(f"INSERT INTO {table} ({named}) VALUES ({places})", rows)
            raw.execute("COMMIT")
            seconds += time.perf_counter() - began
            cpu += time.process_time() - before
    return seconds, cpu


def _chunks(source: apsw.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = source.execute(query)
    while rows := [row for _, row in zip(range(CHUNK), cursor, strict=False)]:
        yield rows


async def _load_postgres(dsn: str) -> float:
    """Copy the rows of a graph into a new schema of the same form; return seconds."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE SCHEMA {RAW_SCHEMA}")
    await connection.execute(postgres_schema.schema_text().format(graph=RAW_SCHEMA))
    seconds = 0.0
    for table in TABLES:
        names = await connection.fetchval(STORED_COLUMNS, SCHEMA, table)
        async with connection.transaction():
            cursor = await connection.cursor(f"SELECT {names} FROM {SCHEMA}.{table}")
            while rows := await cursor.fetch(CHUNK):
                began = time.perf_counter()
                await connection.copy_records_to_table(
                    table, records=rows, schema_name=RAW_SCHEMA, columns=list(rows[0].keys())
                )
                seconds += time.perf_counter() - began
    await connection.close()
    return seconds


async def _execute(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(text)
    await connection.close()


def show(found: Found) -> str:
    """Return the figures as lines."""
    gets = found.gets or {}
    counts = found.counts
    return "\n".join(
        [
            f"{counts.twins} twins, {counts.relationships} relationships, {counts.bad} bad lines",
            (
                f"import      {found.seconds:8.1f} s, CPU of the server {found.cpu:.1f} s,"
                " GETs included"
            ),
            (
                f"raw load    {found.raw_seconds:8.1f} s, CPU {found.raw_cpu:.1f} s;"
                f" x {found.ratio:.2f} (limit 5)"
            ),
            f"one by one  {found.put_seconds:8.0f} s by the SDK, from {SAMPLED} PUTs",
            (
                f"memory      {found.peak_megabytes:8.0f} MB at most (limit 300), before"
                f" {found.idle_megabytes:.0f}"
            ),
            (
                f"GETs        {RATE}/s, p50 {gets.get('p50', 0):.1f} ms,"
                f" p99 {gets.get('p99', 0):.1f} ms (limit 15), worst {gets.get('max', 0):.1f}"
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scale", type=float, nargs="?", default=1.0)
    parser.add_argument("--postgres", metavar="DSN", help="a database to keep the graph in")
    arguments = parser.parse_args()
    print(show(run(arguments.scale, arguments.postgres)))


if __name__ == "__main__":
    main()
