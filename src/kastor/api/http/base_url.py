"""What absolute links begin with: the address under which the client reaches this server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kastor.api.http.addressing import Addressed


class BaseUrls:
    """Tells the base address of requests.

    Attributes:
        trusted: addresses of proxies whose X-Forwarded headers count.
    """

    def __init__(
        self, public_url: str | None = None, trusted_proxies: Collection[str] = ()
    ) -> None:
        """Prepare.

        Args:
            public_url: the address that clients use; it wins over what a request says.
            trusted_proxies: peers whose X-Forwarded-Host and X-Forwarded-Proto count.
        """
        self._public = None if public_url is None else public_url.rstrip("/")
        self.trusted = frozenset(trusted_proxies)

    def of(
        self,
        scope: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        addressed: Addressed | None = None,
    ) -> str:
        """Return scheme, host and what names the graph, without a slash at the end.

        Args:
            scope: of the request.
            headers: of the request, names in lower case.
            addressed: the graph that it is for; None: the server as a whole.
        """
        prefix = "" if addressed is None else addressed.prefix
        # A graph that its host name names keeps that name in its links.
        if self._public is not None and (addressed is None or not addressed.by_host):
            return self._public + prefix
        scheme: str = scope["scheme"]
        host = headers.get(b"host", b"localhost").decode("latin-1")
        if self.trusted and (scope.get("client") or ("",))[0] in self.trusted:
            scheme = _first(headers.get(b"x-forwarded-proto")) or scheme
            host = _first(headers.get(b"x-forwarded-host")) or host
        if self._public is not None:
            scheme = self._public.partition(":")[0]
        return f"{scheme}://{host}{prefix}"


def _first(value: bytes | None) -> str:
    """Return the first of a header's values: what the client itself asked for."""
    return (value or b"").partition(b",")[0].strip().decode("latin-1")
