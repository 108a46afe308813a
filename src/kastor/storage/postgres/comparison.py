"""Brings one schema into step with another by hashes that the databases compute themselves.

Rows are hashed whole, in buckets of neighbouring ones, so that what crosses the network is a number
for each bucket, and then only the rows that differ. Buckets that differed are compared again at the
end, so that both sides hold the same by counts and by hashes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kastor.storage.postgres.graph_reader import TEXT_KEYS, column_of, from_clause
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.tables import TABLES, Table
from kastor.storage.transfer import CHUNK_ROWS, Identity, drop_all, portions

_SUMS = """
SELECT bucket, count(*), sum(hash) FROM (
    SELECT BUCKET AS bucket, ('x' || left(md5(ROW(COLUMNS)::text), 15))::bit(60)::bigint AS hash
    FROM TABLE
) hashed GROUP BY bucket
"""
_HASHES = (
    "SELECT IDENTITY, md5(ROW(COLUMNS)::text) FROM TABLE WHERE BUCKET = ANY($1::text[]::bigint[])"
)

_BY_TEXT = "('x' || left(md5({}), 3))::bit(12)::bigint"


class StillDifferentError(Exception):
    """The two sides differ after everything was brought over: somebody wrote meanwhile."""


async def bring_over(source: PostgresGraphFile, target: PostgresGraphFile) -> int:
    """Make the target equal to the source; return how many rows differed.

    The source must not change meanwhile, or be read in a snapshot.

    Raises:
        StillDifferentError: the target is not equal all the same.
    """
    stale: list[tuple[Table, list[Identity]]] = []
    touched: list[tuple[Table, list[int]]] = []
    differing = 0
    for table in TABLES:
        buckets = await _differing(source, target, table)
        wanted, gone = await _compare(source, target, table, buckets)
        touched.append((table, buckets))
        stale.append((table, gone))
        differing += len(wanted) + len(gone)
        for start in range(0, len(wanted), CHUNK_ROWS):
            async for rows in portions(source, table, wanted[start : start + CHUNK_ROWS]):
                await target.put(table, rows, fresh=False)
    await drop_all(target, stale)
    await target.identify(await source.identification())
    for table, buckets in touched:
        if await _compare(source, target, table, buckets) != ([], []):
            raise StillDifferentError(f"the table {table.name} of the copy differs")
    return differing


async def _differing(
    source: PostgresGraphFile, target: PostgresGraphFile, table: Table
) -> list[int]:
    ours, theirs = await asyncio.gather(_sums(source, table), _sums(target, table))
    return sorted(
        each for each in ours.keys() | theirs.keys() if ours.get(each) != theirs.get(each)
    )


async def _sums(graph: PostgresGraphFile, table: Table) -> dict[int, tuple[int, Any]]:
    rows = await graph.fetch(_written(_SUMS, table))
    return {bucket: (count, total) for bucket, count, total in rows}


async def _compare(
    source: PostgresGraphFile, target: PostgresGraphFile, table: Table, buckets: list[int]
) -> tuple[list[Identity], list[Identity]]:
    """Return what the target lacks or has otherwise, and what only the target has."""
    if not buckets:
        return [], []
    ours, theirs = await asyncio.gather(
        _hashes(source, table, buckets), _hashes(target, table, buckets)
    )
    wanted = sorted(each for each, found in ours.items() if theirs.get(each) != found)
    return wanted, sorted(theirs.keys() - ours.keys())


async def _hashes(
    graph: PostgresGraphFile, table: Table, buckets: list[int]
) -> dict[Identity, str]:
    rows = await graph.fetch(_written(_HASHES, table), [str(each) for each in buckets])
    return {tuple(row)[:-1]: row[-1] for row in rows}


def _written(text: str, table: Table) -> str:
    first, last = table.identity[0], table.identity[-1]
    if last in TEXT_KEYS:
        bucket = _BY_TEXT.format(column_of(table, last))
    elif first in TEXT_KEYS:  # a job's log: neighbouring lines of one job
        names = ", ".join(column_of(table, each) for each in table.identity[:-1])
        bucket = _BY_TEXT.format(f"concat_ws('/', {names}, {column_of(table, last)} >> 7)")
    else:
        bucket = f"({column_of(table, first)} >> 7)"
    identity = ", ".join(column_of(table, name) for name in table.identity)
    columns = ", ".join(column_of(table, name) for name in table.columns)
    filled = text.replace("BUCKET", bucket).replace("IDENTITY", identity)
    return filled.replace("COLUMNS", columns).replace("TABLE", from_clause(table))
