"""Vector indexes and vectors beside twins on PostgreSQL; see `kastor.storage.vectors`.

What was written since a mark is told by transactions: a mark is the oldest one that was not over
yet, so that nothing is missed that commits later, and some rows come twice.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kastor.distances import unpacked
from kastor.storage.vectors import (
    JSON_NUMBER,
    PORTION_BYTES,
    ChangedVectors,
    JudgeIndex,
    VectorIndexRow,
    VectorRow,
)

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import TwinId

PACKED = """
(SELECT string_agg(float4send(u.x), ''::bytea ORDER BY u.n)
 FROM unnest(VECTOR) WITH ORDINALITY u (x, n))
"""
"""A vector as `kastor.distances.packed` has it."""

_COLUMNS = "name, dims, metric, property, models, created"
_INDEXES = f"SELECT {_COLUMNS} FROM {{graph}}.vector_indexes ORDER BY name"
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('{graph}.vector_indexes'))"
_PUT_INDEX = f"""
INSERT INTO {{graph}}.vector_indexes ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE SET models = excluded.models
"""
_DROP_INDEX = "DELETE FROM {graph}.vector_indexes WHERE name = $1 RETURNING 1"
_DROP_VECTORS = "DELETE FROM {graph}.vectors WHERE index_name = $1"
_XID = "pg_current_xact_id()::text::bigint"
# The index is locked, so that none is put beside one that is being dropped.
_PUT = f"""
WITH i AS (SELECT name FROM {{graph}}.vector_indexes WHERE name = $1 AND created = $4 FOR SHARE)
INSERT INTO {{graph}}.vectors AS v (index_name, twin_key, version, changed, vector)
SELECT i.name, t.key, 1, {_XID}, $3::text[]::real[] FROM i, {{graph}}.twins t WHERE t.id = $2
ON CONFLICT (twin_key, index_name) DO UPDATE
    SET version = v.version + 1, changed = excluded.changed, vector = excluded.vector
RETURNING 1
"""
_REMOVE = f"""
UPDATE {{graph}}.vectors SET vector = NULL, version = version + 1, changed = {_XID}
WHERE index_name = $1 AND twin_key = (SELECT key FROM {{graph}}.twins WHERE id = $2)
  AND vector IS NOT NULL
RETURNING 1
"""
_SINCE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, v.twin_key, array_send(v.vector)
FROM (SELECT 1) one
LEFT JOIN {graph}.vectors v ON v.index_name = $1 AND v.changed >= $2
"""
_MARK = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_AFTER = """
SELECT twin_key, array_send(vector) FROM {graph}.vectors
WHERE index_name = $1 AND twin_key > $2 AND vector IS NOT NULL ORDER BY twin_key LIMIT $3
"""
# What cannot be a vector of the index may be large, and is not read.
_VALUE = """
CASE WHEN jsonb_typeof(DOC #> $1::text[]) = 'array'
     THEN CASE WHEN jsonb_array_length(DOC #> $1::text[]) = $3
                AND octet_length((DOC #> $1::text[])::text) <= $4
               THEN (DOC #> $1::text[])::text END END
"""
_VALUES_AFTER = f"""
SELECT key, value FROM (
    SELECT key, {_VALUE.replace("DOC", "doc")} AS value FROM {{graph}}.twins
    WHERE key > $2 ORDER BY key) found
WHERE value IS NOT NULL ORDER BY key LIMIT $5
"""
_OF = """
SELECT t.key, array_send(v.vector) FROM {graph}.twins t
LEFT JOIN {graph}.vectors v ON v.twin_key = t.key AND v.index_name = $1
WHERE t.id = ANY($2::text[])
"""
_VALUES_OF = f"""
SELECT t.key, {_VALUE.replace("DOC", "t.doc")} FROM {{graph}}.twins t WHERE t.id = ANY($2::text[])
"""
_COUNT = """
SELECT (SELECT count(*) FROM {graph}.twins),
       (SELECT count(*) FROM {graph}.vectors WHERE index_name = $1 AND vector IS NOT NULL)
"""
_COUNT_OF = """
SELECT count(*), count(v.twin_key)
FROM {graph}.twins t
LEFT JOIN {graph}.vectors v ON v.index_name = $1 AND v.twin_key = t.key AND v.vector IS NOT NULL
WHERE t.model_key = ANY($2::text[]::bigint[])
"""
# As one value: a row for each key costs more than all else of a search.
_KEYS = "SELECT string_agg(int8send(key), ''::bytea ORDER BY key) FROM {graph}.twins"
_KEYS_OF = f"{_KEYS} WHERE model_key = ANY($1::text[]::bigint[])"
_BY_KEY = "SELECT key, id FROM {graph}.twins WHERE key = ANY($1::text[]::bigint[])"
_SENT_HEAD, _SENT_ITEM = 20, 8
"""Bytes of an array as PostgreSQL sends it: before its items, and of each, with its length."""


