"""Who counts as one client where the server bounds what each of them may have."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from kastor.api.http.client_address import client_address
from kastor.auth.actors import ANONYMOUS, Actor

_NETWORK_BITS = 64


def client_of(
    actor: Actor,
    scope: Mapping[str, Any],
    headers: Mapping[bytes, bytes],
    trusted: Collection[str],
) -> str:
    """Return what a caller is counted by: the id of whoever the token names, else the address.

    Anonymous clients are told apart by address, so that one machine cannot take the places of all
    others.

    Args:
        actor: who asks.
        scope: of the request.
        headers: of the request, names in lower case.
        trusted: addresses of proxies that are believed.
    """
    return actor.id if actor is not ANONYMOUS else address_of(scope, headers, trusted)


def address_of(
    scope: Mapping[str, Any], headers: Mapping[bytes, bytes], trusted: Collection[str]
) -> str:
    """Return what the address of a request's client is counted by, see `network_of`."""
    return network_of(client_address(scope, headers, trusted))


@lru_cache(maxsize=1_024)
def network_of(address: str) -> str:
    """Return an address, of IPv6 its network of 64 bits.

    A machine has as many addresses of IPv6 as it likes. What stands for one of IPv4 is that, as
    where a server listens to both on one socket.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
