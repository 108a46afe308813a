"""PostgreSQL drivers and the store on the project's two hot operations: get by id, durable patch.

All run the same statements on the same rows; the patch is the read, then the statement that
compares version and epoch and writes row, superseded version and log entry. CPU is this process's;
the server's is that of all its processes. `python bench/drivers.py [rounds]` prints the table.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import orjson
import psycopg
import psycopg_pool
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from kastor.clock import new_guid, now_ticks
from kastor.dtdl import STRICT
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.commands import PatchTwin, PutTwin
from kastor.graph.service import GraphService
from kastor.records import SYSTEM, Context
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.store import PostgresStore
from requests_cpu import model, twin
from tests.postgres.cluster import Cluster

TWINS, POOL, CLIENTS, GETS, PATCHES = 1_000, 8, 32, 8_000, 1_500
CONTEXT = Context("bench")
OPERATIONS = (
    {"op": "replace", "path": "/temperature", "value": 20.5},
    {"op": "replace", "path": "/co2", "value": 512},
)
Work = Callable[[int], Awaitable[object]]


def server_seconds(cluster: Cluster) -> float:
    pid = cluster.pid
    total = 0.0
    for each in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


async def measure(cluster: Cluster, work: Work, count: int) -> tuple[float, float, float]:
    """CPU us of this process and of the server, and operations a second, 32 clients."""

    async def client(first: int) -> None:
        for n in range(first, count, CLIENTS):
            await work(n)

    await asyncio.gather(*(work(n) for n in range(CLIENTS * 4)))
    wall, own, server = time.perf_counter(), time.process_time(), server_seconds(cluster)
    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    own, server = time.process_time() - own, server_seconds(cluster) - server
    return own / count * 1e6, server / count * 1e6, count / (time.perf_counter() - wall)


class Statements:
    """The texts and values of the two operations, with either driver's marks."""

    def __init__(self, schema: str, epoch: int) -> None:
        texts = sql.Qualified(schema)
        self.get = texts[sql.TWIN]
        self.load = texts[sql.LOAD_TWIN]
        self.update = texts[sql.UPDATE_TWIN]
        self.epoch = epoch

    def values(self, row: Any) -> tuple[Any, ...]:
        """Of the update; `row` is what LOAD_TWIN gave."""
        etag, event = new_guid(), new_guid()
        entry = (7, row[2], "Twin.Update", True, event, now_ticks(), "bench")
        rest = (None, "dtmi:bench:Room;1", None, None, b'{"patch":[]}')
        document = orjson.loads(row[6])
        document["temperature"] = 20.5
        text = orjson.dumps(document).decode()
        return (self.epoch, *entry, *rest, row[1], row[5], row[3], etag, text)


def numbered(text: str) -> str:
    """psycopg's marks: named by number, so that one value can stand in several places."""
    for number in range(19, 0, -1):
        text = text.replace(f"${number}", f"%(p{number})s")
    return text


def named(values: tuple[Any, ...]) -> dict[str, Any]:
    return {f"p{n}": value for n, value in enumerate(values, 1)}


