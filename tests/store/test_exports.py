"""Exports of both engines: equal files of equal graphs, and what the change log has to hold."""

from __future__ import annotations

import asyncio
import os
import random
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from kastor.errors import Gone, InvalidArgument, Unavailable
from kastor.graph.catalog import ModelCatalog
from kastor.jobs.exporting.service import ExportService
from kastor.jobs.exporting.wanted import Wanted
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM
from kastor.storage import snapshots

from .engines import Engine
from .graphs import (
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    edge,
    hall,
    interface,
    replace,
    room,
)
from .postgres_engine import PostgresEngine
from .sqlite_engine import SqliteEngine

pytestmark = pytest.mark.anyio
TWINS = int(os.environ.get("KASTOR_EXPORT_TWINS", "1000"))
"""Of the graph whose export must take no memory."""


def exports(graph: Graph) -> ExportService[ModelCatalog]:
    store = graph.store
    query = QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        QuerySettings(),
        dialect=dialect_of(store.engine),
    )
    return ExportService(store, query.runner)


async def exported(graph: Graph, **wanted: Any) -> bytes:
    return b"".join([part async for part in await exports(graph).open(Wanted(**wanted), SYSTEM)])


@pytest.fixture
async def both(
    anyio_backend: str, tmp_path: Path, postgres_dsn: str
) -> AsyncIterator[tuple[Graph, Graph]]:
    """An empty graph on each engine."""
    engines: tuple[Engine, Engine] = SqliteEngine(tmp_path), PostgresEngine(postgres_dsn)
    found = [Graph(await each.open(), each.history()) for each in engines]
    yield found[0], found[1]
    for each in engines:
        await each.close()


def odd_values(rng: random.Random) -> dict[str, Any]:
    number = rng.choice([0, 1, 1.0, -0.0, 1e16, 1e22, 1.5e-7, 5e-324, 1e300, rng.random()])
    letters = ["a", "Z", "\u00e9", "\U0001f600", '"', "\\", "\n", "\u2028", "%2F", " ", "\x7f"]
    text = "".join(rng.choices(letters, k=rng.randrange(6)))
    labels = {rng.choice("bcad") + str(n): text + str(n) for n in range(rng.randrange(4))}
    return {"temperature": number, "name": text, "labels": labels}


async def fill(graphs: tuple[Graph, ...], seed: int) -> None:
    rng = random.Random(seed)
    models = [THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL]
    models += [interface(f"dtmi:s:More{n};1", extends=["dtmi:s:Room;1"]) for n in range(3)]
    for graph in graphs:
        await graph.upload(*models)
    ids = [f"{rng.choice('aBz09-')}{n}" for n in range(40)]
    for twin_id in ids:
        body = room(**odd_values(rng)) if rng.random() < 0.7 else hall(seats=rng.randrange(2**31))
        if "name" in body:
            body["$metadata"]["name"] = {"sourceTime": "2026-05-06T07:08:09.1Z"}
            body["thermostat"]["setPoint"] = rng.choice([21, 21.5, 1e21])
        for graph in graphs:
            await graph.put(twin_id, orjson.loads(orjson.dumps(body)))
    rooms = [each for each in ids if "name" in await graphs[0].document(each)]
    for n in range(60):
        source, target = rng.sample(rooms, 2)
        body = edge(target, rng.choice(["nextTo", "above"]))
        if body["$relationshipName"] == "nextTo":
            body["door"] = "d\u00e9\n"
        for graph in graphs:
            await graph.relate(source, f"e{n % 7}", dict(body))
    for twin_id in rng.sample(rooms, 5):
        value = rng.random() * 1e-9
        for graph in graphs:
            await graph.patch(twin_id, replace("/temperature", value))


@pytest.mark.parametrize("seed", [1, 2])
async def test_equal_graphs_give_equal_files_on_both_engines(
    both: tuple[Graph, Graph], seed: int
) -> None:
    await fill(both, seed)
    ours, theirs = [await exported(graph) for graph in both]
    assert ours == theirs
    assert ours.count(b"\n") > 80
    for query in (
        "SELECT * FROM DIGITALTWINS WHERE temperature > 0",
        "SELECT * FROM RELATIONSHIPS",
    ):
        ours, theirs = [await exported(graph, query=query) for graph in both]
        assert ours == theirs
        assert ours.count(b"\n") > 4


