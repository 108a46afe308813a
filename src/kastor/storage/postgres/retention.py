"""Removes log entries, dead letters and telemetry that are past their time or cap.

Works in small steps, each a transaction of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.clock import TICKS_PER_SECOND
from kastor.storage.postgres import statements as sql
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.storage.keeping import Limit, Retention
    from kastor.types import Ticks

STEP_ROWS = 500


async def prune(
    fetch: Callable[[str, Sequence[object]], Awaitable[list[Any]]],
    retention: Retention,
    telemetry: Limit,
    now: Ticks,
) -> int:
    """Remove what is too old or too much; return the number of rows.

    Args:
        fetch: runs one statement of `statements`.
        retention: what to keep of the log and of dead letters.
        telemetry: what to keep of messages.
        now: the wall clock.
    """

    async def repeat(text: str, cutoff: Ticks) -> int:
        removed = 0
        while count := (await fetch(text, (cutoff, STEP_ROWS)))[0][0]:
            removed += count
        return removed

    async def shrink(text: str, excess: int) -> int:
        removed = 0
        while excess > 0:
            count, size = (await fetch(text, (excess, STEP_ROWS)))[0]
            if not count:
                break
            removed += count
            excess -= int(size)
        return removed

    log_before = now - int(retention.log_seconds * TICKS_PER_SECOND)
    removed = 0
    while count := (await fetch(sql.STRAY_LOG, (now + LEAD, log_before, STEP_ROWS)))[0][0]:
        removed += count
    removed += await repeat(sql.LOG_BY_AGE, log_before)
    removed += await repeat(sql.LETTERS_BY_COUNT, retention.dead_letters)
    cutoff = now if telemetry.is_off else telemetry.cutoff(now)
    while count := (await fetch(sql.TELEMETRY_BY_AGE, (cutoff, now + LEAD, STEP_ROWS)))[0][0]:
        removed += count
    telemetry_bytes = (await fetch(sql.TELEMETRY_SIZE, ()))[0][0]
    excess = int(telemetry_bytes) - (telemetry.bytes or 0)
    removed += await shrink(sql.TELEMETRY_BY_SIZE, excess)
    log_bytes = (await fetch(sql.LOG_SIZE, ()))[0][0]
    return removed + await shrink(sql.LOG_BY_SIZE, int(log_bytes) - retention.log_bytes)
