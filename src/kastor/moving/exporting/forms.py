"""The lines of an export file (decisions 5 "Export"): the same bytes as the server makes."""

from __future__ import annotations

import json

import orjson

from kastor.moving.loading.unsure import said_of_metadata
from kastor.types import Document, Json

FILE_VERSION = "1.0.0"


def canonical(value: Json) -> bytes:
    """Return a value's JSON text: members in order of their names, no space between tokens."""
    return _text(value, in_order=True)


def section(name: str) -> bytes:
    """Return the line that begins a section."""
    return canonical({"Section": name}) + b"\n"


def header() -> bytes:
    """Return what every file begins with."""
    told = _text({"fileVersion": FILE_VERSION, "author": "Kastor"}, in_order=False)
    return section("Header") + told + b"\n"


def model(document: Document) -> bytes:
    """Return the line of a model, its members in the order of its author."""
    return _text(document, in_order=False) + b"\n"


def twin(row: Document, *, system: bool) -> bytes:
    """Return the line of a twin as a GET or a query answers it.

    Args:
        row: with its `$dtId`.
        system: whether the times of the last updates and the ETag are kept.
    """
    document = dict(row)
    if not system:
        document.pop("$etag", None)
        document.pop("$lastUpdateTime", None)
        document["$metadata"] = said_of_metadata(document.get("$metadata"))
        for name, value in document.items():
            if isinstance(value, dict) and "$metadata" in value:
                document[name] = {**value, "$metadata": said_of_metadata(value["$metadata"])}
    return _led_by(document, "$dtId")


def relationship(row: Document, *, system: bool) -> bytes:
    """Return the line of a relationship; as `twin`."""
    document = dict(row)
    document["$dtId"] = document.pop("$sourceId")
    if not system:
        document.pop("$etag", None)
    return _led_by(document, "$dtId", "$relationshipId")


def _led_by(document: Document, *first: str) -> bytes:
    head = _text({name: document.pop(name) for name in first}, in_order=False)
    if not document:
        return head + b"\n"
    return head[:-1] + b"," + canonical(document)[1:] + b"\n"


def _text(value: Json, *, in_order: bool) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if in_order else None)
    except TypeError:  # a number beyond 64 bits, half of a surrogate pair: Azure's may hold them
        return json.dumps(value, sort_keys=in_order, separators=(",", ":")).encode()
