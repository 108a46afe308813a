"""What a server does with tokens, by a clock that tests move on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kastor.auth.access import Access
from kastor.auth.oidc.issuers import Issuer as Trusted
from kastor.auth.oidc.way import OidcTokens
from kastor.outside.issuer_documents import IssuerDocuments
from tests.logged import logged

from .issuer import APPLICATION, AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, TypeVar

    from kastor.auth.actors import Principal

    T = TypeVar("T")


class World:
    """Trusts issuers, with the fetcher of a server.

    Attributes:
        now: what its clock shows, in seconds.
        changes: how often it said that other keys count.
        log: what was logged meanwhile.
        access: what asks it for callers, and keeps verdicts.
    """

    def __init__(self, *urls: str, audiences: tuple[str, ...] = (AUDIENCE, APPLICATION)) -> None:
        self.now = 1_000.0
        self.changes = 0
        self.log: list[dict[str, Any]] = []
        self.access = Access()
        self._loop = asyncio.Runner()
        trusted = [Trusted(url, audiences, name=url.partition("://")[2]) for url in urls]
        self.way = OidcTokens(
            [(each, IssuerDocuments(each.url).fetch) for each in trusted],
            self._note_change,
            lambda: self.now,
        )
        self.access.add(self.way)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop of this world."""
        with logged() as entries:
            result = self._loop.run(work)
        self.log += entries
        return result

    def who(self, token: str) -> Principal | None:
        """Whom a token is of."""
        assert self.way.takes(token)
        return self.run(self.way.identify(token))

    def refresh(self, seconds: float = 0.0) -> None:
        """Let time pass, and what looks after the keys do so once."""
        self.now += seconds
        self.run(self.way.refresh())

    def reasons(self) -> list[str]:
        """Why tokens were refused, in order."""
        return [each["reason"] for each in self.log if each["event"] == "a token was refused"]

    def reason(self, token: str) -> str:
        """Why a token is refused that has to be."""
        self.now += 61.0  # each reason is told once a minute
        before = len(self.reasons())
        assert self.who(token) is None
        (told,) = self.reasons()[before:]
        return told

    def close(self) -> None:
        """End its loop."""
        self._loop.close()

    def _note_change(self) -> None:
        self.changes += 1
        self.access.forget()
