"""Issuers whose tokens let in, as settings name them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kastor.config.hosts import is_loopback

SCOPE = "openid profile"
SCOPE_PATTERN = r"^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$"
"""Words as RFC 6749 has them, section 3.3."""
LONGEST_SCOPE = 1_000


class IssuerSettings(BaseModel):
    """An issuer whose tokens let in, as `[[issuers]]` of the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    audience: Annotated[tuple[str, ...], Field(min_length=1)]
    name: Annotated[str, Field(max_length=70)] = ""
    client_id: str | None = None
    scope: Annotated[str, Field(pattern=SCOPE_PATTERN, max_length=LONGEST_SCOPE)] = SCOPE
    jwks_uri: str | None = None
    ca_file: Path | None = None

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def _be_on_the_web(cls, value: str | None) -> str | None:
        if value is not None:
            check_issuer(value)
        return value

    @field_validator("audience")
    @classmethod
    def _be_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(each.strip() and each != "*" for each in value):
            raise ValueError("Name each audience; there is no word for any.")
        return value


def check_issuer(url: str) -> None:
    """Refuse a URL that can be no issuer's, or over which others could sign; raises ValueError."""
    parts = urlsplit(url)
    _ = parts.port  # raises where it is none
    extra = parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise ValueError(
            "Give an issuer's URL as its tokens have it, such as "
            "https://login.example.org/realms/plant."
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            f"{url} could be answered by anybody in between. Give an https URL; http is for "
            "issuers on this machine."
        )
