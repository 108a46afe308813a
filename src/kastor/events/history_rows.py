"""Rows of Azure Digital Twins' data history, made of one entry of the change log (events 3).

Everything here is pure: what the entry's body does not say is handed in. The same entry gives the
same rows, byte for byte, with the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID, uuid5

import orjson

from kastor.events.history_tables import HistoryTables
from kastor.events.model import Event
from kastor.events.patches import pointer_steps
from kastor.types import Document, Json

Steps: TypeAlias = tuple[str, ...]
"""Names from the root of a twin: of a property, or of a component and its property."""

_JSON = "application/json"
_ROWS = UUID("5f0a8e5c-3a53-4a0f-9d0c-0b6f3a4a6f6e")


@dataclass(frozen=True, slots=True)
class Origin:
    """What the rows of one entry share.

    Attributes:
        event: of the entry; its time, source, subject and id go into the rows.
        model_id: of the twin, a relationship's source twin.
        target, relationship: of a relationship; empty for a twin.
        removals: whether removals are rows too, and every row of a property says what was done.
    """

    event: Event
    model_id: str
    removals: bool
    target: str = ""
    relationship: str = ""

    def property_row(
        self, table: str, steps: Steps, value: Json, source_time: Json, *, removed: bool = False
    ) -> Event:
        """Return the row of a property that got a value, or lost it."""
        key = "_".join(steps)
        row: Document = {
            "timeStamp": self.event.time,
            "sourceTimeStamp": source_time,
            "serviceId": self.event.source,
            "id": self.event.key,
            "modelId": self.model_id,
            "key": key,
            "value": value,
            "relationshipTarget": self.target,
            "relationshipId": self.relationship,
        }
        if self.removals:
            row["action"] = "Delete" if removed else "Update"
        return self.row(table, row, f"{'-' if removed else '+'}{'/'.join(steps)}")

    def row(self, table: str, row: Document, name: str) -> Event:
        """Return a row as it travels; `name` tells it from the entry's other rows."""
        event = self.event
        return Event(
            id=str(uuid5(_ROWS, f"{event.source}\n{event.id}\n{name}")),
            type=table,
            source=event.source,
            subject=event.subject,
            time=event.time,
            datacontenttype=_JSON,
            dataschema=None,
            traceparent=event.traceparent,
            data=orjson.dumps(row),
            key=event.key,
            position=event.position,
            bare=True,
        )


def twin_row(origin: Origin, table: str, action: str) -> Event:
    """Return the row of a twin's beginning or end."""
    row: Document = {
        "twinId": origin.event.key,
        "action": action,
        "timeStamp": origin.event.time,
        "serviceId": origin.event.source,
        "modelId": origin.model_id,
    }
    return origin.row(table, row, "twin")


def relationship_row(origin: Origin, table: str, action: str, name: str) -> Event:
    """Return the row of a relationship's beginning or end."""
    row: Document = {
        "relationshipId": origin.relationship,
        "name": name,
        "action": action,
        "timeStamp": origin.event.time,
        "serviceId": origin.event.source,
        "source": origin.event.key,
        "target": origin.target,
    }
    return origin.row(table, row, "relationship")


def initial_rows(origin: Origin, tables: HistoryTables, body: Document) -> Iterator[Event]:
    """Yield a row for each property that a new twin or relationship has."""
    if tables.properties is not None:
        for steps, value, source_time in leaves(body):
            yield origin.property_row(tables.properties, steps, value, source_time)


