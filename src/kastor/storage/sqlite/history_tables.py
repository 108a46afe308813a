"""What is kept of a graph's past: its size, how much of it is wanted, and kept telemetry."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from kastor.records import AsOf
from kastor.storage.history import HistorySettings, HistoryStatus, TelemetryPoint
from kastor.storage.keeping import (
    TELEMETRY_ROW_OVERHEAD,
    VERSION_ROW_OVERHEAD,
    read_stored,
    rules_of,
    stored_settings,
)
from kastor.storage.sqlite import past_statements as sql
from kastor.storage.sqlite.positions import time_of
from kastor.storage.sqlite.timeline import key_of
from kastor.storage.transfer import PORTION_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from kastor.storage.keeping import Retention
    from kastor.storage.sqlite.unit_of_work import Counters
    from kastor.types import TwinId

_STATUS = """
SELECT (SELECT count(*) FROM twin_versions) + (SELECT count(*) FROM relationship_versions),
       (SELECT coalesce(sum(last - first + 1), 0) FROM version_blocks),
       (SELECT coalesce(sum(length(docs)), 0) FROM version_blocks),
       (SELECT count(*) FROM telemetry),
       telemetry_bytes,
       version_bytes
FROM meta
"""
_SETTINGS = "SELECT history FROM meta"
_PUT_SETTINGS = "UPDATE meta SET history = ?"
_TELEMETRY = """
SELECT change, time, source_time, component, data FROM telemetry
WHERE twin_key = ? AND change > ? AND component IS ? AND {time} >= ? AND {time} < ?
ORDER BY change LIMIT ?
"""
_BY_TIME = _TELEMETRY.format(time="time")
_BY_SOURCE_TIME = _TELEMETRY.format(time="coalesce(source_time, time)")


def read_status(connection: apsw.Connection) -> HistoryStatus:
    """Return what is kept."""
    execute: Callable[..., Any] = connection.execute
    with connection:
        newest, oldest, last_tick = execute(sql.LAST).fetchall()[0]
        first = time_of(execute, oldest)
        row = execute(_STATUS).fetchall()[0]
    versions, packed, packed_bytes, telemetry, telemetry_bytes, version_bytes = row
    return HistoryStatus(
        oldest=AsOf(oldest, first),
        newest=AsOf(newest, max(first, last_tick)),  # nothing was written: no time yet
        versions=versions,
        packed=min(packed, versions),  # a block goes with the last of its versions
        whole_bytes=version_bytes - packed_bytes - versions * VERSION_ROW_OVERHEAD,
        packed_bytes=packed_bytes,
        telemetry=telemetry,
        telemetry_bytes=telemetry_bytes - telemetry * TELEMETRY_ROW_OVERHEAD,
    )


def read_settings(connection: apsw.Connection) -> HistorySettings:
    """Return how much is kept, as far as the graph says it."""
    rows: list[tuple[Any, ...]] = connection.execute(_SETTINGS).fetchall()
    return read_stored(rows[0][0])


def write_settings(
    connection: apsw.Connection,
    counters: Counters,
    settings: HistorySettings,
    retention: Retention,
) -> None:
    """Write how much is kept, and keep to it from now on; on the writer's connection."""
    text = stored_settings(settings)
    connection.execute(_PUT_SETTINGS, (text,)).fetchall()
    counters.rules = rules_of(retention, text)


def read_telemetry(
    connection: apsw.Connection,
    twin_id: TwinId,
    component: str | None,
    *,
    start: int,
    end: int,
    after: int,
    limit: int,
    by_source_time: bool,
) -> list[TelemetryPoint]:
    """Return kept telemetry, see `HistoryStore.telemetry`."""
    found: list[TelemetryPoint] = []
    size = 0
    text = _BY_SOURCE_TIME if by_source_time else _BY_TIME
    with connection:
        key = key_of(connection, (twin_id,))
        values = (key, after, component, start, end, limit)
        with contextlib.closing(connection.cursor()) as cursor:
            for row in cursor.execute(text, values):
                found.append(TelemetryPoint(*row))
                size += len(found[-1].data)
                if size >= PORTION_BYTES:
                    break
    return found
