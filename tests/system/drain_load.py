"""Clients that write without a pause while a server ends, and what each of them was told."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

import httpx2

from .program import PART, ROOM, VERSION, room


@dataclass
class DrainLoad:
    """Threads with a connection each, used for as long as the server lets them.

    Attributes:
        acknowledged: per twin, the last value that was acknowledged.
        outcomes: how often each status came; `broken`: a request had no answer.
        closings: answers that said `Connection: close`.
    """

    address: tuple[str, int]
    acknowledged: dict[str, int] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    closings: int = 0
    faults: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        host, port = self.address
        made = httpx2.post(f"http://{host}:{port}/models?{VERSION}", json=[ROOM, PART])
        assert made.status_code == 201

    def start(self, clients: int = 8) -> None:
        self._threads = [
            threading.Thread(target=self._write, args=(f"load{n}",)) for n in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def lost(self, stored: dict[str, int]) -> list[str]:
        """The twins that have less than what was acknowledged."""
        return [each for each, value in self.acknowledged.items() if stored.get(each, 0) < value]

    def _write(self, name: str) -> None:
        value = 0
        while True:
            try:
                connection = socket.create_connection(self.address, timeout=20)
            except ConnectionRefusedError:
                return
            with connection:
                for number in count():
                    value += 1
                    began = time.monotonic()
                    outcome, stays = self._put(connection, name, value)
                    self.outcomes[outcome] += 1
                    if outcome == "broken":
                        took = time.monotonic() - began
                        self.faults[-1] += f" as number {number} of its connection, {took:.3f} s"
                    if outcome == "200":
                        self.acknowledged[name] = value
                    if not stays:
                        break

    def _put(self, connection: socket.socket, name: str, value: int) -> tuple[str, bool]:
        body = json.dumps(room(value)).encode()
        head = f"PUT /digitaltwins/{name}?{VERSION} HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            connection.sendall(head.encode() + body)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.faults.append(f"{name} {value}: {error!r}")
            return "broken", False
        closes = (answer.getheader("connection") or "").lower() == "close"
        self.closings += closes
        return str(answer.status), not closes
