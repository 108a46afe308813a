"""Removes log entries, dead letters and telemetry that are past their time or cap.

Works in small steps on the writer's thread, so that a write never waits for more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.clock import TICKS_PER_SECOND
from kastor.records import ChangeKind
from kastor.storage.keeping import LOG_ROW_OVERHEAD, TELEMETRY_ROW_OVERHEAD, Retention
from kastor.storage.sqlite.unit_of_work import Counters
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from kastor.types import Ticks

Rows: TypeAlias = Sequence[tuple[Any, ...]]

STEP_ROWS = 500

_STRAY_LOG = """
DELETE FROM changes WHERE seq IN (
    SELECT seq FROM changes
    WHERE time > ? AND seq < (SELECT max(seq) FROM changes WHERE time < ?)
          AND seq <= (SELECT coalesce(min(position), 9223372036854775807)
                      FROM routes WHERE NOT paused)
    ORDER BY seq LIMIT ?
) RETURNING length(data), seq, time, kind, twin_key, subject
"""
_OLDEST_LOG = """
DELETE FROM changes WHERE seq IN (
    SELECT seq FROM changes
    WHERE (time < ? OR seq <= ?) AND seq <= (SELECT coalesce(min(position), 9223372036854775807)
                               FROM routes WHERE NOT paused)
    ORDER BY seq LIMIT ?
) RETURNING length(data), seq, time, kind, twin_key, subject
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
_KEEP_INSTANT = """
INSERT OR IGNORE INTO instants (change, time, kind, twin_key, subject) VALUES (?, ?, ?, ?, ?)
"""
_CREATING = (ChangeKind.TWIN_CREATE, ChangeKind.RELATIONSHIP_CREATE)
# Written while the clock was ahead: it goes with what was written after it.
_TELEMETRY = """
DELETE FROM telemetry WHERE change IN (
    SELECT change FROM telemetry
    WHERE time < ?1 OR (time > ?2 AND change < (SELECT max(change) FROM telemetry WHERE time < ?1))
    LIMIT ?3
) RETURNING length(data)
"""
_OLDEST_TELEMETRY = """
DELETE FROM telemetry WHERE change <= ? RETURNING length(data)
"""
_LOG_SIZES = f"SELECT seq, length(data) + {LOG_ROW_OVERHEAD} FROM changes ORDER BY seq LIMIT ?"
_TELEMETRY_SIZES = f"""
SELECT change, length(data) + {TELEMETRY_ROW_OVERHEAD} FROM telemetry ORDER BY change LIMIT ?
"""


def steps(retention: Retention) -> tuple[Callable[[apsw.Connection, Counters, Ticks], int], ...]:
    """Return the steps of one pruning; each is repeated until it removes nothing more.

    A step takes the connection, the counters and the wall clock, and returns rows removed.
    """

    def stray_log(connection: apsw.Connection, counters: Counters, now: Ticks) -> int:
        cutoff = now - int(retention.log_seconds * TICKS_PER_SECOND)
        return _drop_log(connection, counters, _STRAY_LOG, (now + LEAD, cutoff, STEP_ROWS))

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

    def telemetry_by_age(connection: apsw.Connection, counters: Counters, now: Ticks) -> int:
        limit = counters.rules.telemetry
        cutoff = now if limit.is_off else limit.cutoff(now)
        return _drop_telemetry(connection, counters, _TELEMETRY, (cutoff, now + LEAD, STEP_ROWS))

    def telemetry_by_size(connection: apsw.Connection, counters: Counters, _now: Ticks) -> int:
        excess = counters.telemetry_bytes - (counters.rules.telemetry.bytes or 0)
        if excess <= 0:
            return 0
        oldest: Rows = connection.execute(_TELEMETRY_SIZES, (STEP_ROWS,)).fetchall()
        last = _end_of(oldest, excess) - 1
        return _drop_telemetry(connection, counters, _OLDEST_TELEMETRY, (last,))

    return stray_log, log, letters, telemetry_by_age, telemetry_by_size


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
    gone: Rows = connection.execute(statement, values).fetchall()
    counters.log_bytes -= sum(size + LOG_ROW_OVERHEAD for size, *_ in gone)
    # What has changed something is asked for by its time for as long as its state is kept, and so
    # is the state that the past begins with, whatever made it.
    kept = [
        (seq, time, *((kind, twin_key, subject) if kind in _CREATING else (None, None, None)))
        for _, seq, time, kind, twin_key, subject in gone
        if seq == counters.floor or (seq > counters.floor and kind != ChangeKind.TELEMETRY)
    ]
    connection.executemany(_KEEP_INSTANT, kept)
    return len(gone)


def _drop_telemetry(
    connection: apsw.Connection, counters: Counters, statement: str, values: tuple[int, ...]
) -> int:
    gone: Rows = connection.execute(statement, values).fetchall()
    counters.telemetry_bytes -= sum(size + TELEMETRY_ROW_OVERHEAD for (size,) in gone)
    return len(gone)
