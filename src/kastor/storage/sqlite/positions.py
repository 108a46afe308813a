"""From times to positions in the change log of a file.

Between two leaps back of the clock times go on, so the last such stretch that an instant lies in or
behind decides. What has left the log is found in `instants`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.types import Ticks

_ERA = """
SELECT coalesce(max(change), 0),
       coalesce((SELECT min(n.change) FROM setbacks n WHERE n.change > max(s.change)),
                9223372036854775807)
FROM setbacks s WHERE time <= ?
"""
# By the index of times, which is why the other conditions have a plus.
_FIRST_SETBACK = "SELECT coalesce(min(change), 9223372036854775807) FROM setbacks"
_AT_TIME = """
SELECT change FROM instants WHERE time <= ?1 AND +change >= ?2 AND +change < ?3
ORDER BY time DESC, change DESC LIMIT 1
"""
# Of a copied graph the instants are known apart from the log, whose entries may be out of order.
_AT_TIME_IN_LOG = """
SELECT seq FROM changes WHERE time <= ?1 AND +seq >= ?2 AND +seq < ?3
    AND NOT EXISTS (SELECT 1 FROM instants WHERE change = seq)
    AND (kind <> 'Telemetry' OR seq > (SELECT coalesce(max(change), 0) FROM instants))
ORDER BY time DESC, seq DESC LIMIT 1
"""
_TIME_OF = """
SELECT time FROM (
    SELECT * FROM (SELECT seq AS change, time, 1 AS nth FROM changes WHERE seq <= ?1
                   ORDER BY seq DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT change, time, 0 FROM instants WHERE change <= ?1
                   ORDER BY change DESC LIMIT 1)
) ORDER BY change DESC, nth LIMIT 1
"""
_BEGINNING = """
SELECT created, coalesce(
    (SELECT time FROM instants WHERE change > ?1 ORDER BY change LIMIT 1),
    (SELECT time FROM changes WHERE seq > ?1 ORDER BY seq LIMIT 1))
FROM meta
"""


def position_at(execute: Callable[..., Any], time: Ticks) -> int:
    """Return the last entry of the log at or before an instant; 0 where none is known."""
    first, end = execute(_ERA, (time,)).fetchall()[0]
    if not first:
        end = execute(_FIRST_SETBACK).fetchall()[0][0]
    found = 0
    for text in (_AT_TIME, _AT_TIME_IN_LOG):
        if rows := execute(text, (time, max(first, found + 1), end)).fetchall():
            found = int(rows[0][0])
    return found


def time_of(execute: Callable[..., Any], change: int) -> Ticks:
    """Return the time of an entry, or of the nearest one before it that is known.

    Where none is, a time that is not after those of later entries: when the graph was made, or that
    of the first one, where it was brought here from elsewhere with its entries.
    """
    rows = execute(_TIME_OF, (change,)).fetchall()
    if rows:
        return int(rows[0][0])
    made, first = execute(_BEGINNING, (change,)).fetchall()[0]
    return int(made if first is None else min(made, first))
