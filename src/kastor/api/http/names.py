"""Checks the names of what a request carries beside its path and body (decisions 1 and 5).

A query parameter that ADT would overlook is overlooked here too, and said so; one that is misspelt
in an operation of ours is refused, and so is a `kastor-` header that this server does not know: a
typo must never make a write out of what was to be none.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from kastor.errors import InvalidArgument

if TYPE_CHECKING:
    from kastor.api.http.operation import Operation
    from kastor.api.http.request import Request

OURS = "/kastor/"
VERSION = "api-version"
REQUEST_HEADERS = frozenset(
    (b"kastor-read", b"kastor-adt-strict", b"kastor-explain", b"kastor-dry-run", b"kastor-as-of")
)
_PREFIX = b"kastor-"
_SHOWN = 80


def check_parameters(request: Request, operation: Operation) -> None:
    """Warn of query parameters that the operation does not have; raises InvalidArgument for ours.

    Operations of neither kind, such as health and metrics, take whatever monitors append.
    """
    query = request.query
    if not query or (len(query) == 1 and VERSION in query):
        return
    known = {name.lower(): name for name in operation.query} | {VERSION: VERSION}
    known["asof"] = "asOf"  # whether it can be asked for is judged beside its header
    for name in (each for each in query if each not in known):
        said = _unknown("query parameter", name, known.values())
        if operation.path.startswith(OURS):
            raise InvalidArgument(f"{said} It would have changed nothing.")
        if operation.versioned:
            request.warn(f"{said} It was ignored.")


def check_headers(headers: Iterable[bytes]) -> bool:
    """Return whether there is a header of ours, which begins with `kastor-`.

    Raises:
        InvalidArgument: there is one that no operation has.
    """
    found = False
    for name in headers:
        if name.startswith(_PREFIX):
            found = True
            if name not in REQUEST_HEADERS:
                known = [each.decode() for each in sorted(REQUEST_HEADERS)]
                raise InvalidArgument(_unknown("header", name.decode("latin-1"), known))
    return found


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    there = sorted(known)
    near = get_close_matches(name.lower(), [each.lower() for each in there], n=1)
    hint = f"There are: {', '.join(there)}."
    if near:
        hint = f"Did you mean {next(each for each in there if each.lower() == near[0])}?"
    return f"There is no {what} {name[:_SHOWN]} here. {hint}"
