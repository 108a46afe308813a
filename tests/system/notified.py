"""What a service manager is told: the socket that systemd would listen to."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class Manager:
    """Takes notifications until its end.

    Attributes:
        told: each datagram, as its lines.
    """

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.told: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def states(self) -> list[str]:
        """The first line of each, signs of life aside."""
        return [lines[0] for lines in self.told if lines != ["WATCHDOG=1"]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        while data := self._socket.recv(4096):
            self.told.append(data.decode().splitlines())
