"""What both engines say of a graph: why it cannot be opened, how much is kept, its buckets."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from kastor.errors import LimitExceeded, QueryError

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


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much is kept: seconds, bytes, and dead letters of each route."""

    version_seconds: float = 7 * 86_400
    version_bytes: int = 2_000_000_000
    log_seconds: float = 86_400
    log_bytes: int = 1_000_000_000
    dead_letters: int = 10_000


def require_room(present: int, limit: int, what: str, setting: str) -> None:
    """Refuse what would be one more than a setting allows.

    Args:
        present: how many there are already.
        limit: how many there may be.
        what: what of, such as "The graph has 100 property indexes".
        setting: its name.

    Raises:
        LimitExceeded: there is no room.
    """
    if present >= limit:
        raise LimitExceeded(
            f"{what}, and the setting {setting} allows {limit}. Delete one that is not needed, or "
            "raise the setting."
        )


def impossible(error: Exception) -> QueryError:
    """Return what a client is told whose query the engine cannot run, however it is written."""
    return QueryError(
        f"The database cannot run this query: {str(error).splitlines()[0]}. Split it, or use fewer "
        "columns, keys and operators."
    )


def bucket_of(twin_id: str) -> int:
    """Return the bucket of a twin's events; the same on every engine and machine."""
    return zlib.crc32(twin_id.encode()) % BUCKETS
