"""Log lines: each names its request, and a collector is sent them all."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from kastor.testing import KastorServer
from tests.metrics.scrape import VERSION, until

from .collector import Collector
from .test_traces import trace_of


def lines_of(server: KastorServer, event: str) -> list[dict[str, object]]:
    found = [json.loads(each) for each in server.output.splitlines() if each.startswith("{")]
    return [each for each in found if each["event"] == event]


def test_lines_of_a_request_have_its_id_and_its_span() -> None:
    with Collector() as own:
        args = ("--otel-endpoint", own.url, "--access-log", "--log-format", "json")
        with KastorServer(args) as server:
            trace, header = trace_of()
            httpx2.get(f"{server.url}/models", params=VERSION, headers={"traceparent": header})
            (line,) = own.until(lambda now: [each for each in now.lines if each.trace == trace])
            (span,) = own.until(lambda now: [s for s in now.in_trace(trace) if s.kind == 2])
        assert line.body == "request"
        assert line.level == "INFO"
        assert line.span == span.id
        assert line.attributes["path"] == "/models"
        assert line.attributes["status"] == 200
        assert line.attributes["kastor.logger"] == "kastor.api"
        assert line.attributes["kastor.request"] == span.attributes["kastor.request"]
        written = [each for each in lines_of(server, "request") if each.get("trace_id") == trace]
        assert [each["request"] for each in written] == [line.attributes["kastor.request"]]
        assert written[0]["span_id"] == span.id


def test_each_request_has_an_id_of_its_own_without_any_collector() -> None:
    with KastorServer(("--access-log", "--log-format", "json")) as server:
        with httpx2.Client(base_url=server.url, params=VERSION) as http:  # one connection
            for _ in range(5):
                http.get("/models")
        until(server.url, lambda now: now("log_lines_waiting", worker="0") == 0)
    ids = [each["request"] for each in lines_of(server, "request")]
    assert len(ids) >= 5
    assert len(set(ids)) == len(ids)
    assert all("trace_id" not in each for each in lines_of(server, "request"))


def test_a_path_cannot_forge_a_line() -> None:
    hostile = "/digitaltwins/a%0a2026-01-01T00:00:00Z [error] forged%1b[2J%e2%80%ae"
    for form in ("text", "json"):
        with KastorServer(("--access-log", "--log-format", form)) as server:
            httpx2.get(server.url + hostile, params=VERSION)
            until(server.url, lambda now: now("log_lines_waiting", worker="0") == 0)
        (line,) = [each for each in server.output.splitlines() if "forged" in each]
        assert "request" in line
        assert line.isprintable()


def test_one_of_both_can_be_off(tmp_path: Path) -> None:
    for off, sent in (("traces", "lines"), ("logs", "spans")):
        config = tmp_path / f"{off}.toml"
        config.write_text(f"otel_{off} = 'off'\n")
        args = ("--config", str(config), "--access-log")
        with Collector() as own, KastorServer((*args, "--otel-endpoint", own.url)) as server:
            httpx2.get(f"{server.url}/models", params=VERSION)
            own.until(lambda now: getattr(now, sent))  # noqa: B023 - asked before the next round
        assert bool(own.lines) is (sent == "lines")
        assert bool(own.spans) is (sent == "spans")
