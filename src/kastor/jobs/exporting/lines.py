"""The lines of an export (decisions 5 "Export"); these forms are kept for good.

Equal graphs give equal bytes, whatever engine keeps them: no space between tokens, members in order
of their names by code point at every depth, numbers in the form that `graph/documents.py` stores.
Of a twin `$dtId` comes first, of a relationship `$dtId` (its source) and `$relationshipId`. A model
is the text that was uploaded without the white space between its tokens, since its numbers and the
order of its members are its author's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from kastor.distances import unpacked
from kastor.graph.metadata import forget_times
from kastor.types import Document, Etag, TwinId

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|\s++', re.DOTALL)
_FILE_VERSION = "1.0.0"


def canonical(value: object) -> bytes:
    """Return a value's JSON text in the one form of exports."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def section(name: str) -> bytes:
    """Return the line that begins a section."""
    return canonical({"Section": name}) + b"\n"


def header() -> bytes:
    """Return what every file begins with: nothing of one moment, and nothing of one server."""
    told = orjson.dumps({"fileVersion": _FILE_VERSION, "author": "Kastor"})
    return section("Header") + told + b"\n"


def model(text: bytes) -> bytes:
    """Return the line of a model's text as it was uploaded."""
    return _TOKEN.sub(_kept, text) + b"\n"


def twin(doc: bytes, etag: Etag, *, system: bool) -> bytes:
    """Return the line of a stored twin.

    Args:
        doc: as it is stored.
        etag: the guid inside W/"...".
        system: whether the times of the last updates and the ETag are wanted.
    """
    document: Document = orjson.loads(doc)
    if system:
        document["$etag"] = f'W/"{etag}"'
    else:
        forget_times(document)
    return _led_by(document, "$dtId")


def relationship(doc: bytes, etag: Etag, *, system: bool) -> bytes:
    """Return the line of a stored relationship; as `twin`."""
    document: Document = orjson.loads(doc)
    document["$dtId"] = document.pop("$sourceId")
    if system:
        document["$etag"] = f'W/"{etag}"'
    return _led_by(document, "$dtId", "$relationshipId")


def deleted(kind: str, identity: tuple[str, ...]) -> bytes:
    """Return the line of what is gone: a twin, a relationship (source id, id) or a model."""
    told = {"kind": kind, "id": identity[-1]}
    if len(identity) > 1:
        told["source"] = identity[0]
    return orjson.dumps(told) + b"\n"


def setting(members: Mapping[str, object]) -> bytes:
    """Return the line of a route, an endpoint, an input or an index."""
    return canonical(dict(members)) + b"\n"


def vector(index: str, twin_id: TwinId, packed: bytes) -> bytes:
    """Return the line of a vector beside a twin.

    Its numbers are float32, written as doubles: they read back as the same.
    """
    told = {"$dtId": twin_id, "index": index, "vector": unpacked(packed)}
    return orjson.dumps(told) + b"\n"


def _kept(match: re.Match[bytes]) -> bytes:
    return match[0] if match[0][:1] == b'"' else b""


def _led_by(document: Document, *first: str) -> bytes:
    head = orjson.dumps({name: document.pop(name) for name in first})
    if not document:
        return head + b"\n"
    return head[:-1] + b"," + canonical(document)[1:] + b"\n"
