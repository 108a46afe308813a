"""Routes end to end: a real server, a file as endpoint, and what arrived there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:relay:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Relationship", "name": "next"},
    ],
}


class Site:
    """A server with one file endpoint; reads what arrived."""

    def __init__(self, server: KastorServer) -> None:
        self.server = server
        self.file = server.data_dir / "events.ndjson"
        self.http = httpx2.Client(base_url=server.url, params=VERSION)

    def prepare(self) -> None:
        self.server.reset()
        self.file.unlink(missing_ok=True)
        self.http.put("/kastor/v1/endpoints/log", json=self.endpoint(self.file))
        assert self.http.post("/models", json=[MODEL]).status_code == 201

    def endpoint(self, file: Path) -> dict[str, Any]:
        return {"kind": "file", "settings": {"path": str(file)}}

    def route(self, name: str, text: str = "true", endpoint: str = "log") -> None:
        body = {"endpointName": endpoint, "filter": text}
        answer = self.http.put(f"/eventroutes/{name}", json=body)
        assert answer.status_code == 204, answer.text

    def put(self, twin: str, temperature: float) -> None:
        body = {"$metadata": {"$model": MODEL["@id"]}, "temperature": temperature}
        assert self.http.put(f"/digitaltwins/{twin}", json=body).status_code == 200

    def patch(self, twin: str, temperature: float) -> None:
        body = [{"op": "add", "path": "/temperature", "value": temperature}]
        headers = {"Content-Type": "application/json-patch+json"}
        answer = self.http.patch(f"/digitaltwins/{twin}", content=json.dumps(body), headers=headers)
        assert answer.status_code == 204

    def arrived(self, file: Path | None = None) -> list[dict[str, Any]]:
        path = file or self.file
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def until(self, check: Callable[[], bool], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < end, (self.arrived(), self.state("r"))
            time.sleep(0.02)

    def state(self, route: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/kastor/v1/routes/{route}").json()
        return found


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with KastorServer() as server:
        yield Site(server)


@pytest.fixture
def site(shared: Site) -> Site:
    shared.prepare()
    return shared


def test_every_change_arrives_in_order_with_its_body(site: Site) -> None:
    site.route("r")
    site.put("a", 20)
    site.patch("a", 21)
    site.put("b", 1)
    body = {"$relationshipName": "next", "$targetId": "b"}
    site.http.put("/digitaltwins/a/relationships/ab", json=body)
    headers = {"Message-Id": "message-1"}
    site.http.post("/digitaltwins/a/telemetry", json={"x": 1}, headers=headers)
    site.http.delete("/digitaltwins/a/relationships/ab")
    site.http.delete("/digitaltwins/a")
    site.until(lambda: len(site.arrived()) == 7)
    events = site.arrived()
    assert [event["type"].removeprefix("Microsoft.DigitalTwins.") for event in events] == [
        "Twin.Create",
        "Twin.Update",
        "Twin.Create",
        "Relationship.Create",
        "microsoft.iot.telemetry",
        "Relationship.Delete",
        "Twin.Delete",
    ]
    assert events[1]["data"] == {
        "modelId": MODEL["@id"],
        "patch": [{"value": 21, "path": "/temperature", "op": "add"}],
    }
    assert events[3]["subject"] == "a/relationships/ab"
    assert events[4]["id"] == "message-1"
    assert len({event["id"] for event in events}) == 7


def test_a_filter_lets_through_what_it_matches_and_false_nothing(site: Site) -> None:
    other = site.server.data_dir / "none.ndjson"
    site.http.put("/kastor/v1/endpoints/none", json=site.endpoint(other))
    site.route("r", "type = 'Microsoft.DigitalTwins.Twin.Update'")
    site.route("off", "false", "none")
    site.put("a", 20)
    site.patch("a", 21)
    site.until(lambda: len(site.arrived()) == 1)
    assert site.arrived()[0]["type"] == "Microsoft.DigitalTwins.Twin.Update"
    assert site.arrived(other) == []


def test_what_changes_nothing_fires_nothing(site: Site) -> None:
    site.route("r")
    site.put("a", 20)
    site.put("a", 20)
    headers = {"Content-Type": "application/json-patch+json"}
    site.http.patch("/digitaltwins/a", content="[]", headers=headers)
    site.put("b", 20)
    site.until(lambda: len(site.arrived()) == 2)
    assert [event["subject"] for event in site.arrived()] == ["a", "b"]


def test_a_route_begins_with_what_comes_after_it(site: Site) -> None:
    site.put("before", 1)
    site.route("r")
    site.put("after", 2)
    site.until(lambda: len(site.arrived()) == 1)
    assert site.arrived()[0]["subject"] == "after"


def test_a_paused_route_goes_on_where_it_stopped(site: Site) -> None:
    site.route("r")
    site.put("a", 1)
    site.until(lambda: len(site.arrived()) == 1)
    site.until(lambda: site.state("r")["lag"] == 0)  # its arrival has been noted
    assert site.http.post("/kastor/v1/routes/r/pause").status_code == 204
    site.put("b", 2)
    site.put("c", 3)
    assert site.state("r")["state"] == "paused"
    assert site.state("r")["lag"] == 2
    assert len(site.arrived()) == 1
    site.http.post("/kastor/v1/routes/r/resume")
    site.until(lambda: len(site.arrived()) == 3)
    assert [event["subject"] for event in site.arrived()] == ["a", "b", "c"]


def test_a_route_can_be_replayed_with_the_same_ids(site: Site) -> None:
    start = site.http.get("/kastor/v1/status").json()["counts"]["changeLog"]
    site.route("r")
    site.put("a", 1)
    site.put("b", 2)
    site.until(lambda: len(site.arrived()) == 2)
    position = site.state("r")["position"] - 2
    assert start >= 1
    answer = site.http.post("/kastor/v1/routes/r/replay", params={"from": position})
    assert answer.json() == {"position": position}
    site.until(lambda: len(site.arrived()) == 4)
    ids = [event["id"] for event in site.arrived()]
    assert ids[:2] == ids[2:]
    time_of_b = site.arrived()[1]["time"]
    site.http.post("/kastor/v1/routes/r/replay", params={"from": time_of_b})
    site.until(lambda: len(site.arrived()) == 5)
    assert site.arrived()[-1]["subject"] == "b"


def test_a_replay_from_beyond_the_log_begins_with_what_comes_next(site: Site) -> None:
    site.route("r")
    site.put("a", 1)
    site.until(lambda: len(site.arrived()) == 1)
    newest = site.state("r")["position"]
    answer = site.http.post("/kastor/v1/routes/r/replay", params={"from": "9" * 18})
    assert answer.json() == {"position": newest}
    site.put("b", 2)
    site.until(lambda: len(site.arrived()) == 2)


@pytest.mark.parametrize(
    "since", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-05-01T08:00:00", "x"]
)
def test_a_replay_from_no_time_is_refused(site: Site, since: str) -> None:
    site.route("r")
    answer = site.http.post("/kastor/v1/routes/r/replay", params={"from": since})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")


def test_a_filter_with_a_character_that_no_engine_stores_is_refused(site: Site) -> None:
    body = {"endpointName": "log", "filter": "subject = 'a\0'"}
    answer = site.http.put("/eventroutes/r", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "EventRouteFilterInvalid"
    assert "Position=13" in answer.json()["error"]["message"]


def test_a_replay_holds_while_events_are_delivered(site: Site) -> None:
    site.route("r")
    site.put("first", 1)
    site.until(lambda: len(site.arrived()) == 1)
    begin = site.state("r")["position"] - 1
    stopped = threading.Event()

    def load() -> None:
        with httpx2.Client(base_url=site.server.url, params=VERSION) as http:
            while not stopped.is_set():
                http.post("/digitaltwins/first/telemetry", json={"x": 1})

    def replayed() -> int:
        return sum(event.get("subject") == "first" for event in site.arrived())

    def has_replayed(wanted: int) -> bool:
        return replayed() >= wanted

    loads = [threading.Thread(target=load) for _ in range(3)]
    for each in loads:
        each.start()
    try:
        for replays in range(1, 11):
            time.sleep(0.2)
            site.http.post("/kastor/v1/routes/r/replay", params={"from": begin})
            site.until(partial(has_replayed, 1 + replays), 5)
    finally:
        stopped.set()
        for each in loads:
            each.join()


def test_an_endpoint_in_trouble_holds_up_its_own_route_alone(site: Site) -> None:
    bad = site.server.data_dir / "nosuch" / "events.ndjson"
    site.http.put("/kastor/v1/endpoints/bad", json=site.endpoint(bad))
    site.route("r")
    site.route("stuck", endpoint="bad")
    site.put("a", 1)
    site.until(lambda: len(site.arrived()) == 1)
    site.until(lambda: site.state("stuck")["lastError"] is not None)
    assert site.state("stuck")["lag"] >= 1
    site.patch("a", 2)
    site.until(lambda: len(site.arrived()) == 2)
    bad.parent.mkdir()
    site.until(lambda: len(site.arrived(bad)) == 2, 35)
    assert site.state("stuck")["lastError"] is None
    assert site.state("stuck")["lag"] == 0


def test_the_rate_is_what_was_delivered_in_the_last_minute(site: Site) -> None:
    site.route("r", "subject = 'wanted'")
    site.put("wanted", 0)
    for temperature in range(1, 5):
        site.patch("wanted", temperature)
        site.put("other", temperature)
    site.until(lambda: site.state("r")["delivered"] == 5)
    assert site.state("r")["perMinute"] == 5
    assert site.http.get("/kastor/v1/routes").json()["value"] == [site.state("r")]
    # The route's own counter: pausing does not lose it, a new route of that name begins anew.
    site.http.post("/kastor/v1/routes/r/pause")
    assert site.state("r")["perMinute"] == 5
    site.http.delete("/eventroutes/r")
    site.route("r")
    assert (site.state("r")["delivered"], site.state("r")["perMinute"]) == (0, 0)


def test_an_endpoint_in_use_cannot_be_deleted(site: Site) -> None:
    site.route("r")
    answer = site.http.delete("/kastor/v1/endpoints/log")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "EndpointInUse")
    site.http.delete("/eventroutes/r")
    assert site.http.delete("/kastor/v1/endpoints/log").status_code == 204
    assert site.http.get("/kastor/v1/endpoints/log").status_code == 404


def test_routes_survive_a_restart_and_miss_nothing() -> None:
    with KastorServer() as first:
        site = Site(first)
        site.prepare()
        site.route("r")
        site.put("a", 1)
        site.until(lambda: len(site.arrived()) == 1)
        site.http.post("/kastor/v1/routes/r/pause")
        site.put("b", 2)
        first.process.terminate()
        first.process.wait(15)
        with KastorServer(data_dir=first.data_dir) as second:
            again = Site(second)
            again.http.post("/kastor/v1/routes/r/resume")
            again.until(lambda: len(again.arrived()) >= 2)
            assert [event["subject"] for event in again.arrived()] == ["a", "b"]


SLOW = (
    "SELECT COUNT() FROM DIGITALTWINS MATCH (a) MATCH (b) MATCH (c) MATCH (d) MATCH (e) "
    "WHERE a.temperature = b.temperature OR c.temperature = d.temperature OR e.temperature > 1"
)


def test_slow_queries_hold_up_no_route_and_no_status() -> None:
    with KastorServer(("--query-timeout", "6")) as server:
        site = Site(server)
        site.prepare()
        site.route("r")
        for number in range(120):
            site.put(f"t{number}", number)
        site.until(lambda: len(site.arrived()) == 120)
        answers: list[httpx2.Response] = []

        def query() -> None:
            url = f"{server.url}/query"
            answers.append(httpx2.post(url, params=VERSION, json={"query": SLOW}, timeout=30))

        threads = [threading.Thread(target=query) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        site.put("beside", 1)
        site.until(lambda: len(site.arrived()) == 121, seconds=4)
        for path in ("/eventroutes", "/kastor/v1/routes/r", "/kastor/v1/status", "/metrics"):
            assert site.http.get(path).status_code == 200
        assert time.monotonic() - began < 4
        assert not answers  # they still ran
        for thread in threads:
            thread.join()
        assert {answer.json()["error"]["code"] for answer in answers} == {"TimeoutError"}
