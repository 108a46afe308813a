"""A state of the past, read whole from a copy of the file's pages.

Superseded versions have no order that a listing could follow, so those that the state holds are
put in order of identity once, in temporary tables that go to disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kastor.storage.sqlite.past import require_kept
from kastor.storage.sqlite.snapshot import SqliteSnapshot, snapshot_of
from kastor.storage.sqlite.snapshot_texts import PAST
from kastor.storage.transfer import Instant

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from kastor.records import AsOf
    from kastor.storage.sqlite.pool import ReadPool

_TABLES = (
    "CREATE TEMP TABLE past_twins (id TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID",
    """
INSERT INTO past_twins
SELECT id, rowid FROM twin_versions WHERE ended_by > :at AND change <= :at
""",
    """
CREATE TEMP TABLE past_relationships (
    source TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (source, id)
) WITHOUT ROWID
""",
    """
INSERT INTO past_relationships
SELECT coalesce((SELECT t.id FROM twins t WHERE t.key = v.source_key),
                (SELECT o.id FROM twin_versions o WHERE o.key = v.source_key LIMIT 1)),
       v.id, v.rowid
FROM relationship_versions v WHERE v.ended_by > :at AND v.change <= :at
""",
)


def put_in_order(connection: apsw.Connection, change: int) -> None:
    """Make the tables that `snapshot_texts.PAST` reads, for the state after a change."""
    for statement in _TABLES:
        named = {"at": change} if ":at" in statement else {}
        connection.execute(statement, named).fetchall()


class SqlitePastSnapshot(SqliteSnapshot):
    """Implements `Snapshot` for a state that is not the newest one of the copy."""

    texts = PAST

    def __init__(self, tables: ReadPool, queries: ReadPool, at: AsOf) -> None:
        super().__init__(tables, queries, Instant(at.change, at.time))
        self._named = {"at": at.change}


@contextlib.asynccontextmanager
async def past_snapshot_of(
    path: Path, at: AsOf, *, vfs: str | None = None
) -> AsyncIterator[SqlitePastSnapshot]:
    """Read a state of the past in a block.

    Raises:
        Gone: it is not kept any more.
        Unavailable: there is no room for the copy, or the disk does not take it.
    """

    def prepare(connection: apsw.Connection) -> None:
        require_kept(connection, at)
        put_in_order(connection, at.change)

    async with snapshot_of(path, vfs=vfs) as copied:
        tables, queries = copied.pools
        await tables.call(prepare)
        yield SqlitePastSnapshot(tables, queries, at)
