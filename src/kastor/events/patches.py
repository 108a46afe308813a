"""What the patch of an update event touched: for the filter language's CHANGED and `$changed`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kastor.types import Json

UNDEFINED: Json = type("Undefined", (), {"__repr__": lambda _: "UNDEFINED"})()
"""What a path leads to that is not there; not None, which is JSON's null."""


def pointer_steps(pointer: str) -> tuple[str, ...]:
    """Return the steps of a JSON Pointer; the empty pointer has none."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def value_at(value: Json, path: tuple[str, ...]) -> Json:
    """Return what `path` leads to through objects, else UNDEFINED; arrays are not entered."""
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return UNDEFINED
        value = value[step]
    return value


def touches(body: Json, path: tuple[str, ...]) -> bool:
    """Whether an update's patch changed the value at `path`, something in it or around it."""
    for steps, _ in _operations(body):
        shared = min(len(steps), len(path))
        if steps[:shared] == path[:shared]:
            return True
    return False


def new_value(body: Json, path: tuple[str, ...]) -> Json:
    """Return the value that an update's patch gave to `path`, else UNDEFINED.

    A removal gives none, nor does an operation on something inside the value.
    """
    found = UNDEFINED
    for steps, value in _operations(body):
        if path[: len(steps)] == steps:
            found = value_at(value, path[len(steps) :])
    return found


def _operations(body: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Paths of the patch's operations and the values they set, UNDEFINED for a removal."""
    patch = body.get("patch") if isinstance(body, dict) else None
    if not isinstance(patch, list):
        return
    for operation in patch:
        if not isinstance(operation, dict):
            continue
        pointer = operation.get("path")
        if isinstance(pointer, str):
            removes = operation.get("op") == "remove"
            value = UNDEFINED if removes else operation.get("value", UNDEFINED)
            yield pointer_steps(pointer), value
