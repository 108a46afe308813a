"""Search by vectors: `python bench/vectors.py [TWINS] [DIMS] [--postgres]`.

By default there are 100,000 twins with vectors of 384 numbers beside them. Those are written into
the store's tables; everything else goes over HTTP. Told are a search whose vectors are in memory,
of all and of a model, and one whose vectors have no room there and are read: each beside numpy's
bare product of the same matrix and a GET of a twin in the same run. In memory the aim is 50 ms.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import apsw
import asyncpg
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from kastor.storage.sqlite.folder import DataFolder
from processes import free_port, resident_megabytes, server

VERSION = "?api-version=2023-10-31"
MODEL = {"@id": "dtmi:near:Thing;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
OTHER = {**MODEL, "@id": "dtmi:near:Other;1"}
ROUNDS, SLOW_ROUNDS, AIM_MS = 40, 3, 50.0


class Api:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        found = answer.read()
        assert answer.status < 300, (answer.status, found[:300])
        return json.loads(found) if found else None


def start(api: Api, dims: int) -> None:
    api.send("POST", f"/models{VERSION}", [MODEL, OTHER])
    for name, model in (("t0", MODEL), ("other", OTHER)):
        body = {"$metadata": {"$model": model["@id"]}}
        api.send("PUT", f"/digitaltwins/{name}{VERSION}", body)
    api.send("PUT", "/kastor/v1/vectors/side", {"dims": dims, "metric": "cosine"})


def fill_file(folder: Path, rows: Any) -> None:
    with closing(apsw.Connection(str(DataFolder(folder).graph_file))) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(twins)")]
        names = ", ".join(each for each in columns if each not in ("key", "id", "doc"))
        copy = (
            f"INSERT INTO twins (id, doc, {names})"
            f" SELECT ?1, jsonb_set(doc, '$.\"$dtId\"', ?1), {names} FROM twins WHERE id = 't0'"
        )
        connection.executemany(copy, ((f"t{n}",) for n in range(1, len(rows))))
        put = (
            "INSERT INTO vectors (index_name, twin_key, version, changed, vector)"
            " SELECT 'side', key, 1, ?, ? FROM twins WHERE id = ?"
        )
        packed = ((n + 1, row.astype(">f4").tobytes(), f"t{n}") for n, row in enumerate(rows))
        connection.executemany(put, packed)


async def fill_schema(dsn: str, rows: Any) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("SET search_path TO graph_default")
    told = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'graph_default'"
        " AND table_name = 'twins' AND column_name NOT IN ('key', 'id', 'doc')"
    )
    names = ", ".join(row[0] for row in told)
    await connection.execute(
        f"INSERT INTO twins (id, doc, {names})"
        f" SELECT 't' || n, jsonb_set(doc, '{{$dtId}}', to_jsonb('t' || n)), {names}"
        f" FROM twins, generate_series(1, {len(rows) - 1}) n WHERE id = 't0'"
    )
    keys = dict(await connection.fetch("SELECT id, key FROM twins"))
    records = [("side", keys[f"t{n}"], 1, 0, row.tolist()) for n, row in enumerate(rows)]
    columns = ["index_name", "twin_key", "version", "changed", "vector"]
    await connection.copy_records_to_table("vectors", records=records, columns=columns)
    await connection.execute("ANALYZE")
    await connection.close()


def timed(rounds: int, work: Callable[[int], Any]) -> tuple[float, float]:
    """Return median and 95th percentile, ms."""
    took = []
    for n in range(rounds):
        began = time.perf_counter()
        work(n)
        took.append((time.perf_counter() - began) * 1e3)
    return median(took), quantiles(took, n=20)[-1] if rounds > 1 else took[0]


def measure(engine: str, command: list[str], rows: Any, room: int) -> None:
    port = free_port()
    os.environ["KASTOR_MAX_VECTOR_BYTES"] = str(room)
    asked = [row.tolist() for row in rows[:ROUNDS]]
    with server([*command, "--port", str(port)], port) as process:
        api = Api(port)

        def near(n: int, **more: Any) -> Any:
            body = {"vector": asked[n % len(asked)], "index": "side", "limit": 10, **more}
            found = api.send("POST", f"/digitaltwins/search{VERSION}", body)
            assert found["value"][0]["$dtId"] == f"t{n % len(asked)}"

        began = time.perf_counter()
        near(0)
        first = (time.perf_counter() - began) * 1e3
        rounds = ROUNDS if room else SLOW_ROUNDS
        units = rows / np.linalg.norm(rows, axis=1)[:, None]
        floor = timed(200, lambda _: api.send("GET", f"/digitaltwins/t0{VERSION}"))[0]
        bare = timed(rounds, lambda n: units @ rows[n])[0]
        told: list[tuple[str, Callable[[int], Any]]] = [("all", near)]
        if room:
            told.append(("of a model", lambda n: near(n, modelFilter=MODEL["@id"])))
        kind = "in memory" if room else "streamed"
        for name, work in told:
            middle, late = timed(rounds, work)
            ratio = middle / (bare + floor)
            print(
                f"{engine:9} {kind:9} {name:11} {middle:8.1f} ms  p95 {late:8.1f}  product"
                f" {bare:6.1f}  GET {floor:5.2f}  {ratio:5.2f} of both",
                f"  first {first:.0f} ms, resident {resident_megabytes(process.pid):.0f} MB"
                + ("  ABOVE THE AIM" if room and middle > AIM_MS else ""),
            )


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    twins, dims = [*numbers, *(100_000, 384)[len(numbers) :]]
    rows = np.random.default_rng(7).standard_normal((twins, dims), np.float32)
    print(f"{twins:,} twins, {dims} dims, cosine, {rows.nbytes / 1e6:.0f} MB")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = [sys.executable, "-m", "kastor", "serve", "--data", str(folder)]
        engine, dsn = "SQLite", ""
        if "--postgres" in sys.argv:
            from tests.postgres.server import database

            engine, dsn = "PostgreSQL", stack.enter_context(database())
            command += ["--db", dsn]
        port = free_port()
        with server([*command, "--port", str(port)], port):
            start(Api(port), dims)
        began = time.perf_counter()
        if dsn:
            asyncio.run(fill_schema(dsn, rows))
        else:
            fill_file(folder, rows)
        print(f"filled in {time.perf_counter() - began:.0f} s")
        for room in (2**30, 0):
            measure(engine, command, rows, room)


if __name__ == "__main__":
    main()
