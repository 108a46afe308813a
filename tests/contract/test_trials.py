"""Trying out: an event that says it is a test, and what rules would make of a message."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from .client import Api, assert_error, assert_json
from .tables import rows_of
from .test_dry_run import DOOR_MODEL, FLOOR_MODEL, floor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer

TYPE = "Kastor.Endpoint.Test"
RULES: list[dict[str, Any]] = [
    {
        "name": "level",
        "match": {"from": "/floor"},
        "when": {"/kind": "level"},
        "twin": "{value}",
        "patch": {"/level": {"from": "/value", "as": "number"}},
        "sourceTime": "/at",
        "deadband": {"/level": 2},
    },
    {"match": {"from": "/floor"}, "twin": "{value}", "telemetry": "/raw", "when": {"/kind": "raw"}},
]


class Target:
    """A webhook's receiver: it keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.status, self.seconds = 200, 0.0
        self.taken: list[dict[str, Any]] = []
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                target.taken.append(json.loads(body))
                time.sleep(target.seconds)
                self.send_response(target.status)
                self.send_header("content-length", "4")
                self.end_headers()
                self.wfile.write(b"full")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def world(api: Api) -> Iterator[Api]:
    """A server with two twins; its endpoints and inputs are gone afterwards."""
    api.add_models(FLOOR_MODEL, DOOR_MODEL)
    for name in "ab":
        api.add_twin(name, floor(name=name.upper(), level=5))
    yield api
    for kind in ("eventroutes", "kastor/v1/endpoints", "kastor/v1/inputs"):
        version = {"version": None} if kind.startswith("kastor") else {}
        for each in api.get(f"/{kind}", **version).json()["value"]:
            api.delete(f"/{kind}/{each.get('name', each.get('id'))}", **version)


def _at_rest(kastor: KastorServer) -> dict[str, Any]:
    """All rows, once positions of the log have come: on PostgreSQL they follow a moment later."""
    before, deadline = rows_of(kastor), time.monotonic() + 20
    while True:
        time.sleep(0.3)
        rows = rows_of(kastor)
        if rows == before:
            return rows
        assert time.monotonic() < deadline, "the rows never come to rest"
        before = rows


def _put(api: Api, path: str, kind: str, **settings: Any) -> None:
    made = api.put(f"/kastor/v1/{path}", {"kind": kind, "settings": settings}, version=None)
    assert made.status_code == 200, made.text


def _test(api: Api, name: str) -> dict[str, Any]:
    said: dict[str, Any] = assert_json(api.post(f"/kastor/v1/endpoints/{name}/test", version=None))
    return said


def test_a_test_arrives_and_leaves_no_trace(
    kastor: KastorServer, world: Api, target: Target
) -> None:
    _put(world, "endpoints/hook", "webhook", url=target.url)
    before = _at_rest(kastor)
    said = _test(world, "hook")
    assert (said["delivered"], said["error"], said["worthRepeating"]) == (True, None, False)
    assert rows_of(kastor) == before
    [event] = target.taken
    assert (event["type"], event["subject"], event["id"]) == (TYPE, "hook", said["eventId"])
    assert event["data"]["test"] is True
    assert event["time"].endswith("Z")


@pytest.mark.parametrize(("status", "again"), [(400, False), (503, True)])
def test_what_the_receiver_says_is_told_and_is_no_dead_letter(
    kastor: KastorServer, world: Api, target: Target, status: int, again: bool
) -> None:
    _put(world, "endpoints/hook", "webhook", url=target.url)
    route = world.put("/eventroutes/first", {"endpointName": "hook", "filter": "false"})
    assert route.status_code == 204
    target.status = status
    before = rows_of(kastor)["dead_letters"]
    said = _test(world, "hook")
    assert said["delivered"] is False
    assert said["worthRepeating"] is again
    assert f"answered {status}: full" in said["error"]
    assert rows_of(kastor)["dead_letters"] == before
    state = world.get("/kastor/v1/routes/first", version=None).json()
    assert (state["deadLetters"], state["lastError"]) == (0, None)
    assert len(target.taken) == 1


def test_nobody_there_is_told_as_well(world: Api, target: Target) -> None:
    target.server.server_close()
    _put(world, "endpoints/hook", "webhook", url=target.url)
    said = _test(world, "hook")
    assert (said["delivered"], said["worthRepeating"]) == (False, True)
    assert said["error"]