class PostgresVectorTable:
    """Implements `VectorStore` for one schema, which several processes may serve."""

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def vector_indexes(self) -> list[VectorIndexRow]:
        """Return the indexes, by name."""
        return [_index(row) for row in await self._fetch(_INDEXES)]

    async def put_vector_index(self, judge: JudgeIndex) -> None:
        """Write an index that `judge` returns."""

        async def put(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(self._texts[_ALONE])
                found = await connection.fetch(self._texts[_INDEXES])
                made = judge([_index(row) for row in found])
                if made is not None:
                    models = msgspec.json.encode(made.models).decode()
                    row = (made.name, made.dims, made.metric, made.path, models, made.created)
                    await connection.execute(self._texts[_PUT_INDEX], *row)

        await self._upkeep(put)

    async def drop_vector_index(self, name: str) -> bool:
        """Drop an index with its vectors."""

        async def drop(connection: Connection) -> bool:
            async with connection.transaction():
                found = await connection.fetch(self._texts[_DROP_INDEX], name)
                await connection.execute(self._texts[_DROP_VECTORS], name)
            return bool(found)

        return bool(await self._upkeep(drop))

    async def put_vector(self, index: VectorIndexRow, twin: TwinId, vector: bytes) -> bool:
        """Put a vector beside a twin."""
        values = (index.name, twin, [*map(repr, unpacked(vector))], index.created)
        return bool(await self._fetch(_PUT, *values))

    async def vector(self, index: VectorIndexRow, twin: TwinId) -> VectorRow | None:
        """Return what a twin has."""
        found = await self.vectors_of(index, (twin,))
        return found[0] if found else None

    async def remove_vector(self, index: VectorIndexRow, twin: TwinId) -> bool:
        """Take back what stands beside a twin."""
        return bool(await self._fetch(_REMOVE, index.name, twin))

    async def vectors_after(self, index: VectorIndexRow, after: int) -> list[VectorRow]:
        """Return a portion of what there is, in order of keys."""
        if index.path is None:
            limit = max(1, PORTION_BYTES // (_SENT_ITEM * index.dims))
            return _sent(await self._fetch(_AFTER, index.name, after, limit))
        limit = max(1, PORTION_BYTES // (JSON_NUMBER * index.dims))
        values = (list(index.steps), after, index.dims, index.longest, limit)
        return _values(await self._fetch(_VALUES_AFTER, *values))

    async def vectors_of(self, index: VectorIndexRow, twins: Sequence[TwinId]) -> list[VectorRow]:
        """Return what twins have."""
        if index.path is None:
            return _sent(await self._fetch(_OF, index.name, list(twins)))
        values = (list(index.steps), list(twins), index.dims, index.longest)
        return _values(await self._fetch(_VALUES_OF, *values))

    async def vectors_since(self, index: VectorIndexRow, mark: int) -> ChangedVectors:
        """Return what was written beside twins since a mark."""
        if mark < 0:
            return ChangedVectors([], (await self._fetch(_MARK))[0][0])
        rows = await self._fetch(_SINCE, index.name, mark)
        found = [(key, vector) for _, key, vector in rows if key is not None]
        return ChangedVectors(_sent(found), rows[0][0])

    async def vector_keys(self, models: Sequence[int] | None) -> bytes:
        """Return the keys of twins."""
        found = await (
            self._fetch(_KEYS) if models is None else self._fetch(_KEYS_OF, [*map(str, models)])
        )
        keys = array("q", found[0][0] or b"")
        if sys.byteorder == "little":
            keys.byteswap()
        return keys.tobytes()

    async def vector_counts(
        self, index: VectorIndexRow, models: Sequence[int] | None
    ) -> tuple[int, int]:
        """Return how many twins there are, and what stands beside them."""
        if models is None:
            [row] = await self._fetch(_COUNT, index.name)
        else:
            [row] = await self._fetch(_COUNT_OF, index.name, [*map(str, models)])
        return row[0], row[1]

    async def twins_by_key(self, keys: Sequence[int]) -> list[tuple[int, TwinId]]:
        """Return keys and ids of twins."""
        return [(row[0], row[1]) for row in await self._fetch(_BY_KEY, [*map(str, keys)])]

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows


def _index(row: Sequence[Any]) -> VectorIndexRow:
    name, dims, metric, path, models, created = row
    decoded = msgspec.json.decode(models, type=tuple[str, ...])
    return VectorIndexRow(name, dims, metric, path, decoded, created)


def _sent(rows: Sequence[Any]) -> list[VectorRow]:
    return [VectorRow(key, None if sent is None else _bare(sent)) for key, sent in rows]


def _bare(sent: bytes) -> bytes:
    """Return the items of an array as it is sent, without their lengths."""
    view = memoryview(sent)[_SENT_HEAD:]
    # As whole numbers of four bytes: a length, then the item.
    return array("I", view.tobytes())[1::2].tobytes()


def _values(rows: Sequence[Any]) -> list[VectorRow]:
    return [VectorRow(key, None if text is None else text.encode()) for key, text in rows]
