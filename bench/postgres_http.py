"""GET, durable PATCH and a query page over HTTP on PostgreSQL, with one and two workers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from drivers import server_seconds
from processes import cpu_seconds, drive, request
from requests_cpu import VERSION, gets, kastor, patches
from tests.postgres.cluster import Cluster


def family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    return found


def pages() -> list[bytes]:
    body = json.dumps({"query": "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 0"}).encode()
    return [request("POST", f"/query?{VERSION}", body)]


def run(rounds: int = 3, seconds: float = 3.0) -> list[tuple[str, float, float, dict[str, Any]]]:
    """Rows of (name, CPU us of Kastor, CPU us of PostgreSQL, tally), medians."""
    rows = []
    for workers in (1, 2):
        with Cluster() as cluster:
            cluster.create().start()
            flags = ("--db", cluster.dsn, "--workers", str(workers))
            with kastor(*flags) as (port, pid):
                for name, requests in (("GET", gets()), ("PATCH", patches()), ("page", pages())):
                    tallies = []
                    for _ in range(rounds):
                        before = sum(map(cpu_seconds, family(pid))), server_seconds(cluster)
                        tally = drive(port, requests, seconds=seconds)
                        after = sum(map(cpu_seconds, family(pid))), server_seconds(cluster)
                        tally["own"] = (after[0] - before[0]) / tally["count"] * 1e6
                        tally["server"] = (after[1] - before[1]) / tally["count"] * 1e6
                        tally["per_second"] = tally["count"] / tally["seconds"]
                        tallies.append(tally)
                    names = ("own", "server", "per_second", "p50", "p99")
                    middle = {each: median(tally[each] for tally in tallies) for each in names}
                    title = f"{name}, {workers} worker{'s' * (workers > 1)}"
                    rows.append((title, middle["own"], middle["server"], middle))
    return rows


if __name__ == "__main__":
    for name, own, server, row in run(*(int(each) for each in sys.argv[1:2])):
        print(
            f"{name:<20} {own:7.0f} us CPU {server:7.0f} us in PostgreSQL"
            f" {row['per_second']:7.0f}/s  p50 {row['p50']:6.2f}  p99 {row['p99']:6.2f} ms"
        )
