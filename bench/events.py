"""Writes with routes, latency from a patch to its event, and throughput of the relay.

The floor is publishing directly: the same bodies from this process with the client library.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from statistics import median, quantiles
from typing import Self

import httpx2

from processes import drive
from requests_cpu import TWINS, VERSION, call, kastor, patches

LATENCY_SAMPLES = 200
BURST = 3_000


class Receiver:
    """Keeps the arrival time of each event; answers at once."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, dict]] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                now = time.perf_counter()
                self.arrivals += [(now, e) for e in (body if isinstance(body, list) else [body])]
                writer.write(b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()


def _route(base: str, number: int, port: int, batch: int = 1) -> None:
    settings = {"url": f"http://127.0.0.1:{port}/", "batch": batch}
    endpoint = {"kind": "webhook", "settings": settings}
    call(f"{base}/kastor/v1/endpoints/hook-{number}", "PUT", endpoint)
    body = {"endpointName": f"hook-{number}", "filter": "true"}
    call(f"{base}/eventroutes/r{number}?{VERSION}", "PUT", body)


def _wait_idle(base: str) -> None:
    while True:
        states = httpx2.get(f"{base}/kastor/v1/routes").json()["value"]
        if not any(state["lag"] for state in states):
            return
        time.sleep(0.02)


async def writes_with_routes(seconds: float) -> list[tuple[str, float]]:
    """Patches a second with 0, 1 and 5 routes."""
    rows = []
    for count in (0, 1, 5):
        with kastor() as (port, _):
            base = f"http://127.0.0.1:{port}"
            async with Receiver() as receiver:
                for number in range(count):
                    await asyncio.to_thread(_route, base, number, receiver.port, 50)
                tally = await asyncio.to_thread(drive, port, patches(), seconds=seconds)
                rows.append((f"patches/s with {count} routes", tally["count"] / tally["seconds"]))
                await asyncio.to_thread(_wait_idle, base)
    return rows


async def latency() -> list[tuple[str, float]]:
    """Milliseconds from sending a patch to the arrival of its event at a webhook."""
    found = []
    with kastor() as (port, _):
        base = f"http://127.0.0.1:{port}"
        async with Receiver() as receiver, httpx2.AsyncClient(base_url=base) as http:
            await asyncio.to_thread(_route, base, 0, receiver.port)
            for number in range(LATENCY_SAMPLES):
                body = [{"op": "replace", "path": "/co2", "value": number}]
                seen, started = len(receiver.arrivals), time.perf_counter()
                path = f"/digitaltwins/room-{number % TWINS}?{VERSION}"
                await http.patch(path, json=body)
                while len(receiver.arrivals) == seen:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.0002)
                found.append((receiver.arrivals[-1][0] - started) * 1000)
    cuts = quantiles(found, n=100)
    return [("patch to webhook, p50 ms", median(found)), ("patch to webhook, p99 ms", cuts[98])]


async def throughput() -> list[tuple[str, float]]:
    """Events a second of the relay catching up, beside posting the same bodies directly."""
    with kastor() as (port, _):
        base = f"http://127.0.0.1:{port}"
        async with Receiver() as receiver:
            await asyncio.to_thread(_route, base, 0, receiver.port)
            call(f"{base}/kastor/v1/routes/r0/pause", "POST", {})
            while httpx2.get(f"{base}/kastor/v1/routes/r0").json()["lag"] < BURST:
                await asyncio.to_thread(drive, port, patches(), seconds=0.5)
            started = time.perf_counter()
            call(f"{base}/kastor/v1/routes/r0/resume", "POST", {})
            await asyncio.to_thread(_wait_idle, base)
            relayed = len(receiver.arrivals) / (time.perf_counter() - started)
            bodies = [json.dumps(event) for _, event in receiver.arrivals[:BURST]]
            direct = await _post_all(receiver.port, bodies)
    return [("relay to webhook, events/s", relayed), ("posting directly, events/s", direct)]


async def _post_all(port: int, bodies: list[str]) -> float:
    started = time.perf_counter()
    pending = iter(bodies)
    async with httpx2.AsyncClient() as http:

        async def work() -> None:
            for body in pending:
                await http.post(f"http://127.0.0.1:{port}/", content=body)

        await asyncio.gather(*(work() for _ in range(16)))
    return len(bodies) / (time.perf_counter() - started)


def run(seconds: float = 4.0) -> list[tuple[str, float]]:
    """Return rows of (name, value)."""

    async def all_of_them() -> list[tuple[str, float]]:
        return await writes_with_routes(seconds) + await latency() + await throughput()

    return asyncio.run(all_of_them())


if __name__ == "__main__":
    for name, value in run(*(float(each) for each in sys.argv[1:2])):
        print(f"{name:<34} {value:10.1f}")
