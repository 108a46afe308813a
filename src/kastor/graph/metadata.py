"""Upkeep of `$metadata`: which times move at which write (spec rest-api C.1.1, C.2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kastor.errors import JsonPatchInvalid, ValidationFailed
from kastor.graph.patch import PatchOperation
from kastor.types import Document

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?", re.ASCII
)


def is_component(value: Any) -> bool:
    """Return whether a member of a stored twin is a component.

    Components alone have `$metadata`: names in objects and maps never begin with `$`.
    """
    return isinstance(value, dict) and "$metadata" in value


def source_time_fault(value: Any, name: str) -> str | None:
    """Return what is wrong with a `sourceTime`, or None."""
    match = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        try:
            datetime.fromisoformat(match[1])
        except ValueError:
            match = None
    if match is None:
        return f"The sourceTime of {name} is not an ISO 8601 date-time."
    return None


def source_time_faults(body: Document, given: Document, prefix: str = "") -> list[str]:
    """Return what is wrong with the source times that a body brings for its properties."""
    faults = []
    for name, entry in given.items():
        if name not in body or name.startswith("$") or is_component(body[name]):
            continue
        if isinstance(entry, dict) and "sourceTime" in entry:
            fault = source_time_fault(entry["sourceTime"], f"{prefix}{name}")
            if fault is not None:
                faults.append(fault)
    return faults


def fresh_entry(given: Any, now: str) -> Document:
    """Return the metadata entry of a property written now; keeps a given `sourceTime`."""
    if isinstance(given, Mapping) and "sourceTime" in given:
        return {"lastUpdateTime": now, "sourceTime": given["sourceTime"]}
    return {"lastUpdateTime": now}


def fresh_component(body: Document, now: str) -> Document:
    """Return a component as stored, from one as sent: every time is now."""
    given = body["$metadata"]
    entries = {name: fresh_entry(given.get(name), now) for name in body if not name.startswith("$")}
    properties = {name: body[name] for name in entries}
    return {**properties, "$metadata": {"$lastUpdateTime": now, **entries}}


@dataclass(slots=True)
class Touched:
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
        raise ValidationFailed(
            "Invalid twin specified",
            details=(("ValidationFailed", f"{name} is not set, so it can have no sourceTime."),),
        )
    if operation.op == "remove":
        if "sourceTime" not in entry:
            raise JsonPatchInvalid(
                "The target location specified by path segment 'sourceTime' was not found "
                f"(remove {operation.pointer})."
            )
        del entry["sourceTime"]
        return
    fault = source_time_fault(operation.value, name)
    if fault is not None:
        raise ValidationFailed("Invalid twin specified", details=(("ValidationFailed", fault),))
    entry["sourceTime"] = operation.value
