"""Who may do what on this server: puts together what tells callers and what judges them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kastor.auth.access import Access
from kastor.auth.tokens import TokenStore
from kastor.auth.watch import LOOK_SECONDS, watch_tokens

if TYPE_CHECKING:
    from kastor.auth.oidc.way import OidcTokens
    from kastor.config import Settings
    from kastor.storage.sqlite.folder import DataFolder
    from kastor.vital import Kept, Vitals


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """One for each process that asks for tokens.

    Attributes:
        authenticator: tells callers.
        tokens: the file of static tokens, where they let in.
        issuers: those who sign tokens, where these let in.
    """

    authenticator: Access
    tokens: TokenStore | None
    issuers: OidcTokens | None

    def watch(self, vitals: Vitals) -> list[Kept]:
        """Notice what others change; until what is returned is stopped."""
        kept = []
        if self.tokens is not None:
            kept.append(vitals.keep("tokens", partial(watch_tokens, self.tokens)))
        if self.issuers is not None:
            kept.append(vitals.repeat("issuers", self.issuers.refresh, LOOK_SECONDS))
        return kept


def make_access(settings: Settings, folder: DataFolder) -> ServerAccess | None:
    """Return what tells callers under these settings; None where nobody is asked.

    Raises:
        CannotStartError: it cannot be read.
    """
    if not settings.asks_who:
        return None
    access = Access()
    tokens = None
    if "tokens" in settings.auth:
        tokens = TokenStore(folder.tokens, access.forget)
        access.add(tokens)
    issuers = None
    if "oidc" in settings.auth:
        from kastor.server.issuers import make_issuers  # noqa: PLC0415 - its imports take long

        issuers = make_issuers(settings, access.forget)
        access.add(issuers)
    return ServerAccess(access, tokens, issuers)
