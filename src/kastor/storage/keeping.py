"""How much of the past a graph keeps, and what its change log is measured by."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

BUCKETS = 64
"""Of the change log: a twin's events are in one of them."""
LOG_ROW_OVERHEAD = 200
"""Bytes that a log row takes beside its body, for the size cap of the log."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much is kept: seconds, bytes, and dead letters of each route."""

    version_seconds: float = 7 * 86_400
    version_bytes: int = 2_000_000_000
    log_seconds: float = 86_400
    log_bytes: int = 1_000_000_000
    dead_letters: int = 10_000


def bucket_of(twin_id: str) -> int:
    """Return the bucket of a twin's events; the same on every engine and machine."""
    return zlib.crc32(twin_id.encode()) % BUCKETS
