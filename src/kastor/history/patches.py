"""The JSON Patch that leads from one document to another (RFC 6902)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import orjson

from kastor.graph.patch import pointer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.types import Document, Json


def patch_between(before: Document, after: Document) -> list[Document]:
    """Return a patch of `add`, `replace` and `remove` that makes `after` of `before`.

    Objects are entered; an array that differs is replaced whole. What is equal as JSON is left
    out; whether a number is written as 1 or 1.0 is a difference.
    """
    return list(_steps(before, after, ()))


def _steps(before: Document, after: Document, path: tuple[str, ...]) -> Iterator[Document]:
    for name in before:
        if name not in after:
            yield {"op": "remove", "path": pointer_of((*path, name))}
    for name, value in after.items():
        place = (*path, name)
        if name not in before:
            yield {"op": "add", "path": pointer_of(place), "value": value}
        elif _is_object(before[name]) and _is_object(value):
            yield from _steps(before[name], value, place)
        elif _text(before[name]) != _text(value):
            yield {"op": "replace", "path": pointer_of(place), "value": value}


def _is_object(value: Json) -> TypeGuard[Document]:
    return isinstance(value, dict)


def _text(value: Json) -> bytes:
    """Return a form in which true is not 1, as it is to Python."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
