"""The watch sees what it is there for: a server that stands still, and one that grows."""

from __future__ import annotations

import os
import signal
import time

import pytest

from kastor.testing import KastorServer

from .watch import watched


def test_a_quiet_server_costs_nothing() -> None:
    with KastorServer() as server, watched(server) as cost:
        time.sleep(0.2)
    assert cost.answers > 1


def test_a_server_that_stands_still_fails() -> None:
    with KastorServer() as server, pytest.raises(AssertionError, match="healthz"):
        _stand_still(server)


def _stand_still(server: KastorServer) -> None:
    with watched(server):
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(server.process.pid, signal.SIGCONT)
