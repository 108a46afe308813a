"""Which address a request comes from; a proxy is believed only where it is a trusted one."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any

_MOST_HOPS = 32


def peer_of(scope: Mapping[str, Any]) -> str:
    """Return the address of the other end of the connection; empty where it has none."""
    peer: str = (scope.get("client") or ("",))[0]
    return peer


def client_address(
    scope: Mapping[str, Any], headers: Mapping[bytes, bytes], trusted: Collection[str]
) -> str:
    """Return the address of the client.

    Each proxy adds at the end of X-Forwarded-For whom it got the request from, so what is there is
    read from its end, as far as trusted ones wrote it; anybody may have written the rest.

    Args:
        scope: of the request.
        headers: of the request, names in lower case.
        trusted: addresses of proxies that are believed.
    """
    address = peer_of(scope)
    if not trusted or address not in trusted:
        return address
    said = headers.get(b"x-forwarded-for", b"").decode("latin-1").rsplit(",", _MOST_HOPS)
    for each in reversed(said):
        found = _address(each.strip())
        if found is None:
            break
        address = found
        if address not in trusted:
            break
    return address


def _address(text: str) -> str | None:
    """Return an address without its port; None for what is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
