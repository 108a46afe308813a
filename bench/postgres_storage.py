"""Each storage operation of the PostgreSQL engine beside the raw driver on the same statements.

The floor is asyncpg with a pool of the same size that resets nothing, sending the texts and values
that the engine sends; decisions are left out on both sides. `python bench/postgres_storage.py
[rounds]` prints this process's CPU for one operation, and the ratio.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import asyncpg
import uvloop

from drivers import CONTEXT, POOL, TWINS, fill, measure
from kastor.clock import Stamp, new_guid, now_ticks
from kastor.graph.catalog import ModelCatalog
from kastor.graph.command import Decided, State
from kastor.records import (
    SYSTEM,
    ChangeKind,
    Decision,
    LogEntry,
    LogTelemetry,
    Needs,
    WriteRelationship,
    WriteTwin,
)
from kastor.storage.limits import PAGE_BYTES
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.store import PostgresStore
from requests_cpu import model
from tests.postgres.cluster import Cluster

Work = Callable[[int], Awaitable[object]]
READS, WRITES, RELATED = 6_000, 1_500, 10
MODEL = model()["@id"]


class Bare(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    async def reset(self, *, timeout: float | None = None) -> None:
        """Nothing: no session state is ever changed."""


def log(kind: ChangeKind, subject: str) -> LogEntry:
    return LogEntry(kind, subject, subject, b'{"patch":[]}', new_guid(), model_id=MODEL)


def rewrite(current: State, stamp: Stamp) -> Decided[None]:
    """The same document again under a new etag: what storage does, without a decision."""
    row = current.twin
    assert row is not None
    entry = log(ChangeKind.TWIN_UPDATE, row.id)
    return Decision(WriteTwin(row, row.id, row.model_key, stamp.etag, row.doc, entry), None)


def tell(current: State, _stamp: Stamp) -> Decided[None]:
    assert current.twin is not None
    return Decision(LogTelemetry(current.twin, log(ChangeKind.TELEMETRY, current.twin.id)), None)


class Raw:
    """The driver alone."""

    def __init__(self, pool: Any, store: PostgresStore[ModelCatalog], epoch: int) -> None:
        self._pool = pool
        self._texts = sql.Qualified(f'"{store.engine.schema}"')
        self._epoch = epoch

    def read(self, text: str, *rest: object) -> Work:
        statement = self._texts[text]

        async def run(n: int) -> None:
            async with self._pool.acquire() as connection:
                await connection.fetch(statement, f"room-{n % TWINS}", *rest)

        return run

    def write(self, text: str, values: Callable[[Any], tuple[Any, ...]], kind: ChangeKind) -> Work:
        load, statement = self._texts[sql.LOAD_TWIN], self._texts[text]

        async def run(n: int) -> None:
            twin_id = f"room-{n % TWINS}"
            async with self._pool.acquire() as connection:
                row = await connection.fetchrow(load, twin_id)
                entry = (7, twin_id, kind.value, True, new_guid(), now_ticks(), "bench", None)
                rest = (MODEL, None, None, b'{"patch":[]}')
                await connection.fetchval(statement, self._epoch, *entry, *rest, *values(row))

        return run


async def relate(store: PostgresStore[ModelCatalog]) -> None:
    """Ten relationships of each twin; the model has none, and the engine does not ask for one."""

    async def make(n: int, k: int) -> None:
        def create(current: State, stamp: Stamp) -> Decided[None]:
            assert current.twin is not None
            assert current.target is not None
            entry = log(ChangeKind.RELATIONSHIP_CREATE, f"room-{n}/relationships/r{k}")
            doc = b'{"weight":1}'
            change = WriteRelationship(
                None, current.twin, f"r{k}", "next", current.target.key, stamp.etag, doc, entry
            )
            return Decision(change, None)

        await store.write(Needs(f"room-{n}", f"r{k}", f"room-{(n + k) % TWINS}"), create, CONTEXT)

    for n in range(TWINS):
        await asyncio.gather(*(make(n, k) for k in range(1, RELATED + 1)))


def pairs(store: PostgresStore[ModelCatalog], raw: Raw) -> dict[str, tuple[Work, Work, int]]:
    """Name -> (raw, ours, operations)."""

    async def get(n: int) -> None:
        await store.twin(f"room-{n % TWINS}", SYSTEM)

    async def relationship(n: int) -> None:
        await store.relationship(f"room-{n % TWINS}", "r1", SYSTEM)

    async def outgoing(n: int) -> None:
        await store.outgoing(f"room-{n % TWINS}", None, "", RELATED, SYSTEM)

    async def incoming(n: int) -> None:
        await store.incoming(f"room-{n % TWINS}", (0, 0, 0), RELATED, SYSTEM)

    async def update(n: int) -> None:
        await store.write(Needs(f"room-{n % TWINS}"), rewrite, CONTEXT)

    async def telemetry(n: int) -> None:
        await store.write(Needs(f"room-{n % TWINS}"), tell, CONTEXT)

    def updated(row: Any) -> tuple[Any, ...]:
        return row[1], row[5], row[3], new_guid(), row[6]

    kinds = ChangeKind.TWIN_UPDATE, ChangeKind.TELEMETRY
    return {
        "get a twin": (raw.read(sql.TWIN), get, READS),
        "get a relationship": (raw.read(sql.RELATIONSHIP_OF, "r1"), relationship, READS),
        "list ten outgoing": (
            raw.read(sql.OUTGOING, "", RELATED, PAGE_BYTES),
            outgoing,
            READS // 3,
        ),
        "list ten incoming": (raw.read(sql.INCOMING, 0, 0, 0, RELATED), incoming, READS // 3),
        "update a twin": (raw.write(sql.UPDATE_TWIN, updated, kinds[0]), update, WRITES),
        "log telemetry": (
            raw.write(sql.LOG_TELEMETRY, lambda row: (row[1],), kinds[1]),
            telemetry,
            WRITES,
        ),
    }


async def once(cluster: Cluster, rounds: int) -> list[tuple[str, float, float]]:
    store, service = await fill(cluster.dsn)
    pool = await asyncpg.create_pool(
        cluster.dsn,
        min_size=POOL,
        max_size=POOL,
        connection_class=Bare,
        max_cached_statement_lifetime=0,
    )
    await relate(store)
    rows = []
    for name, (floor, ours, count) in pairs(store, Raw(pool, store, service.catalog.epoch)).items():
        found: list[tuple[float, float]] = []
        for _ in range(rounds):
            bare, _, _ = await measure(cluster, floor, count)
            own, _, _ = await measure(cluster, ours, count)
            found.append((bare, own))
        rows.append((name, median(each[0] for each in found), median(each[1] for each in found)))
    await pool.close()
    await store.close()
    return rows


def run(rounds: int = 3) -> list[tuple[str, float, float]]:
    """Rows of (name, CPU us of the raw driver, CPU us of the engine), medians."""
    with Cluster() as cluster:
        cluster.create().start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(once(cluster, rounds))


if __name__ == "__main__":
    for name, floor, ours in run(*(int(each) for each in sys.argv[1:2])):
        print(f"{name:<24} {ours:7.0f} us CPU  raw driver {floor:7.0f} us  x {ours / floor:.2f}")
