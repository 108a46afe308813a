"""Vector indexes and vectors beside twins on PostgreSQL; see `kastor.storage.vectors`.

What was written since a mark is told by transactions: a mark is the oldest one that was not over
yet, so that nothing is missed that commits later, and some rows come twice.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from kastor.distances import unpacked
from kastor.storage.postgres.vector_nearest import PgVector, built_name
from kastor.storage.vectors import (
    COLUMNS,
    JSON_NUMBER,
    PORTION_BYTES,
    ChangedVectors,
    JudgeIndex,
    NearestRows,
    VectorIndexRow,
    VectorRow,
    index_of,
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

_INDEXES = f"SELECT {COLUMNS} FROM {{graph}}.vector_indexes ORDER BY name"
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('{graph}.vector_indexes'))"
_PUT_INDEX = f"""
INSERT INTO {{graph}}.vector_indexes ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (name) DO UPDATE SET models = excluded.models
"""
_DROP_INDEX = "DELETE FROM {graph}.vector_indexes WHERE name = $1 RETURNING 1"
_DROP_VECTORS = "DELETE FROM {graph}.vectors WHERE index_name = $1"
_XID = "pg_current_xact_id()::text::bigint"
# The index is locked, so that none is put beside one that is being dropped.
_PUT = f"""
WITH i AS (SELECT name FROM {{graph}}.vector_indexes WHERE name = $1 AND created = $4 FOR SHARE),
p AS (
INSERT INTO {{graph}}.vectors AS v (index_name, twin_key, version, changed, vector)
SELECT i.name, t.key, 1, {_XID}, g.vector::real[]
FROM i, unnest($2::text[], $3::text[]) AS g (id, vector) JOIN {{graph}}.twins t ON t.id = g.id
ORDER BY t.key
ON CONFLICT (twin_key, index_name) DO UPDATE
    SET version = v.version + 1, changed = excluded.changed, vector = excluded.vector
RETURNING twin_key)
SELECT t.id FROM p JOIN {{graph}}.twins t ON t.key = p.twin_key
"""
_PUT_MADE = f"""
WITH i AS (SELECT name FROM {{graph}}.vector_indexes WHERE name = $1 AND created = $5 FOR SHARE)
INSERT INTO {{graph}}.vectors AS v (index_name, twin_key, version, changed, vector)
SELECT i.name, t.key, g.version, {_XID}, g.vector::real[]
FROM i, unnest($2::text[]::bigint[], $3::text[]::bigint[], $4::text[]) AS g (key, version, vector)
JOIN {{graph}}.twins t ON t.key = g.key
ORDER BY t.key
ON CONFLICT (twin_key, index_name) DO UPDATE
    SET version = excluded.version, changed = excluded.changed, vector = excluded.vector
"""
_MADE_OF = """
SELECT twin_key, version FROM {graph}.vectors
WHERE index_name = $1 AND vector IS NOT NULL AND twin_key = ANY($2::text[]::bigint[])
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
        self._nearest = PgVector(upkeep, texts)

    async def vector_indexes(self) -> list[VectorIndexRow]:
        """Return the indexes, by name."""
        return [index_of(row) for row in await self._fetch(_INDEXES)]

    async def put_vector_index(self, judge: JudgeIndex) -> None:
        """Write an index that `judge` returns."""

        async def put(connection: Connection) -> VectorIndexRow | None:
            async with connection.transaction():
                await connection.execute(self._texts[_ALONE])
                found = await connection.fetch(self._texts[_INDEXES])
                made = judge([index_of(row) for row in found])
                if made is not None:
                    await connection.execute(self._texts[_PUT_INDEX], *made.row)
            return made

        made: VectorIndexRow | None = await self._upkeep(put)
        if made is not None:
            await self._nearest.build(made)

    async def drop_vector_index(self, name: str) -> bool:
        """Drop an index with its vectors."""

        async def drop(connection: Connection) -> bool:
            async with connection.transaction():
                found = await connection.fetch(self._texts[_DROP_INDEX], name)
                await connection.execute(self._texts[_DROP_VECTORS], name)
                graph = self._texts["{graph}"]
                await connection.execute(f"DROP INDEX IF EXISTS {graph}.{built_name(name)}")
            return bool(found)

        return bool(await self._upkeep(drop))

    async def put_vectors(
        self, index: VectorIndexRow, vectors: Mapping[TwinId, bytes]
    ) -> AbstractSet[TwinId]:
        """Put vectors beside twins."""
        texts = [*map(_literal, vectors.values())]
        found = await self._fetch(_PUT, index.name, list(vectors), texts, index.created)
        return {twin for (twin,) in found}

    async def put_made(
        self, index: VectorIndexRow, vectors: Mapping[int, tuple[int, bytes]]
    ) -> None:
        """Put vectors beside twins that were made of texts."""
        numbers = [str(number) for number, _ in vectors.values()]
        texts = [_literal(vector) for _, vector in vectors.values()]
        keys = [*map(str, vectors)]
        await self._fetch(_PUT_MADE, index.name, keys, numbers, texts, index.created)

    async def made_of(self, index: VectorIndexRow, keys: Sequence[int]) -> dict[int, int]:
        """Return the numbers of the texts that vectors were made of."""
        rows = await self._fetch(_MADE_OF, index.name, [*map(str, keys)])
        return {row[0]: row[1] for row in rows}

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

    async def nearest(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        models: Sequence[int] | None,
        among: Sequence[TwinId] | None,
    ) -> NearestRows | None:
        """Return the nearest by pgvector, of vectors beside twins, where the database has it."""
        return await self._nearest.nearest(index, vector, count, models, among)

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


def _literal(vector: bytes) -> str:
    """Return a packed vector as PostgreSQL reads an array."""
    return f"{{{','.join(map(repr, unpacked(vector)))}}}"


def _sent(rows: Sequence[Any]) -> list[VectorRow]:
    return [VectorRow(key, None if sent is None else packed_of(sent)) for key, sent in rows]


def packed_of(sent: bytes) -> bytes:
    """Return a vector as `kastor.distances.packed` has it, of an array as PostgreSQL sends it."""
    view = memoryview(sent)[_SENT_HEAD:]
    # As whole numbers of four bytes: a length, then the item.
    return array("I", view.tobytes())[1::2].tobytes()


def _values(rows: Sequence[Any]) -> list[VectorRow]:
    return [VectorRow(key, None if text is None else text.encode()) for key, text in rows]
