"""sd_notify: what systemd is told, and that nothing waits or fails where nobody listens."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from kastor.server.notify import Notifier

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_it_tells_one_datagram_for_each_state(kind: str, tmp_path: Path) -> None:
    name = f"kastor-test-{os.getpid()}"
    address, bound = f"@{name}", f"\0{name}"
    if kind == "file":
        address = bound = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(bound)
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"})
        assert notifier.watchdog_seconds == 3
        notifier.ready("Serving\nMAINPID=1")
        assert manager.recv(999) == b"READY=1\nSTATUS=Serving MAINPID=1"
        notifier.starting("Waiting", 30)
        assert manager.recv(999) == b"STATUS=Waiting\nEXTEND_TIMEOUT_USEC=30000000"
        notifier.reloading()
        first, second, _ = manager.recv(999).decode().splitlines()
        assert first == "RELOADING=1"
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        assert abs(int(second.removeprefix("MONOTONIC_USEC=")) / 1e6 - now) < 5
        notifier.stopping("Ending")
        assert manager.recv(999) == b"STOPPING=1\nSTATUS=Ending"
        notifier.alive()
        assert manager.recv(999) == b"WATCHDOG=1"


def test_nobody_who_listens_or_reads_holds_it_up(tmp_path: Path) -> None:
    for address in ("", "relative", "vsock:2:1", "/none/here", "@nobody", "/" + "x" * 300):
        Notifier({"NOTIFY_SOCKET": address}).ready("Serving")
    full = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(full)
        started = time.monotonic()
        for _ in range(2_000):  # more than the system keeps for somebody who never reads
            Notifier({"NOTIFY_SOCKET": full}).alive()
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"WATCHDOG_USEC": "many"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_not_ours_is_none(variables: dict[str, str]) -> None:
    assert Notifier({"NOTIFY_SOCKET": "@here", **variables}).watchdog_seconds is None
    assert Notifier(variables).watchdog_seconds is None
