"""What a property was set to, and when, out of the versions of what has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from msgspec import Struct

from kastor.clock import from_iso, twin_time
from kastor.errors import InvalidArgument
from kastor.events.patches import UNDEFINED, pointer_steps
from kastor.graph.documents import decode
from kastor.graph.metadata import is_component
from kastor.nesting import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kastor.storage.history import TelemetryPoint, Version
    from kastor.types import Document, Json, Ticks

_LONGEST_PATH = 4_096


class Point(Struct, frozen=True):
    """A value, and when it was set or sent.

    Attributes:
        change: position of its entry in the change log.
        time: when it was written, or measured, as was asked.
    """

    change: int
    time: Ticks
    value: Json


def read_path(text: str) -> tuple[str, ...]:
    """Return the steps of a JSON Pointer; one without a leading slash is as if it had one.

    Raises:
        InvalidArgument: it is too long or too deep.
    """
    if len(text) > _LONGEST_PATH:
        raise InvalidArgument(f"path has more than {_LONGEST_PATH} characters.")
    steps = pointer_steps(text if text.startswith("/") or not text else f"/{text}")
    if len(steps) > MAX_DEPTH:
        raise InvalidArgument(f"path is deeper than {MAX_DEPTH}, and so is no value.")
    return steps


def set_in(
    versions: Sequence[Version],
    before: Version | None,
    path: tuple[str, ...],
    *,
    by_source: bool,
) -> list[Point]:
    """Return the values that these versions gave to a property, in their order.

    A version tells of it where the property was written, though it may have the value of before;
    what says nothing of the times of its properties, as relationships do, where the value is
    another one. Nothing is told where the property was removed.

    Args:
        versions: of one thing, one after another.
        before: the version before the first of them, where it is kept.
        path: of the property.
        by_source: whether times are those of the source, where it gave one.
    """
    found = []
    last = None if before is None else _seen(before, path)
    for version in versions:
        seen = _seen(version, path)
        if seen.value is not UNDEFINED and _is_written(seen, last, version):
            time = seen.source_time() if by_source else None
            found.append(Point(version.change, version.start if time is None else time, seen.value))
        last = seen
    return found


def sent_in(
    messages: Iterable[TelemetryPoint], path: tuple[str, ...], *, by_source: bool
) -> list[Point]:
    """Return what stands at a path of telemetry messages; those without it are left out."""
    found = []
    for message in messages:
        try:
            value = value_at(orjson.loads(message.data), path)
        except ValueError:
            continue  # what was sent may be anything
        if value is not UNDEFINED:
            source = message.source_time if by_source else None
            found.append(Point(message.change, message.time if source is None else source, value))
    return found


def value_at(value: Json, path: tuple[str, ...]) -> Json:
    """Return what a path leads to through objects and arrays, else UNDEFINED."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 10:  # noqa: PLR2004 - digits of an index
            if int(step) >= len(value):
                return UNDEFINED
            value = value[int(step)]
        else:
            return UNDEFINED
    return value


class _Seen(Struct, frozen=True):
    """A property in one version, with its entry in `$metadata`."""

    value: Json
    entry: Document | None

    def source_time(self) -> Ticks | None:
        text = None if self.entry is None else self.entry.get("sourceTime")
        try:
            return from_iso(text) if isinstance(text, str) else None
        except ValueError:
            return None


def _seen(version: Version, path: tuple[str, ...]) -> _Seen:
    if version.doc is None:
        return _Seen(UNDEFINED, None)
    document = decode(version.doc)
    return _Seen(value_at(document, path), _entry(document, path))


def _entry(document: Document, path: tuple[str, ...]) -> Document | None:
    holder, name = document, path[0] if path else ""
    if len(path) > 1 and is_component(document.get(name)):
        holder, name = document[name], path[1]
    metadata = holder.get("$metadata")
    entry = metadata.get(name) if isinstance(metadata, dict) else None
    return entry if isinstance(entry, dict) else None


def _is_written(seen: _Seen, last: _Seen | None, version: Version) -> bool:
    if last is None:
        # Nobody knows what was there before; an entry tells when the property was written.
        written = None if seen.entry is None else seen.entry.get("lastUpdateTime")
        return written in (None, twin_time(version.start))
    if last.value is UNDEFINED or seen.entry != last.entry:
        return True
    return orjson.dumps(seen.value) != orjson.dumps(last.value)
