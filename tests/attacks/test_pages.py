"""The documentation under a flood: every page at once, and paths that are none."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import httpx2

from kastor.pages import all_pages
from kastor.testing import KastorServer

from .watch import watched

CLIENTS = 8
SECONDS = 3.0


def test_reading_everything_at_once_holds_up_nobody() -> None:
    good = [f"/docs/{name}" for name in all_pages()]
    bad = [f"/docs/{'../' * n}etc/passwd{'a' * n}" for n in range(100)]

    def read(number: int) -> int:
        count, end = 0, time.monotonic() + SECONDS
        with httpx2.Client(base_url=server.url, timeout=30) as http:
            for path in islice(cycle(good + bad), number, None):
                answer = http.request("GET", server.url, extensions={"target": path.encode()})
                assert answer.status_code == (200 if path in good else 404), path
                count += 1
                if time.monotonic() > end:
                    return count
        return count

    with KastorServer() as server, watched(server), ThreadPoolExecutor(CLIENTS) as pool:
        assert sum(pool.map(read, range(CLIENTS))) > 10 * CLIENTS
