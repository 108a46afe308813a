"""Segments of paths, and the ids of models that stand in them (rest-api A.1, C.3)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from kastor.errors import InvalidArgument

_SEGMENT = r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?"
_DTMI = re.compile(
    rf"dtmi:{_SEGMENT}(?::{_SEGMENT})*(?:;[1-9][0-9]{{0,8}}(?:\.[1-9][0-9]{{0,5}})?)?"
)
MAX_DTMI_LENGTH = 2_048


def decode_segment(segment: bytes) -> str:
    """Percent-decode a path segment exactly once (decisions 2).

    Raises:
        InvalidArgument: the bytes are not UTF-8.
    """
    if b"%" in segment:
        segment = unquote_to_bytes(segment)
    try:
        return segment.decode()
    except UnicodeDecodeError:
        raise InvalidArgument("The path is not UTF-8 after percent-decoding.") from None


def require_dtmi(value: str) -> str:
    """Return a valid model id.

    Raises:
        InvalidArgument: it is no DTMI.
    """
    if len(value) > MAX_DTMI_LENGTH or _DTMI.fullmatch(value) is None:
        raise InvalidArgument(
            f"The model id {value[:200]} is not a DTMI such as dtmi:example:Room;1."
        )
    return value
