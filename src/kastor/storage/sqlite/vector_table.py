"""Vector indexes and vectors beside twins on SQLite; see `kastor.storage.vectors`."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import msgspec

from kastor.storage.sqlite import statements as sql
from kastor.storage.vectors import (
    COLUMNS,
    JSON_NUMBER,
    PORTION_BYTES,
    ChangedVectors,
    JudgeIndex,
    VectorIndexRow,
    VectorRow,
    index_of,
)

if TYPE_CHECKING:
    import apsw

    from kastor.storage.sqlite.event_tables import Upkeep
    from kastor.storage.sqlite.pool import ReadPool
    from kastor.types import TwinId

_INDEXES = f"SELECT {COLUMNS} FROM vector_indexes ORDER BY name"
_PUT_INDEX = f"INSERT OR REPLACE INTO vector_indexes ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP_INDEX = "DELETE FROM vector_indexes WHERE name = ? RETURNING 1"
_DROP_VECTORS = "DELETE FROM vectors WHERE index_name = ?"
_NEXT = "(SELECT coalesce(max(changed), 0) + 1 FROM vectors WHERE index_name = ?1)"
_PUT = f"""
INSERT INTO vectors (index_name, twin_key, version, changed, vector)
SELECT i.name, t.key, 1, {_NEXT}, ?3 FROM vector_indexes i, twins t
WHERE i.name = ?1 AND i.created = ?4 AND t.id = ?2
ON CONFLICT (twin_key, index_name) DO UPDATE
    SET version = version + 1, changed = excluded.changed, vector = excluded.vector
RETURNING 1
"""
_PUT_MADE = f"""
INSERT INTO vectors (index_name, twin_key, version, changed, vector)
SELECT i.name, t.key, ?3, {_NEXT}, ?4 FROM vector_indexes i, twins t
WHERE i.name = ?1 AND i.created = ?5 AND t.key = ?2
ON CONFLICT (twin_key, index_name) DO UPDATE
    SET version = excluded.version, changed = excluded.changed, vector = excluded.vector
"""
_MADE_OF = """
SELECT twin_key, version FROM vectors
WHERE index_name = ?1 AND vector IS NOT NULL
  AND twin_key IN (SELECT value FROM json_each(?2))
"""
_REMOVE = f"""
UPDATE vectors SET vector = NULL, version = version + 1, changed = {_NEXT}
WHERE index_name = ?1 AND twin_key = (SELECT key FROM twins WHERE id = ?2) AND vector IS NOT NULL
RETURNING 1
"""
_BESIDE = """
FROM twins t LEFT JOIN vectors v ON v.twin_key = t.key AND v.index_name = ?1
"""
_SINCE = "SELECT twin_key, vector, changed FROM vectors WHERE index_name = ? AND changed > ?"
_MARK = "SELECT coalesce(max(changed), 0) FROM vectors WHERE index_name = ?"
_AFTER = """
SELECT twin_key, vector FROM vectors
WHERE index_name = ?1 AND twin_key > ?2 AND vector IS NOT NULL ORDER BY twin_key LIMIT ?3
"""
# As one text: a row for each key costs more than all else of a search.
_KEYS = "SELECT json_group_array(key) FROM (SELECT key FROM twins ORDER BY key)"
_KEYS_OF = """
SELECT json_group_array(key) FROM (
    SELECT key FROM twins WHERE model_key IN (SELECT value FROM json_each(?)) ORDER BY key)
"""
_BY_KEY = "SELECT key, id FROM twins WHERE key IN (SELECT value FROM json_each(?))"
_KEYS_LISTED = msgspec.json.Decoder(list[int])
_LISTED = "t.id IN (SELECT value FROM json_each(?2))"
_COUNT = """
SELECT (SELECT count(*) FROM twins),
       (SELECT count(*) FROM vectors WHERE index_name = ?1 AND vector IS NOT NULL)
"""
_COUNT_OF = """
SELECT count(*), count(v.twin_key)
FROM twins t
LEFT JOIN vectors v ON v.index_name = ?1 AND v.twin_key = t.key AND v.vector IS NOT NULL
WHERE t.model_key IN (SELECT value FROM json_each(?2))
"""
# What cannot be a vector of the index may be large, and is not read.
_VALUE = """
CASE WHEN json_array_length(DOC, ?1) = ?3 AND length(json_extract(DOC, ?1)) <= ?4
     THEN json_extract(DOC, ?1) END
"""
_VALUES_AFTER = f"""
SELECT key, value FROM (
    SELECT key, {_VALUE.replace("DOC", "doc")} AS value FROM twins WHERE key > ?2 ORDER BY key)
