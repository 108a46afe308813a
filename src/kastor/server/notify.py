"""Tells systemd how the service is doing: `sd_notify`, a line to a datagram socket.

The protocol is a promise of systemd's (sd_notify(3)) and takes a few lines. The libraries that
speak it need its C headers to be installed, or have had no release for years.

Nothing here raises or waits: that nobody is told is no reason not to serve.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

MICROSECONDS = 1_000_000


class Notifier:
    """Tells whoever started the service; without an address it tells nobody.

    Attributes:
        watchdog_seconds: within which the service has to give a sign of life; None: nobody waits.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        """Prepare; nothing is told yet.

        Args:
            variables: of the environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
        """
        found = variables or {}
        self._address = _address_of(found.get("NOTIFY_SOCKET", ""))
        self.watchdog_seconds = _watchdog_of(found) if self._address else None

    def ready(self, status: str) -> None:
        """Tell that it serves, or serves again after it has read its configuration."""
        self._tell("READY=1", f"STATUS={status}")

    def starting(self, status: str, more_seconds: float) -> None:
        """Tell what the start waits for, and that it takes so much longer."""
        self._tell(f"STATUS={status}", f"EXTEND_TIMEOUT_USEC={int(more_seconds * MICROSECONDS)}")

    def reloading(self) -> None:
        """Tell that the configuration is read again; `ready` ends it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=Reading the configuration again")

    def stopping(self, status: str) -> None:
        """Tell that the end has begun."""
        self._tell("STOPPING=1", f"STATUS={status}")

    def alive(self) -> None:
        """Give the sign of life that a watchdog waits for."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # A status is one line; what follows a line break would be another assignment.
        text = "\n".join(" ".join(line.splitlines()) for line in lines)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(errors="replace"), self._address)
        except OSError:  # nobody reads, or it is gone
            return


def _address_of(text: str) -> str:
    """Return the socket's address; those that begin with @ are abstract, and no files."""
    if not hasattr(socket, "AF_UNIX") or not text.startswith(("/", "@")):
        return ""
    return f"\0{text[1:]}" if text.startswith("@") else text


def _watchdog_of(variables: Mapping[str, str]) -> float | None:
    whose, text = variables.get("WATCHDOG_PID", ""), variables.get("WATCHDOG_USEC", "")
    if not text.isdecimal() or not int(text) or whose not in ("", str(os.getpid())):
        return None
    return int(text) / MICROSECONDS
