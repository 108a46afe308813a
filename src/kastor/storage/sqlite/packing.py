"""Packs versions that are no longer young: many documents of one twin into one block.

Blocks are made in a reader's thread, and the writer only puts them in place of the documents, a few
at a time: a version never changes, so all that can have happened meanwhile is that it was pruned.
A twin that is seldom written fills its last block by and by.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from kastor.clock import TICKS_PER_SECOND
from kastor.storage.history import BLOCK_VERSIONS, YOUNG_SECONDS, Kind
from kastor.storage.sqlite.documents import CACHED_BLOCK_BYTES, packed, unpacked
from kastor.storage.sqlite.positions import position_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    import apsw

    from kastor.storage.sqlite.pool import ReadPool
    from kastor.storage.sqlite.unit_of_work import Counters
    from kastor.types import Ticks

STEP_ROWS = 200
"""Versions that are put into blocks in one transaction of the writer."""
ROUND_TICKS = 3_600 * TICKS_PER_SECOND
"""So much has to have grown old before packing begins again: blocks want several of a twin."""

Rows: TypeAlias = list[tuple[Any, ...]]
Upkeep: TypeAlias = "Callable[[Callable[[apsw.Connection, Counters], Any]], Awaitable[Any]]"

_OLD = """
SELECT ended_by, {kind}, key FROM {table}
WHERE ended_by > ?1 AND ended_by <= ?2 AND length(doc) > 0 ORDER BY ended_by LIMIT ?3
"""
_ALL_OLD = f"""
SELECT * FROM (SELECT * FROM ({_OLD.format(kind="'twin'", table="twin_versions")})
               UNION ALL
               SELECT * FROM ({_OLD.format(kind="'relationship'", table="relationship_versions")}))
