"""HTTP connections to addresses that the operator allows, and to no others.

How addresses are checked is in `addresses`; here stands what httpx2 has to be told.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from kastor.outside.addresses import AddressRefusedError, allowed_addresses
from kastor.outside.bounds import EndpointPolicy
from kastor.types import override


class AddressRefused(httpcore2.ConnectError):
    """A name leads to addresses that may not be reached alone."""


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport with a pool that connects through the guard."""

    def __init__(self, context: ssl.SSLContext, policy: EndpointPolicy, connections: int) -> None:
        super().__init__(verify=context, trust_env=False)
        # The transport has no parameter for the network; a test fails should this attribute move.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30.0,
            network_backend=_GuardedNetwork(policy),
        )


class _GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses."""

    def __init__(self, policy: EndpointPolicy) -> None:
        self._policy = policy
        self._network = httpcore2.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check, and connect to the first address that answers."""
        failure: Exception | None = None
        for address in await self._allowed(host, port):
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def _allowed(self, host: str, port: int) -> list[str]:
        try:
            return await allowed_addresses(host, port, self._policy)
        except AddressRefusedError as error:
            raise AddressRefused(str(error)) from None
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from None
