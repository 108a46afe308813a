"""Takes a signed token apart (RFC 7515, 7519, 8725).

What it says about itself is looked at before anything is verified, cheaply, since strangers send
such tokens: it only chooses the key that the token has to be signed with. Once the signature has
proved right, everything is read again, strictly: what two readers could understand in two ways does
not count, such as members that occur twice.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

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
_LAST_TIME = 1e15
"""Beyond it, or its negative, nothing is a time."""
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
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


class _Header(msgspec.Struct):
    """Of a token; keys that it brings along (`jku`, `jwk`, `x5u`, `x5c`) are not looked at."""

    alg: str = ""
    kid: str = ""
    typ: str = "JWT"
    crit: msgspec.Raw = msgspec.Raw()
    b64: msgspec.Raw = msgspec.Raw()
    cty: msgspec.Raw = msgspec.Raw()
    enc: msgspec.Raw = msgspec.Raw()
    zip: msgspec.Raw = msgspec.Raw()


class _Payload(msgspec.Struct):
    iss: str = ""


def read_form(token: str) -> TokenForm:
    """Return what a token says of itself.

    Raises:
        TokenRefused: it cannot count, whoever has signed it.
    """
    header_text, payload_text = _read_parts(token)
    try:
        header = msgspec.json.decode(header_text, type=_Header)
        payload = msgspec.json.decode(payload_text, type=_Payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise TokenRefused("it holds what is none of a token") from None
    if header.alg not in ALGORITHMS:
        raise TokenRefused("its algorithm is not allowed")
    if any(map(bytes, (header.crit, header.b64, header.cty, header.enc, header.zip))):
        raise TokenRefused("its header asks for what is not done here")
    if header.typ.lower() not in _TYPES:
        raise TokenRefused("it is no access token")
    if len(header.kid) > LONGEST_KEY_ID:
        raise TokenRefused("its key id is too long")
    if not payload.iss:
        raise TokenRefused("it names no issuer")
    return TokenForm(payload.iss, header.alg, header.kid)


def read_claims(token: str) -> Document:
    """Return the claims of a token whose signature has been verified.

    Raises:
        TokenRefused: its header or they cannot be understood in one way only.
    """
    # The header is as `read_form` has read it if no member of it occurs twice.
    _, claims = (_object(each) for each in _read_parts(token))
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name, 0)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not -_LAST_TIME <= value <= _LAST_TIME:
            raise TokenRefused("a time of it is no number")
    return claims


def _read_parts(token: str) -> tuple[bytes, bytes]:
    """Return header and payload; raises TokenRefused."""
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("it is too long")
    parts = token.split(".")
    if len(parts) != 3 or not all(_SEGMENT.fullmatch(each) for each in parts):  # noqa: PLR2004 - header, payload, signature
        raise TokenRefused("it does not have the form of a signed token")
    header, payload, _ = map(_decoded, parts)
    if len(header) > _LONGEST_HEADER:
        raise TokenRefused("its header is too long")
    return header, payload


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
