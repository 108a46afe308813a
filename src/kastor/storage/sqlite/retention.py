"""Removes superseded versions, tombstones and log entries that are past their time or cap.

Works in small steps on the writer's thread, so that a write never waits for more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.clock import TICKS_PER_SECOND
from kastor.storage.keeping import LOG_ROW_OVERHEAD, Retention
from kastor.storage.sqlite.unit_of_work import Counters
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from kastor.types import Ticks

Rows: TypeAlias = Sequence[tuple[Any, ...]]

STEP_ROWS = 500
_ALL = 2**63 - 1

_OLDEST_VERSIONS = """
DELETE FROM {table} WHERE rowid IN (
    SELECT rowid FROM {table} WHERE valid_to < ? ORDER BY valid_to LIMIT ?
) RETURNING length(doc)
"""
# Written while the clock was ahead: they go with what was written after them.
_STRAY_VERSIONS = """
DELETE FROM {table} WHERE rowid IN (
    SELECT rowid FROM {table} WHERE valid_to > ? AND ended_by < ? LIMIT ?
) RETURNING length(doc)
"""
_LAST_EXPIRED = "SELECT max(ended_by) FROM {table} WHERE valid_to < ?"
_STRAY_LOG = """
DELETE FROM changes WHERE seq IN (
    SELECT seq FROM changes
    WHERE time > ? AND seq < (SELECT max(seq) FROM changes WHERE time < ?)
          AND seq <= (SELECT coalesce(min(position), 9223372036854775807)
                      FROM routes WHERE NOT paused)
    ORDER BY seq LIMIT ?
) RETURNING length(data)
"""
_OLDEST_LOG = """
DELETE FROM changes WHERE seq IN (
    SELECT seq FROM changes
    WHERE (time < ? OR seq <= ?) AND seq <= (SELECT coalesce(min(position), 9223372036854775807)
                               FROM routes WHERE NOT paused)
    ORDER BY seq LIMIT ?
) RETURNING length(data)
"""
_TOMBSTONES = """
DELETE FROM tombstones WHERE (kind, id) IN (
    SELECT kind, id FROM tombstones WHERE deleted_at < ? LIMIT ?
) RETURNING 1
"""
# A route's letters beyond so many, newest first; what was requeued is about to be sent again.
_LETTERS = """
DELETE FROM dead_letters WHERE key IN (
    SELECT key FROM (
        SELECT key, requeued, row_number() OVER (PARTITION BY route ORDER BY key DESC) AS nth
        FROM dead_letters)
    WHERE nth > ? AND NOT requeued LIMIT ?
) RETURNING 1
"""
_MODELS = "DELETE FROM models WHERE valid_to < ? RETURNING 1"
_VERSION_SIZES = """
SELECT valid_to, length(doc) FROM twin_versions
UNION ALL SELECT valid_to, length(doc) FROM relationship_versions ORDER BY valid_to LIMIT ?
"""
_LOG_SIZES = f"SELECT seq, length(data) + {LOG_ROW_OVERHEAD} FROM changes ORDER BY seq LIMIT ?"


def steps(retention: Retention) -> tuple[Callable[[apsw.Connection, Counters, Ticks], int], ...]:
    """Return the steps of one pruning; each is repeated until it removes nothing more.

    A step takes the connection, the counters and the wall clock, and returns rows removed.
    """

    def stray_versions(connection: apsw.Connection, counters: Counters, now: Ticks) -> int:
        cutoff = now - int(retention.version_seconds * TICKS_PER_SECOND)
        too_much = counters.version_bytes > retention.version_bytes
        return _drop_strays(connection, counters, now + LEAD, None if too_much else cutoff)

    def stray_log(connection: apsw.Connection, counters: Counters, now: Ticks) -> int:
        cutoff = now - int(retention.log_seconds * TICKS_PER_SECOND)
        return _drop_log(connection, counters, _STRAY_LOG, (now + LEAD, cutoff, STEP_ROWS))

    def versions_by_age(connection: apsw.Connection, counters: Counters, now: Ticks) -> int:
        cutoff = now - int(retention.version_seconds * TICKS_PER_SECOND)
        return _drop_versions(connection, counters, cutoff)

    def versions_by_size(connection: apsw.Connection, counters: Counters, _now: Ticks) -> int:
        excess = counters.version_bytes - retention.version_bytes
        if excess <= 0:
            return 0
        oldest: Rows = connection.execute(_VERSION_SIZES, (STEP_ROWS,)).fetchall()
        cutoff = _end_of(oldest, excess)
        return _drop_versions(connection, counters, cutoff)

    def tombstones(connection: apsw.Connection, _counters: Counters, now: Ticks) -> int:
        cutoff = now - int(retention.version_seconds * TICKS_PER_SECOND)
        removed = len(connection.execute(_TOMBSTONES, (cutoff, STEP_ROWS)).fetchall())
        return removed + len(connection.execute(_MODELS, (cutoff,)).fetchall())

    def log(connection: apsw.Connection, counters: Counters, now: Ticks) -> int:
        cutoff = now - int(retention.log_seconds * TICKS_PER_SECOND)
        excess, last = counters.log_bytes - retention.log_bytes, 0
        if excess > 0:
            oldest: Rows = connection.execute(_LOG_SIZES, (STEP_ROWS,)).fetchall()
            last = _end_of(oldest, excess) - 1
        return _drop_log(connection, counters, _OLDEST_LOG, (cutoff, last, STEP_ROWS))

    def letters(connection: apsw.Connection, _counters: Counters, _now: Ticks) -> int:
        values = (retention.dead_letters, STEP_ROWS)
        return len(connection.execute(_LETTERS, values).fetchall())

    return stray_versions, stray_log, versions_by_age, versions_by_size, tombstones, log, letters


def _end_of(oldest: Rows, excess: int) -> int:
    """Return the time or number before which lies what has to go: `excess` bytes of the oldest."""
    end = 0
    for place, size in oldest:
        end = place + 1
        excess -= size
        if excess <= 0:
            break
    return end


def _drop_log(
    connection: apsw.Connection, counters: Counters, statement: str, values: tuple[int, ...]
) -> int:
    sizes: Rows = connection.execute(statement, values).fetchall()
    counters.log_bytes -= sum(size + LOG_ROW_OVERHEAD for (size,) in sizes)
    return len(sizes)


def _drop_strays(
    connection: apsw.Connection, counters: Counters, future: Ticks, cutoff: Ticks | None
) -> int:
    """Drop versions that ended in the future: before an expired one, or all without a cutoff."""
    removed = 0
    for table in ("twin_versions", "relationship_versions"):
        before: int | None = _ALL
        if cutoff is not None:
            rows: Rows = connection.execute(_LAST_EXPIRED.format(table=table), (cutoff,)).fetchall()
            before = rows[0][0]
        if before is None:
            continue
        statement = _STRAY_VERSIONS.format(table=table)
        sizes: Rows = connection.execute(statement, (future, before, STEP_ROWS)).fetchall()
        counters.version_bytes -= sum(size for (size,) in sizes)
        removed += len(sizes)
    return removed


def _drop_versions(connection: apsw.Connection, counters: Counters, cutoff: Ticks) -> int:
    removed = 0
    for table in ("twin_versions", "relationship_versions"):
        statement = _OLDEST_VERSIONS.format(table=table)
        sizes: Rows = connection.execute(statement, (cutoff, STEP_ROWS)).fetchall()
        counters.version_bytes -= sum(size for (size,) in sizes)
        removed += len(sizes)
    return removed
