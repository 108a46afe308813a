"""Credentials that the Azure SDKs take, which always answer the same token."""

from __future__ import annotations

import time
from typing import NamedTuple, Self

HOUR_SECONDS = 3_600


class AccessToken(NamedTuple):
    """A token and when it expires, as azure-core has it."""

    token: str
    expires_on: int


class StaticCredential:
    """A `TokenCredential` of azure-core with a fixed token."""

    def __init__(self, token: str = "kastor") -> None:  # noqa: S107 - any text will do
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """Return the token, valid for an hour."""
        return AccessToken(self._token, int(time.time()) + HOUR_SECONDS)


class AsyncStaticCredential:
    """An `AsyncTokenCredential` of azure-core with a fixed token."""

    def __init__(self, token: str = "kastor") -> None:  # noqa: S107
        self._token = token

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """Return the token, valid for an hour."""
        return AccessToken(self._token, int(time.time()) + HOUR_SECONDS)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        """Return self."""
        return self

    async def __aexit__(self, *_details: object) -> None:
        """Nothing to close."""
