"""Takes a signed token apart, strictly, before any key is looked for (RFC 7515, 7519, 8725).

Nothing here is believed: what it says about itself only chooses the key that it has to be signed
with. Whatever two readers could understand in two ways is refused: members that occur twice,
base64 with bits to spare, headers that ask for what is not done here.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kastor.auth.authenticator import LONGEST_TOKEN
from kastor.nesting import is_too_deep
from kastor.types import Document, Json

LONGEST_KEY_ID = 256
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
}
"""What a token may be signed with, and the kind of key that goes with it."""
_LONGEST_HEADER = 4_096
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_NOT_DONE_HERE = ("crit", "b64", "cty", "enc", "zip")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


class TokenRefused(Exception):
    """A token does not count; the message says why, and holds nothing of the token.

    Attributes:
        values: more for the log; of the token only what its issuer vouches for, or is bounded.
    """

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message)
        self.values = values


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What a token says of itself, unverified.

    Attributes:
        issuer: who is said to have signed it.
        algorithm: one of `ALGORITHMS`.
        key_id: of the key; empty where it names none.
    """

    issuer: str
    algorithm: str
    key_id: str

    @property
    def key_kind(self) -> str:
        """What kind of key the algorithm needs."""
        return ALGORITHMS[self.algorithm]


def read_form(token: str) -> TokenForm:
    """Return what a token says of itself.

    Raises:
        TokenRefused: it cannot count, whoever has signed it.
    """
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("it is too long")
    parts = token.split(".")
    if len(parts) != 3 or not all(_SEGMENT.fullmatch(each) for each in parts):  # noqa: PLR2004 - header, payload, signature
        raise TokenRefused("it does not have the form of a signed token")
    header_text, payload_text, _ = map(_decoded, parts)
    if len(header_text) > _LONGEST_HEADER:
        raise TokenRefused("its header is too long")
    header, payload = _object(header_text), _object(payload_text)
    _check_header(header)
    _check_times(payload)
    issuer = payload.get("iss")
    if not isinstance(issuer, str):
        raise TokenRefused("it names no issuer")
    return TokenForm(issuer, header["alg"], header.get("kid", ""))


def _check_header(header: Document) -> None:
    algorithm, key_id, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("its algorithm is not allowed")
    if any(name in header for name in _NOT_DONE_HERE):
        raise TokenRefused("its header asks for what is not done here")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenRefused("it is no access token")
    if not isinstance(key_id, str) or len(key_id) > LONGEST_KEY_ID:
        raise TokenRefused("its key id is none")


def _check_times(payload: Document) -> None:
    for name in ("exp", "nbf", "iat"):
        value = payload.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TokenRefused("a time of it is no number")
        if isinstance(value, float) and not math.isfinite(value):
            raise TokenRefused("a time of it is no number")


def _decoded(segment: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise TokenRefused("it does not have the form of a signed token") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != segment.encode():
        raise TokenRefused("it does not have the form of a signed token")
    return data


def _object(text: bytes) -> Document:
    found = read_json(text)
    if not isinstance(found, dict):
        raise TokenRefused("it holds no JSON object where one belongs")
    return found


def read_json(text: bytes) -> Json:
    """Return what a JSON text says, if it can be understood in one way only.

    Raises:
        TokenRefused: it is none, is nested too deep, or has a member twice.
    """
    try:
        found = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise TokenRefused("it holds what is no JSON") from None
    if is_too_deep(found):
        raise TokenRefused("its JSON is nested too deep")
    return found


def _once(pairs: Iterable[tuple[str, Json]]) -> Document:
    members = list(pairs)
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member occurs twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")
