"""Who may sign tokens, and for whom they have to be meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer that the operator trusts.

    Attributes:
        url: its name, exactly as its tokens have it in `iss`.
        audiences: of which a token has to name one in `aud`.
        jwks_uri: where its keys are; empty: its discovery document says so.
        name: for people, in the history beside the ids of its callers.
    """

    url: str
    audiences: tuple[str, ...]
    jwks_uri: str = ""
    name: str = ""

    @property
    def discovery_url(self) -> str:
        """Where its discovery document is (OpenID Connect Discovery 1.0, section 4)."""
        return f"{self.url.removesuffix('/')}/.well-known/openid-configuration"

    @property
    def taken_audiences(self) -> frozenset[str]:
        """What `aud` may be: of URLs both forms, since clients ask for either."""
        both = {
            form
            for each in self.audiences
            if "://" in each
            for form in (each.rstrip("/"), each.rstrip("/") + "/")
        }
        return frozenset(both.union(self.audiences))
