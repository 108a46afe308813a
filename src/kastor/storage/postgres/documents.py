"""Documents on their way into jsonb and out of it, so that numbers come back as they went in.

jsonb keeps a number's scale, so `1` and `1.0` stay apart, but it writes every number without an
exponent: `1e+22` would come back as an integer of 23 digits. So a number with an exponent goes in
written out and with a fraction (`10000000000000000000000.0`), and texts that hold such a number,
or one too small to be written without exponent, are brought back to the shortest form.

A superseded version holds its document, or JSON's null where that was packed with others of the
same twin into a block, one array (`version_doc`).
"""

from __future__ import annotations

import re
from decimal import Decimal

import orjson

from kastor.storage.history import Kind

_EXPONENT = re.compile(rb"e(?<=[0-9]e)[+-]?[0-9]")
"""Begins with the letter, since what begins with a class of characters looks at every one."""
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e[+-]?\d+')
_DIGITS = 16
"""From so many digits before the point on the shortest form may have an exponent."""

_TINY, _TINY_IN_LIST, _TINY_NEGATIVE = " 0.0000", "[0.0000", "-0.0000"
"""How numbers below 1e-4 begin; a time such as 10:00:00.0000000Z does not."""

PACKED_BYTES = 4
"""Of the text `null`, which no document of a twin is as short as."""


def version_doc(alias: str, kind: Kind, graph: str = "{graph}") -> str:
    """The SQL expression of a version's document, as jsonb.

    Args:
        alias: of a row of `twin_versions` or `relationship_versions`; its columns `key`, `version`,
            `bytes` and `doc` are used.
        kind: which of the two.
        graph: the quoted name of the schema.
    """
    return (
        f"CASE WHEN {alias}.bytes <> {PACKED_BYTES} THEN {alias}.doc ELSE (SELECT b.docs ->"
        f" ({alias}.version - b.first)::integer FROM {graph}.version_blocks b"
        f" WHERE b.kind = '{kind}' AND b.key = {alias}.key AND b.first <= {alias}.version"
        " ORDER BY b.first DESC LIMIT 1) END"
    )


def into_jsonb(doc: bytes) -> str:
    """Return a document's text for jsonb."""
    if _EXPONENT.search(doc) is not None:
        doc = _TOKEN.sub(_written_out, doc)
    return doc.decode()


def from_jsonb(text: str) -> bytes:
    """Return the document that jsonb gave back as text, as it was."""
    tiny = _TINY in text or _TINY_IN_LIST in text or _TINY_NEGATIVE in text
    if tiny or _has_long_number(text):
        return orjson.dumps(orjson.loads(text))
    return text.encode()


def _has_long_number(text: str) -> bool:
    # By hand, since a pattern that begins with a digit looks at every character of every read.
    point = text.find(".0", _DIGITS)
    while point >= 0:
        if text[point - _DIGITS : point].isdigit():
            return True
        point = text.find(".0", point + 2)
    return False


def _written_out(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token[:1] == b'"':
        return token
    text = format(Decimal(token.decode()), "f")
    return (text if "." in text else f"{text}.0").encode()
