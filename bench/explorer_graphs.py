"""The graphs that `explorer.py` looks at: a server with the sample, one with 10,000 twins.

The large one has a site, buildings of 6 floors of 18 rooms, and 3 to 5 devices in each room until
there are 10,000 twins; 9,999 relationships say what is part of what, 2,001 which device feeds
which. The same code always makes the same graph.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

sys.path.insert(0, str(Path(__file__).parent.parent))

from kastor.testing import KastorServer

VERSION = {"api-version": "2023-10-31"}
MODELS = [f"dtmi:bench:{name};1" for name in ("Site", "Building", "Floor", "Room", "Device")]
TWINS, RELATIONSHIPS = 10_000, 12_000
FLOORS, ROOMS = 6, 18
BATCH = 500
CONNECTIONS = 8


def interfaces() -> list[dict[str, Any]]:
    def interface(dtmi: str, *contents: dict[str, Any]) -> dict[str, Any]:
        name = {"@type": "Property", "name": "name", "schema": "string"}
        head = {"@context": "dtmi:dtdl:context;3", "@id": dtmi, "@type": "Interface"}
        return {**head, "contents": [name, *contents]}

    part = {"@type": "Relationship", "name": "hasPart"}
    feeds = {"@type": "Relationship", "name": "feeds"}
    value = {"@type": "Property", "name": "temperature", "schema": "double"}
    return [*(interface(each, part) for each in MODELS[:-1]), interface(MODELS[-1], value, feeds)]


def tree() -> Iterator[tuple[str, str | None]]:
    """Twins without end, each with the one that it is part of."""
    yield "site", None
    building = 0
    while True:
        yield f"b{building}", "site"
        for floor in range(FLOORS):
            yield f"b{building}-f{floor}", f"b{building}"
            for room in range(ROOMS):
                name = f"b{building}-f{floor}-r{room}"
                yield name, f"b{building}-f{floor}"
                for device in range(3 + (room + floor) % 3):
                    yield f"{name}-d{device}", name
        building += 1


def operations() -> Iterator[list[dict[str, Any]]]:
    found = list(islice(tree(), TWINS))
    devices = [twin for twin, _ in found if twin.count("-") == 3]
    lines = [(parent, twin, "hasPart") for twin, parent in found if parent is not None]
    fed = RELATIONSHIPS - len(lines)
    lines += [(devices[n], devices[-1 - n], "feeds") for n in range(fed)]
    every: list[dict[str, Any]] = []
    for twin, parent in found:
        model = MODELS[0] if parent is None else MODELS[twin.count("-") + 1]
        body: dict[str, Any] = {"name": twin, "$metadata": {"$model": model}}
        if model == MODELS[-1]:
            body["temperature"] = 20.5
        every.append({"op": "put", "kind": "twin", "id": twin, "body": body})
    for source, target, name in lines:
        body = {"$targetId": target, "$relationshipName": name}
        made = {"op": "put", "kind": "relationship", "source": source, "id": f"{name}-{target}"}
        every.append({**made, "body": body})
    for start in range(0, len(every), BATCH):
        yield every[start : start + BATCH]


@contextmanager
def sample() -> Iterator[str]:
    """Yield the address of a server with the sample, in which nothing changes by itself."""
    with KastorServer(("--explorer",)) as server:
        body = {"name": "building", "simulate": False}
        httpx2.post(f"{server.url}/kastor/v1/sample", json=body).raise_for_status()
        yield server.url


@contextmanager
def large() -> Iterator[str]:
    """Yield the address of a server with the graph of 10,000 twins."""
    with (
        KastorServer(("--explorer",)) as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as client,
    ):
        client.post("/models", json=interfaces()).raise_for_status()
        for each in operations():
            client.post("/kastor/v1/batch", json={"operations": each}).raise_for_status()
        yield server.url


def with_temperature(url: str) -> list[str]:
    """Return the ids of up to 1,000 twins whose temperature may be written."""
    text = "SELECT T.$dtId AS id FROM DIGITALTWINS T WHERE T.temperature > -100"
    headers = {"max-items-per-page": "1000"}
    answer = httpx2.post(f"{url}/query", params=VERSION, json={"query": text}, headers=headers)
    return [row["id"] for row in answer.raise_for_status().json()["value"]]


async def write(url: str, rate: float, ids: list[str]) -> float:
    """PATCH temperatures at a steady rate until the input ends; return how many a second it was."""
    ended = threading.Event()
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    at = urlsplit(url)
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(at.hostname, at.port))
    print("begins", flush=True)
    written, sent, began = 0, 0, time.monotonic()

    async def patch(number: int) -> None:
        nonlocal written
        reader, writer = await free.get()
        value = 18 + number * 7 % 90 / 10
        body = json.dumps([{"op": "replace", "path": "/temperature", "value": value}])
        writer.write(
            f"PATCH /digitaltwins/{ids[number % len(ids)]}?api-version=2023-10-31 HTTP/1.1\r\n"
            f"Host: localhost\r\nContent-Type: application/json-patch+json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        written += (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        free.put_nowait((reader, writer))

    async with asyncio.TaskGroup() as under_way:
        while not ended.is_set():
            under_way.create_task(patch(sent))
            sent += 1
            await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
    return written / (time.monotonic() - began)


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    # `explorer_graphs.py URL RATE` says that it begins, and when its input ends at what rate.
    print(asyncio.run(write(sys.argv[1], float(sys.argv[2]), with_temperature(sys.argv[1]))))
