"""Small things of HTTP that both transports need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2

from kastor.client.calls import HttpCall
from kastor.client.errors import UnexpectedAnswerError, UnsendableError

API_VERSION = "2023-10-31"
DRY_RUN_HEADER = "kastor-dry-run"
AS_OF_HEADER = "kastor-as-of"
MOST_BYTES = 256 * 1024 * 1024
"""Of an answer that is read whole, as it is when it is unpacked."""
MOST_SECONDS = 3_600.0
"""In which it has to be there: one that comes in drops has no end."""
_FOLLOWED = frozenset({301, 302, 303, 307, 308})
_MOST_HOPS = 5
_PORTS = {"http": 80, "https": 443}
T = TypeVar("T")


def head_of(call: HttpCall[T]) -> dict[str, str]:
    """Return the headers that a call brings.

    Raises:
        UnsendableError: a value that no header carries.
    """
    headers = {name: value for name, value in call.headers.items() if value is not None}
    if call.as_of is not None:
        headers[AS_OF_HEADER] = call.as_of
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise UnsendableError(f"{name} has characters that no header carries.")
    if call.content is not None:
        headers["Content-Type"] = call.media_type
    return headers


def parameters_of(call: HttpCall[T]) -> dict[str, str | Sequence[str]]:
    """Return the parameters that a call brings, with the version of the contract."""
    query = {"api-version": API_VERSION, **call.query}
    return {name: value for name, value in query.items() if value is not None}


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def require_rehearsed(headers: Mapping[str, str]) -> None:
    """Raise UnexpectedAnswerError where an answer is none of a dry run."""
    if headers.get(DRY_RUN_HEADER) != "true":
        raise UnexpectedAnswerError(
            "The answer to a dry run does not say that it is one: what answers is not what was "
            "asked for its features, and it may have been done. Read what is there."
        )


def require_past(headers: Mapping[str, str]) -> None:
    """Raise UnexpectedAnswerError where an answer does not say which state of the past it is of."""
    if AS_OF_HEADER not in headers:
        raise UnexpectedAnswerError(
            "The answer does not say as of when it is: what answers is not what was asked for its "
            "features, and this may be the present."
        )


def told_lost(error: Exception, cure: str = "Read what is there before you do it again.") -> str:
    """Return the message about a write whose answer did not come."""
    return (
        f"The connection ended before the answer ({told_reason(error)}): it may have been done or "
        f"not. {cure}"
    )


def told_reason(error: Exception) -> str:
    """Return what went wrong in words, without Python's names for it."""
    cause: BaseException = error
    for _ in range(10):
        following = cause.__cause__ or cause.__context__
        if following is None:
            break
        cause = following
    text = getattr(cause, "strerror", None) or str(cause) or str(error)
    return str(text).rstrip(".") or type(error).__name__


def moved(call: HttpCall[T], answer: httpx2.Response, hops: int) -> str:
    """Return where a read is asked for instead: at the same origin, for the token's sake.

    Args:
        call: what was sent.
        answer: with a status that leads elsewhere.
        hops: how often it was led on before.

    Raises:
        UnexpectedAnswerError: it is a write, leads to another origin, or on and on.
    """
    location = answer.headers.get("location", "")
    try:
        place = urljoin(str(answer.request.url), location)
        is_same = _origin(place) == _origin(str(answer.request.url))
    except ValueError:
        place, is_same = "", False
    is_followed = bool(location) and answer.status_code in _FOLLOWED and hops < _MOST_HOPS
    if call.method != "GET" or not is_same or not is_followed:
        raise UnexpectedAnswerError(_redirection(location))
    return place


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else _PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def _redirection(location: str) -> str:
    """Return the message about an answer that leads elsewhere."""
    try:
        parts = urlsplit(location)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "itself"
    except ValueError:
        place = "an address that is none"
    return (
        f"The server sends this on to {place}, and the token is not sent there. If that is your "
        "server, give its address."
    )
