"""Where connections may go: names are resolved here, and their addresses checked.

Whoever connects goes to the address that was checked, and not to the name: one that resolves
differently a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.outside.bounds import EndpointPolicy


class AddressRefusedError(ConnectionError):
    """A name leads to addresses alone that may not be reached."""


async def allowed_addresses(host: str, port: int, policy: EndpointPolicy) -> list[str]:
    """Return the addresses of a host that may be reached, at least one.

    Raises:
        AddressRefusedError: it has none.
        OSError: the name cannot be resolved.
    """
    try:
        found = await in_own_thread(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _unresolved(host, error) from None
    return _allowed(host, found, policy)


def connect_allowed(host: str, port: int, policy: EndpointPolicy, seconds: float) -> socket.socket:
    """Return a connection to a host that may be reached; for threads, since it waits.

    Args:
        host: name or address.
        port: of TCP.
        policy: what may be reached.
        seconds: that each address gets to answer.

    Raises:
        AddressRefusedError: it may not be reached.
        OSError: there is no connection.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _unresolved(host, error) from None
    failure: OSError | None = None
    for address in _allowed(host, found, policy):
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            failure = error
    raise failure or ConnectionError(f"{host} has no address")


def _allowed(host: str, found: Sequence[Any], policy: EndpointPolicy) -> list[str]:
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [each for each in addresses if policy.allows(ipaddress.ip_address(each))]
    if not allowed:
        at = addresses[0] if addresses else "no address"
        raise AddressRefusedError(
            f"{host} is at {at}, and endpoints and inputs may not reach private, loopback and "
            "link-local addresses unless the server's settings allow it (private_addresses)"
        )
    return allowed


def _unresolved(host: str, error: Exception) -> OSError:
    reason = getattr(error, "strerror", None) or "it is no name"
    return ConnectionError(f"{host} cannot be resolved: {reason}")