def medians(rows: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    own, server, rate = (median(column) for column in zip(*rows, strict=True))
    return own, server, rate


async def of_asyncpg(dsn: str, texts: Statements) -> tuple[Work, Work, Callable[[], Any]]:
    class Bare(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
        async def reset(self, *, timeout: float | None = None) -> None:
            """Nothing: no session state is ever changed."""

    pool = await asyncpg.create_pool(
        dsn, min_size=POOL, max_size=POOL, connection_class=Bare, max_cached_statement_lifetime=0
    )

    async def get(n: int) -> None:
        async with pool.acquire() as connection:
            await connection.fetch(texts.get, f"room-{n % TWINS}")

    async def patch(n: int) -> None:
        async with pool.acquire() as connection:
            row = await connection.fetchrow(texts.load, f"room-{n % TWINS}")
            await connection.fetchval(texts.update, *texts.values(row))

    return get, patch, pool.close


async def of_psycopg(dsn: str, texts: Statements) -> tuple[Work, Work, Callable[[], Any]]:
    pool = psycopg_pool.AsyncConnectionPool(
        dsn,
        min_size=POOL,
        max_size=POOL,
        open=False,
        kwargs={"autocommit": True, "prepare_threshold": 0},
    )
    await pool.open(wait=True)
    get_text, load_text, update_text = (
        numbered(each) for each in (texts.get, texts.load, texts.update)
    )

    async def get(n: int) -> None:
        async with pool.connection() as connection:
            cursor = await connection.execute(get_text, {"p1": f"room-{n % TWINS}"}, binary=True)
            await cursor.fetchall()

    async def patch(n: int) -> None:
        async with pool.connection() as connection:
            cursor = await connection.execute(load_text, {"p1": f"room-{n % TWINS}"}, binary=True)
            row = await cursor.fetchone()
            cursor = await connection.execute(update_text, named(texts.values(row)), binary=True)
            await cursor.fetchone()

    return get, patch, pool.close


async def of_pipeline(dsn: str, texts: Statements) -> tuple[Work, Work, Callable[[], Any]]:
    """psycopg in pipeline mode: the clients of one connection share its round trips."""
    connections = [
        await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=0)
        for _ in range(POOL)
    ]
    pipelines = [connection.pipeline() for connection in connections]
    for pipeline in pipelines:
        await pipeline.__aenter__()
    get_text = numbered(texts.get)

    async def get(n: int) -> None:
        connection = connections[n % POOL]
        cursor = await connection.execute(get_text, {"p1": f"room-{n % TWINS}"}, binary=True)
        await cursor.fetchall()

    async def close() -> None:
        for pipeline, connection in zip(pipelines, connections, strict=True):
            await pipeline.__aexit__(None, None, None)
            await connection.close()

    async def patch(_: int) -> None:
        """Not here: the statement that writes depends on the row that was read."""

    return get, patch, close


async def fill(dsn: str) -> tuple[PostgresStore[ModelCatalog], GraphService]:
    store = await PostgresStore.open(dsn, "graph_bench", catalog_builder(STRICT), pool=POOL)
    service = GraphService(store)
    if not service.catalog.models:
        document = model()
        text = orjson.dumps(document)
        await service.upload(b"[" + text + b"]", [(document, text)], CONTEXT)
        for start in range(0, TWINS, 100):
            await asyncio.gather(
                *(
                    service.execute(PutTwin(f"room-{n}", twin(n)), CONTEXT)
                    for n in range(start, start + 100)
                )
            )
    return store, service


Row = tuple[str, float, float, float]


async def once(cluster: Cluster, rounds: int) -> list[Row]:
    store, service = await fill(cluster.dsn)
    texts = Statements(f'"{store.engine.schema}"', service.catalog.epoch)

    async def store_get(n: int) -> None:
        await store.twin(f"room-{n % TWINS}", SYSTEM)

    async def store_patch(n: int) -> None:
        await service.execute(PatchTwin(f"room-{n % TWINS}", OPERATIONS), CONTEXT)

    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for name, make in (
            ("asyncpg, its pool without reset", of_asyncpg),
            ("psycopg, its pool, prepared", of_psycopg),
            ("psycopg, pipeline", of_pipeline),
        ):
            get, patch, close = await make(cluster.dsn, texts)
            found.setdefault(f"get: {name}", []).append(await measure(cluster, get, GETS))
            if make is not of_pipeline:
                found.setdefault(f"patch: {name}", []).append(
                    await measure(cluster, patch, PATCHES)
                )
            await close()
        found.setdefault("get: the store", []).append(await measure(cluster, store_get, GETS))
        found.setdefault("patch: the store, decision included", []).append(
            await measure(cluster, store_patch, PATCHES)
        )
    await store.close()
    return [(name, *medians(rows)) for name, rows in sorted(found.items())]


def run(rounds: int = 3) -> list[Row]:
    """Rows of (name, CPU us here, CPU us in the server, operations a second), medians."""
    with Cluster() as cluster:
        cluster.create().start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(once(cluster, rounds))


if __name__ == "__main__":
    for name, own, server, rate in run(*(int(each) for each in sys.argv[1:2])):
        print(f"{name:<44} {own:7.0f} us CPU {server:7.0f} us in the server {rate:7.0f}/s")
