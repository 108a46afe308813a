"""What readings of one twin make of its document: one patch, and what became of each. Pure.

The last value wins, by source time; `kastor.ingest.bursts` hands the readings in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from kastor.clock import job_time
from kastor.graph.metadata import is_component
from kastor.ingest.mapping import Absent, Unreadable, follow, join_pointer, read_time
from kastor.ingest.rules import Path, TwinReading
from kastor.types import Document, Ticks


class Outcome(IntEnum):
    """What became of a reading; of several values the greatest counts."""

    STALE = 0
    """It is older than what the twin has, or the twin has it already."""
    DEADBAND = 1
    """It changed by less than the deadband."""
    MERGED = 2
    """A later one of the same burst came in its place."""
    WRITTEN = 3


@dataclass(frozen=True, slots=True)
class Merged:
    """The patch of a burst.

    Attributes:
        operations: none if nothing is to be written.
        outcomes: one for each reading.
        unwritten: source times of values that the deadband kept back, by path.
    """

    operations: tuple[Document, ...]
    outcomes: tuple[Outcome, ...]
    unwritten: Mapping[Path, Ticks]


def merge(
    document: Document, readings: Sequence[TwinReading], floors: Mapping[Path, Ticks]
) -> Merged:
    """Return one patch for the readings.

    Args:
        document: the twin as it is.
        readings: in the order in which they hold, oldest first.
        floors: source times that were seen but not written, by path.
    """
    found = [[] if each.values else [Outcome.WRITTEN] for each in readings]
    winners: dict[Path, int] = {}
    for index, reading in enumerate(readings):
        for path, value in reading.values.items():
            if _is_stale(document, path, value, reading.source_time, floors.get(path)):
                found[index].append(Outcome.STALE)
                continue
            before = winners.pop(path, None)
            if before is not None:
                found[before].append(Outcome.MERGED)
            winners[path] = index
    operations: list[Document] = []
    times: dict[Path, Ticks] = {}
    unwritten: dict[Path, Ticks] = {}
    for path, index in winners.items():
        reading = readings[index]
        time = reading.source_time
        if _is_small(document, path, reading.values[path], reading.deadbands.get(path)):
            found[index].append(Outcome.DEADBAND)
            if time is not None:
                unwritten[path] = time
            continue
        found[index].append(Outcome.WRITTEN)
        operations.append(_operation(document, path, reading.values[path]))
        if time is not None:
            place = _time_path(document, path)
            times[place] = max(time, times.get(place, 0))
    operations += [_operation(document, place, job_time(time)) for place, time in times.items()]
    outcomes = tuple(max(each) for each in found)
    return Merged(tuple(operations), outcomes, unwritten)


def _time_path(document: Document, path: Path) -> Path:
    if len(path) > 1 and is_component(document.get(path[0])):
        return path[0], "$metadata", path[1], "sourceTime"
    return "$metadata", path[0], "sourceTime"


def _is_stale(
    document: Document, path: Path, value: Any, time: Ticks | None, floor: Ticks | None
) -> bool:
    if time is None:
        return False
    if floor is not None and time < floor:
        return True
    try:
        stored = read_time(_find(document, _time_path(document, path)))
    except Unreadable:
        return False
    return time < stored or (time == stored and _equal(_find_or_none(document, path), value))


def _is_small(document: Document, path: Path, value: Any, band: float | None) -> bool:
    if band is None:
        return False
    stored = _find_or_none(document, path)
    if not (_is_number(stored) and _is_number(value)):
        return False
    return bool(abs(value - stored) < band)


def _operation(document: Document, path: Path, value: Any) -> Document:
    try:
        _find(document, path)
    except Absent:
        op = "add"
    else:
        op = "replace"
    return {"op": op, "path": join_pointer(path), "value": value}


def _find(document: Document, path: Path) -> Any:
    return follow(document, join_pointer(path))


def _find_or_none(document: Document, path: Path) -> Any:
    try:
        return _find(document, path)
    except Absent:
        return None


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