def leaves(holder: Mapping[str, Json], above: Steps = ()) -> Iterator[tuple[Steps, Json, Json]]:
    """Yield each property of a document with its value and source time, components entered."""
    metadata = holder.get("$metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for name, value in holder.items():
        if name.startswith("$"):
            continue
        if is_component(value):
            yield from leaves(value, (*above, name))
            continue
        entry = metadata.get(name)
        source_time = entry.get("sourceTime") if isinstance(entry, dict) else None
        yield (*above, name), value, source_time


def is_component(value: Json) -> bool:
    """Whether a value of a twin is a component; no value of a property has such a member."""
    return isinstance(value, dict) and isinstance(value.get("$metadata"), dict)


@dataclass(slots=True)
class PatchOutcome:
    """What a patch came to: values by property, source times, and what was removed inside.

    A property that several operations touched is here once, as it was in the end.
    """

    values: dict[Steps, Json] = field(default_factory=dict)
    source_times: dict[Steps, Json] = field(default_factory=dict)
    removed: dict[Steps, None] = field(default_factory=dict)
    items: dict[Steps, None] = field(default_factory=dict)

    def note(self, steps: Steps, value: Json) -> None:
        """Note a value."""
        self.removed.pop(steps, None)
        self.values[steps] = value

    def note_removed(self, steps: Steps) -> None:
        """Note a removal."""
        self.values.pop(steps, None)
        self.removed[steps] = None

    def rows(self, origin: Origin, table: str) -> Iterator[Event]:
        """Yield the rows: what has a value, then, if it is wanted, what has none any more."""
        for steps, value in self.values.items():
            yield origin.property_row(table, steps, value, self.source_times.get(steps))
        if origin.removals:
            for steps in self.removed | self.items:
                yield origin.property_row(table, steps, None, None, removed=True)


def is_deep(patch: list[Document]) -> bool:
    """Whether a patch goes into values or components, so that it does not say all by itself."""
    return any(
        len(steps) > 1 and "$metadata" not in steps[:2]
        for steps in (pointer_steps(operation["path"]) for operation in patch)
    )


def replaces_parts(patch: list[Document]) -> bool:
    """Whether a patch may take properties away without naming them: with their component."""
    return any(
        len(pointer_steps(operation["path"])) == 1
        and (operation["op"] == "remove" or is_component(operation.get("value")))
        for operation in patch
    )


def changed_by(
    patch: list[Document], after: Document | None, before: Document | None
) -> PatchOutcome:
    """Return what a patch changed.

    Args:
        patch: of the update, its paths from the root.
        after: the document that it led to; None where that is not kept: then the operations alone
            are told, each with the value that it brought.
        before: the document that it was applied to; None where that is not kept, or not needed.
    """
    changed = PatchOutcome()
    for operation in patch:
        steps = pointer_steps(operation["path"])
        if "$metadata" in steps[:2]:
            _note_source_time(changed, steps, operation)
            continue
        place = steps if after is None else _property_of(after, steps)
        if operation["op"] == "remove" and len(steps) > len(place):
            changed.items[steps] = None
        removes = operation["op"] == "remove"
        value = _final(after, place) if after is not None else operation.get("value")
        gone = (removes and after is None) or value is _GONE
        if gone or is_component(value):
            for part in _parts_of(before, place):
                changed.note_removed(part)
        if not gone and is_component(value):
            _note_component(changed, place, value)
        elif gone and not is_component(_final(before, place)):
            changed.note_removed(place)
        elif not gone:
            changed.note(place, value)
    return changed


_GONE: Json = type("Gone", (), {})()


def _note_source_time(changed: PatchOutcome, steps: Steps, operation: Document) -> None:
    *holder, name, last = (step for step in steps if step != "$metadata")
    if last == "sourceTime" and operation["op"] != "remove":
        changed.source_times[(*holder, name)] = operation.get("value")


def _note_component(changed: PatchOutcome, place: Steps, value: Json) -> None:
    for steps, each, source_time in leaves(value, place):
        changed.note(steps, each)
        if source_time is not None:
            changed.source_times[steps] = source_time


def _property_of(document: Document, steps: Steps) -> Steps:
    """Return the part of a path that names a property, or a component as a whole."""
    holder: Json = document
    for depth, step in enumerate(steps, start=1):
        holder = holder.get(step)
        if not is_component(holder):
            return steps[:depth]
    return steps


def _final(document: Document | None, steps: Steps) -> Json:
    holder: Json = document
    for step in steps:
        if not isinstance(holder, dict) or step not in holder:
            return _GONE
        holder = holder[step]
    return holder


def _parts_of(before: Document | None, place: Steps) -> Iterator[Steps]:
    """Yield the properties of the component that was in a place, if one was."""
    value = _final(before, place)
    if is_component(value):
        yield from (steps for steps, _, _ in leaves(value, place))