def test_one_test_of_an_endpoint_at_a_time(world: Api, target: Target) -> None:
    _put(world, "endpoints/hook", "webhook", url=target.url, timeout=30)
    target.seconds = 1.0
    first = threading.Thread(target=_test, args=(world, "hook"))
    first.start()
    deadline = time.monotonic() + 10
    while not target.taken:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with Api(world.url) as other:
        answer = other.post("/kastor/v1/endpoints/hook/test", version=None)
    first.join()
    # Another process knows nothing of the first one's.
    if answer.status_code != 200:
        error = assert_error(answer, 429, "TooManyRequests")
        assert "being tested" in error["message"]


def test_a_test_goes_on_when_whoever_asked_has_gone(world: Api, target: Target) -> None:
    _put(world, "endpoints/hook", "webhook", url=target.url, timeout=30)
    target.seconds = 1.5
    path = "/kastor/v1/endpoints/hook/test"
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(f"{world.url}{path}", timeout=0.5)
    time.sleep(0.2)
    answer = world.post(path, version=None)
    assert_error(answer, 429, "TooManyRequests")
    target.seconds = 0.0
    deadline = time.monotonic() + 10
    while world.post(path, version=None).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_cannot_be_tested_says_why(world: Api) -> None:
    assert_error(
        world.post("/kastor/v1/endpoints/none/test", version=None), 404, "EndpointNotFound"
    )
    _put(world, "endpoints/rows", "webhook", url="http://127.0.0.1:9/x", format="adt-history")
    answer = world.post("/kastor/v1/endpoints/rows/test", version=None)
    assert_error(answer, 400, "OperationNotAllowed", "rows of the history")
    tried = world.post(
        "/kastor/v1/endpoints/rows/test", version=None, headers={"kastor-dry-run": "true"}
    )
    assert_error(tried, 400, "InvalidArgument")


def test_a_client_id_in_use_is_not_taken_from_its_route(world: Api) -> None:
    _put(world, "endpoints/plant", "mqtt", host="127.0.0.1", port=9, client_id="one", timeout=1)
    assert _test(world, "plant")["delivered"] is False  # nobody listens there
    route = world.put("/eventroutes/first", {"endpointName": "plant", "filter": "false"})
    assert route.status_code == 204
    answer = world.post("/kastor/v1/endpoints/plant/test", version=None)
    assert_error(answer, 409, "EndpointInUse", "Pause them first")
    assert world.post("/kastor/v1/routes/first/pause", version=None).status_code == 204
    assert _test(world, "plant")["delivered"] is False


def _try(api: Api, message: Any, name: str = "sensors", **more: Any) -> dict[str, Any]:
    body = {"payload": message if isinstance(message, str) else json.dumps(message), **more}
    found: dict[str, Any] = assert_json(
        api.post(f"/kastor/v1/inputs/{name}/try", body, version=None)
    )
    return found


def _level(value: Any, twin: str = "a", **more: Any) -> dict[str, Any]:
    return {"floor": twin, "kind": "level", "value": value, "at": "2024-05-01T10:00:00Z", **more}


def test_what_the_rules_would_make_of_a_message(kastor: KastorServer, world: Api) -> None:
    _put(world, "inputs/sensors", "webhook", rules=RULES)
    before = _at_rest(kastor)
    found = _try(world, _level("9"))
    assert (found["outcome"], found["reason"]) == ("written", None)
    level, raw = found["rules"]
    assert level == {
        "rule": "'level'",
        "matches": True,
        "outcome": "written",
        "twin": "a",
        "component": None,
        "values": {"/level": 9},
        "sourceTime": level["sourceTime"],
        "telemetry": None,
    }
    assert level["sourceTime"].startswith("2024-05-01T10:00:00")
    assert raw == {"rule": "2", "matches": False}
    [patch] = found["patches"]
    assert patch["twin"] == "a"
    assert patch["patch"][0] == {"op": "replace", "path": "/level", "value": 9}
    assert patch["patch"][1]["path"] == "/$metadata/level/sourceTime"
    assert rows_of(kastor) == before
    status = world.get("/kastor/v1/inputs/sensors/status", version=None).json()
    assert status["received"] == 0


