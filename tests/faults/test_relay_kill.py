"""A relay that is killed under load, again and again: what arrived is what was written.

Five kills by default; `KASTOR_RELAY_KILLS=50 python3 dev test tests/faults/test_relay_kill.py -s`
makes fifty and prints what was counted. The receiver keeps everything; it answers slowly, with
errors and not at all now and then.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from kastor.testing import KastorServer

KILLS = int(os.environ.get("KASTOR_RELAY_KILLS", "5"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
TWINS = 20
WRITERS = 8
STILL_SECONDS = 30
VERSION = "api-version=2023-10-31"
MODEL = {
    "@id": "dtmi:kill:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "n", "schema": "integer"}],
}


class Receiver:
    """An HTTP server that keeps what it is sent, and misbehaves at random."""

    def __init__(self, rng: random.Random, *, faulty: bool) -> None:
        self.rng = rng
        self.faulty = faulty
        self.events: list[dict[str, Any]] = []
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
                if not await self._answer(body, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def _answer(self, event: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        trouble = self.rng.random() if self.faulty else 1.0
        if trouble < 0.002:
            return False  # hangs up without having kept it
        if trouble < 0.01:
            writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
            return True
        if trouble < 0.02:
            await asyncio.sleep(0.05)
        self.events.append(event)
        if trouble < 0.022:
            return False  # kept, but nobody is told: comes again with the same id
        writer.write(b"HTTP/1.1 204 Kept\r\nContent-Length: 0\r\n\r\n")
        return True


async def write(
    server: KastorServer, until: float, rng: random.Random, acknowledged: list[tuple[str, int]]
) -> None:
    """Set the twins' counters until the server is killed."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        while time.monotonic() < until:
            twin, value = f"t{rng.randrange(TWINS)}", rng.randrange(10**9)
            body = json.dumps([{"op": "add", "path": "/n", "value": value}]).encode()
            head = f"PATCH /digitaltwins/{twin}?{VERSION} HTTP/1.1\r\nHost: {host}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204"), answer
            acknowledged.append((twin, value))
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


def prepare(server: KastorServer, *ports: int) -> None:
    with httpx2.Client(base_url=server.url, params={"api-version": "2023-10-31"}) as http:
        assert http.post("/models", json=[MODEL]).status_code == 201
        for number, port in enumerate(ports):
            settings = {"url": f"http://127.0.0.1:{port}/events", "timeout": 2}
            body = {"kind": "webhook", "settings": settings}
            answer = http.put(f"/kastor/v1/endpoints/hook-{number}", json=body)
            assert answer.status_code == 200, answer.text
            route = {"endpointName": f"hook-{number}", "filter": "true"}
            assert http.put(f"/eventroutes/r{number}", json=route).status_code == 204
        for number in range(TWINS):
            twin = {"$metadata": {"$model": MODEL["@id"]}, "n": 0}
            assert http.put(f"/digitaltwins/t{number}", json=twin).status_code == 200


def written(server: KastorServer) -> list[dict[str, Any]]:
    """Every event of the change log."""
    found: list[dict[str, Any]] = []
    after = "0"
    with httpx2.Client(base_url=server.url) as http:
        while True:
            params = {"format": "ndjson", "after": after}
            headers = {"max-items-per-page": "1000"}
            page = http.get("/kastor/v1/events", params=params, headers=headers)
            lines = page.text.splitlines()
            if not lines:
                return found
            found += [json.loads(line) for line in lines]
            after = page.headers["kastor-next-position"]


def lags(server: KastorServer) -> list[int]:
    states = httpx2.get(f"{server.url}/kastor/v1/routes").json()["value"]
    return [state["lag"] for state in states]


def judge(arrived: list[dict[str, Any]], log: list[dict[str, Any]]) -> Counter[str]:
    """Count what is lost, out of order and repeated; repeats must be the same event."""
    counts: Counter[str] = Counter(arrived=len(arrived), written=len(log))
    known = {event["id"]: event for event in log}
    first_seen: dict[str, dict[str, Any]] = {}
    for event in arrived:
        assert event["id"] in known, "an event that nobody wrote"
        assert event["data"] == known[event["id"]]["data"]
        if event["id"] in first_seen:
            counts["repeated"] += 1
        first_seen.setdefault(event["id"], event)
    counts["lost"] = len(known.keys() - first_seen.keys())
    place = {event["id"]: number for number, event in enumerate(log)}
    last: dict[str, int] = {}
    for event in first_seen.values():
        if place[event["id"]] < last.get(event["subject"], -1):
            counts["out of order"] += 1
        last[event["subject"]] = place[event["id"]]
    return counts


async def catch_up(server: KastorServer) -> None:
    """Wait until the routes are at the log's end; they may take long, but not stand still."""
    least, end = sum(await asyncio.to_thread(lags, server)), time.monotonic() + STILL_SECONDS
    while least:
        await asyncio.sleep(0.1)
        lag = sum(await asyncio.to_thread(lags, server))
        if lag < least:
            least, end = lag, time.monotonic() + STILL_SECONDS
        assert time.monotonic() < end, f"the relay stands still, {lag} events to go"


async def run(folder: Path, rng: random.Random) -> tuple[Counter[str], Counter[str], int]:
    acknowledged: list[tuple[str, int]] = []
    async with Receiver(rng, faulty=True) as faulty, Receiver(rng, faulty=False) as sound:
        for number in range(KILLS + 1):
            server = await asyncio.to_thread(KastorServer(data_dir=folder).start)
            if number == 0:
                await asyncio.to_thread(prepare, server, faulty.port, sound.port)
            until = time.monotonic() + rng.uniform(0.1, 1.2)
            writers = [
                asyncio.create_task(
                    write(server, until + 5, random.Random(rng.random()), acknowledged)
                )
                for _ in range(WRITERS)
            ]
            await asyncio.sleep(until - time.monotonic())
            if number < KILLS:
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)
        await catch_up(server)
        log = await asyncio.to_thread(written, server)
        await asyncio.to_thread(server.stop)
    values = {(e["subject"], e["data"]["patch"][0]["value"]) for e in log if "patch" in e["data"]}
    missing = len(set(acknowledged) - values)
    return judge(faulty.events, log), judge(sound.events, log), missing


@pytest.mark.faults
@pytest.mark.timeout(180 + 10 * KILLS)
def test_a_killed_relay_loses_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    faulty, sound, missing = asyncio.run(run(tmp_path, random.Random(SEED)))
    print(f"{KILLS} kills, seed {SEED}: faulty endpoint {dict(faulty)}, sound one {dict(sound)}")
    for counts in (faulty, sound):
        assert counts["written"] > TWINS
        assert (counts["lost"], counts["out of order"]) == (0, 0), (SEED, counts)
    assert missing == 0, f"acknowledged writes without an event (seed {SEED})"
