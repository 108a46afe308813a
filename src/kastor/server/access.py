"""Who may do what on this server: puts together what tells callers and what judges them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kastor.auth.access import Access
from kastor.auth.tokens import TokenStore
from kastor.auth.watch import watch_tokens
from kastor.errors import CannotStartError

if TYPE_CHECKING:
    from kastor.config import Settings
    from kastor.storage.sqlite.folder import DataFolder
    from kastor.vital import Kept, Vitals


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """One for each process that asks for tokens.

    Attributes:
        authenticator: tells callers.
        tokens: the file of static tokens, where they let in.
    """

    authenticator: Access
    tokens: TokenStore | None

    def reload(self) -> list[str]:
        """Read again what says who may do what; return what is wrong, which changes nothing."""
        faults = []
        if self.tokens is not None:
            try:
                self.tokens.refresh()
            except CannotStartError as error:
                faults.append(str(error))
        self.authenticator.forget()
        return faults

    def watch(self, vitals: Vitals) -> list[Kept]:
        """Notice what others change; until what is returned is stopped."""
        if self.tokens is None:
            return []
        return [vitals.keep("tokens", partial(watch_tokens, self.tokens))]


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
    return ServerAccess(access, tokens)
