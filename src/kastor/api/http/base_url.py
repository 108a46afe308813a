"""What absolute links begin with: the address under which the client reaches this server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kastor.config.public_address import read_prefix

if TYPE_CHECKING:
    from kastor.api.http.addressing import Addressed


class BaseUrls:
    """Tells the base address of requests.

    Attributes:
        trusted: addresses of proxies whose X-Forwarded headers count.
        path: of the public address: what a proxy has before the server's own paths.
    """

    def __init__(
        self, public_url: str | None = None, trusted_proxies: Collection[str] = ()
    ) -> None:
        """Prepare.

        Args:
            public_url: the address that clients use; it wins over what a request says.
            trusted_proxies: peers whose X-Forwarded-Host, -Proto and -Prefix count.
        """
        self._public = None if public_url is None else public_url.rstrip("/")
        self.path = urlsplit(self._public).path if self._public else ""
        self._raw_path = self.path.encode()
        self.trusted = frozenset(trusted_proxies)

    def of(
        self,
        scope: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        addressed: Addressed | None = None,
    ) -> str:
        """Return scheme, host, path and what names the graph, without a slash at the end.

        Args:
            scope: of the request.
            headers: of the request, names in lower case.
            addressed: the graph that it is for; None: the server as a whole.
        """
        graph = "" if addressed is None else addressed.prefix
        # A graph that its host name names keeps that name in its links.
        if self._public is not None and (addressed is None or not addressed.by_host):
            return self._public + graph
        scheme: str = scope["scheme"]
        host = headers.get(b"host", b"localhost").decode("latin-1")
        if self.trusted and (scope.get("client") or ("",))[0] in self.trusted:
            scheme = _first(headers.get(b"x-forwarded-proto")) or scheme
            host = _first(headers.get(b"x-forwarded-host")) or host
        if self._public is not None:
            scheme = self._public.partition(":")[0]
        return f"{scheme}://{host}{self.prefix_of(scope, headers)}{graph}"

    def prefix_of(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """Return the path that clients have before the server's own; empty where they have none.

        What a trusted proxy says counts where it can be one, and is none otherwise.
        """
        if self._public is not None:
            return self.path
        if not self.trusted or (scope.get("client") or ("",))[0] not in self.trusted:
            return ""
        return read_prefix(_first(headers.get(b"x-forwarded-prefix"))) or ""

    def without_path(self, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return a request as it is without the path of the public address.

        A proxy may take that off or leave it.
        """
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        end = len(self._raw_path)
        if not raw.startswith(self._raw_path) or raw[end : end + 1] not in (b"", b"/"):
            return scope
        return {**scope, "path": scope["path"][end:] or "/", "raw_path": raw[end:] or b"/"}


def _first(value: bytes | None) -> str:
    """Return the first of a header's values: what the client itself asked for."""
    return (value or b"").partition(b",")[0].strip().decode("latin-1")
