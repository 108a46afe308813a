"""Encodes documents for storage, with numbers and strings in the one form both engines keep.

Integers of 64 bits, signed or unsigned, are exact; every other number is an IEEE double; -0.0
becomes 0.0; no string or key holds U+0000 (the table in `docs/reference/fidelity.md`).
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from kastor.errors import LimitExceeded, ValidationFailed
from kastor.records import C, Decision, T, WriteRelationship, WriteTwin
from kastor.types import Document, Etag

_HEAD = re.compile(rb'\{"\$(?:dtId|relationshipId)":"(?:[^"\\]++|\\.)*+",')
_EXPONENT = re.compile(rb"e(?<=[0-9]e)[+-]?[0-9]")
_NUMBER_OR_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"|\de([+-]?\d+)')
_LONGEST_NUMBER, _SHORTEST_EXPONENT = 330, 6
"""Digits of a double without exponent; characters, with a comma, of one that has hundreds."""


def encode(document: Document) -> bytes:
    """Return the document's JSON text.

    Raises:
        ValidationFailed: a string or key contains U+0000.
    """
    text = orjson.dumps(document)
    # Ordinary documents are told from the few that need a walk by their text alone.
    # Two plain searches take a tenth of the time of one expression with both.
    if b"-0.0" not in text and b"\\u0000" not in text:
        return text
    return orjson.dumps(_storable(document, "$"))


def bounded(decision: Decision[C, T], most: int) -> Decision[C, T]:
    """Return a decision, unless what it stores has become too large.

    Patches add to a document, each within the limit of a body. What an earlier version let grow
    may be changed as long as it gets no larger.

    Raises:
        LimitExceeded: the document has more than `most` bytes.
    """
    change = decision.change
    if not isinstance(change, WriteTwin | WriteRelationship):
        return decision
    size = _size(change.doc, most)
    if size <= most or (change.before is not None and size <= _size(change.before.doc, most)):
        return decision
    what = "twin" if isinstance(change, WriteTwin) else "relationship"
    raise LimitExceeded(
        f"The {what} {change.id[:128]} would have {size} bytes with its metadata, and "
        f"the setting max_document_bytes allows {most}. Keep long texts elsewhere and their "
        "address here, or spread the values over several twins."
    )


def with_etag(doc: bytes, etag: Etag) -> bytes:
    """Return stored JSON text as it goes out: with `$etag` after the id where that leads."""
    head = _HEAD.match(doc)
    member = b'"$etag":"W/\\"' + etag.encode() + b'\\"",'
    position = head.end() if head is not None else 1
    return doc[:position] + member + doc[position:]


def decode(doc: bytes) -> Document:
    """Return stored text as a document of its own, free to be changed."""
    document: Document = orjson.loads(doc)
    return document


def _size(doc: bytes, enough: int) -> int:
    """Return the bytes of a document with its numbers written without exponents, as jsonb does.

    What is certainly less than `enough` is not looked at closely.
    """
    if len(doc) * _LONGEST_NUMBER // _SHORTEST_EXPONENT <= enough or not _EXPONENT.search(doc):
        return len(doc)
    exponents = (match[1] for match in _NUMBER_OR_TEXT.finditer(doc))
    return len(doc) + sum(abs(int(each)) for each in exponents if each)


def _storable(value: Any, where: str) -> Any:
    match value:
        case str():
            return _without_nul(value, where)
        case float():
            return value + 0.0  # turns -0.0 into 0.0
        case bool() | None | int():
            return value
        case list():
            return [_storable(item, f"{where}[{index}]") for index, item in enumerate(value)]
        case _:
            return {
                _without_nul(key, where): _storable(item, f"{where}.{key}")
                for key, item in value.items()
            }


def _without_nul(text: str, where: str) -> str:
    if "\0" in text:
        message = f"The value at {where} contains the character U+0000, which cannot be stored."
        raise ValidationFailed(message)
    return text
