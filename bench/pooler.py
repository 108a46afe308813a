"""What `db_pooler` costs, and what PgBouncer in between costs: get by id and durable patch.

`python bench/pooler.py [rounds]` prints medians of interleaved rounds. All have 8 connections to
the server, and 32 clients.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from drivers import CONTEXT, GETS, OPERATIONS, PATCHES, POOL, TWINS, Work, fill, measure, medians
from kastor.dtdl import STRICT
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.commands import PatchTwin
from kastor.graph.service import GraphService
from kastor.records import SYSTEM
from kastor.storage.postgres.store import PostgresStore
from tests.postgres.cluster import Cluster
from tests.postgres.pooler import Pooler

Row = tuple[str, float, float, float]


async def once(cluster: Cluster, pooler: Pooler, rounds: int) -> list[Row]:
    store, _ = await fill(cluster.dsn)
    await store.close()
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for name, dsn, pooled in (
            ("direct", cluster.dsn, False),
            ("direct, db_pooler", cluster.dsn, True),
            ("PgBouncer, db_pooler", pooler.dsn, True),
        ):
            store = await PostgresStore.open(
                dsn, "graph_bench", catalog_builder(STRICT), pool=POOL, pooler=pooled
            )
            get, patch = works(store)
            found.setdefault(f"get: {name}", []).append(await measure(cluster, get, GETS))
            found.setdefault(f"patch: {name}", []).append(await measure(cluster, patch, PATCHES))
            await store.close()
    return [(name, *medians(rows)) for name, rows in sorted(found.items())]


def works(store: PostgresStore[ModelCatalog]) -> tuple[Work, Work]:
    service = GraphService(store)

    async def get(n: int) -> None:
        await store.twin(f"room-{n % TWINS}", SYSTEM)

    async def patch(n: int) -> None:
        await service.execute(PatchTwin(f"room-{n % TWINS}", OPERATIONS), CONTEXT)

    return get, patch


def run(rounds: int = 3) -> list[Row]:
    """Rows of (name, CPU us here, CPU us in the server, operations a second), medians."""
    with Cluster() as cluster, Pooler(cluster.create().start().dsn, connections=POOL) as pooler:
        pooler.start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(once(cluster, pooler, rounds))


if __name__ == "__main__":
    for name, own, server, rate in run(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(f"{name:<28} {own:8.0f} us here {server:8.0f} us server {rate:8.0f} /s")
