"""What both engines say of a graph: why it cannot be opened, how much is kept, its buckets."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from kastor.errors import QueryError

BUCKETS = 64
LOG_ROW_OVERHEAD = 200
"""Bytes that a log row takes beside its body, for the size cap of the log."""


class GraphRefusedError(Exception):
    """A graph that cannot be opened; the message says why and what to do."""


class SchemaTooNewError(GraphRefusedError):
    """The graph was written by a newer Kastor than this one."""


class NotAGraphError(GraphRefusedError):
    """The file or schema is in use, but not by Kastor."""


class UnfinishedGraphError(NotAGraphError):
    """What is written into the graph is not whole yet, so that it must not be opened."""


class DamagedGraphError(NotAGraphError):
    """The graph's file is empty, cut short or damaged inside."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much is kept; seconds and bytes."""

    version_seconds: float = 7 * 86_400
    version_bytes: int = 2_000_000_000
    log_seconds: float = 86_400
    log_bytes: int = 1_000_000_000


def impossible(error: Exception) -> QueryError:
    """Return what a client is told whose query the engine cannot run, however it is written."""
    return QueryError(
        f"The database cannot run this query: {str(error).splitlines()[0]}. Split it, or use fewer "
        "columns, keys and operators."
    )


def bucket_of(twin_id: str) -> int:
    """Return the bucket of a twin's events; the same on every engine and machine."""
    return zlib.crc32(twin_id.encode()) % BUCKETS
