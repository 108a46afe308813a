"""Writes with routes, latency from a patch to its event, and throughput of the relay.

The floor is publishing directly: the same events, sent from this process with the same client
library, as many under way at once, to the same receiver.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median, quantiles
from typing import Any

import httpx2

from event_targets import Target, nats_server, send_all, wait_for_count, webhook
from processes import drive
from requests_cpu import TWINS, VERSION, call, kastor, patches

LATENCY_SAMPLES = 200
BURST = 5_000
Row = tuple[str, float, float | None]
"""Name, value, and the floor where there is one."""


async def writes_with_routes(seconds: float, rounds: int) -> list[Row]:
    """Patches a second with 0, 1 and 5 routes to a webhook in batches; the floor is none."""
    found: dict[int, list[float]] = {0: [], 1: [], 5: []}
    for _ in range(rounds):
        for count, rates in found.items():
            async with _site() as site, webhook() as target:
                for number in range(count):
                    await site.route(f"hook-{number}", target, batch=50)
                tally = await asyncio.to_thread(drive, site.port, patches(), seconds=seconds)
                rates.append(tally["count"] / tally["seconds"])
                for number in range(count):
                    await site.idle(f"hook-{number}")
    rate = {count: median(rates) for count, rates in found.items()}
    return [(f"patches/s with {n} routes", rate[n], rate[0] if n else None) for n in rate]


async def latency(rounds: int) -> list[Row]:
    """Milliseconds from a patch's sending to its event's arrival; the floor sends the event."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    answered: list[float] = []
    async with _site() as site, nats_server() as stream, webhook() as hook:
        for target in (stream, hook):
            await site.route(target.kind, target)
            await site.route_action(target.kind, "pause")
        for _ in range(rounds):
            for target in (stream, hook):
                relayed = await _latencies_of_patches(site, target, answered)
                direct = await _latencies_of_messages(target)
                for name, cut in (("p50", 49), ("p99", 98)):
                    pair = found.setdefault(f"patch to {target.kind}, {name} ms", ([], []))
                    pair[0].append(quantiles(relayed, n=100)[cut])
                    pair[1].append(quantiles(direct, n=100)[cut])
    rows: list[Row] = [(name, median(ours), median(floor)) for name, (ours, floor) in found.items()]
    return [*rows, ("patch's answer, p50 ms", median(answered), None)]


async def _latencies_of_patches(site: _Site, target: Target, answered: list[float]) -> list[float]:
    async def patch(number: int) -> None:
        started = time.perf_counter()
        body = [{"op": "replace", "path": "/co2", "value": number}]
        await site.http.patch(f"/digitaltwins/room-{number % TWINS}?{VERSION}", json=body)
        answered.append((time.perf_counter() - started) * 1000)

    await site.route_action(target.kind, "resume")
    await site.idle(target.kind)  # the other target's patches are this route's too
    await target.clear()
    await target.listen()
    found = await _arrivals(target, patch)
    await site.route_action(target.kind, "pause")
    return found


async def _latencies_of_messages(target: Target) -> list[float]:
    messages = await target.messages()
    await target.clear()
    await target.listen()
    async with target.sender() as send:
        return await _arrivals(target, lambda number: send(messages[number]))


async def _arrivals(target: Target, send: Callable[[int], Awaitable[None]]) -> list[float]:
    found = []
    for number in range(LATENCY_SAMPLES):
        seen, started = target.arrival()[0], time.perf_counter()
        await send(number)
        while target.arrival()[0] == seen:  # noqa: ASYNC110 - another process has no event for us
            await asyncio.sleep(0.001)
        found.append((target.arrival()[1] - started) * 1000)
    return found


async def throughput(rounds: int) -> list[Row]:
    """Events a second of the relay sending a backlog; the floor sends the same ones."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    async with _site() as site, nats_server() as stream, webhook() as hook:
        start = await site.newest_position()
        while await site.newest_position() < start + BURST:
            await asyncio.to_thread(drive, site.port, patches(), seconds=0.5)
        count = await site.newest_position() - start
        for target in (stream, hook):
            await site.route(target.kind, target)
            await site.route_action(target.kind, "pause")
        for _ in range(rounds):
            for target in (stream, hook):
                relayed, direct = found.setdefault(target.kind, ([], []))
                relayed.append(count / await _relay(site, target, start, count))
                direct.append(count / await _send_again(target, count))
    return [
        (f"relay to {kind}, events/s", median(relayed), median(direct))
        for kind, (relayed, direct) in found.items()
    ]


async def _relay(site: _Site, target: Target, start: int, count: int) -> float:
    """Seconds for a route to send `count` events, its connection included."""
    await target.clear()
    await site.route_action(target.kind, f"replay?from={start}")
    started = time.perf_counter()
    await site.route_action(target.kind, "resume")
    await wait_for_count(target, count)
    took = time.perf_counter() - started
    await site.route_action(target.kind, "pause")
    return took


async def _send_again(target: Target, count: int) -> float:
    """Seconds for the client library to send what the target has."""
    messages = await target.messages()
    await target.clear()
    started = time.perf_counter()
    async with target.sender() as send:
        await send_all(send, messages, target.concurrency)
        await wait_for_count(target, count)
        return time.perf_counter() - started


class _Site:
    """A server with twins."""

    def __init__(self, port: int, http: httpx2.AsyncClient) -> None:
        self.port, self.http = port, http

    async def route(self, name: str, target: Target, **settings: Any) -> None:
        """Make an endpoint and a route that sends it everything."""
        base = f"http://127.0.0.1:{self.port}"
        endpoint = {"kind": target.kind, "settings": target.settings | settings}
        await asyncio.to_thread(call, f"{base}/kastor/v1/endpoints/{name}", "PUT", endpoint)
        body = {"endpointName": name, "filter": "true"}
        await asyncio.to_thread(call, f"{base}/eventroutes/{name}?{VERSION}", "PUT", body)

    async def route_action(self, name: str, action: str) -> None:
        (await self.http.post(f"/kastor/v1/routes/{name}/{action}")).raise_for_status()

    async def newest_position(self) -> int:
        """Position of the change log's last entry."""
        answer = (await self.http.get("/kastor/v1/status")).json()
        return int(answer["counts"]["changeLog"])

    async def idle(self, name: str) -> None:
        """Wait until a route has caught up."""
        while (await self.http.get(f"/kastor/v1/routes/{name}")).json()["lag"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _site() -> AsyncIterator[_Site]:
    with kastor() as (port, _):
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield _Site(port, http)


def run(seconds: float = 4.0, rounds: int = 3) -> list[Row]:
    """Return rows of (name, value, floor), medians of interleaved rounds."""

    async def all_of_them() -> list[Row]:
        writes = await writes_with_routes(seconds, rounds)
        return writes + await latency(rounds) + await throughput(rounds)

    return asyncio.run(all_of_them())


if __name__ == "__main__":
    for name, value, floor in run(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0):
        beside = "" if floor is None else f"floor {floor:8.1f}  x {value / floor:.2f}"
        print(f"{name:<40} {value:10.1f}  {beside}")
