"""The address of a graph: what is accepted as one, and what is reached without a proxy."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from kastor.client.calls import segments

AZURE_HOSTS = ".digitaltwins.azure.net"
_GRAPH = re.compile(r"/graphs/[^/]+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a graph is.

    Attributes:
        graph: the URL that the paths of the contract are put behind; no slash at its end.
        server: the same of the server, which has `/kastor/v1/graphs`.
        is_local: whether it is on this machine, so that no proxy is asked.
    """

    graph: str
    server: str
    is_local: bool

    @property
    def is_open(self) -> bool:
        """Whether what is sent there crosses the network without TLS."""
        return self.graph.startswith("http:") and not self.is_local

    @property
    def is_azure(self) -> bool:
        """Whether it is an instance of Azure Digital Twins."""
        return (urlsplit(self.graph).hostname or "").endswith(AZURE_HOSTS)


def read_address(url: str) -> Address:
    """Return the address that a URL names; a host name alone, as of ADT, is https.

    Raises:
        ValueError: with a sentence for people; a password in the URL is not shown.
    """
    text = url.strip()
    text = (text if "://" in text else f"https://{text}").rstrip("/")
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not text.isprintable() or " " in text:
        raise ValueError("The address of the server must be http://HOST or https://HOST.")
    if parts.username is not None:
        raise ValueError(
            "The address of the server has a user in it; give a token as the credential."
        )
    if parts.query or parts.fragment:
        raise ValueError("The address of the server ends before the first ? or #.")
    return Address(text, _GRAPH.sub("", text), _is_local(parts.hostname or ""))


def in_graph(address: Address, name: str) -> Address:
    """Return the address of another graph of the same server.

    Raises:
        UnsendableError: a name that no address can carry.
    """
    graph = f"{address.server}/graphs{segments(name)}"
    return Address(graph, address.server, address.is_local)


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
