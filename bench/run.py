"""All benches with one command: prints a table; --save also writes it to bench/results/.

`python3 dev bench` runs everything (about ten minutes); `python3 dev bench --quick` one round of
each; `python3 dev bench requests storage` only these.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import access
import events
import ingest
import page_spike
import requests_cpu
import startup
import storage

RESULTS = Path(__file__).parent / "results"
Row = tuple[str, str, str, str, str]
"""Name, ours, floor, ratio, budget."""

BUDGETS = {
    "Kastor GET twin": 2.1,
    "Kastor PATCH, durable": 2.6,
    "durable update x32, CPU: driver | service": 4.5,
    "patch + validate 10 properties: JSON codec | decision": 9.0,
    "start to first answer, sample and ontology": 1.0,
    "resident, sample running": 120.0,
    "resident, RealEstateCore compiled": 150.0,
    "cached verdict": 5.0,
    "GET twin, --auth tokens": 2.1,
    "kastor.testing: start": 1.0,
    "kastor.testing: reset": 50.0,
}


def requests_rows(quick: bool) -> list[Row]:
    """CPU of a request at 32 connections."""
    rows = []
    for name, cpu, ratio, tally in requests_cpu.run(3 if quick else 20):
        against = "GET twin" if name.startswith("Kastor PATCH") else "bare hello"
        detail = f"{tally['per_second']:.0f}/s, p99 {tally['p99']:.1f} ms"
        floor = f"x {ratio:.2f} of {against}"
        rows.append((name, f"{cpu:.0f} us CPU", detail, floor, _budget(name, ratio)))
    return rows


def pages_rows(quick: bool) -> list[Row]:
    """GET beside running query pages."""
    rows = []
    for name, get, query in page_spike.run(2.0 if quick else 6.0):
        pages = f"{query['count'] / query['seconds']:.0f} pages/s beside"
        latency = f"GET p50 {get['p50']:.2f}, p99 {get['p99']:.2f} ms"
        rows.append((f"GET beside pages: {name}", latency, pages, "", ""))
    return rows


def storage_rows(quick: bool) -> list[Row]:
    """The store and the decisions beside the raw driver."""
    return [
        (name, f"{ours:.1f} us", f"floor {floor:.1f} us", f"x {ratio:.2f}", _budget(name, ratio))
        for name, floor, ours, ratio in storage.run(1 if quick else 5)
    ]


def startup_rows(quick: bool) -> list[Row]:
    """Start, memory, uploads, the emulator."""
    found = startup.run(1 if quick else 5, 5.0 if quick else startup.SETTLE_SECONDS)
    return [
        (name, f"{value:.2f} {unit}", "", "", _budget(name, value)) for name, value, unit in found
    ]


def events_rows(quick: bool) -> list[Row]:
    """Writes with routes, latency, the relay; each beside doing without."""
    rows = []
    for name, value, floor in events.run(2.0 if quick else 4.0, 1 if quick else 3):
        beside = ("", "") if floor is None else (f"floor {floor:.1f}", f"x {value / floor:.2f}")
        rows.append((name, f"{value:.1f}", *beside, ""))
    return rows


def ingest_rows(quick: bool) -> list[Row]:
    """Messages of inputs beside PATCH commands."""
    found = ingest.run(1 if quick else 5)
    floor = found[0][1]
    return [
        (name, f"{cpu:.0f} us CPU", f"{rate:.0f}/s", f"x {cpu / floor:.2f} of PATCH", "")
        for name, cpu, rate in found
    ]


def access_rows(quick: bool) -> list[Row]:
    """Knowing who asks, and a GET with it."""
    rows = [
        (
            f"cached verdict: {name}",
            f"{ours:.2f} us",
            f"floor {floor:.2f} us",
            f"x {ours / floor:.2f}",
            _budget("cached verdict", ours),
        )
        for name, ours, floor in access.verdicts()
    ]
    rows += [
        (name, f"{cpu:.0f} us CPU", "", f"x {ratio:.2f} of bare hello", _budget(name, ratio))
        for name, cpu, ratio in access.http(2 if quick else 10)
    ]
    return rows


PARTS: dict[str, Callable[[bool], list[Row]]] = {
    "requests": requests_rows,
    "pages": pages_rows,
    "storage": storage_rows,
    "startup": startup_rows,
    "events": events_rows,
    "ingest": ingest_rows,
    "access": access_rows,
}


def _budget(name: str, value: float) -> str:
    limit = BUDGETS.get(name)
    if limit is None:
        return ""
    return f"budget {limit:g}: {'met' if value <= limit else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--quick", action="store_true", help="one round of each")
    parser.add_argument("--save", action="store_true", help="write the table to bench/results")
    arguments = parser.parse_args()
    lines = [
        f"Kastor benches, {datetime.now(UTC):%Y-%m-%d}",
        f"{platform.machine()}, Python {platform.python_version()}, medians; see bench/README.md",
    ]
    for name in arguments.parts or PARTS:
        started = time.monotonic()
        rows = PARTS[name](arguments.quick)
        lines += ["", f"## {name} ({time.monotonic() - started:.0f} s)", ""]
        lines += [f"{row[0]:<58} {row[1]:>30} {row[2]:>26} {row[3]:>22}  {row[4]}" for row in rows]
        print("\n".join(lines[-len(rows) - 2 :]), flush=True)
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.txt"
        path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
        print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
