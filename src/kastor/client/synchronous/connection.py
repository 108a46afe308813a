# Made from `asynchronous` by `python3 dev client`; do not edit.
"""The connections to one address, and what it announces: shared by all that is called there."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from threading import Lock

import httpx2

from kastor.client.address import Address
from kastor.client.errors import UnsendableError
from kastor.client.features import Announced

_CONNECT_SECONDS = 10.0
_MOST_CONNECTIONS = 64
_IDLE_SECONDS = 2.0
"""Servers close a connection that was idle for some seconds; one that is used at that very moment
would leave a write in doubt."""
FRESH_SECONDS = 60.0
"""What was announced is asked for again after this: servers are replaced by others."""


class HttpConnections:
    """Connections that are made when the first call needs them.

    Threads and tasks may share one.
    """

    def __init__(self, address: Address, ca_file: Path | str | None, seconds: float) -> None:
        """Make none yet.

        Raises:
            OSError: the file of certificates cannot be read, or holds none.
        """
        self._address, self._seconds = address, seconds
        self._lock = Lock()
        self._http: httpx2.Client | None = None
        self._is_closed = False
        self._trust = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
        self._announced: tuple[Announced, float] | None = None

    def http(self) -> httpx2.Client:
        """Return what sends.

        Raises:
            UnsendableError: the client is closed.
        """
        with self._lock:
            if self._is_closed:
                raise UnsendableError("This client is closed.")
            if self._http is None:
                self._http = self._made()
            return self._http

    def announced(self, *, younger_than: float = FRESH_SECONDS) -> Announced | None:
        """Return what was announced no longer ago than so many seconds; None if nothing was."""
        if self._announced is None or time.monotonic() - self._announced[1] > younger_than:
            return None
        return self._announced[0]

    def note(self, announced: Announced) -> None:
        """Keep what was announced."""
        self._announced = announced, time.monotonic()

    def close(self) -> None:
        """Close all connections, for good."""
        with self._lock:
            http, self._http, self._is_closed = self._http, None, True
        if http is not None:
            http.close()

    def _made(self) -> httpx2.Client:
        limits = httpx2.Limits(
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
        )
        return httpx2.Client(
            timeout=httpx2.Timeout(self._seconds, connect=_CONNECT_SECONDS),
            limits=limits,
            verify=self._verified(),
            trust_env=not self._address.is_local,
        )

    def _verified(self) -> ssl.SSLContext | bool:
        """Return whom to trust; reading the certificates of this machine takes a while."""
        if self._trust is not None:
            return self._trust
        is_plain = self._address.is_local and self._address.graph.startswith("http:")
        return False if is_plain else ssl.create_default_context()
