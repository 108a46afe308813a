"""The continuation token: where the next page begins, signed, and enough to go on by itself.

Version, page size, rows left of TOP, flags, as-of instant, position, the order it belongs to, the
query text, and values of parameters or their hash, compressed when that helps, in base64url, behind
a truncated HMAC-SHA256. It survives a restart, because the key does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import msgspec

from kastor.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION = 1
_MAC = 16
_SHORT = 1500
MAX_TOKEN = 524_288
"""Characters; the longest query and the values of a row need less."""
_PLAIN, _DEFLATED = b"p", b"z"
_DICTIONARY = (
    b"SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:com:example:;1') AND T.$dtId IN "
    b"['RELATIONSHIPS JOIN RELATED MATCH $sourceId $targetId $metadata.$model"
)
_SENT_AGAIN = frozenset({"text", "page", "as_of", "given"})


@dataclass(frozen=True, slots=True)
class Position:
    """What a token says.

    Attributes:
        text: the query.
        page: the page size asked for on the first page; None for the default.
        left: rows that TOP still allows; None without TOP.
        keys: the last row's values in the order of the result.
        strict: whether the query runs strict.
        layout: a checksum of the order that `keys` belong to.
        lead: the indexed property that leads the order, if one does.
        as_of: the instant the query is asked as of; None for now.
        given: the values of parameters, or their hash; None without any.
    """

    text: str
    page: int | None
    left: int | None
    keys: tuple[int | float | str, ...]
    strict: bool = False
    as_of: int | None = None
    layout: int = 0
    lead: tuple[str | int, ...] | None = None
    given: Mapping[str, Any] | str | None = None


def place_of(position: Position) -> list[Any]:
    """What a position says, of JSON, beside what a client sends again with each request."""
    return [getattr(position, each) for each in _kept()]


def position_at(
    place: list[Any], text: str, as_of: int | None, given: Mapping[str, Any] | str | None
) -> Position:
    """The position of `place_of`, with what the client sent again."""
    values = [tuple(each) if isinstance(each, list) else each for each in place]
    said: dict[str, Any] = dict(zip(_kept(), values, strict=True))
    return replace(Position(text, None, None, (), as_of=as_of, given=given), **said)


def _kept() -> list[str]:
    return [each.name for each in fields(Position) if each.name not in _SENT_AGAIN]


def encode(position: Position, key: bytes) -> str:
    """The token."""
    body = msgspec.json.encode(
        [
            _VERSION,
            position.page,
            position.left,
            position.keys,
            position.strict,
            position.as_of,
            position.layout,
            position.lead,
            position.text,
            *(() if position.given is None else (position.given,)),
        ]
    )
    payload = _PLAIN + body
    if len(body) > _SHORT:  # compressing costs more time than a whole page of a small query
        squeeze = zlib.compressobj(9, zdict=_DICTIONARY)
        payload = _DEFLATED + squeeze.compress(body) + squeeze.flush()
    return base64.urlsafe_b64encode(_sign(payload, key) + payload).rstrip(b"=").decode()


def decode(token: str, key: bytes) -> Position:
    """The position that `token` holds.

    Raises:
        BadRequest: it was not made with this key, or by another version.
    """
    if len(token) > MAX_TOKEN:
        raise _invalid()
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        mac, payload = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(mac, _sign(payload, key)):
            raise _invalid()
        body = payload[1:]
        if payload[:1] == _DEFLATED:
            body = zlib.decompressobj(zdict=_DICTIONARY).decompress(body)
        version, page, left, keys, strict, as_of, layout, lead, text, *more = msgspec.json.decode(
            body
        )
        if version != _VERSION:
            raise _invalid()
        lead = None if lead is None else tuple(lead)
        given = more[0] if more else None
        return Position(text, page, left, tuple(keys), strict, as_of, layout, lead, given)
    except (ValueError, TypeError, binascii.Error, zlib.error, msgspec.MsgspecError):
        raise _invalid() from None


def _sign(payload: bytes, key: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()[:_MAC]


def _invalid() -> BadRequest:
    return BadRequest("An invalid continuationToken was provided.")
