"""How busy a store is, for those who watch: what waits, what is in use, how writes were grouped.

What each write and query pays for it is a few additions; nothing here looks at tables.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

GROUP_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 256, 1_024)
"""Upper ends of the buckets of writes in one transaction; a last bucket has no end."""


@dataclass(slots=True)
class GroupTally:
    """Transactions of writes since the graph was opened; counted by whoever runs them.

    Attributes:
        writes: that they had together, those included that were refused in them.
        seconds: that they took together, their commits included.
        buckets: how many had at most as many writes as each of GROUP_BOUNDS says, and more.
    """

    writes: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(GROUP_BOUNDS) + 1))

    def note(self, writes: int, seconds: float) -> None:
        """Count a transaction."""
        self.writes += writes
        self.seconds += seconds
        self.buckets[bisect_left(GROUP_BOUNDS, writes)] += 1


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """Threads or connections that work is done on.

    Attributes:
        name: `queries`, `tables` and `history` of SQLite, `database` of PostgreSQL.
        size: how many there are at most.
        used: at work now.
        waiting: pieces of work without one.
    """

    name: str
    size: int
    used: int
    waiting: int


@dataclass(frozen=True, slots=True)
class StoreLoad:
    """How busy a store is.

    Attributes:
        groups: transactions of writes.
        waiting_writes: writes that no transaction has taken yet.
        pools: what reads go through, and on PostgreSQL writes too.
        file_bytes: of the graph's file; None where it is in no file.
        log_bytes: of SQLite's own log beside it.
        page_hits, page_misses: pages of point reads that were in memory, and that were read.
        disk_free: bytes that the file's disk has room for; None where nobody can tell.
    """

    groups: GroupTally
    waiting_writes: int
    pools: Sequence[PoolLoad]
    file_bytes: int | None = None
    log_bytes: int | None = None
    page_hits: int | None = None
    page_misses: int | None = None
    disk_free: int | None = None


def pool_load(name: str, size: int, under_way: int) -> PoolLoad:
    """Return the load of a pool that so much work is under way in."""
    return PoolLoad(name, size, min(size, under_way), max(0, under_way - size))
