"""Small things of HTTP that both transports need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from kastor.client.calls import HttpCall
from kastor.client.errors import UnexpectedAnswerError, UnsendableError

API_VERSION = "2023-10-31"
DRY_RUN_HEADER = "kastor-dry-run"
MOST_BYTES = 256 * 1024 * 1024
"""Of an answer that is read whole, as it is when it is unpacked."""
T = TypeVar("T")


def head_of(call: HttpCall[T]) -> dict[str, str]:
    """Return the headers that a call brings.

    Raises:
        UnsendableError: a value that no header carries.
    """
    headers = {name: value for name, value in call.headers.items() if value is not None}
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


def told_lost(error: Exception) -> str:
    """Return the message about a write whose answer did not come."""
    return (
        f"The connection ended before the answer ({told_reason(error)}): it may have been done or "
        "not. Read what is there before you do it again."
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


def redirection(location: str) -> str:
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
