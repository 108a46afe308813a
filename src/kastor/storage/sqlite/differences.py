"""What differs between two states of a graph's file, in order of identity.

Whatever differs had a version that ended between the two, or began to be there between them. The
former are found by the index on ends, the latter by the change log and what is left of it
(`instants`), so nothing that stayed as it was is looked at. Their keys are put in order once and
kept, eight bytes each, since somebody who asks for differences asks for all, a portion at a time.
"""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kastor.storage.history import Kind, StateDifference
from kastor.storage.sqlite import past_statements as sql
from kastor.storage.sqlite.past import require_kept
from kastor.storage.transfer import PORTION_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from kastor.records import AsOf
    from kastor.storage.sqlite.pool import ReadPool

MOST_KEYS = 1_000_000
"""In order at once; behind them others are put in order."""
KEPT_WINDOWS = 4
FIRST: dict[Kind, tuple[str, ...]] = {"twin": ("",), "relationship": ("", "")}
"""What comes before all identities."""
STEP_KEYS = 500
"""Looked at in one go of a thread, most of which may have no difference."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Keys of what may differ, in order of identity.

    Attributes:
        after: the identity that they all come after.
        keys: of twins or relationships.
        last: identity of the last key; None where nothing comes after it.
    """

    after: tuple[str, ...]
    keys: array[int]
    last: tuple[str, ...] | None

    def holds(self, after: tuple[str, ...]) -> bool:
        """Whether what comes after an identity is among the keys."""
        return self.after <= after and (self.last is None or after < self.last)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `between` was asked for."""

    kind: Kind
    low: AsOf
    high: AsOf
    limit: int


class Differences:
    """Finds differences; keeps a few windows of keys between two calls.

    Args:
        pool: whose threads read.
    """

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool
        self._windows: dict[tuple[Kind, int, int], _Window] = {}
        self._lock = threading.Lock()

    async def between(
        self, kind: Kind, low: AsOf, high: AsOf, after: tuple[str, ...], limit: int
    ) -> list[StateDifference]:
        """Return differences, see `HistoryStore.differences`.

        Raises:
            Gone: a state is not kept any more.
        """
        asked = _Asked(kind, low, high, limit)
        place = after or FIRST[kind]
        found: list[StateDifference] = []
        while not found:
            found, seen = await self._pool.call(partial(self._step, asked, place))
            if seen is None:
                break
            place = seen
        return found

    def _step(
        self, asked: _Asked, after: tuple[str, ...], connection: apsw.Connection
    ) -> tuple[list[StateDifference], tuple[str, ...] | None]:
        """Return differences, and the identity that was looked at last; None at the end."""
        found: list[StateDifference] = []
        size, identity = 0, None
        with connection:
            require_kept(connection, asked.low)
            reads = _Documents(connection, asked.kind)
            window = self._window(connection, asked, after)
            place = _place(window.keys, after, reads.identity)
            for key in window.keys[place : place + STEP_KEYS]:
                identity = reads.identity(key)
                before, then = (reads.at(key, each.change) for each in (asked.low, asked.high))
                if before != then:
                    found.append(StateDifference(identity, before, then))
                    size += len(before or b"") + len(then or b"")
                if len(found) >= asked.limit or size >= PORTION_BYTES:
                    break
        return found, identity

    def _window(
        self, connection: apsw.Connection, asked: _Asked, after: tuple[str, ...]
    ) -> _Window:
        kind, named = asked.kind, (asked.kind, asked.low.change, asked.high.change)
        with self._lock:
            known = self._windows.pop(named, None)
            if known is not None and known.holds(after):
                self._windows[named] = known  # as the one that was used last
                return known
        values = (*named[1:], *after, MOST_KEYS)
        keys = array("q", (key for (key,) in connection.execute(sql.CANDIDATES[kind], values)))
        is_full = len(keys) == MOST_KEYS
        last = _Documents(connection, kind).identity(keys[-1]) if is_full else None
        made = _Window(after, keys, last)
        with self._lock:
            while len(self._windows) >= KEPT_WINDOWS:
                del self._windows[next(iter(self._windows))]
            self._windows[named] = made
        return made


class _Documents:
    """Identities and documents by key."""

    def __init__(self, connection: apsw.Connection, kind: Kind) -> None:
        self._execute: Callable[..., Any] = connection.cursor().execute
        self._kind = kind

    def identity(self, key: int) -> tuple[str, ...]:
        rows = self._execute(sql.IDENTITY[self._kind], (key,)).fetchall()
        return tuple(rows[0])

    def at(self, key: int, change: int) -> bytes | None:
        """Return the document of a state."""
        kind = self._kind
        rows = self._execute(sql.PRESENT_DOC[kind], (key, change)).fetchall()
        if not rows:
            rows = self._execute(sql.VERSION_DOC[kind], (key, change)).fetchall()
        return rows[0][0] if rows else None


def _place(
    keys: array[int], after: tuple[str, ...], identity: Callable[[int], tuple[str, ...]]
) -> int:
    """Return how many of the keys are not behind an identity."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if identity(keys[middle]) <= after:
            low = middle + 1
        else:
            high = middle
    return low
