"""Packs versions that are no longer young: many documents of one twin into one array.

The server makes the arrays, so no document travels; what is chosen here is which versions go
together. PostgreSQL compresses a long array where it stores it. A twin that is seldom written
fills its last block by and by.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from kastor.clock import TICKS_PER_SECOND
from kastor.storage.history import BLOCK_VERSIONS, YOUNG_SECONDS, Kind
from kastor.storage.postgres.documents import PACKED_BYTES
from kastor.storage.postgres.past import KINDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

STEP_ROWS = 200
"""Versions that are put into blocks in one transaction."""
BLOCK_BYTES = 262_144
"""Of documents together; a larger one is alone."""
ROUND_TICKS = 3_600 * TICKS_PER_SECOND
"""So much has to have grown old before packing begins again: blocks want several of a twin."""
LATE: Ticks = 3_600 * TICKS_PER_SECOND
"""So far behind where it has been it looks again, for what was committed late."""

Upkeep: TypeAlias = "Callable[[Callable[[Connection], Any]], Awaitable[Any]]"

OLD = {
    kind: f"""
SELECT key, version, valid_to, bytes FROM {{graph}}.{kind}_versions
WHERE valid_to > $1 AND valid_to <= $2 AND bytes <> {PACKED_BYTES} ORDER BY valid_to LIMIT $3
"""
    for kind in KINDS
}
LAST_BLOCKS = """
SELECT DISTINCT ON (b.key) b.key, b.first, b.last, b.raw FROM (
    SELECT key, first, last, octet_length(docs::text) AS raw FROM {graph}.version_blocks
    WHERE kind = $1 AND key = ANY($2::text[]::bigint[]) AND last - first + 1 < $3
) b ORDER BY b.key, b.first DESC
"""
PACK = {
    kind: f"""
INSERT INTO {{graph}}.version_blocks (kind, key, first, last, ended, docs, bytes)
SELECT '{kind}', u.key, u.first, u.last, u.ended, coalesce(
    (SELECT b.docs FROM {{graph}}.version_blocks b
     WHERE b.kind = '{kind}' AND b.key = u.key AND b.first = u.first), '[]') || d.docs, 0
FROM unnest($1::text[]::bigint[], $2::text[]::bigint[], $3::text[]::bigint[], $4::text[]::bigint[],
            $5::text[]::bigint[]) u (key, first, start, last, ended),
LATERAL (SELECT jsonb_agg(v.doc ORDER BY v.version) AS docs, count(*) AS count
         FROM {{graph}}.{kind}_versions v
         WHERE v.key = u.key AND v.version BETWEEN u.start AND u.last
               AND v.bytes <> {PACKED_BYTES}) d
WHERE d.count = u.last - u.start + 1 AND (u.start = u.first OR EXISTS (
    SELECT 1 FROM {{graph}}.version_blocks b
    WHERE b.kind = '{kind}' AND b.key = u.key AND b.first = u.first AND b.last = u.start - 1))
ON CONFLICT (kind, key, first) DO UPDATE SET
    last = excluded.last, ended = excluded.ended, docs = excluded.docs
    WHERE excluded.last >= version_blocks.last
          AND jsonb_array_length(excluded.docs) = excluded.last - excluded.first + 1
RETURNING key, first
"""
    for kind in KINDS
}
"""A block that somebody else has made longer meanwhile stays as it is by now, and one that was
pruned is not begun anew with less than its first number says."""
EMPTY = {
    kind: f"""
