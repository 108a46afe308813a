"""Pages of the listings: their size, their tokens and the absolute link to the next one.

The pages of one listing are of one state of the graph where it is asked as of an instant: tokens
and links name the entry of the change log after which it was so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kastor import signing
from kastor.api.http.request import AS_OF, Request
from kastor.errors import InvalidArgument
from kastor.graph.instants import Named, named
from kastor.storage.history import require_same_state

if TYPE_CHECKING:
    from kastor.hosting.services import Services

_DIGITS = 18
_AT = "@"
"""In a token, between the listing's kind and the entry after which the graph was so."""
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
    payload = _payload(request, key)
    if payload is None:
        return None
    if payload[:1] != [kind]:
        raise InvalidArgument("The continuationToken is invalid.")
    return payload[1:]


async def resume(services: Services, request: Request, kind: str) -> list[Any] | None:
    """Return what the token of a listing carries that can be asked as of an instant; None without.

    From here on the request reads what the pages before were of.

    Raises:
        InvalidArgument: as `read_token`, or the request names another state.
        Gone: what the pages before were of is not kept any more.
    """
    payload = _payload(request, services.signing_key)
    if payload is None:
        return None
    name, _, change = payload[0].partition(_AT) if isinstance(payload[0], str) else ("", "", "")
    if name != kind:
        raise InvalidArgument("The continuationToken is invalid.")
    state = int(change) if change else None
    require_same_state(state, request.at)
    if state is not None and request.at is None:
        request.read_past(await services.graph.at(Named(change=state)))
    return payload[1:]


def _payload(request: Request, key: bytes) -> list[Any] | None:
    token = request.first("continuationToken")
    if not token:
        return None
    payload = signing.unsign(token, key)
    if not isinstance(payload, list) or not payload:
        raise InvalidArgument("The continuationToken is invalid.")
    return payload


def next_link(
    request: Request,
    path: str,
    payload: list[Any],
    key: bytes,
    extra: tuple[tuple[str, str], ...] = (),
) -> str:
    """Return the absolute link to the next page; `payload` begins with the listing's kind.

    Where the request reads a state of the past, link and token name it.
    """
    if request.at is not None:
        payload = [f"{payload[0]}{_AT}{request.at.change}", *payload[1:]]
        extra = (*extra, (AS_OF, named(request.at)))
    token = signing.sign(payload, key)
    version = (("api-version", request.api_version),) if request.api_version else ()
    pairs = (*extra, ("continuationToken", token), *version)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    return f"{request.base_url}{path}?{query}"


def segment(value: str) -> str:
    """Return an id as a path segment."""
    return quote(value, safe="")
