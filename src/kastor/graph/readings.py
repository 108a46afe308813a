"""Decides readings: what those of one twin make of it, as one patch, and what became of each.

The last value wins, by source time; whoever makes the command hands the readings in this order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kastor.clock import from_iso, job_time
from kastor.graph.command import Command, Decided, State
from kastor.graph.documents import decode
from kastor.graph.metadata import is_component
from kastor.graph.patch import PatchOperation, operation_at
from kastor.graph.twin import patched, twin_not_found
from kastor.records import Decision, Needs
from kastor.types import Document, Json, Ticks, TwinId, override

if TYPE_CHECKING:
    from kastor.clock import Stamp

Path: TypeAlias = tuple[str, ...]
"""From the twin's root, unescaped."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_NOTHING: Final = object()


class Outcome(IntEnum):
    """What became of a reading; of several values the greatest counts."""

    STALE = 0
    """It is older than what the twin has, or the twin has it already."""
    DEADBAND = 1
    """It changed by less than the deadband."""
    MERGED = 2
    """A later one of the same burst came in its place."""
    WRITTEN = 3


class TwinReading(Struct, frozen=True):
    """What a message says about one twin.

    Attributes:
        values: by the path from the twin's root.
        deadbands: how much a value must change to be written, by path.
        source_time: when it was measured, if the message says so.
        telemetry: JSON text to be sent on.
        event_id: id of the telemetry's event; the same when the message comes again.
    """

    twin_id: TwinId
    values: Mapping[Path, Json]
    deadbands: Mapping[Path, float]
    source_time: Ticks | None
    telemetry: bytes | None
    component: str | None
    event_id: str | None
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Merged:
    """What a burst comes to.

    Attributes:
        operations: none if nothing is to be written.
        outcomes: one for each reading.
        unwritten: source times of values that the deadband kept back, by path.
    """

    operations: tuple[PatchOperation, ...]
    outcomes: tuple[Outcome, ...]
    unwritten: Mapping[Path, Ticks]


class TakeReadings(Command[Merged], frozen=True):
    """Bring a twin up to readings that came in.

    Attributes:
        readings: of this twin, in the order in which they hold, oldest first.
        floors: source times that were seen but not written, by path.
    """

    twin_id: TwinId
    readings: Sequence[TwinReading]
    floors: Mapping[Path, Ticks]

    @override
    def needs(self) -> Needs:
        """Name the twin."""
        return Needs(self.twin_id)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Merged]:
        """Decide as `decide_readings` says."""
        return decide_readings(self, current, stamp)


def decide_readings(command: TakeReadings, current: State, stamp: Stamp) -> Decided[Merged]:
    """Decide a burst of readings; nothing is changed where none of them says anything new.

    Raises:
        NotFound: the twin is not there.
        JsonPatchInvalid: a path leads nowhere.
        ValidationFailed: the result breaks the model.
    """
    before = current.twin
    if before is None:
        raise twin_not_found(command.twin_id)
    document = decode(before.doc)
    merged = merge(document, command.readings, command.floors)
    if not merged.operations:
        return Decision(None, merged)
    return Decision(patched(before, document, merged.operations, current, stamp), merged)


def merge(
    document: Document, readings: Sequence[TwinReading], floors: Mapping[Path, Ticks]
) -> Merged:
    """Return one patch for the readings.

    Args:
        document: the twin as it is.
        readings: in the order in which they hold, oldest first.
        floors: source times that were seen but not written, by path.

    Raises:
        JsonPatchInvalid: a path is deeper than any value may be.
    """
    found = [[] if each.values else [Outcome.WRITTEN] for each in readings]
    operations: list[PatchOperation] = []
    times: dict[Path, Ticks] = {}
    unwritten: dict[Path, Ticks] = {}
    for path, index in _winners(document, readings, floors, found).items():
        reading = readings[index]
        value, time = reading.values[path], reading.source_time
        stored = _at(document, path)
        if _is_small(stored, value, reading.deadbands.get(path)):
            found[index].append(Outcome.DEADBAND)
            if time is not None:
                unwritten[path] = time
            continue
        found[index].append(Outcome.WRITTEN)
        operations.append(_set(path, value, stored, len(operations)))
        if time is not None:
            place = _time_path(document, path)
            times[place] = max(time, times.get(place, 0))
    texts = {time: job_time(time) for time in times.values()}  # mostly one for all
    for place, time in times.items():
        operations.append(_set(place, texts[time], _at(document, place), len(operations)))
    return Merged(tuple(operations), tuple(max(each) for each in found), unwritten)


def _winners(
    document: Document,
    readings: Sequence[TwinReading],
    floors: Mapping[Path, Ticks],
    found: list[list[Outcome]],
) -> dict[Path, int]:
    """Return the last reading of each path, by its place, and note what became of the others."""
    winners: dict[Path, int] = {}
    for index, reading in enumerate(readings):
        time = reading.source_time
        for path, value in reading.values.items():
            if time is not None and _is_stale(document, path, value, time, floors.get(path)):
                found[index].append(Outcome.STALE)
                continue
            before = winners.pop(path, None)
            if before is not None:
                found[before].append(Outcome.MERGED)
            winners[path] = index
    return winners


def _is_stale(
    document: Document, path: Path, value: Json, time: Ticks, floor: Ticks | None
) -> bool:
    if floor is not None and time < floor:
        return True
    stored = _stored_time(_at(document, _time_path(document, path)))
    if stored is None or time > stored:
        return False
    if time < stored:
        return True
    known = _at(document, path)
    return _equal(None if known is _NOTHING else known, value)


def _stored_time(text: object) -> Ticks | None:
    try:
        return from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _time_path(document: Document, path: Path) -> Path:
    if len(path) > 1 and is_component(document.get(path[0])):
        return path[0], "$metadata", path[1], "sourceTime"
    return "$metadata", path[0], "sourceTime"


def _is_small(stored: object, value: Json, band: float | None) -> bool:
    if band is None or not (_is_number(stored) and _is_number(value)):
        return False
    return bool(abs(value - stored) < band)


def _set(path: Path, value: Json, stored: object, index: int) -> PatchOperation:
    return operation_at("add" if stored is _NOTHING else "replace", path, value, index)


def _at(document: Document, path: Path) -> Any:
    """Return what a path leads to, _NOTHING where it leads nowhere."""
    value: Json = document
    for segment in path:
        if isinstance(value, dict) and segment in value:
            value = value[segment]
        elif isinstance(value, list) and _INDEX.fullmatch(segment) and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return _NOTHING
    return value


def _equal(one: object, other: object) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