WHERE value IS NOT NULL LIMIT ?5
"""
_VALUES_OF = f"SELECT t.key, {_VALUE.replace('DOC', 't.doc')} FROM twins t WHERE {_LISTED}"


class SqliteVectorTable:
    """Implements `VectorStore` for one file."""

    def __init__(self, pool: ReadPool, upkeep: Upkeep) -> None:
        self._pool = pool
        self._upkeep = upkeep

    async def vector_indexes(self) -> list[VectorIndexRow]:
        """Return the indexes, by name."""
        return [index_of(row) for row in await self._read(_INDEXES, ())]

    async def put_vector_index(self, judge: JudgeIndex) -> None:
        """Write an index that `judge` returns."""

        def put(connection: apsw.Connection, _head: object) -> None:
            made = judge([index_of(row) for row in connection.execute(_INDEXES).fetchall()])
            if made is not None:
                connection.execute(_PUT_INDEX, made.row).fetchall()

        await self._upkeep(put)

    async def drop_vector_index(self, name: str) -> bool:
        """Drop an index with its vectors."""

        def drop(connection: apsw.Connection, _head: object) -> bool:
            connection.execute(_DROP_VECTORS, (name,)).fetchall()
            return bool(connection.execute(_DROP_INDEX, (name,)).fetchall())

        return bool(await self._upkeep(drop))

    async def put_vectors(
        self, index: VectorIndexRow, vectors: Mapping[TwinId, bytes]
    ) -> AbstractSet[TwinId]:
        """Put vectors beside twins."""

        def put(connection: apsw.Connection, _head: object) -> set[TwinId]:
            return {
                twin
                for twin, vector in vectors.items()
                if connection.execute(_PUT, (index.name, twin, vector, index.created)).fetchall()
            }

        found: set[TwinId] = await self._upkeep(put)
        return found

    async def put_made(
        self, index: VectorIndexRow, vectors: Mapping[int, tuple[int, bytes]]
    ) -> None:
        """Put vectors beside twins that were made of texts."""

        def put(connection: apsw.Connection, _head: object) -> None:
            for key, (number, vector) in vectors.items():
                values = (index.name, key, number, vector, index.created)
                connection.execute(_PUT_MADE, values).fetchall()

        await self._upkeep(put)

    async def made_of(self, index: VectorIndexRow, keys: Sequence[int]) -> dict[int, int]:
        """Return the numbers of the texts that vectors were made of."""
        return dict(await self._read(_MADE_OF, (index.name, _listed(keys))))

    async def vector(self, index: VectorIndexRow, twin: TwinId) -> VectorRow | None:
        """Return what a twin has."""
        found = await self.vectors_of(index, (twin,))
        return found[0] if found else None

    async def remove_vector(self, index: VectorIndexRow, twin: TwinId) -> bool:
        """Take back what stands beside a twin."""
        return bool(await self._write(_REMOVE, (index.name, twin)))

    async def vectors_after(self, index: VectorIndexRow, after: int) -> list[VectorRow]:
        """Return a portion of what there is, in order of keys."""
        if index.path is None:
            limit = max(1, PORTION_BYTES // (4 * index.dims))
            return _rows(await self._read(_AFTER, (index.name, after, limit)))
        limit = max(1, PORTION_BYTES // (JSON_NUMBER * index.dims))
        values = (_place(index), after, index.dims, index.longest, limit)
        return _rows(await self._read(_VALUES_AFTER, values))

    async def vectors_of(self, index: VectorIndexRow, twins: Sequence[TwinId]) -> list[VectorRow]:
        """Return what twins have."""
        if index.path is None:
            text = f"SELECT t.key, v.vector {_BESIDE} WHERE {_LISTED}"
            return _rows(await self._read(text, (index.name, sql.as_list(twins))))
        values = (_place(index), sql.as_list(twins), index.dims, index.longest)
        return _rows(await self._read(_VALUES_OF, values))

    async def vectors_since(self, index: VectorIndexRow, mark: int) -> ChangedVectors:
        """Return what was written beside twins since a mark."""
        if mark < 0:
            return ChangedVectors([], (await self._read(_MARK, (index.name,)))[0][0])
        rows = await self._read(_SINCE, (index.name, mark))
        return ChangedVectors(_rows([row[:2] for row in rows]), max([mark, *(r[2] for r in rows)]))

    async def nearest(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        models: Sequence[int] | None,
        among: Sequence[TwinId] | None,
    ) -> None:
        """Return nothing: SQLite computes no distances itself."""

    async def vector_keys(self, models: Sequence[int] | None) -> bytes:
        """Return the keys of twins."""
        text, values = (_KEYS, ()) if models is None else (_KEYS_OF, (_listed(models),))

        def read(connection: apsw.Connection) -> bytes:
            [(listed,)] = connection.execute(text, values).fetchall()
            return array("q", _KEYS_LISTED.decode(str(listed))).tobytes()

        return await self._pool.call(read)

    async def vector_counts(
        self, index: VectorIndexRow, models: Sequence[int] | None
    ) -> tuple[int, int]:
        """Return how many twins there are, and what stands beside them."""
        if models is None:
            [row] = await self._read(_COUNT, (index.name,))
        else:
            [row] = await self._read(_COUNT_OF, (index.name, _listed(models)))
        return row[0], row[1]

    async def twins_by_key(self, keys: Sequence[int]) -> list[tuple[int, TwinId]]:
        """Return keys and ids of twins."""
        return [(row[0], row[1]) for row in await self._read(_BY_KEY, (_listed(keys),))]

    async def _read(self, text: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._pool.call(
            lambda connection: connection.execute(text, values).fetchall()
        )
        return rows

    async def _write(self, text: str, values: tuple[Any, ...]) -> list[Any]:
        rows: list[Any] = await self._upkeep(
            lambda connection, _: connection.execute(text, values).fetchall()
        )
        return rows


def _listed(keys: Sequence[int]) -> str:
    return msgspec.json.encode(list(keys)).decode()


def _place(index: VectorIndexRow) -> str:
    return "$" + "".join(f'."{step}"' for step in index.steps)


def _rows(found: Sequence[tuple[Any, ...]]) -> list[VectorRow]:
    return [
        VectorRow(key, value.encode() if isinstance(value, str) else value) for key, value in found
    ]
