"""Which addresses lead to this machine alone."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local(domain: str | None) -> bool:
    """Whether names in a domain lead to the machine that looks them up (RFC 6761)."""
    return domain is not None and f".{domain.lower()}".endswith(".localhost")
