"""What a collector is sent of a server's work, over real sockets."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from kastor.testing import KastorServer
from tests.metrics.scrape import MODEL, VERSION, twin, until

from .collector import Collector, Span

PARENT = "b7ad6b7169203331"


def trace_of(*, sampled: bool = True) -> tuple[str, str]:
    """A trace of a client: its id, and its header."""
    trace = secrets.token_hex(16)
    return trace, f"00-{trace}-{PARENT}-{int(sampled):02x}"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KastorServer]:
    config = tmp_path_factory.mktemp("config") / "kastor.toml"
    config.write_text("private_addresses = true\n")  # of the webhook here
    args = (
        "--otel-endpoint",
        collector.url,
        "--otel-service-name",
        "building 7",
        "--config",
        str(config),
    )
    with KastorServer((*args, "--auth", "tokens")) as found:
        yield found


@pytest.fixture(scope="module")
def http(server: KastorServer) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {server.token('owner')}"}
    with httpx2.Client(base_url=server.url, params=VERSION, headers=headers) as client:
        assert client.post("/models", json=[MODEL]).status_code == 201
        yield client


def tree(spans: list[Span]) -> dict[str, list[str]]:
    """Names of spans by that of the span that they are a part of."""
    names = {each.id: each.name for each in spans}
    found: dict[str, list[str]] = {}
    for each in spans:
        found.setdefault(names.get(each.parent, each.parent), []).append(each.name)
    return {key: sorted(value) for key, value in found.items()}


class TestRequests:
    def test_a_write_is_a_tree_in_its_client_s_trace(
        self, http: httpx2.Client, collector: Collector
    ) -> None:
        trace, header = trace_of()
        answer = http.put("/digitaltwins/w", json=twin(1), headers={"traceparent": header})
        assert answer.status_code == 200
        spans = collector.until(lambda now: len(f := now.in_trace(trace)) == 4 and f)
        assert tree(spans) == {
            PARENT: ["DigitalTwins_Add"],
            "DigitalTwins_Add": ["authorise", "store write"],
            "store write": ["decide"],
        }
        by_name = {each.name: each for each in spans}
        request = by_name["DigitalTwins_Add"]
        assert request.kind == 2  # SERVER
        assert request.attributes["http.request.method"] == "PUT"
        assert request.attributes["http.response.status_code"] == 200
        assert request.attributes["url.path"] == "/digitaltwins/w"
        assert request.resource["service.name"] == "building 7"
        assert not any(each.failed for each in spans)
        for each in spans:
            assert request.begun <= each.begun <= each.ended <= request.ended, each
        assert by_name["authorise"].attributes["kastor.graph"] == "default"
        assert by_name["decide"].begun >= by_name["store write"].begun

    def test_the_answer_names_the_span(self, http: httpx2.Client, collector: Collector) -> None:
        trace, header = trace_of()
        told = http.get("/models", headers={"traceparent": header}).headers["traceresponse"]
        assert told.startswith(f"00-{trace}-")
        (span,) = collector.until(lambda now: [s for s in now.in_trace(trace) if s.kind == 2])
        assert told == f"00-{trace}-{span.id}-01"

    def test_without_a_header_a_trace_begins_here(
        self, http: httpx2.Client, collector: Collector
    ) -> None:
        told = http.get("/digitaltwins/nobody").headers["traceresponse"]
        trace = told.split("-")[1]
        (span,) = collector.until(lambda now: [s for s in now.in_trace(trace) if s.kind == 2])
        assert span.parent == ""
        assert span.attributes["http.response.status_code"] == 404
        assert not span.failed  # it is the client's

    @pytest.mark.parametrize(
        "header",
        ["", "nonsense", "00-" + "0" * 32 + f"-{PARENT}-01", "ff-" + "a" * 32 + f"-{PARENT}-01"],
    )
    def test_a_header_that_says_nothing_is_none(
        self, header: str, http: httpx2.Client, collector: Collector
    ) -> None:
        told = http.get("/models", headers={"traceparent": header}).headers["traceresponse"]
        trace = told.split("-")[1]
        (span,) = collector.until(lambda now: [s for s in now.in_trace(trace) if s.kind == 2])
        assert span.parent == ""

    def test_two_headers_say_nothing(self, http: httpx2.Client, collector: Collector) -> None:
        traces = [trace_of(), trace_of()]
        both = [("traceparent", header) for _, header in traces]
        token = ("authorization", http.headers["authorization"])
        answer = http.get("/models", headers=[*both, token])
        told = answer.headers["traceresponse"].split("-")[1]
        assert told not in [trace for trace, _ in traces]
        assert collector.until(lambda now: now.in_trace(told))

    def test_what_its_client_does_not_follow_is_not_followed(
        self, http: httpx2.Client, collector: Collector
    ) -> None:
        quiet, header = trace_of(sampled=False)
        assert http.get("/models", headers={"traceparent": header}).status_code == 200
        loud, other = trace_of()
        assert http.get("/models", headers={"traceparent": other}).status_code == 200
        assert collector.until(lambda now: now.in_trace(loud))
        assert not collector.in_trace(quiet)

    def test_queries_and_refusals(
        self, http: httpx2.Client, server: KastorServer, collector: Collector
    ) -> None:
        trace, header = trace_of()
        body = {"query": "SELECT * FROM digitaltwins"}
        assert http.post("/query", json=body, headers={"traceparent": header}).status_code == 200
        spans = collector.until(
            lambda now: [s for s in now.in_trace(trace) if s.name == "store query"]
        )
        assert spans[0].attributes["db.system.name"] in ("sqlite", "postgres")
        assert not any("SELECT" in str(each.attributes) for each in collector.in_trace(trace))
        trace, header = trace_of()
        answer = httpx2.get(f"{server.url}/models", params=VERSION, headers={"traceparent": header})
        assert answer.status_code == 401
        spans = collector.until(lambda now: len(f := now.in_trace(trace)) == 2 and f)
        names = {each.name: each for each in spans}
        assert names["authorise"].attributes["error.type"]
        assert names["DigitalTwinModels_List"].attributes["http.response.status_code"] == 401

    def test_hostile_words_stay_values(self, http: httpx2.Client, collector: Collector) -> None:
        trace, header = trace_of()
        http.get("/digitaltwins/" + "%0aforged%1b[2J" * 30, headers={"traceparent": header})
        (span,) = collector.until(lambda now: [s for s in now.in_trace(trace) if s.kind == 2])
        assert len(span.attributes["url.path"]) <= 500
        assert span.name in ("DigitalTwins_GetById", "Unmatched")


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The address of a webhook, and the headers that it was sent; a twin `bad` is refused."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            refused = b'"subject":"bad"' in body or self.headers.get("ce-subject") == "bad"
            seen.append({key.lower(): value for key, value in self.headers.items()})
            self.send_response(400 if refused else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}/", seen
        found.shutdown()


class TestRelay:
    def test_a_delivery_is_a_part_of_the_write_and_its_receiver_of_the_delivery(
        self, http: httpx2.Client, collector: Collector
    ) -> None:
        with webhook() as (url, seen):
            hook = {"kind": "webhook", "settings": {"url": url}}
            assert http.put("/kastor/v1/endpoints/hook", json=hook).status_code == 200
            route = {"endpointName": "hook", "filter": "true"}
            assert http.put("/eventroutes/r", json=route).status_code == 204
            trace, header = trace_of()
            for name in ("good", "bad"):
                told = {"traceparent": header}
                assert http.put(f"/digitaltwins/{name}", json=twin(1), headers=told).is_success
            relayed = collector.until(
                lambda now: (
                    len(f := [s for s in now.in_trace(trace) if s.name == "relay"]) >= 2 and f
                )
            )
            requests = {s.id for s in collector.in_trace(trace) if s.kind == 2}
            assert {each.parent for each in relayed} <= requests
            assert {each.failed for each in relayed} == {True, False}
            assert all(each.kind == 4 for each in relayed)  # PRODUCER
            assert {each.attributes["kastor.route"] for each in relayed} == {"r"}
            sent = {each["traceparent"] for each in seen if trace in each["traceparent"]}
            assert sent == {f"00-{trace}-{each.id}-01" for each in relayed}
            assert http.delete("/eventroutes/r").status_code == 204


class TestJobs:
    def test_a_job_is_a_trace_of_its_own(self, http: httpx2.Client, collector: Collector) -> None:
        lines = [
            {"Section": "Header"},
            {"fileVersion": "1.0.0", "author": "a", "organization": "o"},
            {"Section": "Models"},
            {"Section": "Twins"},
            {"$dtId": "job-1", **twin(2)},
            {"Section": "Relationships"},
        ]
        text = "\n".join(json.dumps(each) for each in lines)
        answer = http.post(
            "/kastor/v1/jobs/imports",
            content=text,
            headers={"content-type": "application/x-ndjson"},
        )
        assert answer.status_code == 202, answer.text
        (span,) = collector.until(lambda now: now.of("job", kastor_job_kind="uploads"))
        assert span.parent == ""
        assert span.attributes["kastor.job.status"] == "succeeded"
        inside = collector.until(lambda now: [s for s in now.in_trace(span.trace) if s is not span])
        assert {"store write"} <= {each.name for each in inside}


def test_a_share_of_the_traces(collector: Collector) -> None:
    with (
        Collector() as own,
        KastorServer(("--otel-endpoint", own.url, "--otel-sample", "0.5")) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        for _ in range(400):
            http.get("/models")
        found = own.until(lambda now: len(now.of("DigitalTwinModels_List")) > 100 and now)
        until(server.url, lambda now: now("otel_waiting", what="spans", worker="0") == 0)
        count = len(found.of("DigitalTwinModels_List"))
        assert 130 < count < 270, count  # 7 standard deviations
        loud, header = trace_of()
        http.get("/models", headers={"traceparent": header})
        assert own.until(lambda now: now.in_trace(loud))  # its client decides


def test_headers_of_a_file_and_no_word_of_them_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("# of the collector\nx-key: very secret\nAuthorization: Basic Zm9v\n")
    with Collector() as own:
        args = ("--otel-endpoint", own.url, "--otel-headers-file", str(file))
        with KastorServer(args) as server:
            httpx2.get(f"{server.url}/models", params=VERSION)
            own.until(lambda now: now.spans)
            told = {name.lower(): value for name, value in own.headers[0].items()}
            assert told["x-key"] == "very secret"
            assert told["authorization"] == "Basic Zm9v"
            assert "secret" not in server.output


def test_the_end_sends_what_is_left() -> None:
    with Collector() as own:
        with KastorServer(("--otel-endpoint", own.url)) as server:
            trace, header = trace_of()
            httpx2.get(f"{server.url}/models", params=VERSION, headers={"traceparent": header})
        assert [each.name for each in own.in_trace(trace) if each.kind == 2] == [
            "DigitalTwinModels_List"
        ]


def test_nothing_of_it_is_in_the_log(http: httpx2.Client, server: KastorServer) -> None:
    for _ in range(20):
        http.get("/digitaltwins/nobody")
    headers = {"authorization": str(http.headers["authorization"])}
    until(server.url, lambda now: now("log_lines_waiting", worker="0") == 0, headers=headers)
    told = [each for each in server.output.splitlines() if each.startswith("{")]
    loggers = {json.loads(each)["logger"] for each in told}
    assert not [each for each in loggers if not each.startswith("kastor")]
    assert "kastor.otel" not in loggers


def test_streams_end_their_span_when_they_begin() -> None:
    with Collector() as own, KastorServer(("--otel-endpoint", own.url)) as server:
        trace, header = trace_of()
        with httpx2.stream(
            "GET", f"{server.url}/kastor/v1/events", headers={"traceparent": header}
        ) as stream:
            assert stream.status_code == 200
            (span,) = own.until(lambda now: [s for s in now.in_trace(trace) if s.kind == 2])
            assert span.attributes["http.response.status_code"] == 200
