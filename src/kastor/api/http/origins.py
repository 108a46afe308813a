"""Keeps strangers away from a server that asks for no token.

A page in a browser on this machine can reach a loopback server in two ways: under a name of its
own that leads to 127.0.0.1 (DNS rebinding), which the host gives away, and by requests across
origins, whose answers it cannot read but which act. Programs send no Origin.

Other machines reach a loopback server through whatever hands requests on: a proxy, a tunnel, a
forwarded port. Most of these say so in a header.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kastor.config import is_loopback
from kastor.errors import ForwardedNotAllowed, HostNotAllowed, OriginNotAllowed

if TYPE_CHECKING:
    from kastor.api.http.request import Scope

_HANDED_ON = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"x-envoy-external-address",
    }
)
_HANDED_ON_PREFIXES = (b"x-forwarded-", b"x-original-")
_KNOWN_HOSTS, _LONGEST_HOST = 64, 260
_KNOWN_NAMES, _LONGEST_NAME = 256, 64


class StrangerCheck:
    """Which hosts and origins a server without tokens answers to."""

    def __init__(
        self,
        *,
        any_host: bool,
        public_url: str | None = None,
        graph_domain: str | None = None,
        trusted_proxies: Collection[str] = (),
        origins: Collection[str] = (),
        handed_on: bool = False,
    ) -> None:
        """Prepare the check.

        Args:
            any_host: whether the host may be any: other machines reach the server on purpose.
            public_url: the address that clients use.
            graph_domain: the domain whose sub-domains name graphs.
            trusted_proxies: peers whose X-Forwarded-Host is a name of the server, unless
                `public_url` says its only one.
            origins: web origins that may call; `*` is all.
            handed_on: whether requests of proxies are answered.
        """
        self._any_host = any_host
        self._public = "" if public_url is None else urlsplit(public_url).netloc.lower()
        self._public_name = _name_of(self._public)
        self._domain = None if graph_domain is None else graph_domain.lower()
        self._trusted = frozenset(trusted_proxies)
        self._origins = frozenset(origins)
        self._handed_on = handed_on
        # As they were sent, so that what was found sound is known again without being read.
        self._ours: set[bytes] = set()
        self._plain: set[bytes] = set()

    def check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Refuse a request that a stranger or a stranger's page may have sent.

        Args:
            scope: of the request.
            headers: of the request, names in lower case.

        Raises:
            ForwardedNotAllowed: a proxy handed it on.
            HostNotAllowed: it is addressed to a name that the server was not told.
            OriginNotAllowed: a page of another origin sent it.
        """
        if not (self._handed_on or self._plain.issuperset(headers)):
            self._refuse_handed_on(headers)
        sent, origin = headers.get(b"host", b""), headers.get(b"origin")
        if origin is None and (self._any_host or sent in self._ours):
            return
        host = sent.decode("latin-1").lower()
        forwarded = self._forwarded(scope, headers)
        if host and not (self._any_host or host == forwarded or self._is_ours(sent, host)):
            raise HostNotAllowed(
                f"This server asks for no token, so it answers to no host named {host[:260]}: a "
                "web page could have sent this. Name it with --public-url or --graph-domain "
                "together with --allow-anonymous, or use --auth tokens."
            )
        if origin is not None:
            self._check_origin(origin.decode("latin-1"), {host, forwarded, self._public} - {""})

    def _check_origin(self, origin: str, own: set[str]) -> None:
        if "*" in self._origins or origin in self._origins:
            return
        # Without the scheme, which is another one where a proxy ends TLS.
        if origin.lower().partition("://")[2] not in own:
            raise OriginNotAllowed(
                f"A web page of {origin[:260]} sent this, and this server asks for no token. "
                f"Allow it with --cors-origin, or use --auth tokens."
            )

    def _forwarded(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        if self._public or (scope.get("client") or ("",))[0] not in self._trusted:
            return ""
        value = headers.get(b"x-forwarded-host", b"").partition(b",")[0]
        return value.strip().decode("latin-1").lower()

    def _is_ours(self, sent: bytes, host: str) -> bool:
        if sent in self._ours:
            return True
        name = _name_of(host)
        if is_loopback(name) or name.endswith(".localhost") or name == self._public_name:
            is_ours = bool(name)
        else:
            is_ours = self._domain is not None and f".{name}".endswith(f".{self._domain}")
        if (
            is_ours and len(self._ours) < _KNOWN_HOSTS and len(sent) <= _LONGEST_HOST
        ):  # reading an address takes long
            self._ours.add(sent)
        return is_ours

    def _refuse_handed_on(self, names: Iterable[bytes]) -> None:
        for name in names:
            if name in _HANDED_ON or name.startswith(_HANDED_ON_PREFIXES):
                raise ForwardedNotAllowed(
                    f"A proxy handed this request on (header {name.decode('latin-1')[:80]}), and "
                    "this server asks for no token because it was to serve this machine alone. "
                    "Start it with --auth tokens (make one with `kastor token create`), or with "
                    "--allow-anonymous if everybody whom the proxy lets through may read and write."
                )
            if len(self._plain) < _KNOWN_NAMES and len(name) <= _LONGEST_NAME:
                self._plain.add(name)


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
