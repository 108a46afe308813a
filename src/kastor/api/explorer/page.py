"""The page of the explorer, and what a browser may do with it."""

from __future__ import annotations

import re
import secrets
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kastor.api.http.request import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.api.http.request import Headers

PREFIX = b"/explorer"
"""Where all of it stands."""
BASE = b"__BASE__"
NONCE = b"__NONCE__"
"""What stands in the built page for its address and for the word that lets its styles in."""

HTML = (b"content-type", b"text/html; charset=utf-8")
ALONE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""Headers of everything below /explorer."""
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::\d{1,5})?")


def new_nonce() -> str:
    """Return a word for the styles of one answer."""
    return secrets.token_urlsafe(18)


def origins_of(issuers: Iterable[str]) -> list[str]:
    """Return the origins of issuers, each once, as a policy can name them.

    A policy's words end at blanks and semicolons, so that what is no plain origin is left out.
    """
    parts = (urlsplit(each) for each in issuers)
    found = dict.fromkeys(f"{each.scheme}://{each.netloc}" for each in parts)
    return [each for each in found if _ORIGIN.fullmatch(each)]


def policy(nonce: str, origins: Iterable[str] = ()) -> str:
    """Return the content security policy of the page.

    Args:
        nonce: of its styles.
        origins: where it may sign in.
    """
    connect = " ".join(("'self'", *origins))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            f"connect-src {connect}",
            "worker-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'none'",
            "base-uri 'self'",
        )
    )


def page(text: bytes, base: str, origins: Iterable[str]) -> Response:
    """Return the page.

    Args:
        text: as it was built.
        base: path that its relative addresses begin with.
        origins: where it may sign in.
    """
    nonce = new_nonce()
    body = text.replace(BASE, escape(base).encode()).replace(NONCE, nonce.encode())
    headers = [
        *ALONE,
        (b"cache-control", b"no-cache"),
        (b"content-security-policy", policy(nonce, origins).encode()),
    ]
    return Response(200, body, headers, HTML)
