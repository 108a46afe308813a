"""Who may do what on this server: puts together what tells callers and what judges them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kastor.audit import note
from kastor.auth.access import Access
from kastor.auth.access_book import AccessBook
from kastor.auth.policy_file import PolicyFile
from kastor.auth.tokens import TokenStore
from kastor.auth.tokens.notices import TokenNotices
from kastor.auth.watch import LOOK_SECONDS, WatchedFile, watch_files
from kastor.errors import CannotStartError
from kastor.logs import get_logger
from kastor.server.auditing import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from kastor.auth.oidc.way import OidcTokens
    from kastor.auth.policy import Policy
    from kastor.config import Settings
    from kastor.storage.sqlite.folder import DataFolder
    from kastor.vital import Kept, Vitals

_log = get_logger("kastor.auth")


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """One for each process that asks for tokens.

    Attributes:
        authenticator: tells callers.
        tokens: the file of static tokens, where they let in.
        policy: the file that says who may do what, where there is one.
        issuers: those who sign tokens, where these let in.
    """

    authenticator: Access
    tokens: TokenStore | None
    policy: PolicyFile | None = None
    issuers: OidcTokens | None = None

    def book(self) -> AccessBook:
        """Return what may be read of it."""
        ways = {"tokens": self.tokens, "oidc": self.issuers}
        return AccessBook(
            tuple(name for name, way in ways.items() if way is not None),
            None if self.policy is None else self.policy.path.name,
            lambda: self.authenticator.policy,
            tuple if self.tokens is None else self.tokens.principals,
            () if self.issuers is None else self.issuers.issuers,
            self.authenticator.load,
        )

    def policy_now(self) -> Policy:
        """Return what callers may do now."""
        return self.authenticator.policy

    def watch(self, vitals: Vitals) -> list[Kept]:
        """Notice what others change; until what is returned is stopped."""
        if self.policy is not None:
            vitals.watch("policy", self.policy.trouble)
        files = self._files()
        kept = [vitals.keep("access", partial(watch_files, files))] if files else []
        if self.tokens is not None:
            notices = TokenNotices(self.tokens, lambda: self.authenticator.policy.roles)
            kept.append(vitals.keep("token notices", notices.watch))
        if self.issuers is not None:
            kept.append(vitals.repeat("issuers", self.issuers.refresh, LOOK_SECONDS))
            vitals.watch("issuer keys", self.issuers.trouble)
        return kept

    def reload(self) -> list[str]:
        """Read token file and policy again if they have changed, at once.

        Returns:
            What is wrong with them, a text for each; of such a file the state before counts.
        """
        faults: list[str] = []
        for each in (self.tokens, self.policy):
            try:
                if each is not None:
                    each.refresh()
            except CannotStartError as error:
                faults += str(error).splitlines()
        return faults

    def _files(self) -> list[WatchedFile]:
        files = []
        if self.tokens is not None:
            look = partial(_refresh, self.tokens)
            meanwhile = "tokens as before, none is added or revoked"
            files.append(WatchedFile("the token file", meanwhile, look, "tokens"))
        if self.policy is not None:
            meanwhile = "the policy before it counts"
            files.append(WatchedFile("the policy file", meanwhile, self.policy.look, "policy"))
        return files


def make_access(settings: Settings, folder: DataFolder) -> ServerAccess | None:
    """Return what tells callers under these settings; None where nobody is asked.

    Raises:
        CannotStartError: it cannot be read.
    """
    if not settings.asks_who:
        return None
    access = Access()
    policy = None if settings.policy is None else _policy_of(settings.policy, access)
    tokens = None
    if "tokens" in settings.auth:
        tokens = TokenStore(folder.tokens, access.forget)
        access.add(tokens)
    issuers = None
    if "oidc" in settings.auth:
        from kastor.server.issuers import make_issuers  # noqa: PLC0415 - its imports take long

        issuers = make_issuers(settings, access.forget)
        access.add(issuers)
    return ServerAccess(access, tokens, policy, issuers)


def _policy_of(path: Path, access: Access) -> PolicyFile:
    def change(policy: Policy) -> None:
        access.replace_policy(policy)
        note("policy", outcome="loaded", path=str(path), sha256=digest_of(path))
        _log.info("another policy counts from now on", path=str(path), rules=len(policy.rules))

    file = PolicyFile(path, change)
    access.replace_policy(file.policy)
    return file


async def _refresh(tokens: TokenStore) -> None:
    tokens.refresh()
