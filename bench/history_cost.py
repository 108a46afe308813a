"""What keeping history costs: bytes of whole and packed versions, ways to pack, reads, writes.

`python -m bench.history_cost` prints a table for SQLite, and for PostgreSQL where
`KASTOR_TEST_PG` names a server. A twin has ten properties, each write changes one of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import orjson
import uvloop
import zstandard

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.dtdl import STRICT
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.commands import PatchTwin, PutTwin
from kastor.graph.instants import Named
from kastor.graph.service import GraphService
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM, Context
from kastor.storage.keeping import Retention
from kastor.storage.protocol import Store
from kastor.storage.sqlite.documents import Unpacking, add_unpacking, packed
from kastor.storage.sqlite.store import SqliteStore

TWINS, VERSIONS = 500, 32
SCANNED = 20_000
GROUP = 32
CONTEXT = Context("bench")
DAY = 86_400 * TICKS_PER_SECOND
MODEL = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:bench:Sensor;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": f"p{n}", "schema": "double"} for n in range(9)]
    + [{"@type": "Property", "name": "label", "schema": "string"}],
}


def twin(number: int) -> dict[str, Any]:
    values = {f"p{n}": round(number * 0.37 + n, 2) for n in range(9)}
    return {"$metadata": {"$model": MODEL["@id"]}, "label": f"sensor {number}", **values}


class Clock:
    """The wall clock, moved by what is added."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now_ticks() + self.ahead


async def filled(store: Store[ModelCatalog], twins: int) -> GraphService:
    service = GraphService(store)
    text = orjson.dumps(MODEL)
    await service.upload(b"[" + text + b"]", [(MODEL, text)], CONTEXT)
    for start in range(0, twins, 256):
        numbers = range(start, min(start + 256, twins))
        await asyncio.gather(
            *(service.execute(PutTwin(f"s-{n}", twin(n)), CONTEXT) for n in numbers)
        )
    return service


async def patched(service: GraphService, numbers: list[int], rng: random.Random) -> None:
    for start in range(0, len(numbers), 256):
        await asyncio.gather(
            *(
                service.execute(
                    PatchTwin(
                        f"s-{n}",
                        (
                            {
                                "op": "replace",
                                "path": f"/p{rng.randrange(9)}",
                                "value": round(rng.random() * 100, 2),
                            },
                        ),
                    ),
                    CONTEXT,
                )
                for n in numbers[start : start + 256]
            )
        )


