"""A collector that is down, slow or unkind holds up nobody, and what it does not get is counted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from kastor.server.otel.outbox import MOST_BYTES, Outbox
from kastor.testing import KastorServer, StartError
from kastor.tracing import SentCounts
from tests.metrics.scrape import VERSION, Scrape, until
from tests.ports import free_port

from .collector import Collector

SPANS = {"what": "spans", "worker": "0"}


def ask(server: KastorServer, times: int) -> float:
    """Seconds that the slowest of so many requests took."""
    slowest = 0.0
    with httpx2.Client(base_url=server.url, params=VERSION) as http:
        for _ in range(times):
            began = time.monotonic()
            assert http.get("/models").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
    return slowest


@contextmanager
def silent() -> Iterator[str]:
    """The address of somebody who takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        ended, taken = threading.Event(), []

        def accept() -> None:
            while not ended.is_set():
                try:
                    taken.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join()
        for each in taken:
            each.close()


def with_a_small_queue(tmp_path: Path) -> tuple[str, ...]:
    config = tmp_path / "kastor.toml"
    config.write_text("otel_queue = 16\n")
    return ("--config", str(config))


def lost(found: Scrape) -> float:
    reasons = ("overflowed", "failed")
    return sum(found("otel_lost_total", reason=each, **SPANS) or 0 for each in reasons)


def test_without_a_collector_all_is_answered_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    args = ("--otel-endpoint", f"http://127.0.0.1:{free_port()}", *with_a_small_queue(tmp_path))
    with KastorServer(args) as server:
        assert ask(server, 300) < 2
        found = until(server.url, lambda now: lost(now) > 200)
        assert found("otel_sent_total", **SPANS) == 0
        assert (found("otel_waiting", **SPANS) or 0) <= 16 + 16
        until(
            server.url, lambda now: (now("otel_lost_total", reason="failed", **SPANS) or 0) > 0, 20
        )
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 8
    told = [each for each in server.output.splitlines() if "does not take spans" in each]
    assert len(told) == 1, server.output  # however often it was tried


def test_one_that_never_answers_holds_up_nobody(tmp_path: Path) -> None:
    with (
        silent() as url,
        KastorServer(("--otel-endpoint", url, *with_a_small_queue(tmp_path))) as s,
    ):
        assert ask(s, 200) < 2
        until(s.url, lambda now: lost(now) > 100)
        began = time.monotonic()
        s.stop()
        assert time.monotonic() - began < 8


def test_one_that_comes_back_gets_what_is_new() -> None:
    with Collector(status=503) as own:
        args = ("--otel-endpoint", own.url)
        with KastorServer(args) as server:
            ask(server, 10)
            time.sleep(1.5)
            assert not own.spans
            own.status = 200
            ask(server, 10)
            own.until(lambda now: len(now.of("DigitalTwinModels_List")) >= 10, 30)
            until(server.url, lambda now: (now("otel_sent_total", **SPANS) or 0) >= 20)


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("no colon here", "line 1: write it as name: value"),
            ("x-key: a\nbad name: b", "line 2"),
            ("x-key: caf\u00e9", "not ASCII"),
            ("\n".join(f"x-{n}: 1" for n in range(30)), "more than 20 headers"),
            ("x: " + "y" * 70_000, "larger than"),
        ],
    )
    def test_headers_of_another_form_prevent_the_start(
        self, text: str, told: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "headers"
        file.write_text(text)
        args = ("--otel-endpoint", "http://127.0.0.1:1", "--otel-headers-file", str(file))
        with pytest.raises(StartError, match=told), KastorServer(args):
            pass

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        args = ("--otel-endpoint", "http://127.0.0.1:1", "--otel-headers-file", str(tmp_path / "x"))
        with pytest.raises(StartError, match="cannot be read"), KastorServer(args):
            pass

    @pytest.mark.parametrize(
        "address", ["127.0.0.1:4318", "ftp://x", "http://", "http://u:p@x", "http://x/?a=b"]
    )
    def test_an_address_of_another_form(self, address: str) -> None:
        with (
            pytest.raises(StartError, match="otel_endpoint"),
            KastorServer(("--otel-endpoint", address)),
        ):
            pass

    def test_without_the_extra_it_says_what_to_install(self, tmp_path: Path) -> None:
        hiding = tmp_path / "sitecustomize.py"
        hiding.write_text(
            "import sys\n"
            "class Hide:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name.split('.')[0] == 'opentelemetry':\n"
            "            raise ModuleNotFoundError(name)\n"
            "sys.meta_path.insert(0, Hide())\n"
        )
        done = subprocess.run(
            [
                *(sys.executable, "-m", "kastor", "serve", "--port", "0"),
                *("--data", str(tmp_path / "d"), "--otel-endpoint", "http://127.0.0.1:1"),
            ],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "pip install '.[otel]'" in done.stderr
        assert "Traceback" not in done.stderr

    def test_without_a_collector_nothing_of_it_is_loaded(self) -> None:
        program = (
            "import sys, kastor.server.run, kastor.server.otel.starting\n"
            "print([m for m in sys.modules if m.startswith(('opentelemetry', 'requests'))])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.strip() == "[]"


class TestOutbox:
    def test_it_is_bounded_in_number(self) -> None:
        counts, gate = SentCounts(), threading.Event()
        sent: list[int] = []

        def export(batch: Sequence[int]) -> bool:
            gate.wait(10)
            sent.extend(batch)
            return True

        box: Outbox[int] = Outbox("things", export, 100, counts)
        for n in range(1_000):
            box.put(n, 1)
        assert counts.overflowed >= 1_000 - 100 - 512
        assert counts.waiting <= 100 + 512
        gate.set()
        box.close(10)
        assert counts.sent == len(sent)
        assert counts.sent + counts.overflowed == 1_000
        assert counts.waiting == 0
        assert sent == sorted(sent)

    def test_it_is_bounded_in_bytes(self) -> None:
        counts, gate = SentCounts(), threading.Event()
        box: Outbox[int] = Outbox("things", lambda _: gate.wait(10), 10**6, counts)
        for n in range(100):
            box.put(n, MOST_BYTES // 10)
        assert counts.overflowed >= 80
        gate.set()
        box.close(10)

    def test_what_export_raises_is_counted_and_the_next_batch_goes_on(self) -> None:
        counts, tries = SentCounts(), []

        def export(batch: object) -> bool:
            tries.append(batch)
            if len(tries) == 1:
                raise RuntimeError("broken")
            return True

        box: Outbox[int] = Outbox("things", export, 100, counts)
        box.put(1, 1)
        end = time.monotonic() + 10
        while not counts.failed and time.monotonic() < end:
            time.sleep(0.01)
        box.put(2, 1)
        box.close(10)
        assert (counts.failed, counts.sent) == (1, 1)

    def test_after_its_end_things_are_lost_and_counted(self) -> None:
        counts = SentCounts()
        box: Outbox[int] = Outbox("things", lambda _: True, 100, counts)
        box.close(1)
        box.put(1, 1)
        assert counts.overflowed == 1
