"""CPU of a request beside the floor and the usual way: GET, durable PATCH, query pages."""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from processes import cpu_seconds, drive, free_port, request, server

VERSION = "api-version=2023-10-31"
TWINS = 1_000
MODEL = "dtmi:bench:Room;1"
PROPERTIES = {
    "temperature": ("double", 21.5),
    "humidity": ("double", 40.25),
    "co2": ("integer", 420),
    "name": ("string", "Meeting room on the second floor"),
    "occupied": ("boolean", True),
    "area": ("double", 32.5),
    "capacity": ("integer", 12),
    "opened": ("date", "2021-04-01"),
    "cleaned": ("dateTime", "2026-01-01T08:00:00Z"),
    "note": ("string", "Window seats to the south, whiteboard, screen"),
}


def model() -> dict[str, Any]:
    contents = [
        {"@type": "Property", "name": name, "schema": schema}
        for name, (schema, _) in PROPERTIES.items()
    ]
    return {
        "@id": MODEL,
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;3",
        "contents": contents,
    }


def twin(number: int) -> dict[str, Any]:
    values = {name: value for name, (_, value) in PROPERTIES.items()}
    metadata = {name: {"lastUpdateTime": "2026-01-01T08:00:00.0000000Z"} for name in PROPERTIES}
    return {"$dtId": f"room-{number}", **values, "$metadata": {"$model": MODEL, **metadata}}


def call(url: str, method: str, body: object, token: str | None = None) -> bytes:
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    asked = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(asked) as answer:
        return bytes(answer.read())


@contextmanager
def kastor(*flags: str) -> Iterator[tuple[int, int]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "kastor", "serve", "--port", str(port), "--data", folder]
        with server([*command, *flags], port) as process:
            base = f"http://127.0.0.1:{port}"
            call(f"{base}/models?{VERSION}", "POST", [model()])
            for number in range(TWINS):
                call(f"{base}/digitaltwins/room-{number}?{VERSION}", "PUT", twin(number))
            yield port, process.pid


@contextmanager
def fastapi() -> Iterator[tuple[int, int]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        script = str(Path(__file__).parent / "peer_fastapi.py")
        command = [sys.executable, script, str(port), f"{folder}/peer.sqlite3"]
        with server(command, port) as process:
            url = f"http://127.0.0.1:{port}/load"
            call(url, "PUT", [twin(number) for number in range(TWINS)])
            yield port, process.pid


@contextmanager
def hello() -> Iterator[tuple[int, int]]:
    port = free_port()
    script = str(Path(__file__).parent / "floor_hello.py")
    with server([sys.executable, script, str(port)], port) as process:
        yield port, process.pid


def gets() -> list[bytes]:
    return [request("GET", f"/digitaltwins/room-{n}?{VERSION}") for n in range(TWINS)]


def patches() -> list[bytes]:
    made = []
    for n in range(TWINS):
        body = json.dumps(
            [
                {"op": "replace", "path": "/temperature", "value": 20 + n % 10},
                {"op": "replace", "path": "/co2", "value": 400 + n},
            ]
        ).encode()
        path = f"/digitaltwins/room-{n}?{VERSION}"
        made.append(request("PATCH", path, body, "application/json-patch+json"))
    return made


def queries(ids: int) -> list[bytes]:
    """One twin by its id; with more ids than plans are kept, a text of its own each time."""
    one = "SELECT * FROM DIGITALTWINS WHERE $dtId = 'room-{}'"
    bodies = [json.dumps({"query": one.format(n)}).encode() for n in range(ids)]
    return [request("POST", f"/query?{VERSION}", body) for body in bodies]


def measure(port: int, pid: int, requests: list[bytes], seconds: float) -> dict[str, Any]:
    before = cpu_seconds(pid)
    tally = drive(port, requests, seconds=seconds)
    tally["cpu_us"] = (cpu_seconds(pid) - before) / tally["count"] * 1e6
    tally["per_second"] = tally["count"] / tally["seconds"]
    return tally


FLOORS = dict.fromkeys(
    ("Kastor PATCH, durable", "Kastor query, same text", "Kastor query, other id"),
    "Kastor GET twin",
)


def run(rounds: int = 20, seconds: float = 0.4) -> list[tuple[str, float, float, dict[str, Any]]]:
    """Return rows of (name, CPU us, ratio to its floor, tally).

    Many short rounds, in which all take turns. A ratio is the median of the rounds' own ratios:
    what the machine does besides befalls a row and its floor alike.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    with hello() as floor, kastor() as ours, fastapi() as peer:
        for number in range(rounds + 1):
            for name, target, requests in (
                ("bare hello", floor, gets()),
                ("Kastor GET twin", ours, gets()),
                ("FastAPI GET twin", peer, gets()),
                ("Kastor query, same text", ours, queries(1)),
                ("Kastor query, other id", ours, queries(TWINS)),
                ("Kastor PATCH, durable", ours, patches()),
                ("FastAPI PATCH, commit each", peer, patches()),
            ):
                tally = measure(*target, requests, seconds)
                if number:  # the first warms up
                    found.setdefault(name, []).append(tally)
    rows = []
    for name, tallies in found.items():
        keys = ("cpu_us", "per_second", "p50", "p99")
        middle = {key: median(tally[key] for tally in tallies) for key in keys}
        floors = found[FLOORS.get(name, "bare hello")]
        pairs = zip(tallies, floors, strict=True)
        ratio = median(mine["cpu_us"] / its["cpu_us"] for mine, its in pairs)
        rows.append((name, middle["cpu_us"], ratio, middle))
    return rows


if __name__ == "__main__":
    for name, cpu, ratio, row in run(*(int(each) for each in sys.argv[1:2])):
        print(
            f"{name:<28} {cpu:7.0f} us  x{ratio:5.2f}  {row['per_second']:8.0f}/s"
            f"  p50 {row['p50']:6.2f} ms  p99 {row['p99']:6.2f} ms"
        )
