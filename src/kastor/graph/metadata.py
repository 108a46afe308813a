"""Upkeep of `$metadata`: which times move at which write (rest-api C.1.1, C.2.4)."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct, field

from kastor.errors import Detail, JsonPatchInvalid
from kastor.graph.patch import PatchOperation
from kastor.graph.violations import fault, refuse
from kastor.types import Document

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)",
    re.ASCII,
)

_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


def is_component(value: object) -> bool:
    """Return whether a member of a stored twin is a component.

    Components alone have `$metadata`: names in objects and maps never begin with `$`.
    """
    return isinstance(value, dict) and "$metadata" in value


def forget_times(document: Document) -> None:
    """Leave of a stored twin's `$metadata` what people said: the model, and source times."""
    document["$metadata"] = _said(document.get("$metadata", {}), ("$model",))
    for value in document.values():
        if is_component(value):
            value["$metadata"] = _said(value["$metadata"], ())


def _said(metadata: Document, keeps: tuple[str, ...]) -> Document:
    said = {name: metadata[name] for name in keeps if name in metadata}
    for name, told in metadata.items():
        if isinstance(told, dict) and told.get("sourceTime") is not None:
            said[name] = {"sourceTime": told["sourceTime"]}
    return said


def source_time_fault(value: object, name: str, path: tuple[str, ...]) -> Detail | None:
    """Return what is wrong with a `sourceTime`, or None.

    SDKs parse these times: they have a zone, of at most 14 hours (decisions 6.2).

    Args:
        value: the time as sent.
        name: of its property, for people.
        path: of the property from the twin's root.
    """
    match = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        try:
            datetime.fromisoformat(match[1])
        except ValueError:
            match = None
    if match is None:
        text = f"The sourceTime of {name} is not an ISO 8601 date-time."
        if isinstance(value, str) and _WITHOUT_ZONE.match(value):
            text += " It needs a zone: Z, or an offset of at most 14 hours."
        return fault(text, "source_time", *path[:-1], "$metadata", path[-1], "sourceTime")
    return None


def source_time_faults(
    body: Document, given: Document, component: str | None = None
) -> list[Detail]:
    """Return what is wrong with the source times that a body brings for its properties.

    A null is none: the .NET SDK writes it for each property without one (decisions 6.1).
    """
    prefix, path = ("", ()) if component is None else (f"{component}.", (component,))
    faults = []
    for name, entry in given.items():
        if name not in body or name.startswith("$") or is_component(body[name]):
            continue
        if isinstance(entry, dict) and entry.get("sourceTime") is not None:
            found = source_time_fault(entry["sourceTime"], f"{prefix}{name}", (*path, name))
            if found is not None:
                faults.append(found)
    return faults


def fresh_entry(given: object, now: str) -> Document:
    """Return the metadata entry of a property written now; keeps a given `sourceTime`."""
    if isinstance(given, dict) and given.get("sourceTime") is not None:
        return {"lastUpdateTime": now, "sourceTime": given["sourceTime"]}
    return {"lastUpdateTime": now}


def fresh_component(body: Document, now: str) -> Document:
    """Return a component as stored, from one as sent: every time is now."""
    given = body["$metadata"]
    entries = {name: fresh_entry(given.get(name), now) for name in body if not name.startswith("$")}
    properties = {name: body[name] for name in entries}
    return {**properties, "$metadata": {"$lastUpdateTime": now, **entries}}


class Touched(Struct):
    """What a patch touched in a twin, or in one component: set, removed, source times."""

    properties: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    source_times: list[tuple[str, PatchOperation]] = field(default_factory=list)
    value_written: bool = False


def renew(holder: Document, touched: Touched, now: str) -> None:
    """Bring the entries of `holder["$metadata"]` up to the patched values of `holder`.

    Raises:
        ValidationFailed: a `sourceTime` that is none, or of a property that is not set.
        JsonPatchInvalid: removal of a `sourceTime` that is not there.
    """
    metadata = holder["$metadata"]
    for name in touched.removed:
        metadata.pop(name, None)  # what is added again begins without a source time
    for name in touched.properties:
        if name not in holder:
            metadata.pop(name, None)
            continue
        entry = metadata.get(name)
        if isinstance(entry, dict):
            entry["lastUpdateTime"] = now
        else:
            metadata[name] = {"lastUpdateTime": now}
    for name, operation in touched.source_times:
        _set_source_time(holder, metadata, name, operation)


def _set_source_time(
    holder: Document, metadata: Document, name: str, operation: PatchOperation
) -> None:
    entry = metadata.get(name)
    if name not in holder or not isinstance(entry, dict):
        text = f"{name} is not set, so it can have no sourceTime."
        raise refuse([fault(text, "source_time", *operation.path)])
    if operation.op != "remove" and operation.value is None:
        entry.pop("sourceTime", None)
        return
    if operation.op == "remove":
        if "sourceTime" not in entry:
            raise JsonPatchInvalid(
                "The target location specified by path segment 'sourceTime' was not found "
                f"(remove {operation.pointer})."
            ).at(path=operation.pointer)
        del entry["sourceTime"]
        return
    wrong = source_time_fault(operation.value, name, (*operation.path[:-3], name))
    if wrong is not None:
        raise refuse([wrong])
    entry["sourceTime"] = operation.value
