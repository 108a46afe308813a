"""What a client shows to the other side: a token, or something that makes tokens."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from kastor.client.address import Address
from kastor.client.errors import CredentialError

SCOPE = "https://digitaltwins.azure.net/.default"
_EARLY = 120.0
"""Seconds before its end at which a token is replaced."""
_MOST_EARLY = 0.5
"""The same, as the part of a token's life that it may be: some live no longer than that."""


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
    """The token of each request; those of credentials are kept until shortly before their end.

    Threads and tasks may share one; two that ask at the same moment may both ask the credential.
    """

    def __init__(self, credential: Credential | None, address: Address) -> None:
        """Take what makes tokens.

        Raises:
            CredentialError: a credential of Microsoft Entra, or a token for Azure, that would
                cross the network without TLS.
        """
        self._credential = credential
        self._kept: tuple[str, float] | None = None
        is_entra = hasattr(credential, "get_token") or (address.is_azure and credential is not None)
        if address.is_open and is_entra:
            raise CredentialError(
                "A token of Microsoft Entra is not sent without TLS. Give the server's address "
                "with https, or a token of the server itself."
            )

    def next(self) -> str | None:
        """Return the token to send, or None.

        Raises:
            CredentialError: there is none to be had, it is one of asyncio, or it has characters
                that no header carries.
        """
        if (found := self._known()) is not None:
            return found
        try:
            asked = self._ask()
        except Exception as error:
            raise _no_token(error) from error
        if inspect.isawaitable(asked):
            if inspect.iscoroutine(asked):
                asked.close()
            raise CredentialError("This credential is asynchronous: use it with AsyncKastorClient.")
        return self._keep(asked)

    async def next_awaited(self) -> str | None:
        """Return the token to send, as `next`, also of an asynchronous credential.

        One that waits is asked in a thread, so that nothing else has to wait for it.
        """
        if (found := self._known()) is not None:
            return found
        try:
            asked = self._ask() if self._is_quick() else await asyncio.to_thread(self._ask)
            asked = await asked if inspect.isawaitable(asked) else asked
        except Exception as error:
            raise _no_token(error) from error
        return self._keep(asked)

    def _known(self) -> str | None:
        """Return a token that was given, or is young enough; None where one has to be asked for."""
        if self._kept is not None and time.time() < self._kept[1]:
            return self._kept[0]
        return None

    def _is_quick(self) -> bool:
        asked = getattr(self._credential, "get_token", self._credential)
        return not callable(asked) or inspect.iscoroutinefunction(asked)

    def _ask(self) -> Any:
        if self._credential is None or isinstance(self._credential, str):
            return self._credential
        if hasattr(self._credential, "get_token"):
            return self._credential.get_token(SCOPE)
        return self._credential()

    def _keep(self, found: Any) -> str | None:
        if found is None or found == "":
            return None
        if isinstance(found, str):
            return _sendable(found)
        token, until = getattr(found, "token", None), getattr(found, "expires_on", None)
        if not isinstance(token, str) or not isinstance(until, int | float):
            raise CredentialError("The credential returned nothing that is a token.")
        left = max(0.0, until - time.time())
        self._kept = _sendable(token), until - min(_EARLY, _MOST_EARLY * left)
        return self._kept[0]


def _sendable(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CredentialError("The token has characters that no token has.")
    return token


def _no_token(error: Exception) -> CredentialError:
    told = str(error).strip() or type(error).__name__
    return CredentialError(f"There is no token to be had: {told}")
