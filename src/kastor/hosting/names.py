"""Names of graphs: each can be part of a host name."""

from __future__ import annotations

import re

from kastor.errors import InvalidArgument, NotFound

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def is_name(name: str) -> bool:
    """Whether a graph may have the name: a label of a host name, lower case."""
    return _NAME.fullmatch(name) is not None


def require_name(name: str) -> str:
    """Return a valid graph name: a label of a host name, lower case.

    Raises:
        NotFound: it is none, so there can be no graph of that name.
    """
    if not is_name(name):
        raise NotFound(f"There is no graph named {name[:80]}.", code="GraphNotFound")
    return name


def require_new_name(name: str) -> str:
    """Return a name that a new graph may have.

    Raises:
        InvalidArgument: it is no label of a host name.
    """
    if not is_name(name):
        raise InvalidArgument(
            "A graph's name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at its "
            "ends: it can be part of a host name."
        )
    return name
