"""The issuers of a server's settings, and what fetches their documents."""

from __future__ import annotations

from collections.abc import Callable

from kastor.auth.oidc.documents import FetchDocument
from kastor.auth.oidc.issuers import Issuer
from kastor.auth.oidc.way import OidcTokens
from kastor.config import IssuerSettings, Settings
from kastor.hosting.limits import endpoint_policy
from kastor.outside.issuer_documents import IssuerDocuments


def make_issuers(settings: Settings, on_change: Callable[[], None]) -> OidcTokens:
    """Return what tells callers by the tokens of the settings' issuers; none is asked yet.

    Args:
        settings: of the server.
        on_change: called when other keys of an issuer count from now on.
    """
    private = endpoint_policy(settings).private_addresses
    pairs = [_prepare(each, private_addresses=private) for each in settings.all_issuers]
    return OidcTokens(pairs, on_change)


def _prepare(given: IssuerSettings, *, private_addresses: bool) -> tuple[Issuer, FetchDocument]:
    name = given.name or given.issuer.partition("://")[2].rstrip("/")
    documents = IssuerDocuments(
        given.issuer,
        given.jwks_uri or "",
        ca_file=given.ca_file,
        private_addresses=private_addresses,
    )
    issuer = Issuer(given.issuer, given.audience, given.jwks_uri or "", name)
    return issuer, documents.fetch
