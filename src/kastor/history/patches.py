"""The JSON Patch (RFC 6902) that leads from one document to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.graph.patch import pointer_of

if TYPE_CHECKING:
    from kastor.types import Document, Json


def patch_between(before: Document, after: Document) -> list[Document]:
    """Return the operations that make `after` of `before`, in order of their paths.

    Objects are entered, members of a twin's `$metadata` included; an array that differs is replaced
    as a whole. The order of members changes nothing.
    """
    patch: list[Document] = []
    _compare(before, after, (), patch)
    return patch


def _compare(
    before: Document, after: Document, path: tuple[str, ...], patch: list[Document]
) -> None:
    for name in sorted(before.keys() | after.keys()):
        here = (*path, name)
        if name not in after:
            patch.append({"op": "remove", "path": pointer_of(here)})
        elif name not in before:
            patch.append({"op": "add", "path": pointer_of(here), "value": after[name]})
        else:
            old, new = before[name], after[name]
            if isinstance(old, dict) and isinstance(new, dict):
                _compare(old, new, here, patch)
            elif not same(old, new):
                patch.append({"op": "replace", "path": pointer_of(here), "value": new})


def same(one: Json, other: Json) -> bool:
    """Return whether two values are the same JSON, whatever the order of members.

    `True` and 1 are not, nor are 1 and 1.0, which Python takes for the same.
    """
    option = orjson.OPT_SORT_KEYS
    return orjson.dumps(one, option=option) == orjson.dumps(other, option=option)
