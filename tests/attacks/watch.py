"""What an attack may cost everybody else: the worst answer of /healthz, and the memory it takes.

The poll runs in a process of its own, so that what the test itself does is not measured. The goals
are 250 ms and 100 MB; four times as much fails, since machines that run tests are busy.
"""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kastor.testing import KastorServer

HEALTH_SECONDS = 4 * 0.25
GROWTH_BYTES = 4 * 100_000_000
PAUSE_SECONDS = 0.02
ANSWER_SECONDS = 60.0


@dataclass
class Cost:
    """What an attack has cost.

    Attributes:
        seconds: the worst answer of /healthz, the time that it had to wait for included.
        bytes: growth of the resident memory of the server's process, at its highest.
        answers: of /healthz while the attack ran.
    """

    seconds: float = 0.0
    bytes: int = 0
    answers: int = 0

    def __str__(self) -> str:
        return f"/healthz {self.seconds * 1000:.0f} ms, memory +{self.bytes / 1e6:.0f} MB"


@contextlib.contextmanager
def watched(server: KastorServer) -> Iterator[Cost]:
    """Watch a server during an attack; fails afterwards if it cost too much."""
    cost = Cost()
    poll = subprocess.Popen(
        [sys.executable, __file__, server.url, str(server.process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert poll.stdin is not None
    assert poll.stdout is not None
    try:
        assert poll.stdout.readline().strip() == "ready"
        yield cost
    finally:
        poll.stdin.close()
        said = poll.stdout.read().split()
        poll.stdout.close()
        poll.wait(ANSWER_SECONDS)
    cost.seconds, cost.bytes, cost.answers = float(said[0]), int(said[1]), int(said[2])
    print(cost)
    assert cost.answers > 0
    assert cost.seconds <= HEALTH_SECONDS, str(cost)
    assert cost.bytes <= GROWTH_BYTES, str(cost)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def _ask(connection: http.client.HTTPConnection) -> float:
    started = time.monotonic()
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == http.HTTPStatus.OK, answer.status
    return time.monotonic() - started


def _poll(url: str, pid: int) -> None:
    """Ask until standard input ends; then print the worst answer, the growth and the count."""
    import threading

    ended = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        ended.set()

    host = urlsplit(url).netloc
    kind: Any = http.client.HTTPConnection
    connection = kind(host, timeout=ANSWER_SECONDS)
    _ask(connection)
    before = most = resident(pid)
    worst, answers = 0.0, 0
    threading.Thread(target=wait_for_end, daemon=True).start()
    print("ready", flush=True)
    while not ended.is_set() or not answers:
        try:
            worst = max(worst, _ask(connection))
            answers += 1
        except (OSError, http.client.HTTPException) as error:
            print(f"{ANSWER_SECONDS} 0 1 {error!r}", flush=True)
            return
        most = max(most, resident(pid))
        time.sleep(PAUSE_SECONDS)
    print(worst, most - before, answers, flush=True)


if __name__ == "__main__":
    _poll(sys.argv[1], int(sys.argv[2]))
