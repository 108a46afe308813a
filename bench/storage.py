"""Storage and decisions beside the raw driver on the same rows and statements."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import apsw
import orjson
import uvloop

from kastor.clock import Stamp, new_guid, now_ticks
from kastor.dtdl import STRICT
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.commands import PatchTwin, PutTwin
from kastor.graph.service import GraphService
from kastor.graph.twin import decide_patch
from kastor.records import SYSTEM, Context, Current, TwinRow
from kastor.storage.sqlite import statements as sql
from kastor.storage.sqlite.connection import open_writer
from kastor.storage.sqlite.store import SqliteStore
from requests_cpu import model, twin

TWINS = 1_000
GROUP = 32
CONTEXT = Context("bench")
OPERATIONS = (
    {"op": "replace", "path": "/temperature", "value": 20.5},
    {"op": "replace", "path": "/co2", "value": 512},
)


async def prepare(folder: Path) -> tuple[SqliteStore[ModelCatalog], GraphService]:
    store = await SqliteStore.open(folder / "bench.sqlite3", catalog_builder(STRICT))
    service = GraphService(store)
    document = model()
    text = orjson.dumps(document)
    await service.upload(b"[" + text + b"]", [(document, text)], CONTEXT)
    await asyncio.gather(
        *(service.execute(PutTwin(f"room-{n}", twin(n)), CONTEXT) for n in range(TWINS))
    )
    return store, service


def per_call(work: Callable[[], object], count: int) -> float:
    started = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - started) / count * 1e6


async def gets(service: GraphService, path: Path) -> tuple[float, float]:
    raw = apsw.Connection(str(path))
    ids = [f"room-{n}" for n in range(TWINS)]

    def bare() -> None:
        for twin_id in ids:
            raw.execute(sql.TWIN, (twin_id,)).fetchall()

    floor = per_call(bare, 5) / TWINS
    started = time.process_time()
    for _ in range(5):
        for twin_id in ids:
            await service.twin(twin_id, SYSTEM)
    return floor, (time.process_time() - started) / 5 / TWINS * 1e6


async def patches(service: GraphService, folder: Path) -> tuple[float, float, float, float]:
    """CPU us for one durable update in groups of 32: raw, ours; and the same by the clock."""
    raw = open_writer(folder / "raw.sqlite3")
    raw.execute("CREATE TABLE twins (id TEXT PRIMARY KEY, etag TEXT, doc BLOB)").fetchall()
    text = json.dumps(twin(0))
    with raw:
        for n in range(TWINS):
            row = (f"room-{n}", new_guid(), text)
            raw.execute("INSERT INTO twins VALUES (?, ?, jsonb(?))", row).fetchall()
    update = "UPDATE twins SET etag = ?, doc = jsonb(?) WHERE id = ?"
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, TWINS, GROUP):
        with raw:
            for n in range(start, min(start + GROUP, TWINS)):
                raw.execute(update, (new_guid(), text, f"room-{n}")).fetchall()
    floor_cpu, floor_wall = time.process_time() - cpu, time.perf_counter() - wall
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, TWINS, GROUP):
        numbers = range(start, min(start + GROUP, TWINS))
        await asyncio.gather(
            *(service.execute(PatchTwin(f"room-{n}", OPERATIONS), CONTEXT) for n in numbers)
        )
    ours_cpu, ours_wall = time.process_time() - cpu, time.perf_counter() - wall
    each = 1e6 / TWINS
    return floor_cpu * each, ours_cpu * each, floor_wall * each, ours_wall * each


def decisions(service: GraphService) -> tuple[float, float]:
    """CPU us for decode and encode of the document alone, and for the whole decision."""
    document = orjson.dumps(twin(1))
    row = TwinRow(1, "room-1", 1, new_guid(), 1, document)
    current = Current(service.catalog, row)
    stamp = Stamp(now_ticks(), new_guid(), new_guid())
    command = PatchTwin("room-1", OPERATIONS)
    floor = per_call(lambda: orjson.dumps(orjson.loads(document)), 20_000)
    return floor, per_call(lambda: decide_patch(command, current, stamp), 20_000)


async def once() -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store, service = await prepare(folder)
        found = {"get by id: driver | service": await gets(service, folder / "bench.sqlite3")}
        floor_cpu, ours_cpu, floor_wall, ours_wall = await patches(service, folder)
        found["durable update x32, CPU: driver | service"] = (floor_cpu, ours_cpu)
        found["durable update x32, clock: driver | service"] = (floor_wall, ours_wall)
        found["patch + validate 10 properties: JSON codec | decision"] = decisions(service)
        await store.close()
        return found


def run(rounds: int = 5) -> list[tuple[str, float, float]]:
    """Return rows of (name, floor us, ours us), medians."""
    tables = []
    for _ in range(rounds):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tables.append(runner.run(once()))
    return [
        (
            name,
            median(table[name][0] for table in tables),
            median(table[name][1] for table in tables),
        )
        for name in tables[0]
    ]


if __name__ == "__main__":
    for name, floor, ours in run(*(int(each) for each in sys.argv[1:2])):
        print(f"{name:<58} {floor:8.1f} us {ours:8.1f} us  x{ours / floor:.2f}")
