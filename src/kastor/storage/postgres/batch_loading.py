"""Loads what the writes of a chunk have to see, in two statements for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from kastor.records import RelationshipRow, TwinRow
from kastor.storage.postgres import batch_statements as sql
from kastor.storage.postgres.chunk_rows import ChunkRows, Held
from kastor.storage.postgres.documents import from_jsonb
from kastor.storage.postgres.reads import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import Needs
    from kastor.storage.batches import Write
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified

LOAD_BYTES = 16_777_216
"""Of the documents of a chunk; the writes that need more are in the next one."""
CHUNK_SECONDS = 60.0
"""A statement for many rows that takes longer has lost its server."""

_YES, _NO = "1", "0"


class _Wanted(Struct):
    """What a chunk names, each once and in its order.

    Attributes:
        twins: id -> whether its document is asked for, and whether it has relationships.
        pairs: ids of source twins and relationships.
    """

    twins: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], None] = field(default_factory=dict)


async def load_chunk(
    connection: Connection, texts: Qualified, writes: Sequence[Write[Any, Any]], *, lock: bool
) -> ChunkRows[Any]:
    """Return the rows that writes name.

    Args:
        connection: in a transaction.
        texts: the statements of the graph.
        writes: of the chunk.
        lock: whether to keep others from changing the rows.
    """
    wanted = _wanted([each.needs for each in writes])
    if lock and wanted.twins:
        own = [known(each) for each, (whole, _) in wanted.twins.items() if whole]
        await connection.execute(texts[sql.LOCK_TWINS], own, timeout=CHUNK_SECONDS)
    overlay = await _load_twins(connection, texts, wanted)
    pairs = [
        (pair, key) for pair in wanted.pairs if (key := _key(overlay.twins[pair[0]])) is not None
    ]
    if pairs:
        keys = sql.SEPARATOR.join([str(key) for _, key in pairs])
        values = keys, [known(pair[1]) for pair, _ in pairs]
        if lock:
            await connection.execute(texts[sql.LOCK_RELATIONSHIPS], *values, timeout=CHUNK_SECONDS)
        rows = await connection.fetch(
            texts[sql.LOAD_RELATIONSHIPS], *values, LOAD_BYTES, timeout=CHUNK_SECONDS
        )
        for (pair, source_key), row in zip(pairs, rows, strict=True):
            held = overlay.relationships[pair] = _relationship(row, source_key, pair[1])
            _note_times(overlay, held, row[6], row[9])
    return overlay


def _wanted(needs: Sequence[Needs]) -> _Wanted:
    wanted = _Wanted()
    twins = wanted.twins
    for each in needs:
        if each.twin_id is None:
            continue
        alone = each.relationship_id is None
        whole, ends = twins.get(each.twin_id, (False, False))
        twins[each.twin_id] = (whole or alone, ends or each.relationships_of_twin)
        if each.relationship_id is not None:
            wanted.pairs[each.twin_id, each.relationship_id] = None
        if each.target_id is not None:
            twins.setdefault(each.target_id, (False, False))
    return wanted


async def _load_twins(connection: Connection, texts: Qualified, wanted: _Wanted) -> ChunkRows[Any]:
    ids = list(wanted.twins)
    rows = await connection.fetch(
        texts[sql.LOAD_TWINS],
        [known(each) for each in ids],
        sql.SEPARATOR.join([_YES if whole else _NO for whole, _ in wanted.twins.values()]),
        sql.SEPARATOR.join([_YES if ends else _NO for _, ends in wanted.twins.values()]),
        # More than the chunk can delete, so that one is left over where there are more.
        len(wanted.pairs) + 1,
        LOAD_BYTES,
        timeout=CHUNK_SECONDS,
    )
    overlay: ChunkRows[Any] = ChunkRows(rows[0][0])
    for twin_id, row in zip(ids, rows, strict=False):  # without ids, a row of the epoch alone
        held = overlay.twins[twin_id] = _twin(row, twin_id)
        _note_times(overlay, held, row[6], row[9])
        if held.row is not None:
            listed = ",".join(each for each in (row[10], row[11]) if each)
            overlay.ends[held.row.key] = {int(each) for each in listed.split(",") if each}
    return overlay


def _twin(row: Any, twin_id: str) -> Held[TwinRow]:
    _, key, model_key, etag, version, doc, _, dead_key, last_version = row[:9]
    if key is None:
        return Held(grave=None if dead_key is None else (dead_key, last_version))
    body = b"" if doc is None else from_jsonb(doc)
    twin = TwinRow(key, twin_id, model_key, etag, version, body)
    return Held(twin, None, doc is not None, twin)


def _relationship(row: Any, source_key: int, relationship_id: str) -> Held[RelationshipRow]:
    key, name, target_key, etag, version, doc, _, dead_key, last_version = row[:9]
    if key is None:
        return Held(grave=None if dead_key is None else (dead_key, last_version))
    body = b"" if doc is None else from_jsonb(doc)
    found = RelationshipRow(key, source_key, relationship_id, name, target_key, etag, version, body)
    return Held(found, None, doc is not None, found)


def _note_times(overlay: ChunkRows[Any], held: Held[Any], valid_from: Any, deleted_at: Any) -> None:
    overlay.since = max(overlay.since, valid_from or 0, (held.grave and deleted_at) or 0)


def _key(held: Held[TwinRow]) -> int | None:
    """Return the key under which a twin's relationships are, or were."""
    if held.row is not None:
        return held.row.key
    return None if held.grave is None else held.grave[0]
