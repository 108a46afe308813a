"""The sections of an export, read from a snapshot a portion at a time.

Memory holds a portion of documents, and the texts of all models, which are bounded by the models
themselves. Lines are made in threads, since the event loop serves everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import orjson

from kastor.jobs.exporting import lines
from kastor.jobs.exporting.dependencies import in_order
from kastor.jobs.exporting.wanted import Wanted
from kastor.storage.tables import TABLES
from kastor.storage.transfer import CHUNK_ROWS, DeletedKind, DocumentRow, Identity, Snapshot
from kastor.storage.vectors import index_of
from kastor.types import Etag, TwinId

PORTION_ROWS = 250
"""Read and written at once: a few milliseconds of work."""
PORTION_NUMBERS = 100_000
"""Of vectors that are read and written at once; as text they have some 2 MB."""
_DELETED: tuple[DeletedKind, ...] = ("relationship", "twin", "model")
"""In the order in which they can be deleted."""

Line = Callable[..., bytes]


async def models(snapshot: Snapshot, wanted: Wanted) -> AsyncIterator[bytes]:
    """Yield the models, each after those that it needs."""
    yield lines.section("Models")
    texts = {model_id: text async for model_id, text in snapshot.models(since=wanted.since)}
    for model_id in await asyncio.to_thread(in_order, texts):
        yield lines.model(texts.pop(model_id))


async def twins(snapshot: Snapshot, wanted: Wanted) -> AsyncIterator[bytes]:
    """Yield the twins in order of id."""
    yield lines.section("Twins")
    make = partial(lines.twin, system=wanted.system)
    after = ""
    while portion := await snapshot.twins(after, PORTION_ROWS, since=wanted.since):
        yield await asyncio.to_thread(_joined, make, portion)
        after = portion[-1].identity[0]


async def relationships(snapshot: Snapshot, wanted: Wanted) -> AsyncIterator[bytes]:
    """Yield the relationships in order of source and id."""
    yield lines.section("Relationships")
    make = partial(lines.relationship, system=wanted.system)
    after = ("", "")
    while portion := await snapshot.relationships(after, PORTION_ROWS, since=wanted.since):
        yield await asyncio.to_thread(_joined, make, portion)
        source, relationship_id = portion[-1].identity
        after = source, relationship_id


async def deleted(snapshot: Snapshot, since: int) -> AsyncIterator[bytes]:
    """Yield what was deleted after a change and is not there now."""
    yield lines.section("Kastor.Deleted")
    for kind in _DELETED:
        after: Identity = ()
        while portion := await snapshot.deleted(kind, after, CHUNK_ROWS, since):
            yield b"".join([lines.deleted(kind, each) for each in portion])
            after = portion[-1]


async def settings(snapshot: Snapshot) -> AsyncIterator[bytes]:
    """Yield how the graph is set up beside its data."""
    yield lines.section("Kastor.Routes")
    async for row in _rows(snapshot, "routes"):
        route = {"id": row["id"], "endpointName": row["endpoint"], "filter": row["filter"]}
        yield lines.setting({**route, "paused": bool(row["paused"])})
    yield lines.section("Kastor.Endpoints")
    async for row in _rows(snapshot, "endpoints"):
        yield lines.setting(_named(row))
    yield lines.section("Kastor.Inputs")
    async for row in _rows(snapshot, "inputs"):
        yield lines.setting({**_named(row), "paused": bool(row["paused"])})
    yield lines.section("Kastor.Indexes")
    for path in await snapshot.indexes():
        yield lines.setting({"path": path})


async def vectors(snapshot: Snapshot) -> AsyncIterator[bytes]:
    """Yield the vector indexes, then what clients gave beside twins, by index and id of twin.

    Nothing where there is no such index: files of graphs without stay as they were.
    """
    beside = []
    there = [index_of(list(row.values())) async for row in _rows(snapshot, "vector_indexes")]
    if not there:
        return
    yield lines.section("Kastor.VectorIndexes")
    for index in there:
        yield lines.setting(index.shown)
        if index.path is None and index.template is None:  # else they are made anew
            beside.append((index.name, index.dims))
    yield lines.section("Kastor.Vectors")
    for name, dims in beside:
        make, after = partial(lines.vector, name), ""
        limit = max(1, min(PORTION_ROWS, PORTION_NUMBERS // dims))
        while portion := await snapshot.vectors(name, after, limit):
            yield await asyncio.to_thread(_of_vectors, make, portion)
            after = portion[-1][0]


def of_page(value: bytes, kind: str, *, system: bool) -> bytes:
    """Return the lines of a page of a query's rows, as clients get them."""
    make = lines.twin if kind == "twin" else lines.relationship
    made = []
    for row in orjson.loads(value):
        etag: Etag = row.pop("$etag", "").removeprefix('W/"').removesuffix('"')
        made.append(make(orjson.dumps(row), etag, system=system))
    return b"".join(made)


def _of_vectors(make: Line, portion: list[tuple[TwinId, bytes]]) -> bytes:
    return b"".join([make(twin_id, vector) for twin_id, vector in portion])


def _joined(make: Line, portion: list[DocumentRow]) -> bytes:
    return b"".join([make(row.doc, row.etag) for row in portion])


def _named(row: Mapping[str, Any]) -> dict[str, object]:
    return {"name": row["name"], "kind": row["kind"], "settings": orjson.loads(row["settings"])}


async def _rows(snapshot: Snapshot, name: str) -> AsyncIterator[Mapping[str, Any]]:
    table = next(each for each in TABLES if each.name == name)
    after: Identity | None = None
    while found := await snapshot.revisions(table, after, CHUNK_ROWS):
        for row in await snapshot.rows(table, [identity for identity, _ in found]):
            yield dict(zip(table.columns, row, strict=True))
        after = found[-1][0]