def used(path: Path) -> int:
    """Bytes of a file's tables of versions, indexes included."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        size = connection.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'twin_versions%'"
            " OR name LIKE 'version_blocks%' OR name LIKE 'sqlite_autoindex_version_blocks%'"
        ).fetchall()[0][0]
        return int(str(size))
    finally:
        connection.close()


def ways(path: Path) -> list[tuple[str, float, float, float]]:
    """Bytes of the documents over whole ones, and CPU us to pack and to read one, of each way."""
    connection = apsw.Connection(str(path))
    add_unpacking(connection)
    lives: dict[int, list[tuple[bytes, bytes]]] = {}
    rows = connection.execute(
        "SELECT key, doc, CAST(json(doc) AS BLOB) FROM twin_versions ORDER BY key, ended_by"
    )
    for key, doc, text in rows:
        lives.setdefault(int(str(key)), []).append((bytes(doc), bytes(text)))  # type: ignore[arg-type]
    whole = sum(len(doc) for life in lives.values() for doc, _ in life)
    texts = [text for life in lives.values() for _, text in life]
    samples = zstandard.train_dictionary(16_384, texts[:2_000])
    packer, unpacker = zstandard.ZstdCompressor(3), zstandard.ZstdDecompressor()
    knowing = zstandard.ZstdCompressor(3, dict_data=samples)
    known = zstandard.ZstdDecompressor(dict_data=samples)

    def blocks(size: int, column: int) -> list[list[bytes]]:
        return [
            [each[column] for each in life[at : at + size]]
            for life in lives.values()
            for at in range(0, len(life), size)
        ]

    def patches(block: list[bytes]) -> list[bytes]:
        first = orjson.loads(block[0])
        made = [block[0]]
        for text in block[1:]:
            document = orjson.loads(text)
            made.append(orjson.dumps(_merge(first, document)))
            first = document
        return made

    def applied(block: list[bytes]) -> dict[str, Any]:
        document = orjson.loads(block[0])
        for patch in block[1:]:
            document = _apply(document, orjson.loads(patch))
        return document

    found = []

    def tried(
        name: str,
        given: list[Any],
        pack: Callable[[Any], Any],
        unpack: Callable[[Any], object],
        size: Callable[[Any], int],
    ) -> None:
        began = time.process_time()
        made = [pack(each) for each in given]
        between = time.process_time()
        for each in made:
            unpack(each)
        ended = time.process_time()
        found.append(
            (
                name,
                sum(map(size, made)) / whole,
                (between - began) / len(texts) * 1e6,
                (ended - between) / len(made) * 1e6,
            )
        )

    taken = Unpacking()

    def last(block: bytes) -> bytes:
        return taken(block, 3)

    for size in (8, 16):
        given = blocks(size, 1)
        tried(
            f"merge patches, each {size}th whole",
            *(given, patches, applied, lambda each: sum(map(len, each))),
        )
    tried("zlib each version", texts, lambda text: zlib.compress(text, 6), zlib.decompress, len)
    tried("zstd each version, dictionary", texts, knowing.compress, known.decompress, len)
    given = blocks(16, 1)
    tried("zlib blocks of 16", given, lambda b: zlib.compress(b"".join(b), 6), zlib.decompress, len)
    joined = [b"".join(block) for block in given]
    tried("zstd blocks of 16, JSON", joined, packer.compress, unpacker.decompress, len)
    for size in (8, 16, 32):
        tried(f"zstd blocks of {size}, JSONB (taken)", blocks(size, 0), packed, last, len)
    connection.close()
    return found


def _merge(before: Any, after: Any) -> Any:
    return {
        key: _merge(before[key], value)
        if isinstance(value, dict) and isinstance(before.get(key), dict)
        else value
        for key, value in after.items()
        if before.get(key) != value
    }


def _apply(document: Any, patch: Any) -> Any:
    for key, value in patch.items():
        old = document.get(key)
        document[key] = _apply(old, value) if isinstance(value, dict) and old else value
    return document


QUERIES = {
    "count by a property": "SELECT COUNT() FROM DIGITALTWINS T WHERE T.p3 > 50",
    "a page of documents": "SELECT * FROM DIGITALTWINS T WHERE T.p3 > 3000",
}


async def reads(
    store: Store[ModelCatalog], service: GraphService, change: int
) -> list[tuple[str, float, float]]:
    """Milliseconds of a query now, and as of a state; and of a twin."""
    from msgspec import structs

    query = QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        QuerySettings(),
        dialect=dialect_of(store.engine),
        indexes=tuple,
        refresh=store.refresh,
        resolve=lambda n: service.at(Named(change=n)),
        since=store.since,
    )
    past = structs.replace(SYSTEM, at=await service.at(Named(change=change)))

    async def timed(work: Callable[[], Awaitable[object]], rounds: int) -> float:
        spent = []
        for _ in range(rounds):
            began = time.perf_counter()
            await work()
            spent.append(time.perf_counter() - began)
        return median(spent) * 1e3

    found = []
    for name, text in QUERIES.items():
        now = await timed(lambda text=text: query.run(text, SYSTEM), 7)  # type: ignore[misc]
        then = await timed(lambda text=text: query.run(text, past), 7)  # type: ignore[misc]
        found.append((name, now, then))
    now = await timed(lambda: store.twin("s-7", SYSTEM), 200)
    then = await timed(lambda: store.twin("s-7", past), 200)
    return [*found, ("one twin", now, then)]


async def space(
    store: Store[ModelCatalog], clock: Clock, size: Callable[[], Awaitable[int]]
) -> list[tuple[str, float]]:
    rng = random.Random(1)
    service = await filled(store, TWINS)
    empty = await size()
    for _ in range(VERSIONS):
        await patched(service, [*range(TWINS)], rng)
    whole = await size() - empty
    clock.ahead += 3 * DAY
    began = time.process_time()
    count = await store.history.pack()
    spent = time.process_time() - began
    return [
        ("versions packed", count),
        ("bytes of a version on disk, whole", whole / count),
        ("packed", (await size() - empty) / count),
        ("packed over whole", (await size() - empty) / whole),
        ("CPU us to pack one (this process)", spent / count * 1e6),
    ]


async def then(store: Store[ModelCatalog], clock: Clock) -> None:
    rng = random.Random(2)
    service = await filled(store, SCANNED)
    change = (await store.events.log_bounds())[1]
    await patched(service, rng.sample(range(SCANNED), SCANNED // 10), rng)
    for state in ("whole", "packed"):
        if state == "packed":
            clock.ahead += 3 * DAY
            await store.history.pack()
        for name, now, past in await reads(store, service, change):
            print(
                f"  {name}, 10 % changed, {state}: {now:.3f} ms now, {past:.3f} ms as of"
                f" ({past / now:.2f})"
            )


async def writes(on: Store[ModelCatalog], off: Store[ModelCatalog]) -> tuple[float, float]:
    """CPU us of a durable PATCH in groups of 32, with history and without; they take turns."""
    services = [await filled(store, 1_000) for store in (on, off)]
    spent: tuple[list[float], list[float]] = [], []
    rng = random.Random(3)
    for _ in range(150):
        numbers = rng.sample(range(1_000), GROUP)
        for service, times in zip(services, spent, strict=True):
            began = time.process_time()
            await patched(service, numbers, rng)
            times.append((time.process_time() - began) / GROUP * 1e6)
    return median(spent[0]), median(spent[1])


async def sqlite(folder: Path) -> None:
    print("SQLite")
    build = catalog_builder(STRICT)
    clock, path = Clock(), folder / "space.sqlite3"
    store = await SqliteStore.open(path, build, clock=clock)

    async def size() -> int:
        return used(path)

    service_rows = folder / "rows.sqlite3"

    async def size_and_copy() -> int:
        if not service_rows.exists() and used(path) > TWINS * VERSIONS * 100:
            source = apsw.Connection(str(path))
            source.execute(f"VACUUM INTO '{service_rows}'").fetchall()
            source.close()
        return await size()

    for name, value in await space(store, clock, size_and_copy):
        print(f"  {name}: {value:,.2f}")
    await store.close()
    print("  ways, documents alone over JSONB: share, CPU us to pack a version, to read one")
    for way, share, pack, read in ways(service_rows):
        print(f"    {way}: {share:.3f}, {pack:.1f}, {read:.1f}")
    clock = Clock()
    store = await SqliteStore.open(folder / "then.sqlite3", build, clock=clock)
    await then(store, clock)
    await store.close()
    stores = [
        await SqliteStore.open(folder / f"{n}.sqlite3", build, retention=Retention(**kept))
        for n, kept in enumerate(({}, {"version_seconds": 0.0}))
    ]
    on, off = await writes(*stores)
    print(f"  durable PATCH: {on:.0f} us CPU with history, {off:.0f} without ({on / off:.3f})")
    for each in stores:
        await each.close()


async def postgres(address: str) -> None:
    from kastor.storage.postgres.connections import Connections
    from kastor.storage.postgres.store import PostgresStore

    print("PostgreSQL")
    build, clock = catalog_builder(STRICT), Clock()
    connections = Connections(address, 10)
    name = f"bench_{os.getpid()}"

    async def opened(suffix: str, **more: Any) -> Store[ModelCatalog]:
        return await PostgresStore.open(connections, name + suffix, build, **more)

    async def size() -> int:
        async with connections.lease() as connection:
            tables = [f'"{name}_a".{table}' for table in ("twin_versions", "version_blocks")]
            for table in tables:
                await connection.execute(f"VACUUM FULL {table}")
            return int(
                await connection.fetchval(
                    "SELECT " + "+".join(f"pg_total_relation_size('{each}')" for each in tables)
                )
            )

    store = await opened("_a", clock=clock)
    for text, value in await space(store, clock, size):
        print(f"  {text}: {value:,.2f}")
    await store.close()
    store = await opened("_b", clock=clock)
    await then(store, clock)
    await store.close()
    await connections.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await sqlite(Path(folder))
    if address := os.environ.get("KASTOR_TEST_PG"):
        await postgres(address)


if __name__ == "__main__":
    uvloop.run(main())