@pytest.mark.parametrize(
    ("message", "outcome", "reason"),
    [
        (_level(6), "deadband", None),
        (_level("high"), "rejected", "is no number"),
        (_level(9, twin="nowhere"), "rejected", "nowhere"),
        (_level(9, at="2999-01-01T00:00:00Z"), "rejected", "max_ahead"),
        (_level(9.5), "rejected", "level"),
        ({"floor": "a", "kind": "raw", "raw": {"celsius": 20}}, "written", None),
        ({"floor": "a", "kind": "else"}, "rejected", "No rule matches."),
        ("21.5 no JSON", "rejected", "not JSON"),
    ],
)
def test_the_trial_says_what_sending_it_would_do(
    world: Api, message: Any, outcome: str, reason: str | None
) -> None:
    _put(world, "inputs/sensors", "webhook", rules=RULES, window_ms=0)
    found = _try(world, message)
    assert found["outcome"] == outcome
    assert (reason is None) is (found["reason"] is None)
    assert reason is None or reason in found["reason"]
    raw = message if isinstance(message, str) else json.dumps(message)
    sent = world.send(
        *("POST", "/kastor/v1/inputs/sensors/messages"), raw=raw.encode(), version=None
    )
    receipt = assert_json(sent)
    assert receipt[outcome] == 1, receipt
    if found["reason"] is not None:
        assert receipt["errors"][0]["reason"] == found["reason"]


def test_rules_are_tried_before_there_is_an_input(world: Api) -> None:
    rule = {"match": "building/{room}/level", "twin": "{room}", "patch": {"/level": "payload"}}
    settings = {"host": "broker.example.org", "rules": [rule]}
    found = _try(
        world, "12", name="plant", topic="building/a/level", kind="mqtt", settings=settings
    )
    assert found["outcome"] == "rejected"
    assert "level" in found["reason"]  # a text is no integer
    rule["patch"] = {"/level": {"from": "payload", "as": "number"}}
    found = _try(
        world, "12", name="plant", topic="building/a/level", kind="mqtt", settings=settings
    )
    assert found["patches"][0]["patch"][0]["value"] == 12
    assert_error(world.get("/kastor/v1/inputs/plant", version=None), 404, "InputNotFound")


def test_a_cloud_event_is_a_message_too(world: Api) -> None:
    rule = {"twin": "{header:ce-subject}", "patch": {"/level": "/value"}}
    _put(world, "inputs/sensors", "webhook", rules=[rule])
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "subject": "b"}
    kind = "application/cloudevents+json"
    found = _try(world, {**event, "data": {"value": 8}}, contentType=kind)
    assert found["patches"][0]["twin"] == "b"
    del event["type"]
    found = _try(world, event, contentType=kind)
    assert (found["outcome"], found["reason"]) == ("rejected", "The CloudEvent has no type.")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "payload"),
        ({"payload": "{}", "headers": {"a": 1}}, "headers"),
        ({"payload": "{}", "contentType": "image/png"}, "contentType"),
        ({"payload": "{}", "contentType": ["text/plain"]}, "contentType"),
        ({"payload": "{}", "contentType": {"text": "plain"}}, "contentType"),
        ({"payload": "{}", "topic": "a"}, "no topic"),
        ({"payload": "[1, 2]"}, "One message is tried at a time"),
        ({"payload": "{}", "kind": "webhook"}, "settings"),
        ({"payload": "{}", "kind": "webhook", "settings": {"rules": []}}, "rules"),
    ],
)
def test_what_cannot_be_tried_says_why(world: Api, body: Any, word: str) -> None:
    _put(world, "inputs/sensors", "webhook", rules=RULES)
    answer = world.post("/kastor/v1/inputs/sensors/try", body, version=None)
    assert_error(answer, 400, "InvalidArgument", word)


def test_an_input_that_is_not_there(world: Api) -> None:
    answer = world.post("/kastor/v1/inputs/none/try", {"payload": "{}"}, version=None)
    assert_error(answer, 404, "InputNotFound")


def test_two_rules_of_one_twin_are_one_patch(world: Api) -> None:
    rules = [
        {"name": "first", "twin": "a", "patch": {"/level": "/value"}},
        {"name": "then", "twin": "a", "patch": {"/level": "/other", "/name": "/name"}},
    ]
    _put(world, "inputs/sensors", "webhook", rules=rules)
    found = _try(world, {"value": 7, "other": 8, "name": "N"})
    assert [each["outcome"] for each in found["rules"]] == ["merged", "written"]
    [patch] = found["patches"]
    values = {each["path"]: each["value"] for each in patch["patch"]}
    assert values == {"/level": 8, "/name": "N"}


def test_a_number_beyond_64_bits_is_out_of_range(world: Api) -> None:
    scaled = {"from": "/value", "scale": 1e9, "round": 0}
    rule = {"twin": "a", "patch": {"/level": scaled}}
    _put(world, "inputs/sensors", "webhook", rules=[rule], window_ms=0)
    found = _try(world, {"value": 1e12})
    assert found["outcome"] == "rejected"
    assert "out of range" in found["reason"]
    receipt = assert_json(
        world.post("/kastor/v1/inputs/sensors/messages", {"value": 1e12}, version=None)
    )
    assert receipt["errors"][0]["reason"] == found["reason"]
