"""The documents of an issuer: where its keys are, and the keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from kastor.auth.oidc.issuers import Issuer
from kastor.auth.oidc.token_form import TokenRefused, read_json

FetchDocument: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Returns what a URL answers, bounded in bytes and time; raises DocumentError.

Of one issuer: where it may connect to is decided by who makes it."""
_LONGEST_URL = 2_048


class DocumentError(Exception):
    """A document of an issuer cannot be had, or is none; the message says why."""


async def find_keys(issuer: Issuer, fetch: FetchDocument) -> str:
    """Return where the keys of an issuer are.

    Raises:
        DocumentError: it cannot be told.
    """
    if issuer.jwks_uri:
        return issuer.jwks_uri
    text = await fetch(issuer.discovery_url)
    try:
        document = read_json(text)
    except TokenRefused:
        raise DocumentError("the discovery document is no JSON that can be read") from None
    if not isinstance(document, dict):
        raise DocumentError("the discovery document is no JSON object")
    named, where = document.get("issuer"), document.get("jwks_uri")
    if named != issuer.url:
        said = named[:200] if isinstance(named, str) else "nobody"
        raise DocumentError(
            f"the discovery document is one of {said}; the issuer has to be set exactly so"
        )
    if not isinstance(where, str) or len(where) > _LONGEST_URL or not _is_url(where):
        raise DocumentError("the discovery document has no usable jwks_uri")
    return where


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
