"""GET /metrics of a real server: what was done is what is counted."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import pytest

from kastor import __version__
from kastor.api.http.meter import BOUNDS, RequestMeter
from kastor.api.own.exposition import expose
from kastor.auth.tokens import create_token
from kastor.testing import KastorServer

from .scrape import MODEL, VERSION, Scrape, scrape, twin, until

ROUTE = {"graph": "default", "route": "r"}
HERE = {"graph": "default", "worker": "0"}


@pytest.fixture
def http(kastor_empty: KastorServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=kastor_empty.url, params=VERSION) as client:
        assert client.post("/models", json=[MODEL]).status_code == 201
        yield client


@contextmanager
def refusing() -> Iterator[str]:
    """The address of a webhook that refuses the twin `bad`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(400 if b'"subject":"bad"' in body else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class TestRequests:
    def test_they_grow_by_exactly_what_was_asked(
        self, http: httpx2.Client, kastor: KastorServer
    ) -> None:
        before = scrape(kastor.url)
        for n in range(3):
            assert http.put(f"/digitaltwins/t{n}", json=twin(n)).status_code == 200
        for n in range(5):
            assert http.get(f"/digitaltwins/t{n}").status_code == (200 if n < 3 else 404)
        assert http.put("/digitaltwins/x", json=twin("warm")).status_code == 400
        assert http.get("/nothing/here").status_code == 404
        assert http.get("/nothing/there").status_code == 404
        assert http.request("PROPFIND", "/models").status_code == 405
        assert http.request("MKCOL", "/models").status_code == 405
        assert http.get("/openapi.json").status_code == 200
        assert http.get("/docs").status_code == 200
        after = scrape(kastor.url)
        labels = ("operation", "method", "status", "worker")
        assert after.since(before, "http_requests_total", *labels) == {
            ("DigitalTwins_Add", "PUT", "200", "0"): 3,
            ("DigitalTwins_Add", "PUT", "400", "0"): 1,
            ("DigitalTwins_GetById", "GET", "200", "0"): 3,
            ("DigitalTwins_GetById", "GET", "404", "0"): 2,
            ("Unmatched", "GET", "404", "0"): 2,
            ("Unmatched", "other", "405", "0"): 2,
            ("OpenApi", "GET", "200", "0"): 1,
            ("Docs", "GET", "200", "0"): 1,
            ("Kastor_Metrics", "GET", "200", "0"): 1,
        }

    def test_durations_are_a_histogram_of_the_same_requests(
        self, http: httpx2.Client, kastor: KastorServer
    ) -> None:
        before, started = scrape(kastor.url), time.monotonic()
        for _ in range(20):
            http.get("/models")
        elapsed, after = time.monotonic() - started, scrape(kastor.url)
        name, key = "http_request_duration_seconds", ("DigitalTwinModels_List",)
        assert after.since(before, f"{name}_count", "operation")[key] == 20
        assert 0 < after.since(before, f"{name}_sum", "operation")[key] < elapsed
        labels = {"operation": key[0], "worker": "0"}
        ends = [*(str(bound) for bound in BOUNDS), "+Inf"]
        buckets = [after(f"{name}_bucket", le=end, **labels) or 0 for end in ends]
        assert buckets == sorted(buckets)
        assert buckets[-1] == after(f"{name}_count", **labels)
        assert after.families[f"kastor_{name}"].type == "histogram"

    def test_no_path_or_word_of_a_client_becomes_a_label(self) -> None:
        meter = RequestMeter(3)
        for n in range(100):
            meter.note("Unmatched", f"METHOD{n}", 405, 0.0)
        meter.note("Unmatched", "GET", 404, 100.0)
        found = Scrape(expose(meter, []).decode())
        labels = {"operation": "Unmatched", "worker": "3"}
        assert found("http_requests_total", method="other", status="405", **labels) == 100
        assert found("http_requests_total", method="GET", status="404", **labels) == 1
        name = "http_request_duration_seconds_bucket"
        assert found(name, le="10.0", **labels) == found(name, le="0.0005", **labels) == 100
        assert found(name, le="+Inf", **labels) == 101


class TestRoutes:
    def test_a_route_is_told_as_its_status_tells_it(
        self, http: httpx2.Client, kastor: KastorServer
    ) -> None:
        with refusing() as url:
            hook = {"kind": "webhook", "settings": {"url": url}}
            assert http.put("/kastor/v1/endpoints/hook", json=hook).status_code == 200
            body = {"endpointName": "hook", "filter": "true"}
            assert http.put("/eventroutes/r", json=body).status_code == 204
            assert scrape(kastor.url)("route_last_delivery_timestamp_seconds", **ROUTE) is None
            started = time.time()
            for name in ("a", "b", "c", "bad"):
                assert http.put(f"/digitaltwins/{name}", json=twin(1)).status_code == 200
            found = until(kastor.url, lambda now: now("route_dead_letters_total", **ROUTE) == 1)
            assert found("route_delivered_total", **ROUTE) == 3
            assert found("route_lag_entries", **ROUTE) == 0
            assert found("route_running", **ROUTE) == 1
            assert found("route_paused", **ROUTE) == 0
            assert found("route_failing", **ROUTE) == 1
            told = found("route_last_delivery_timestamp_seconds", **ROUTE)
            assert told is not None
            assert started - 1 < told < time.time() + 1
            assert http.put("/digitaltwins/d", json=twin(1)).status_code == 200
            found = until(kastor.url, lambda now: now("route_delivered_total", **ROUTE) == 4)
            assert found("route_failing", **ROUTE) == 0
            assert http.post("/kastor/v1/routes/r/pause").status_code == 204
            for name in ("e", "f"):
                assert http.put(f"/digitaltwins/{name}", json=twin(1)).status_code == 200
            found = scrape(kastor.url)
            [state] = http.get("/kastor/v1/routes").json()["value"]
        assert (state["state"], state["lag"], state["delivered"]) == ("paused", 2, 4)
        assert found("route_lag_entries", **ROUTE) == 2
        assert found("route_delivered_total", **ROUTE) == 4
        assert found("route_dead_letters_total", **ROUTE) == state["deadLetters"] == 1
        assert found("route_paused", **ROUTE) == 1
        assert found("route_running", **ROUTE) == 0
        assert http.delete("/eventroutes/r").status_code == 204
        assert scrape(kastor.url)("route_delivered_total", **ROUTE) is None


class TestInputs:
    def test_messages_are_counted_by_what_became_of_them(
        self, http: httpx2.Client, kastor: KastorServer
    ) -> None:
        rule = {
            "match": {"from": "/room"},
            "twin": "{value}",
            "patch": {"/temperature": "/temperature"},
        }
        body = {"kind": "webhook", "settings": {"rules": [rule], "window_ms": 0}}
        assert http.put("/kastor/v1/inputs/hook", json=body).status_code == 200
        assert http.put("/digitaltwins/a", json=twin(0)).status_code == 200
        messages = [{"room": "a", "temperature": n} for n in (1, "warm", 2)]
        for message in [*messages, {"room": "none", "temperature": 1}]:
            http.post("/kastor/v1/inputs/hook/messages", json=message)
        found = scrape(kastor.url)
        status = http.get("/kastor/v1/inputs/hook/status").json()
        labels = {"input": "hook", **HERE}
        assert found("input_received_total", **labels) == status["received"] == 4
        for outcome in ("written", "merged", "deadband", "stale", "rejected"):
            counted = found("input_messages_total", outcome=outcome, **labels)
            assert counted == status[outcome] == {"written": 2, "rejected": 2}.get(outcome, 0)
        assert found("input_connected", **labels) is None  # a webhook has nothing to connect to
        assert found("input_failing", **labels) == 0
        told = found("input_last_message_timestamp_seconds", **labels)
        assert told is not None
        assert abs(told - time.time()) < 30
        assert http.delete("/kastor/v1/inputs/hook").status_code == 204
        assert scrape(kastor.url)("input_received_total", **labels) is None

    def test_an_input_without_its_broker_is_not_connected(
        self, http: httpx2.Client, kastor: KastorServer
    ) -> None:
        with socket.socket() as silent:  # bound, so that nobody else listens there
            silent.bind(("127.0.0.1", 0))
            rules = [{"match": "rooms/{room}", "twin": "{room}", "patch": {"/temperature": ""}}]
            settings = {"host": "127.0.0.1", "port": silent.getsockname()[1], "rules": rules}
            body = {"kind": "mqtt", "settings": settings}
            answer = http.put("/kastor/v1/inputs/broker", json=body)
            assert answer.status_code == 200, answer.text
            labels = {"input": "broker", **HERE}
            found = until(kastor.url, lambda now: now("input_failing", **labels) == 1)
            assert found("input_connected", **labels) == 0
            assert http.delete("/kastor/v1/inputs/broker").status_code == 204


class TestStreams:
    def test_what_is_open_is_counted_until_it_is_closed(
        self, http: httpx2.Client, kastor: KastorServer
    ) -> None:
        def opened(now: Scrape) -> tuple[float | None, float | None]:
            return now("feed_streams", **HERE), now("live_queries", **HERE)

        body = {"query": "SELECT * FROM DIGITALTWINS"}
        until(kastor.url, lambda now: opened(now) == (0, 0))
        with http.stream("GET", "/kastor/v1/events") as first:
            assert first.status_code == 200
            with (
                http.stream("GET", "/kastor/v1/events") as second,
                http.stream("POST", "/kastor/v1/query/live", json=body) as live,
            ):
                assert (second.status_code, live.status_code) == (200, 200)
                until(kastor.url, lambda now: opened(now) == (2, 1))
            until(kastor.url, lambda now: opened(now) == (1, 0))
        found = until(kastor.url, lambda now: opened(now) == (0, 0))
        labels = {"method": "GET", "status": "200", "worker": "0"}
        # Counted when it began, not when it ended.
        assert (found("http_requests_total", operation="Kastor_Events", **labels) or 0) >= 2


def test_the_library_tells_of_process_and_python(kastor: KastorServer) -> None:
    found = scrape(kastor.url)
    assert found("build_info", version=__version__) == 1
    labels = frozenset({("worker", "0")})
    assert found.samples[("process_resident_memory_bytes", labels)] > 10_000_000
    assert found.samples[("process_cpu_seconds_total", labels)] > 0
    [python] = found.families["python_info"].samples
    assert python.labels["worker"] == "0"
    assert python.labels["version"].startswith("3.")


def test_it_is_of_the_whole_server_whichever_graph_the_path_names() -> None:
    with KastorServer() as server:
        assert httpx2.put(f"{server.url}/kastor/v1/graphs/two").status_code == 201
        for url in (server.url, f"{server.url}/graphs/two"):
            found = scrape(url)
            assert found("graph_up", graph="default") == found("graph_up", graph="two") == 1
            assert found("live_queries", graph="two", worker="0") == 0
        assert httpx2.delete(f"{server.url}/kastor/v1/graphs/two").status_code == 204
        assert scrape(server.url)("graph_up", graph="two") is None


def test_it_needs_a_token_of_somebody_who_may_read() -> None:
    with KastorServer(("--auth", "tokens")) as server:
        assert httpx2.get(f"{server.url}/metrics").status_code == 401
        wrong = {"Authorization": "Bearer wrong"}
        assert httpx2.get(f"{server.url}/metrics", headers=wrong).status_code == 401
        for role, status in (("sender", 403), ("none", 403), ("reader", 200), ("owner", 200)):
            token = create_token(server.data_dir / "tokens", role, role)
            headers = {"Authorization": f"Bearer {token}"}
            assert httpx2.get(f"{server.url}/metrics", headers=headers).status_code == status, role
        found = scrape(server.url, **headers)
    labels = {"operation": "Kastor_Metrics", "method": "GET", "worker": "0"}
    counts = [found("http_requests_total", status=each, **labels) for each in ("401", "403", "200")]
    assert counts == [2, 2, 2]


def test_a_server_as_narrow_as_the_cloud_has_it_too() -> None:
    with KastorServer(("--profile", "adt")) as server:
        assert scrape(server.url)("graph_up", graph="default") == 1


def test_jobs_are_counted_by_kind_and_state(http: httpx2.Client, kastor: KastorServer) -> None:
    for name in ("a", "b", "c"):
        assert http.put(f"/digitaltwins/{name}", json=twin(1)).status_code == 200
    before = scrape(kastor.url)
    labels = {"graph": "default", "kind": "deletions", "status": "succeeded"}
    ended = before("jobs", **labels) or 0
    assert http.post("/jobs/deletions").status_code == 202
    after = until(kastor.url, lambda now: now("jobs", **labels) == ended + 1)
    grown = after.since(before, "job_progress_total", "kind", "worker")
    assert grown == {("deletions", "0"): 4}  # three twins and their model
    assert after("jobs_at_work", **HERE, kind="deletions") == 0
