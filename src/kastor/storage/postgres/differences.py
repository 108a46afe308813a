"""What differs between two states of a graph's schema, in order of identity.

Whatever differs had a version that ended between the two, or began to be there between them. The
former are found by the index on ends, the latter by `instants`, so nothing that stayed as it was is
looked at. Their keys are put in order once and kept, since somebody who asks for differences asks
for all, a portion at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.clock import twin_time
from kastor.storage.history import Kind, StateDifference
from kastor.storage.postgres import past_statements as sql
from kastor.storage.postgres.documents import from_jsonb
from kastor.storage.postgres.past_reads import no_longer_kept
from kastor.storage.transfer import PORTION_BYTES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from kastor.records import AsOf
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified

MOST_KEYS = 200_000
"""In order at once; behind them others are put in order."""
KEPT_WINDOWS = 2
STEP_KEYS = 500
"""Looked at in one statement, most of which may have no difference."""
FIRST: dict[Kind, tuple[str, ...]] = {"twin": ("",), "relationship": ("", "")}
"""What comes before all identities."""
SECONDS = 600.0
_FETCHED = 16
"""Rows at once, since each has two documents."""
_BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off;
SET LOCAL plan_cache_mode = force_custom_plan
"""

_Identity: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Window:
    """What may differ, in order of identity.

    Attributes:
        after: the identity that all of them come after.
        found: keys with their identities.
        whole: whether nothing comes after the last.
    """

    after: _Identity
    found: list[tuple[int, _Identity]]
    whole: bool

    def holds(self, after: _Identity) -> bool:
        """Whether what comes after an identity is among them."""
        return self.after <= after and (self.whole or after < self.found[-1][1])


class SchemaDifferences:
    """Finds differences; keeps a few windows of keys between two calls.

    Args:
        upkeep: runs work on a connection to the primary.
        scans: held meanwhile, so that connections are left for point reads and writes.
        texts: the statements of the graph.
    """

    def __init__(self, upkeep: Upkeep, scans: asyncio.Semaphore, texts: Qualified) -> None:
        self._upkeep, self._scans, self._texts = upkeep, scans, texts
        self._windows: dict[tuple[Kind, int, int], _Window] = {}

    async def between(
        self, kind: Kind, low: AsOf, high: AsOf, after: _Identity, limit: int
    ) -> list[StateDifference]:
        """Return differences, see `HistoryStore.differences`.

        Raises:
            Gone: the older state is not kept any more.
        """
        place = after or FIRST[kind]
        while True:
            window = await self._window(kind, low, high, place)
            begin = _place(window.found, place)
            chosen = window.found[begin : begin + STEP_KEYS]
            if not chosen:
                if window.whole:
                    return []
                continue
            found = await self._compare(kind, low, high, chosen, limit)
            if found:
                return found
            place = chosen[-1][1]

    async def _window(self, kind: Kind, low: AsOf, high: AsOf, after: _Identity) -> _Window:
        named = (kind, low.change, high.change)
        known = self._windows.pop(named, None)
        if known is not None and known.holds(after):
            self._windows[named] = known  # as the one that was used last
            return known
        states = (low.change, low.newest, high.change, high.newest)
        values = (*states, after[0], MOST_KEYS, *after[1:])

        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(
                self._texts[sql.CANDIDATES[kind]], *values, timeout=SECONDS
            )

        async with self._scans:
            rows = await self._upkeep(fetch)
        found = [(row[0], tuple(each for each in row[1:] if each is not None)) for row in rows]
        made = _Window(after, found, len(found) < MOST_KEYS)
        while len(self._windows) >= KEPT_WINDOWS:
            del self._windows[next(iter(self._windows))]
        self._windows[named] = made
        return made

    async def _compare(
        self,
        kind: Kind,
        low: AsOf,
        high: AsOf,
        chosen: Sequence[tuple[int, _Identity]],
        limit: int,
    ) -> list[StateDifference]:
        keys = [str(key) for key, _ in chosen]
        values = (low.change, low.newest, high.change, high.newest, keys)

        async def read(connection: Connection) -> Any:
            found: list[StateDifference] = []
            size = 0
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                oldest = await connection.fetchrow(self._texts[sql.FLOOR])
                if oldest[0] > low.change:
                    raise no_longer_kept(twin_time(low.time), oldest[1])
                text = self._texts[sql.DIFFERENCES[kind]]
                cursor = await connection.cursor(text, *values, timeout=SECONDS)
                while rows := await cursor.fetch(_FETCHED, timeout=SECONDS):
                    for _, nth, before, then in rows:
                        docs = [
                            None if each is None else from_jsonb(each) for each in (before, then)
                        ]
                        found.append(StateDifference(chosen[nth - 1][1], docs[0], docs[1]))
                        size += sum(len(each or b"") for each in docs)
                        if len(found) >= limit or size >= PORTION_BYTES:
                            return found
            return found

        async with self._scans:
            differences: list[StateDifference] = await self._upkeep(read)
        return differences


def _place(found: Sequence[tuple[int, _Identity]], after: _Identity) -> int:
    """Return how many of them are not behind an identity."""
    low, high = 0, len(found)
    while low < high:
        middle = (low + high) // 2
        if found[middle][1] <= after:
            low = middle + 1
        else:
            high = middle
    return low
