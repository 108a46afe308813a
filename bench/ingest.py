"""Inputs: messages through rules, bursts and the store, beside as many plain PATCH commands.

No broker takes part: messages are handed to an input's pipeline, or posted to a webhook.
`--pipeline` leaves the webhook out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import TypeVar

import uvloop

from kastor.graph.commands import PatchTwin
from kastor.graph.service import GraphService
from kastor.ingest.bursts import Bursts
from kastor.ingest.inputs import read_input
from kastor.ingest.mapping import Message
from kastor.ingest.pipeline import Pipeline
from kastor.ingest.tally import InputTally
from processes import cpu_seconds, drive, request
from requests_cpu import call, kastor
from storage import CONTEXT, TWINS, prepare

AT_ONCE = 250
"""Messages that are under way at the same time."""
MESSAGES = 4_000
BURST = 5
"""Messages of one twin in a row that come within one window."""
POSTED = 25
"""Messages of one request; of 32 at once hardly two have a twin in common, so nothing is merged."""
SECONDS = 2.0
RULE = {
    "twin": "{/device}",
    "patch": {"/temperature": "/t", "/co2": {"from": "/c", "round": 0}},
    "sourceTime": "/ts",
}
SETTINGS = {"rules": [RULE], "window_ms": 0}
NEWER = count(int(time.time() * 1_000) - 3_600_000)
"""Times of measurement in milliseconds, so that nothing is stale."""

T = TypeVar("T")
Row = tuple[float, float]
"""CPU us of a message, messages a second."""


def message(number: int) -> dict[str, object]:
    stamp = next(NEWER)
    return {"device": f"room-{number % TWINS}", "t": 20 + stamp % 10, "c": stamp % 999, "ts": stamp}


async def measured(given: Sequence[T], work: Callable[[Sequence[T]], Awaitable[None]]) -> Row:
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, MESSAGES, AT_ONCE):
        await work(given[start : start + AT_ONCE])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / MESSAGES * 1e6, MESSAGES / wall


def patch(given: dict[str, object]) -> PatchTwin:
    """The values and the time of a message, as a client would send them."""
    seen = {"op": "replace", "value": f"2026-01-01T08:00:00.{given['c']:03}Z"}
    operations = (
        {"op": "replace", "path": "/temperature", "value": given["t"]},
        {"op": "replace", "path": "/co2", "value": given["c"]},
        {**seen, "path": "/$metadata/temperature/sourceTime"},
        {**seen, "path": "/$metadata/co2/sourceTime"},
    )
    return PatchTwin(str(given["device"]), operations)


async def patched(service: GraphService) -> Row:
    async def work(commands: Sequence[PatchTwin]) -> None:
        await asyncio.gather(*(service.execute(each, CONTEXT) for each in commands))

    return await measured([patch(message(n)) for n in range(MESSAGES)], work)


async def taken(service: GraphService, burst: int) -> Row:
    """Messages, `burst` of each twin in a row."""
    settings = read_input("webhook", SETTINGS)
    bursts = Bursts(service, "bench", 0, patient=False)
    pipeline = Pipeline(settings, bursts, InputTally())

    async def work(payloads: Sequence[bytes]) -> None:
        for each in [pipeline.take(Message("", payload)) for payload in payloads]:
            await pipeline.verdict(each)

    given = [json.dumps(message(n // burst)).encode() for n in range(MESSAGES)]
    row = await measured(given, work)
    counts = pipeline.tally.counts()
    assert (counts.written, counts.merged) == (MESSAGES // burst, MESSAGES - MESSAGES // burst)
    return row


async def in_process() -> dict[str, Row]:
    with tempfile.TemporaryDirectory() as name:
        store, service = await prepare(Path(name))
        found = {
            "PATCH commands": await patched(service),
            "messages, each for another twin": await taken(service, 1),
            f"messages, {BURST} for a twin": await taken(service, BURST),
        }
        await store.close()
        return found


def posts(size: int) -> list[bytes]:
    path = "/kastor/v1/inputs/bench/messages"
    made = []
    for start in range(0, 20_000 + 2_000 * size, size):
        lines = [json.dumps(message(number)) for number in range(start, start + size)]
        made.append(request("POST", path, "\n".join(lines).encode(), "application/x-ndjson"))
    return made


def over_http() -> dict[str, Row]:
    found = {}
    with kastor() as (port, pid):
        settings = {**SETTINGS, "max_ahead": 1e9}
        url = f"http://127.0.0.1:{port}/kastor/v1/inputs/bench"
        call(url, "PUT", {"kind": "webhook", "settings": settings})
        for size in (1, POSTED):
            requests = posts(size)
            before = cpu_seconds(pid)
            tally = drive(port, requests, seconds=SECONDS)
            cpu = (cpu_seconds(pid) - before) / tally["count"] / size * 1e6
            rate = tally["count"] * size / tally["seconds"]
            found[f"webhook, {size} to a request"] = cpu, rate
    return found


def once(webhook: bool) -> dict[str, Row]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(in_process())
    return found | (over_http() if webhook else {})


def run(rounds: int = 5, *, webhook: bool = True) -> list[tuple[str, float, float]]:
    """Return rows of (name, CPU us of a message, messages a second), medians."""
    tables = [once(webhook) for _ in range(rounds)]
    return [
        (name, median(each[name][0] for each in tables), median(each[name][1] for each in tables))
        for name in tables[0]
    ]


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:] if each != "--pipeline"]
    for name, cpu, rate in run(*given, webhook="--pipeline" not in sys.argv):
        print(f"{name:<40} {cpu:8.0f} us {rate:10.0f}/s")
