"""Forms that threads read are learnt before: learnt by two threads at once they end the process."""

from __future__ import annotations

import subprocess
import sys

READ_AT_ONCE = """
import sys, threading
import msgspec
from kastor.events import endpoints
from kastor.ingest import inputs

sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
settings = {"rules": [{"match": {"from": "/t"}, "twin": "t", "patch": {"/a": "/b"}}]}

def read():
    start.wait()
    for form in (*inputs.KINDS.values(), *endpoints.KINDS.values()):
        try:
            msgspec.convert(settings, form)
        except msgspec.ValidationError:
            pass

threads = [threading.Thread(target=read) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""
PROCESSES = 8
"""Without what is tested about two of three end by a signal."""


def test_endpoints_and_inputs_can_be_read_by_many_threads_at_once() -> None:
    for _ in range(PROCESSES):
        done = subprocess.run(
            [sys.executable, "-c", READ_AT_ONCE], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
