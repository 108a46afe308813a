"""What a client shows to the other side: a token, or something that makes tokens."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

SCOPE = "https://digitaltwins.azure.net/.default"
_EARLY = 120.0
"""Seconds before its end at which a token is replaced."""


class ExpiringToken(Protocol):
    """A token with its end, as `azure.core.credentials` has it."""

    @property
    def token(self) -> str:
        """The token."""

    @property
    def expires_on(self) -> int:
        """Seconds since 1970."""


class TokenCredential(Protocol):
    """What `azure-identity` gives; its asynchronous ones too."""

    def get_token(self, *scopes: str) -> Any:  # any: an ExpiringToken, or an awaitable of one
        """Return a token for scopes."""


Credential: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]] | TokenCredential
"""A token; or what returns one, asked at each request; or a credential of `azure-identity`."""


class TokenSource:
    """The token of each request; those of credentials are kept until shortly before their end."""

    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential
        self._kept = ""
        self._until = 0.0

    def next(self) -> str | None:
        """Return the token to send, or None.

        Raises:
            TypeError: the credential is one of asyncio.
            ValueError: a token with characters that no header carries.
        """
        found = self._ask()
        if inspect.isawaitable(found):
            if inspect.iscoroutine(found):
                found.close()
            raise TypeError("This credential is asynchronous: use it with AsyncKastorClient.")
        return self._keep(found)

    async def next_awaited(self) -> str | None:
        """Return the token to send, as `next`, also of an asynchronous credential."""
        found = self._ask()
        return self._keep(await found if inspect.isawaitable(found) else found)

    def _ask(self) -> Any:
        if self._credential is None or isinstance(self._credential, str):
            return self._credential
        if hasattr(self._credential, "get_token"):
            if self._kept and time.time() < self._until:
                return self._kept
            return self._credential.get_token(SCOPE)
        return self._credential()

    def _keep(self, found: Any) -> str | None:
        if found is None or found == "":
            return None
        if not isinstance(found, str):
            self._kept, self._until = found.token, found.expires_on - _EARLY
            found = self._kept
        token: str = found
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("The token has characters that no token has.")
        return token
