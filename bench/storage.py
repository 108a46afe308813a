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
from kastor.storage.sqlite.connection import make_durable, open_writer
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

    floors, ours = [], []
    for _ in range(5):
        floors.append(per_call(bare, 1) / TWINS)
        started = time.process_time()
        for twin_id in ids:
            await service.twin(twin_id, SYSTEM)
        ours.append((time.process_time() - started) / TWINS * 1e6)
    return median(floors), median(ours)


async def patches(service: GraphService, folder: Path) -> tuple[float, float, float, float]:
    """CPU us for one durable update in groups of 32: raw, ours; and the same by the clock.

    The groups of both take turns: what the machine does besides befalls one as the other.
    """
    raw = open_writer(folder / "raw.sqlite3")
    make_durable(raw)  # as ours: else its commits are others
    raw.execute("CREATE TABLE twins (id TEXT PRIMARY KEY, etag TEXT, doc BLOB)").fetchall()
    text = json.dumps(twin(0))
    with raw:
        for n in range(TWINS):
            row = (f"room-{n}", new_guid(), text)
            raw.execute("INSERT INTO twins VALUES (?, ?, jsonb(?))", row).fetchall()
    update = "UPDATE twins SET etag = ?, doc = jsonb(?) WHERE id = ?"
    taken: list[tuple[float, float, float, float]] = []
    for start in range(0, TWINS, GROUP):
        ids = [f"room-{n}" for n in range(start, min(start + GROUP, TWINS))]
        begun = time.process_time(), time.perf_counter()
        with raw:
            for twin_id in ids:
                raw.execute(update, (new_guid(), text, twin_id)).fetchall()
        between = time.process_time(), time.perf_counter()
        await asyncio.gather(
            *(service.execute(PatchTwin(each, OPERATIONS), CONTEXT) for each in ids)
        )
        ended = time.process_time(), time.perf_counter()
        cpu, wall = zip(begun, between, ended, strict=True)
        each = 1e6 / len(ids)
        taken.append(
            (
                (cpu[1] - cpu[0]) * each,
                (cpu[2] - cpu[1]) * each,
                (wall[1] - wall[0]) * each,
                (wall[2] - wall[1]) * each,
            )
        )
    floor_cpu, ours_cpu, floor_wall, ours_wall = map(median, zip(*taken, strict=True))
    return floor_cpu, ours_cpu, floor_wall, ours_wall


def decisions(service: GraphService) -> tuple[float, float]:
    """CPU us for decode and encode of the document alone, and for the whole decision."""
    document = orjson.dumps(twin(1))
    row = TwinRow(1, "room-1", 1, new_guid(), 1, document)
    current = Current(service.catalog, row)
    stamp = Stamp(now_ticks(), new_guid(), new_guid())
    command = PatchTwin("room-1", OPERATIONS)
    floors, ours = [], []
    for _ in range(20):
        floors.append(per_call(lambda: orjson.dumps(orjson.loads(document)), 2_000))
        ours.append(per_call(lambda: decide_patch(command, current, stamp), 1_000))
    return median(floors), median(ours)


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


def run(rounds: int = 5) -> list[tuple[str, float, float, float]]:
    """Return rows of (name, floor us, ours us, ratio), medians; of the ratio, of each round's."""
    tables = []
    for _ in range(rounds):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tables.append(runner.run(once()))
    return [
        (
            name,
            median(table[name][0] for table in tables),
            median(table[name][1] for table in tables),
            median(table[name][1] / table[name][0] for table in tables),
        )
        for name in tables[0]
    ]


if __name__ == "__main__":
    for name, floor, ours, ratio in run(*(int(each) for each in sys.argv[1:2])):
        print(f"{name:<58} {floor:8.1f} us {ours:8.1f} us  x{ratio:.2f}")
