"""Keys of an issuer: pairs of every kind, and what an issuer publishes of them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}


@dataclass(frozen=True)
class KeyPair:
    """A key by its id, for one algorithm."""

    kid: str
    algorithm: str
    private: Any

    def public_pem(self) -> bytes:
        """The public key, as people pass it on."""
        pem: bytes = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem

    def sign(self, signed: bytes) -> bytes:
        """The signature over bytes, by the key's algorithm."""
        return get_default_algorithms()[self.algorithm].sign(signed, self.private)

    def jwk(self, *, private: bool = False, **more: Any) -> dict[str, Any]:
        """The key as an issuer publishes it."""
        kinds: Any = get_default_algorithms()[self.algorithm]
        key = self.private if private else self.private.public_key()
        return {**json.loads(kinds.to_jwk(key)), "use": "sig", "kid": self.kid, **more}


def key_pair(kid: str, algorithm: str = "RS256", number: int = 0, bits: int = 2048) -> KeyPair:
    """A key; equal numbers give equal keys, since RSA keys take a while to make."""
    return KeyPair(kid, algorithm, _private(_kind(algorithm), number, bits))


def _kind(algorithm: str) -> str:
    return "RSA" if algorithm[:2] in ("RS", "PS") else algorithm


@cache
def _private(kind: str, number: int, bits: int) -> Any:
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    assert kind == "EdDSA", kind
    return ed25519.Ed25519PrivateKey.generate()


def encoded(data: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_of(header: bytes | dict[str, Any], payload: bytes | dict[str, Any], key: KeyPair) -> str:
    """A signed token of any bytes: what no library would make."""
    parts = [
        encoded(each if isinstance(each, bytes) else json.dumps(each).encode())
        for each in (header, payload)
    ]
    signed = ".".join(parts)
    return f"{signed}.{encoded(key.sign(signed.encode()))}"