ORDER BY ended_by LIMIT ?3
"""
_TABLES: dict[Kind, str] = {"twin": "twin_versions", "relationship": "relationship_versions"}
_DOCS = """
SELECT version, ended_by, doc FROM {table}
WHERE key = ? AND ended_by BETWEEN ? AND ? AND length(doc) > 0 ORDER BY ended_by
"""
_LAST_BLOCK = """
SELECT first, last, docs FROM version_blocks
WHERE kind = ? AND key = ? AND first < ? ORDER BY first DESC LIMIT 1
"""
_COLUMNS: dict[Kind, str] = {
    "twin": "rowid, key, id, model_key, etag, version, valid_from, change, actor, valid_to,"
    " ended_by, ended_actor",
    "relationship": "rowid, key, source_key, id, name_key, target_key, etag, version, valid_from,"
    " change, actor, valid_to, ended_by, ended_actor",
}
# Taken out and put back: a row that only becomes shorter leaves its page as large as it was.
_TAKE = """
DELETE FROM {table} WHERE key = ? AND ended_by BETWEEN ? AND ? AND length(doc) > 0
RETURNING {columns}
"""
_PUT_BACK = "INSERT INTO {table} ({columns}, doc) VALUES ({marks}, x'')"
_COUNT = """
SELECT count(*), coalesce(sum(length(doc)), 0) FROM {table}
WHERE key = ? AND ended_by BETWEEN ? AND ? AND length(doc) > 0
"""
_DROP = """
DELETE FROM version_blocks WHERE kind = ? AND key = ? AND first = ? RETURNING length(docs)
"""
_PUT = (
    "INSERT INTO version_blocks (kind, key, first, last, ended_by, docs) VALUES (?, ?, ?, ?, ?, ?)"
)


class _Block(Struct, frozen=True):
    """A block to be stored.

    Attributes:
        kind: of what it holds versions.
        key: whose they are.
        first: number of the first version in it.
        last: number of the last.
        start: where the first one ended that is packed now; others were in a block before.
        ended_by: where the last one ended.
        count: how many are packed now.
        docs: the packed documents.
    """

    kind: Kind
    key: int
    first: int
    last: int
    start: int
    ended_by: int
    count: int
    docs: bytes


class Packing:
    """Packs the versions of one graph."""

    def __init__(self) -> None:
        self._until: Ticks = 0

    async def run(self, pool: ReadPool, upkeep: Upkeep, packed_to: int, now: Ticks) -> int:
        """Pack what is old enough; return the number of versions.

        Args:
            pool: whose threads read and compress.
            upkeep: runs a step in the writer's transaction.
            packed_to: where it stopped the last time.
            now: the wall clock.
        """
        until = now - int(YOUNG_SECONDS * TICKS_PER_SECOND)
        if abs(until - self._until) < ROUND_TICKS:
            return 0
        done, low = 0, packed_to
        end: int = await pool.call(lambda connection: position_at(connection.execute, until))
        while low < end:
            upto, blocks = await pool.call(partial(_prepare, low=low, end=end))
            done += await upkeep(partial(_store, blocks=blocks, upto=upto))
            low = upto
        self._until = until
        return done


def _prepare(connection: apsw.Connection, low: int, end: int) -> tuple[int, list[_Block]]:
    """Return blocks of the next versions, and the position up to which they are packed by them."""
    with connection:  # one state, also where versions are pruned meanwhile
        old = _rows(connection, _ALL_OLD, (low, end, STEP_ROWS))
        wanted: defaultdict[tuple[Kind, int], list[int]] = defaultdict(list)
        for ended_by, kind, key in old:
            wanted[kind, key].append(ended_by)
        blocks = [
            block
            for (kind, key), ends in wanted.items()
            for block in _blocks_of(connection, kind, key, ends)
        ]
    return (old[-1][0] if len(old) == STEP_ROWS else end), blocks


def _blocks_of(
    connection: apsw.Connection, kind: Kind, key: int, ends: Sequence[int]
) -> Iterator[_Block]:
    rows = _rows(connection, _DOCS.format(table=_TABLES[kind]), (key, ends[0], ends[-1]))
    first, docs = _begun(connection, kind, key, rows[0][0])
    start, size = ends[0], sum(map(len, docs))
    count = ended_by = last = 0
    for version, ended, doc in rows:
        is_next = not docs or version == first + len(docs)
        if not is_next or len(docs) == BLOCK_VERSIONS or size + len(doc) > CACHED_BLOCK_BYTES:
            if count:
                yield _Block(kind, key, first, last, start, ended_by, count, packed(docs))
            first, start, docs, size, count = version, ended, [], 0, 0
        docs.append(doc)
        size += len(doc)
        count += 1
        last, ended_by = version, ended
    yield _Block(kind, key, first, last, start, ended_by, count, packed(docs))


def _begun(
    connection: apsw.Connection, kind: Kind, key: int, version: int
) -> tuple[int, list[bytes]]:
    """Return the block that a version goes on, as its first number and documents, or a new one."""
    rows = _rows(connection, _LAST_BLOCK, (kind, key, version))
    if rows:
        first, last, block = rows[0]
        if last + 1 == version and last - first + 1 < BLOCK_VERSIONS:
            return first, unpacked(block)
    return version, []


def _store(
    connection: apsw.Connection, counters: Counters, blocks: Sequence[_Block], upto: int
) -> int:
    """Put blocks in place of documents; on the writer's connection."""
    taken: dict[Kind, Rows] = {"twin": [], "relationship": []}
    for block in blocks:
        table, span = _TABLES[block.kind], (block.key, block.start, block.ended_by)
        count, size = _rows(connection, _COUNT.format(table=table), span)[0]
        if count != block.count:
            continue  # pruned meanwhile
        take = _TAKE.format(table=table, columns=_COLUMNS[block.kind])
        taken[block.kind] += _rows(connection, take, span)
        before = _rows(connection, _DROP, (block.kind, block.key, block.first))
        row = (block.kind, block.key, block.first, block.last, block.ended_by, block.docs)
        connection.execute(_PUT, row).fetchall()
        counters.version_bytes += len(block.docs) - size - sum(one for (one,) in before)
    for kind, rows in taken.items():
        marks = ", ".join("?" * (_COLUMNS[kind].count(",") + 1))
        text = _PUT_BACK.format(table=_TABLES[kind], columns=_COLUMNS[kind], marks=marks)
        connection.executemany(text, sorted(rows))
    counters.packed_to = max(counters.packed_to, upto)
    return sum(map(len, taken.values()))


def _rows(connection: apsw.Connection, text: str, values: Sequence[Any]) -> Rows:
    rows: Rows = connection.execute(text, values).fetchall()
    return rows
