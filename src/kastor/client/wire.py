"""Small things of HTTP that both transports need."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlsplit

from kastor.client.calls import HttpCall

API_VERSION = "2023-10-31"
DRY_RUN_HEADER = "kastor-dry-run"
T = TypeVar("T")


def head_of(call: HttpCall[T]) -> dict[str, str]:
    """Return the headers that a call brings."""
    headers = {name: value for name, value in call.headers.items() if value is not None}
    if call.content is not None:
        headers["Content-Type"] = call.media_type
    return headers


def reason_of(error: Exception) -> str:
    """Return what went wrong in words, without Python's names for it."""
    cause: BaseException = error
    while isinstance(cause, Exception) and (cause.__cause__ or cause.__context__) is not None:
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
