"""Removes superseded versions, tombstones and log entries that are past their time or cap.

Works in small steps, each a transaction of its own; of several processes one prunes at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.clock import TICKS_PER_SECOND
from kastor.storage.postgres import statements as sql
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.storage.keeping import Retention
    from kastor.types import Ticks

STEP_ROWS = 500


async def prune(
    fetch: Callable[[str, Sequence[object]], Awaitable[list[Any]]],
    retention: Retention,
    now: Ticks,
) -> int:
    """Remove what is too old or too much; return the number of rows.

    Args:
        fetch: runs one statement of `statements`.
        retention: what to keep.
        now: the wall clock.
    """
    if not await fetch(sql.BEGIN_PRUNING, ()):
        return 0
    try:
        return await _prune(fetch, retention, now)
    finally:
        await fetch(sql.END_PRUNING, ())


async def _prune(
    fetch: Callable[[str, Sequence[object]], Awaitable[list[Any]]],
    retention: Retention,
    now: Ticks,
) -> int:
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

    versions_before = now - int(retention.version_seconds * TICKS_PER_SECOND)
    log_before = now - int(retention.log_seconds * TICKS_PER_SECOND)
    removed = 0
    version_bytes, _ = (await fetch(sql.SIZES, ()))[0]
    before_all = int(version_bytes) > retention.version_bytes
    for text in sql.STRAY_VERSIONS:
        while count := (await fetch(text, (now + LEAD, versions_before, before_all, STEP_ROWS)))[0][
            0
        ]:
            removed += count
    while count := (await fetch(sql.STRAY_LOG, (now + LEAD, log_before, STEP_ROWS)))[0][0]:
        removed += count
    for text in sql.VERSIONS_BY_AGE:
        removed += await repeat(text, versions_before)
    removed += await repeat(sql.TOMBSTONES, versions_before)
    removed += int((await fetch(sql.ENDED_MODELS, (versions_before,)))[0][0])
    removed += await repeat(sql.LOG_BY_AGE, log_before)
    removed += await repeat(sql.LETTERS_BY_COUNT, retention.dead_letters)
    version_bytes, log_bytes = (await fetch(sql.SIZES, ()))[0]
    removed += await shrink(sql.VERSIONS_BY_SIZE, int(version_bytes) - retention.version_bytes)
    return removed + await shrink(sql.LOG_BY_SIZE, int(log_bytes) - retention.log_bytes)
