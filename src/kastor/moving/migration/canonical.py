"""Documents as two servers compare them: what people wrote, and nothing that a server added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b

from kastor.client import UnexpectedAnswerError
from kastor.client.calls import Document, Json
from kastor.moving.writing.operations import ThingKind

DIGEST_BYTES = 16
_EXACT = 2**53
_OWN_IDS = frozenset({"$dtId", "$etag", "$relationshipId", "$sourceId"})
_SOURCE_TIME = "sourceTime"


def body_of(document: Document, components: Mapping[str, object] | None = None) -> Document:
    """Return the body of a PUT that makes the same twin or relationship elsewhere.

    ETags and times that servers set stay behind; `sourceTime` is what people wrote, and comes.

    Args:
        document: as a GET or a query answers it.
        components: names that the twin has to have; those that are missing are added empty.
    """
    made: Document = {}
    for name, value in document.items():
        if name in _OWN_IDS or value is None:
            continue
        if name == "$metadata":
            made[name] = _metadata(value)
        elif isinstance(value, dict) and isinstance(value.get("$metadata"), dict):
            made[name] = {**_without_nulls(value), "$metadata": _metadata(value["$metadata"])}
        else:
            made[name] = value
    for name in components or ():
        made.setdefault(name, {"$metadata": {}})
    return made


def _without_nulls(values: Document) -> Document:
    return {name: value for name, value in values.items() if value is not None}


def _metadata(found: Json) -> Document:
    """Return what of `$metadata` is no server's: the model, and `sourceTime` of properties."""
    made: Document = {}
    if not isinstance(found, dict):
        return made
    for name, value in found.items():
        if name == "$model":
            made[name] = value
        elif isinstance(value, dict) and value.get(_SOURCE_TIME) is not None:
            made[name] = {_SOURCE_TIME: value[_SOURCE_TIME]}
    return made


def digest(body: Document) -> bytes:
    """Return a hash of a body; equal for bodies with the same values in another order.

    A number without a fraction counts as an integer, since servers write it either way.
    """
    text = json.dumps(_plain(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def ids_of(kind: ThingKind, document: Document) -> tuple[str, str]:
    """Return the source (of a twin the empty string) and the id of a document.

    Raises:
        UnexpectedAnswerError: it has none.
    """
    names = ("$dtId",) if kind is ThingKind.TWIN else ("$sourceId", "$relationshipId")
    found = [document.get(name) for name in names]
    if not all(isinstance(each, str) and each for each in found):
        raise UnexpectedAnswerError(
            f"A {kind.value} of the answer has no {' or no '.join(names)}, so it cannot be moved."
        )
    return ("", str(found[0])) if kind is ThingKind.TWIN else (str(found[0]), str(found[1]))


def etag_of(document: Document, body: Document) -> str:
    """Return the ETag of a document; of a server that has none there, one made of its content."""
    found = document.get("$etag")
    return found if isinstance(found, str) and found else f"digest:{digest(body).hex()}"
