"""Rules of the identifiers that stand in paths (rest-api A.1, C.3)."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from urllib.parse import unquote_to_bytes

from kastor.errors import InvalidArgument, NotFound
from kastor.identifiers import ID_RULE, MAX_ID_LENGTH, is_id

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


Kind: TypeAlias = Literal["twin", "relationship", "component"]
_MISSING = {
    "twin": "DigitalTwinNotFound",
    "relationship": "RelationshipNotFound",
    "component": "ComponentNotFound",
}


def require_id(value: str, what: Kind) -> str:
    """Return the id of something that may be there.

    Raises:
        InvalidArgument: it is too long or has a character that ids may not have.
        NotFound: it holds a slash, so that there can be nothing of this id (decisions 2).
    """
    if not is_id(value):
        if "/" in value:
            raise NotFound(
                f"There is no {what} {value[:MAX_ID_LENGTH].replace('/', '%2F')}: an id cannot "
                "hold a slash.",
                code=_MISSING[what],
            )
        raise InvalidArgument(f"The {what} id is invalid: {ID_RULE}.")
    return value


def require_new_id(value: str, what: Kind) -> str:
    """Return an id that something may be given.

    Raises:
        InvalidArgument: as `require_id`, or it holds a slash.
    """
    if "/" in value:
        raise InvalidArgument(f"The {what} id is invalid: an id cannot hold a slash.")
    return require_id(value, what)


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
