"""Rules of the ids that requests name, in paths and in batches (rest-api A.1, decisions 2)."""

from __future__ import annotations

from typing import Literal, TypeAlias

from kastor.errors import InvalidArgument, NotFound
from kastor.identifiers import ID_RULE, MAX_ID_LENGTH, is_id

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
