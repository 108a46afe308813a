"""Reads If-Match and If-None-Match as the contract has them, wherever they stand (rest-api A.8)."""

from __future__ import annotations

import re

from kastor.errors import InvalidArgument
from kastor.graph.command import IfMatch

MAX_TAGS = 100
"""Of one If-Match."""

_TAG = r'(?:W/)?"([^"\x00-\x1f\x7f]*)"'
_TAGS = re.compile(rf"{_TAG}(?:\s*,\s*{_TAG})*")
_ONE_TAG = re.compile(_TAG)
_ANY = IfMatch(frozenset(), any=True)


def read_if_match(value: str) -> IfMatch:
    """Return the condition: `*`, an entity tag, or a list of them, compared weakly.

    Raises:
        InvalidArgument: it is none of these, or a list of more than MAX_TAGS.
    """
    text = value.strip()
    if text == "*":
        return _ANY
    if text.count(",") >= MAX_TAGS:
        raise InvalidArgument(f"The header If-Match has more than {MAX_TAGS} values.")
    if _TAGS.fullmatch(text) is None:
        raise InvalidArgument(
            "Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *"
        )
    return IfMatch(frozenset(_ONE_TAG.findall(text)))


def read_if_none_match(value: str) -> bool:
    """Return True for `*`, the only value that the contract knows.

    Raises:
        InvalidArgument: it is anything else.
    """
    if value.strip() != "*":
        raise InvalidArgument(
            "Invalid If-None-Match header value. Allowed value(s): If-None-Match: *"
        )
    return True
