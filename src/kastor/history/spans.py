"""Between which instants the past of one thing is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kastor.errors import InvalidArgument
from kastor.types import Ticks
from kastor.wire_forms import learn

if TYPE_CHECKING:
    from typing import Any

    from kastor.graph.instants import Named
    from kastor.storage.history import HistoryStore

LAST_CHANGE = 2**62
"""A position that no change log comes to."""
LAST_TIME: Ticks = 3_155_378_975_999_999_999
"""The end of the year 9999."""


class Span(Struct, frozen=True):
    """From one instant to another, both included.

    Attributes:
        start: position of the first change that may be in it.
        end: of the last one.
        since: time of the first.
        until: of the last.
    """

    start: int = 0
    end: int = LAST_CHANGE
    since: Ticks = 0
    until: Ticks = LAST_TIME


learn(Span)  # tokens carry it


async def read_span(
    history: HistoryStore[Any],  # any: no catalog is read
    first: Named | None,
    last: Named | None,
) -> Span:
    """Return what lies between two instants; None: as far as there is anything.

    What is not kept any more is no error, and neither is an end that lies in the future.

    Raises:
        InvalidArgument: it begins in the future, or after its end.
    """
    start, since = (0, 0) if first is None else await _start(history, first)
    end, until = LAST_CHANGE, LAST_TIME
    if last is not None:
        try:
            found = await history.resolve(time=last.time, change=last.change, kept=False)
        except InvalidArgument:
            until = LAST_TIME if last.time is None else last.time
        else:
            end, until = found.change, found.time
    if _is_backwards(first, last) or since > until:
        raise InvalidArgument("from lies after to; exchange the two.")
    return Span(start, end, since, until)


async def _start(
    history: HistoryStore[Any],  # any: no catalog is read
    first: Named,
) -> tuple[int, Ticks]:
    """Return the position of the first change at an instant or later, and its time."""
    if first.time is None:
        found = await history.resolve(change=first.change, kept=False)
        return found.change, found.time
    await history.resolve(time=first.time, kept=False)  # refuses the future
    if first.time == 0:
        return 0, 0
    before = await history.resolve(time=first.time - 1, kept=False)
    return before.change + 1, first.time


def _is_backwards(first: Named | None, last: Named | None) -> bool:
    if first is None or last is None or first.change is None or last.change is None:
        return False
    return first.change > last.change