async def test_documents_of_megabytes_come_whole(graph: Graph) -> None:
    texts = {f"r{n}": str(n) * 1_500_000 for n in range(8)}
    for twin_id, text in texts.items():
        await graph.put(twin_id, room(name=text))
    for wanted in ({}, {"query": "SELECT * FROM DIGITALTWINS"}):
        body = await exported(graph, **wanted)
        found = {
            line["$dtId"]: line["name"]
            for line in map(orjson.loads, body.splitlines())
            if "$dtId" in line
        }
        assert found == texts


async def test_a_change_that_the_log_has_forgotten_is_told(engine: Engine) -> None:
    now = [1_000_000_000_000_000]
    store = await engine.open(clock=lambda: now[0], log_seconds=60.0)
    graph = Graph(store, engine.history())
    await graph.upload(HALL_MODEL)
    for n in range(3):
        await graph.put(f"h{n}", hall(seats=n))
    assert await store.events.log_bounds() == (1, 4)  # now every entry has its number
    now[0] += 3_600 * 10_000_000
    await graph.put("late", hall())
    assert await store.prune() >= 4
    with pytest.raises(Gone, match="Export the whole graph") as refused:
        await exported(graph, since=2)
    assert refused.value.code == "ChangesGone"
    assert b'"late"' in await exported(graph, since=4)
    assert b'"h0"' not in await exported(graph, since=4)
    assert b'"late"' not in await exported(graph, since=5)
    with pytest.raises(InvalidArgument, match="newest change has the number 5"):
        await exported(graph, since=6)


async def test_models_that_change_before_a_query_is_read_do_not_mix(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state that is exported and the models of the query are of one epoch."""
    await graph.put("r", room())
    store, left = graph.store, [2, 1]
    refresh = store.refresh

    async def refreshed() -> None:
        monkeypatch.setattr(store, "refresh", refresh)  # an upload refreshes as well
        if left:
            await graph.upload(interface(f"dtmi:s:New;{left.pop()}"))
        await refresh()
        monkeypatch.setattr(store, "refresh", refreshed)

    monkeypatch.setattr(store, "refresh", refreshed)
    service = exports(graph)
    export = await service.open(Wanted(query="SELECT * FROM DIGITALTWINS"), SYSTEM)
    assert b'"r"' in b"".join([part async for part in export])
    assert not left, "both attempts before met other models"


async def test_a_closed_export_lets_its_snapshot_go(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MOST_OPEN", 1)
    service = exports(graph)
    for read in (0, 1, 2):
        export = await service.open(Wanted(), SYSTEM)
        with pytest.raises(Unavailable):
            await service.open(Wanted(), SYSTEM)
        for _ in range(read):
            await anext(export)
        await export.aclose()
        await export.aclose()
    export = await service.open(Wanted(), SYSTEM)
    assert len([part async for part in export]) > 4
    assert await exported(graph)


async def test_writes_go_on_the_log_is_folded_and_memory_stays_flat(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    for begin in range(0, TWINS, 500):
        await asyncio.gather(
            *(
                graph.put(f"h{n}", room(name="x" * 20_000, temperature=0))
                for n in range(begin, begin + 500)
            )
        )
    log_file = sqlite.folder / "graph.sqlite3-wal"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count, largest, stop = 0, 0, False

    async def write() -> None:
        nonlocal count, largest
        while not stop:
            await graph.patch(f"h{count % TWINS}", replace("/temperature", count))
            largest = max(largest, log_file.stat().st_size)
            count += 1

    writing = asyncio.ensure_future(write())
    size = written = 0
    async for part in await exports(graph).open(Wanted(), SYSTEM):
        size, written = size + len(part), count
    stop = True
    await writing
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert size > TWINS * 20_000
    assert written > 20
    assert largest < 256 * 2**20
    assert grown < 60_000, "kilobytes; a portion is megabytes, the graph more"
