"""A small HTTP/1.1 load driver: keep-alive connections, one request in flight on each.

Run as a process of its own, so that its own work is not counted as the server's.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import cast


@dataclass
class Plan:
    """What to send: requests are taken in turn by the connections."""

    host: str
    port: int
    requests: list[bytes]
    connections: int = 32
    seconds: float = 3.0


@dataclass
class Tally:
    count: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    def __init__(self, plan: Plan, tally: Tally, first: int, end: float) -> None:
        self.plan, self.tally, self.next, self.end = plan, tally, first, end
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        requests = self.plan.requests
        self.sent = time.perf_counter()
        self.transport.write(requests[self.next % len(requests)])
        self.next += self.plan.connections

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self.buffer[:head].lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < head + 4 + length:
            return
        now = time.perf_counter()
        status = self.buffer[9:12].decode()
        self.tally.count += 1
        self.tally.statuses[status] = self.tally.statuses.get(status, 0) + 1
        self.tally.latencies.append(now - self.sent)
        self.buffer = b""
        if now > self.end:
            self.transport.close()
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(error)


async def drive(plan: Plan) -> Tally:
    tally, loop = Tally(), asyncio.get_running_loop()
    end = time.perf_counter() + plan.seconds
    clients = [
        (await loop.create_connection(partial(Client, plan, tally, n, end), plan.host, plan.port))[
            1
        ]
        for n in range(plan.connections)
    ]
    await asyncio.gather(*(client.done for client in clients))
    return tally


def main() -> None:
    """Read a plan as JSON from stdin, print the tally as JSON."""
    given = json.load(sys.stdin)
    given["requests"] = [text.encode("latin-1") for text in given["requests"]]
    plan = Plan(**given)
    started = time.perf_counter()
    tally = asyncio.run(drive(plan))
    latencies = sorted(tally.latencies)
    quantile = {
        name: latencies[min(len(latencies) - 1, int(len(latencies) * q))] * 1000
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    elapsed = time.perf_counter() - started
    print(
        json.dumps(
            {"count": tally.count, "seconds": elapsed, "statuses": tally.statuses, **quantile}
        )
    )


if __name__ == "__main__":
    main()
