"""Who tells the caller of a request, and where a request has its token."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from kastor.auth.actors import Actor
from kastor.auth.roles import Permission

LONGEST_TOKEN = 16_384
"""Characters; those of issuers that list a caller's groups have some thousands."""


class Authenticator(Protocol):
    """Tells callers by their tokens; asked once for each request that needs it."""

    def seen(self, token: str) -> Actor | None:
        """Return who holds a token, if that is known without waiting."""
        ...

    async def authenticate(self, token: str) -> Actor | None:
        """Return who holds a token; None: nobody known.

        Raises:
            Unavailable: that cannot be told now.
        """
        ...

    async def until_lost(self, token: str, permissions: Collection[Permission], graph: str) -> None:
        """Return when a token is no longer valid, or lacks one of the permissions on a graph."""
        ...


def bearer_token(headers: Mapping[bytes, bytes]) -> str:
    """Return the token of a request, empty where it has none or one that is too long."""
    header = headers.get(b"authorization", b"")
    token = header[7:]
    if header[:7] != b"Bearer ":  # as nearly everybody writes it; others take a little longer
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer":
            return ""
    return "" if len(token) > LONGEST_TOKEN else token.strip().decode("latin-1")
