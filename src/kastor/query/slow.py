"""The queries of one graph that took long in this process, in a bounded list.

Texts that differ in the values of their literals are one entry, with the text that came last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.clock import now_ticks
from kastor.query.shapes import shape_of

if TYPE_CHECKING:
    from kastor.records import Context
    from kastor.types import Ticks

MOST = 100
"""Entries; beyond them the one goes that was not slow for the longest time."""
SHOWN = 2_000
"""Characters of a text that are kept; longer ones that begin alike are one entry."""


@dataclass(slots=True)
class SlowQuery:
    """What is known of queries of one shape; times in seconds.

    Attributes:
        text: of the last one, cut.
        count: how many were slow.
        timed_out: how many of them were ended for that.
        rows: of the last one's page.
        time: when the last one ended.
        actor: who asked it.
    """

    text: str
    count: int = 0
    timed_out: int = 0
    worst: float = 0.0
    last: float = 0.0
    total: float = 0.0
    rows: int = 0
    time: Ticks = 0
    actor: str = ""


class SlowQueries:
    """The slow ones among the queries of one graph."""

    def __init__(self) -> None:
        self._since = now_ticks()
        self._found: dict[str, SlowQuery] = {}

    def note(
        self, text: str, seconds: float, context: Context, *, rows: int = 0, timed_out: bool = False
    ) -> None:
        """Count a query that took long.

        Args:
            text: as it was asked.
            seconds: that it took.
            context: who asked.
            rows: of its page.
            timed_out: whether it was ended for that.
        """
        shape = shape_of(text).text[:SHOWN]
        entry = self._found.pop(shape, None) or SlowQuery(text)
        self._found[shape] = entry  # the last one now
        entry.text = text[:SHOWN]
        entry.count += 1
        entry.timed_out += timed_out
        entry.worst, entry.last = max(entry.worst, seconds), seconds
        entry.total += seconds
        entry.rows, entry.time, entry.actor = rows, now_ticks(), context.actor
        if len(self._found) > MOST:
            del self._found[next(iter(self._found))]

    def told(self, context: Context) -> tuple[Ticks, list[SlowQuery]]:
        """Return since when it is counted, and the entries: the worst first."""
        context.require_plain()
        return self._since, sorted(self._found.values(), key=lambda each: -each.worst)
