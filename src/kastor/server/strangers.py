"""Whether strangers are kept away under these settings, and how."""

from __future__ import annotations

from kastor.api.http.origins import StrangerCheck
from kastor.config import Settings, is_loopback


def stranger_check(settings: Settings) -> StrangerCheck | None:
    """Return what keeps strangers away; None where callers are asked for a token."""
    if settings.asks_who:
        return None
    return StrangerCheck(
        any_host=not is_loopback(settings.host),
        public_url=settings.public_url,
        graph_domain=settings.graph_domain,
        trusted_proxies=settings.trusted_proxies,
        origins=settings.cors_origin,
        handed_on=settings.allow_anonymous,
    )
