"""Reads the keys that an issuer publishes (RFC 7517), but for those that no token may have.

Only public keys for signatures count: a symmetric one would let whoever reads it sign, and a
private one is known to everybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from kastor.auth.oidc.documents import DocumentError
from kastor.auth.oidc.token_form import ALGORITHMS, LONGEST_KEY_ID, TokenRefused, read_json
from kastor.logs import get_logger
from kastor.types import Document, Json

MOST_KEYS = 100
SMALLEST_RSA, LARGEST_RSA = 2_048, 8_192
"""Bits; larger ones would cost every request that shows a token."""
_LONGEST_MEMBER = 2_048
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVES = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)}
_PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
_LOADERS: dict[str, Callable[[str], Any]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

_log = get_logger("kastor.auth")


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key of an issuer.

    Attributes:
        algorithms: that it may verify.
        material: its public numbers, by which it is told from another one of its id.
        public: the key itself.
    """

    algorithms: frozenset[str]
    material: tuple[str, ...]
    public: _PublicKey = field(compare=False)


KeySet: TypeAlias = Mapping[tuple[str, str], VerificationKey]
"""By id, which may be empty, and kind, as `ALGORITHMS` has it."""


def read_key_set(text: bytes, issuer: str) -> KeySet:
    """Return the keys of a document that can verify tokens; what cannot is told in the log.

    Raises:
        DocumentError: it is no set of keys.
    """
    try:
        document = read_json(text)
    except TokenRefused:
        raise DocumentError("the keys are no JSON that can be read") from None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise DocumentError("the document of the keys has no array `keys`")
    found: dict[tuple[str, str], VerificationKey] = {}
    skipped = [f"there are more than {MOST_KEYS}"] if len(keys) > MOST_KEYS else []
    for each in keys[:MOST_KEYS]:
        try:
            name, key = _read_key(each)
        except ValueError as error:
            skipped.append(str(error))
            continue
        if name in found:
            skipped.append("another one has the same id")
        found.setdefault(name, key)
    for reason in sorted(set(skipped)):
        count = skipped.count(reason)
        _log.warning("keys of an issuer are not used", issuer=issuer, keys=count, reason=reason)
    return found


def _read_key(jwk: Json) -> tuple[tuple[str, str], VerificationKey]:
    """Return a key by its id and kind; raises ValueError with what is wrong."""
    if not isinstance(jwk, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - of a document, not of a caller
    family, key_id = jwk.get("kty"), jwk.get("kid", "")
    if not isinstance(family, str) or family not in _MEMBERS:
        raise ValueError("its kind (kty) is none for signatures of this server's tokens")
    if any(name in jwk for name in _PRIVATE):
        raise ValueError("it is private, and public with this document")
    if jwk.get("use", "sig") != "sig" or "verify" not in _operations(jwk):
        raise ValueError("it is meant for something else than signatures")
    if not isinstance(key_id, str) or len(key_id) > LONGEST_KEY_ID:
        raise ValueError("its id (kid) is none")
    kind = "RSA" if family == "RSA" else str(jwk.get("crv"))
    if family != "RSA" and kind not in _CURVES[family]:
        raise ValueError("its curve is not supported")
    algorithms = frozenset(_algorithms(kind, jwk.get("alg")))
    if not algorithms:
        raise ValueError("its algorithm (alg) is not allowed, or not one of its kind")
    material = _material(jwk, _MEMBERS[family])
    return (key_id, kind), VerificationKey(algorithms, material, _public(jwk, material))


def _operations(jwk: Document) -> list[Json]:
    operations = jwk.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def _algorithms(kind: str, only: Json) -> Iterator[str]:
    for algorithm, needed in ALGORITHMS.items():
        if needed == kind and only in (None, algorithm):
            yield algorithm


def _material(jwk: Document, names: tuple[str, ...]) -> tuple[str, ...]:
    members = [jwk.get(name) for name in names]
    material = tuple(
        each for each in members if isinstance(each, str) and len(each) <= _LONGEST_MEMBER
    )
    if len(material) != len(names):
        raise ValueError("a member of it is missing, or no text, or too long")
    return (str(jwk["kty"]), *material)


def _public(jwk: Document, material: tuple[str, ...]) -> _PublicKey:
    """Return the key of its public numbers alone; raises ValueError."""
    family = material[0]
    numbers = {name: jwk[name] for name in ("kty", *_MEMBERS[family])}
    try:
        key = _LOADERS[family](json.dumps(numbers))
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        raise ValueError("its numbers are none of its kind") from None
    if isinstance(key, RSAPublicKey) and not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
        raise ValueError(f"it does not have {SMALLEST_RSA} to {LARGEST_RSA} bits")
    if not isinstance(key, _PublicKey):
        raise ValueError("its numbers are none of its kind")  # noqa: TRY004 - as above
    return key
