"""Pages of the listings: their size, their tokens and the absolute link to the next one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from kastor import signing
from kastor.api.http.request import Request
from kastor.errors import InvalidArgument

_DIGITS = 18
MAX_ITEMS_HEADER = b"max-items-per-page"


def max_items(request: Request, default: int, maximum: int) -> int:
    """Return the page size that the request asks for, clamped (rest-api A.9).

    Raises:
        InvalidArgument: the header is no positive integer.
    """
    value = request.headers.get(MAX_ITEMS_HEADER)
    if value is None:
        return default
    digits = value.lstrip(b"0")
    if not digits.isdigit():
        raise InvalidArgument("The header max-items-per-page must be a positive integer.")
    return min(int(digits[:_DIGITS]), maximum)


def read_token(request: Request, kind: str, key: bytes) -> list[Any] | None:
    """Return what the token of the request carries, or None without one.

    Raises:
        InvalidArgument: the token is none of this listing and graph.
    """
    token = request.first("continuationToken")
    if not token:
        return None
    payload = signing.unsign(token, key)
    if not isinstance(payload, list) or payload[:1] != [kind]:
        raise InvalidArgument("The continuationToken is invalid.")
    return payload[1:]


def next_link(
    request: Request,
    path: str,
    payload: list[Any],
    key: bytes,
    extra: tuple[tuple[str, str], ...] = (),
) -> str:
    """Return the absolute link to the next page; `payload` begins with the listing's kind."""
    token = signing.sign(payload, key)
    version = (("api-version", request.api_version),) if request.api_version else ()
    pairs = (*extra, ("continuationToken", token), *version)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    return f"{request.base_url}{path}?{query}"


def segment(value: str) -> str:
    """Return an id as a path segment."""
    return quote(value, safe="")
