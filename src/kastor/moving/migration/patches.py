"""The JSON Patch that turns a document that a server has into another one.

A patch can be bound to an ETag, which a PUT cannot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from kastor.client.calls import Document, Json
from kastor.moving.migration.canonical import body_of

Patch = Sequence[Document]
_MODEL, _METADATA, _SOURCE_TIME = "$model", "$metadata", "sourceTime"
_FIXED = ("$relationshipName", "$targetId")


def patch_between(found: Document, wanted: Document) -> Patch | None:
    """Return the patch; None where no patch can do it: another model, other ends.

    Args:
        found: as the server answers it.
        wanted: the body of a PUT.
    """
    here = body_of(found)
    if any(here.get(name) != wanted.get(name) for name in _FIXED):
        return None
    return _changes("", here, wanted, components=True)


def _changes(path: str, here: Json, wanted: Json, *, components: bool) -> Patch | None:
    made: list[Document] = []
    for name in (*here, *(each for each in wanted if each not in here)):
        if name[:1] == "$":
            continue
        place = f"{path}/{_escaped(name)}"
        one, other = here.get(name), wanted.get(name)
        if components and _is_component(one) and _is_component(other):
            inner = _changes(place, one, other, components=False)
            if inner is None:
                return None
            made += inner
        elif one is not None and other is not None and _is_component(one) != _is_component(other):
            return None
        elif other is None:
            made.append({"op": "remove", "path": place})
        elif _text(one) != _text(other):
            made.append({"op": "add" if one is None else "replace", "path": place, "value": other})
    times = _source_times(path, here.get(_METADATA) or {}, wanted.get(_METADATA) or {}, wanted)
    return None if times is None else [*made, *times]


def _source_times(path: str, here: Document, wanted: Document, body: Document) -> Patch | None:
    """Return the patch of source times; None where one goes, since patches keep them."""
    if here.get(_MODEL) != wanted.get(_MODEL):
        return None
    made: list[Document] = []
    for name in {**here, **wanted}:
        if name[:1] == "$" or here.get(name) == wanted.get(name):
            continue
        if name not in wanted:
            if name in body:
                return None
            continue  # it goes with its property
        made.append(
            {
                "op": "replace",
                "path": f"{path}/{_METADATA}/{_escaped(name)}/{_SOURCE_TIME}",
                "value": wanted[name][_SOURCE_TIME],
            }
        )
    return made


def _is_component(value: Json) -> bool:
    return isinstance(value, dict) and _METADATA in value


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)  # as values true and 1 are equal


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