UPDATE {{graph}}.{kind}_versions v SET doc = 'null'::jsonb
FROM unnest($1::text[]::bigint[], $2::text[]::bigint[], $3::text[]::bigint[]) u (key, start, last)
WHERE v.key = u.key AND v.version BETWEEN u.start AND u.last AND v.bytes <> {PACKED_BYTES}
RETURNING 1
"""
    for kind in KINDS
}
MEASURE = """
UPDATE {graph}.version_blocks b SET bytes = pg_column_size(b.docs)
FROM unnest($2::text[]::bigint[], $3::text[]::bigint[]) u (key, first)
WHERE b.kind = $1 AND b.key = u.key AND b.first = u.first
"""
PACKED_TO = "SELECT packed_to FROM {graph}.meta"
NOTE_PACKED_TO = "UPDATE {graph}.meta SET packed_to = $1 WHERE packed_to < $1"


class _Block(Struct, frozen=True):
    """Versions that go into one block.

    Attributes:
        key: whose they are.
        first: number of the first version in it.
        start: number of the first one that is packed now; those before are in it already.
        last: number of the last.
        ended: when that ended.
    """

    key: int
    first: int
    start: int
    last: int
    ended: Ticks


class PostgresPacking:
    """Packs the versions of one graph.

    One process at a time does it; should two meet, no document is lost.
    """

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep, self._texts = upkeep, texts
        self._until: Ticks = 0

    async def run(self, now: Ticks) -> int:
        """Pack what is old enough; return the number of versions."""
        until = now - int(YOUNG_SECONDS * TICKS_PER_SECOND)
        if abs(until - self._until) < ROUND_TICKS:
            return 0
        packed_to = (await self._fetch(PACKED_TO))[0][0]
        done = 0
        for kind in KINDS:
            low = max(0, min(packed_to, until) - LATE)
            while rows := await self._fetch(OLD[kind], low, until, STEP_ROWS):
                done += await self._pack(kind, rows)
                low = rows[-1][2] - (1 if len(rows) == STEP_ROWS else 0)
                if len(rows) < STEP_ROWS:
                    break
        await self._fetch(NOTE_PACKED_TO, until)
        self._until = until
        return done

    async def _pack(self, kind: Kind, rows: Sequence[Any]) -> int:
        wanted: defaultdict[int, list[Any]] = defaultdict(list)
        for key, *rest in rows:
            wanted[key].append(rest)
        begun = {
            key: (first, last, size)
            for key, first, last, size in await self._fetch(
                LAST_BLOCKS, kind, [str(key) for key in wanted], BLOCK_VERSIONS
            )
        }
        blocks = [
            block
            for key, versions in wanted.items()
            for block in _blocks_of(key, sorted(versions), begun.get(key))
        ]
        return int(await self._upkeep(lambda connection: self._store(connection, kind, blocks)))

    async def _store(self, connection: Connection, kind: Kind, blocks: Sequence[_Block]) -> int:
        """Put blocks in place of documents; what was pruned meanwhile stays as it is."""
        columns = [
            [str(getattr(each, name)) for each in blocks]
            for name in ("key", "first", "start", "last", "ended")
        ]
        async with connection.transaction():
            made = {
                (row[0], row[1])
                for row in await connection.fetch(self._texts[PACK[kind]], *columns)
            }
            stored = [each for each in blocks if (each.key, each.first) in made]
            keys, firsts, starts, lasts = (
                [str(getattr(each, name)) for each in stored]
                for name in ("key", "first", "start", "last")
            )
            emptied = await connection.fetch(self._texts[EMPTY[kind]], keys, starts, lasts)
            await connection.execute(self._texts[MEASURE], kind, keys, firsts)
        return len(emptied)

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows


def _blocks_of(
    key: int, versions: Sequence[Any], begun: tuple[int, int, int] | None
) -> Iterator[_Block]:
    """Yield the blocks of one twin or relationship.

    Args:
        key: whose.
        versions: number, end and bytes of each, in order.
        begun: first and last number and bytes of a block that is not full.
    """
    first = start = versions[0][0]
    last, size, ended = first - 1, 0, 0
    if begun is not None and begun[1] + 1 == start:
        first, last, size = begun
    for version, end, length in versions:
        is_full = last - first + 1 == BLOCK_VERSIONS or size + length > BLOCK_BYTES
        if version != last + 1 or (is_full and last >= first):
            if last >= start:
                yield _Block(key, first, start, last, ended)
            first, start, size = version, version, 0
        last, ended, size = version, end, size + length
    yield _Block(key, first, start, last, ended)
