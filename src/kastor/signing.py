"""Signs and reads the opaque tokens that continue a listing.

A token is base64url of a truncated HMAC-SHA256 and a small JSON value; a token that this graph
did not make, or of another format, is no token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import orjson

from kastor.types import Json

TAG_BYTES = 16
MAX_TOKEN = 16_384
"""Characters; what is longer was not made here: a listing's token holds an id or two."""


def sign(payload: Json, key: bytes) -> str:
    """Return a token for a JSON value."""
    text = orjson.dumps(payload)
    return base64.urlsafe_b64encode(_tag(text, key) + text).rstrip(b"=").decode()


def unsign(token: str, key: bytes) -> Json | None:
    """Return the JSON value of a token made with this key, else None."""
    if len(token) > MAX_TOKEN:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    tag, text = raw[:TAG_BYTES], raw[TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(text, key)):
        return None
    return orjson.loads(text)


def _tag(text: bytes, key: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)[:TAG_BYTES]
