"""Webhook inputs of a real server: one message, many, lines, CloudEvents; who may send."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.ingest.world import NOW, Answer, Graph
from tests.system.program import invoked, kastor, serving

RULES = [
    {
        "name": "reading",
        "match": {"from": "/room"},
        "twin": "room-{value}",
        "patch": {"/temperature": {"from": "/value", "optional": True}},
        "sourceTime": "/ts",
    },
    {
        "name": "event",
        "match": {"from": "header:ce-subject", "like": "rooms/{room}"},
        "when": {"header:ce-type": "reading"},
        "twin": "room-{room}",
        "patch": {"/temperature": "/celsius"},
        "sourceTime": "header:ce-time",
        "telemetry": "",
    },
]


@pytest.fixture(scope="module")
def hook(graph: Graph) -> Graph:
    graph.put_input("hook", "webhook", rules=RULES)
    return graph


def post(graph: Graph, body: Any, kind: str = "application/json", **headers: str) -> Any:
    return graph.call("POST", "/kastor/v1/inputs/hook/messages", body, Content_Type=kind, **headers)


def reading(room: str, value: Any, ts: Any = NOW) -> dict[str, Any]:
    return {"room": room, "value": value, "ts": ts}


def test_one_message(hook: Graph) -> None:
    answer = post(hook, reading("r0", 20.5, NOW * 1000 + 250))
    assert answer == {
        "received": 1,
        "written": 1,
        "merged": 0,
        "deadband": 0,
        "stale": 0,
        "rejected": 0,
        "errors": [],
    }
    twin = hook.twin("room-r0")
    assert twin["temperature"] == 20.5
    assert twin["$metadata"]["temperature"]["sourceTime"].endswith(".25Z")


def test_an_array_is_written_before_it_is_answered(hook: Graph) -> None:
    body = [reading("r1", 1, NOW + 1), reading("r1", 2, NOW + 3), reading("r1", 3, NOW + 2)]
    body += [reading("r2", "warm", NOW + 1), reading("nowhere", 1), {"other": 1}, reading("r2", 7)]
    answer = post(hook, body)
    assert {name: answer[name] for name in ("received", "written", "merged", "rejected")} == {
        "received": 7,
        "written": 2,
        "merged": 2,
        "rejected": 3,
    }
    reasons = {each["index"]: each["reason"] for each in answer["errors"]}
    assert "temperature" in reasons[3]
    assert "room-nowhere" in reasons[4]
    assert reasons[5] == "No rule matches."
    assert hook.twin("room-r1")["temperature"] == 2
    assert hook.twin("room-r2")["temperature"] == 7


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"1\n" * 10_001, "application/x-ndjson"),
        (b"[" + b"1," * 10_000 + b"1]", "application/json"),
        (b"[" + b"1," * 10_000 + b"1]", "application/cloudevents-batch+json"),
    ],
)
def test_too_many_messages_are_refused_as_a_whole(hook: Graph, body: bytes, kind: str) -> None:
    before = hook.call("GET", "/kastor/v1/inputs/hook/status")["received"]
    with pytest.raises(Answer, match="the limit is 10000") as caught:
        post(hook, body, kind)
    assert caught.value.status == 400
    assert json.loads(caught.value.body)["error"]["code"] == "LimitExceeded"
    assert hook.call("GET", "/kastor/v1/inputs/hook/status")["received"] == before


def test_lines(hook: Graph) -> None:
    lines = [json.dumps(reading("r3", 3)), "", "{broken", json.dumps(reading("r4", 4))]
    answer = post(hook, "\r\n".join(lines).encode(), "application/x-ndjson")
    assert (answer["received"], answer["written"], answer["rejected"]) == (3, 2, 1)
    assert answer["errors"][0]["index"] == 1
    assert "not JSON" in answer["errors"][0]["reason"]


def test_what_is_sent_again_is_stale(hook: Graph) -> None:
    body = [reading("r5", 5), reading("r6", 6)]
    assert post(hook, body)["written"] == 2
    assert post(hook, body)["stale"] == 2
    assert post(hook, reading("r5", 9, NOW - 1))["stale"] == 1
    assert hook.twin("room-r5")["temperature"] == 5


def event(**changes: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "id": "1",
        "source": "/sensors",
        "type": "reading",
        "subject": "rooms/r7",
        "time": "2024-05-01T10:00:00Z",
        "data": {"celsius": 17.5},
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def test_a_cloud_event_and_its_telemetry_once(hook: Graph) -> None:
    sent = event()
    kind = "application/cloudevents+json; charset=utf-8"
    assert post(hook, sent, kind)["written"] == 1
    assert post(hook, sent, kind)["written"] == 1  # telemetry again, with the same id
    assert hook.twin("room-r7")["temperature"] == 17.5
    ids = [each["id"] for each in hook.log("telemetry") if "room-r7" in json.dumps(each)]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_cloud_event_made_by_the_library(hook: Graph) -> None:
    attributes = {"id": "9", "source": "/s", "type": "reading", "subject": "rooms/r8"}
    made = CloudEvent(
        {
            **attributes,
            "specversion": "1.0",
            "time": _time(),
            "datacontenttype": "application/json",
        },
        {"celsius": 18.5},
    )
    message = to_structured_event(made)
    assert post(hook, message.body, message.headers["content-type"])["written"] == 1
    assert hook.twin("room-r8")["temperature"] == 18.5


def _time() -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(NOW, UTC)


def test_a_batch_of_cloud_events_names_what_is_none(hook: Graph) -> None:
    data = base64.b64encode(b'{"celsius":3}').decode()
    batch = [
        event(subject="rooms/r9", data={"celsius": 1}, time="2024-05-01T10:00:00Z"),
        event(id=...),
        event(specversion="0.3"),
        event(subject="rooms/r9", data=..., data_base64=data, time="2024-05-01T10:00:01+00:00"),
        event(data=..., data_base64="%"),
        7,
    ]
    answer = post(hook, batch, "application/cloudevents-batch+json")
    assert (answer["received"], answer["rejected"]) == (6, 4)
    assert [each["index"] for each in answer["errors"]] == [1, 2, 4, 5]
    assert "has no id" in answer["errors"][0]["reason"]
    assert hook.twin("room-r9")["temperature"] == 3


def test_a_cloud_event_in_binary_mode(hook: Graph) -> None:
    headers = {"ce-" + k: str(v) for k, v in event(subject="rooms/r4").items() if k != "data"}
    headers |= {"ce-time": "2033-05-01T10:00:00Z"}
    answer = post(hook, {"celsius": 4.5}, **headers)
    assert "max_ahead" in answer["errors"][0]["reason"]
    headers |= {"ce-time": _time().isoformat(), "ce-subject": "rooms/r9"}
    assert post(hook, {"celsius": 4.5}, **headers)["written"] == 1
    assert hook.twin("room-r9")["temperature"] == 4.5


def test_the_rejected_can_be_inspected(hook: Graph) -> None:
    post(hook, b'{"room":"nowhere","value":1,"ts":0,"rest":"' + b"x" * 2_000 + b'"}')
    newest = hook.rejected("hook")[0]
    assert len(newest["payload"]) == 1_024
    assert newest["payload"].startswith('{"room":"nowhere"')
    assert "room-nowhere" in newest["reason"]
    assert post(hook, [{"no": n} for n in range(150)])["rejected"] == 150
    kept = hook.rejected("hook")
    assert len(kept) == 100
    assert kept[0]["payload"] == '{"no":149}'
    status = hook.status("hook")
    ends = ("written", "merged", "deadband", "stale", "rejected")
    assert status["received"] == sum(status[end] for end in ends)
    assert (status["connected"], status["lastError"]) == (None, None)


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "code"),
    [
        ("nowhere", {}, "application/json", 404, "InputNotFound"),
        ("hook", b"[", "application/json", 400, "InvalidArgument"),
        ("hook", b"[" * 300 + b"]" * 300, "application/json", 400, "InvalidArgument"),
        ("hook", {}, "application/cloudevents-batch+json", 400, "InvalidArgument"),
        ("hook", b"<a/>", "application/xml", 415, "UnsupportedMediaType"),
    ],
)
def test_requests_that_are_refused_as_a_whole(
    hook: Graph, path: str, body: Any, kind: str, status: int, code: str
) -> None:
    with pytest.raises(Answer) as caught:
        hook.call("POST", f"/kastor/v1/inputs/{path}/messages", body, Content_Type=kind)
    assert caught.value.status == status
    assert code in str(caught.value)


def test_settings_are_checked_shown_replaced_and_deleted(graph: Graph) -> None:
    with pytest.raises(Answer, match="The setting twin of rule 1 is missing") as caught:
        graph.put_input("other", "webhook", rules=[{"patch": {"/a": "/a"}}])
    assert caught.value.status == 400
    for name in ("a", "-abc", "a_b", "x" * 51):
        with pytest.raises(Answer, match="name has 3 to 50"):
            graph.put_input(name, "webhook", rules=RULES)
    info = graph.put_input("other", "webhook", rules=RULES, window_ms=0)
    assert info == {
        "name": "other",
        "kind": "webhook",
        "settings": {"rules": RULES, "window_ms": 0},
        "paused": False,
    }
    assert graph.call("GET", "/kastor/v1/inputs/other") == info
    assert info in graph.call("GET", "/kastor/v1/inputs")["value"]
    graph.call("DELETE", "/kastor/v1/inputs/other")
    for path in ("other", "other/status", "other/rejected"):
        with pytest.raises(Answer, match="InputNotFound"):
            graph.call("GET", f"/kastor/v1/inputs/{path}")


def test_the_command_line(hook: Graph, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"rules": RULES}))

    def run(*arguments: str) -> str:
        done = invoked("input", *arguments, "--url", hook.url)
        assert done.returncode == 0, done
        return str(done.stdout)

    assert "is ready" in run("create", "lines", "--kind", "webhook", "--settings", str(file))
    assert "lines" in run("list")
    assert json.loads(run("show", "lines", "--output", "json"))["settings"]["rules"] == RULES
    hook.call("POST", "/kastor/v1/inputs/lines/messages", {"no": 1})
    assert "rejected      1" in run("status", "lines")
    assert json.loads(run("status", "lines", "--json"))["rejected"] == 1
    assert "No rule matches." in run("rejected", "lines")
    assert "is gone" in run("delete", "lines")
    refused = invoked("input", "show", "lines", "--url", hook.url)
    assert (refused.returncode, "no input named lines" in refused.stderr) == (3, True)


def test_a_sender_may_send_and_nothing_else(tmp_path: Path) -> None:
    tokens = {
        role: kastor("token", "create", "--role", role, "--data", tmp_path).stdout.strip()
        for role in ("owner", "sender", "reader")
    }
    with serving(tmp_path, "--auth", "tokens") as served:
        owner, sender, reader = (Graph(served.url, token) for token in tokens.values())
        owner.fill(["room-r0"])
        owner.put_input("hook", "webhook", rules=RULES)
        assert post(sender, reading("r0", 1))["written"] == 1
        calls: tuple[Callable[[], object], ...] = (
            lambda: sender.twin("room-r0"),
            lambda: sender.status("hook"),
            lambda: sender.put_input("hook", "webhook", rules=RULES),
            lambda: post(reader, reading("r0", 1)),
            lambda: reader.rejected("hook"),
        )
        for call in calls:
            with pytest.raises(Answer) as caught:
                call()
            assert caught.value.status == 403
        assert owner.twin("room-r0")["temperature"] == 1


def test_as_many_messages_as_may_be_let_others_have_their_turn(hook: Graph) -> None:
    answers: list[Any] = []
    start = (NOW + 500) * 1_000  # after all that the other tests wrote
    lines = b"".join(b'{"room":"r9","value":%d,"ts":%d}\n' % (n, start + n) for n in range(10_000))
    sender = threading.Thread(
        target=lambda: answers.append(post(hook, lines, "application/x-ndjson"))
    )
    sender.start()
    slowest = 0.0
    while sender.is_alive():
        began = time.monotonic()
        hook.twin("room-r9")
        slowest = max(slowest, time.monotonic() - began)
    assert (answers[0]["received"], answers[0]["rejected"]) == (10_000, 0)
    assert hook.twin("room-r9")["temperature"] == 9_999
    assert slowest < 1


def test_a_dry_run_says_what_would_become_of_each_message(hook: Graph) -> None:
    hook.call("PUT", "/kastor/v1/inputs/tried", {"kind": "webhook", "settings": {"rules": RULES}})
    path = "/kastor/v1/inputs/tried/messages"
    body = [reading("r7", n, NOW + n) for n in (3, 1, 2)]
    body += [reading("r6", "warm", NOW + 500), reading("nowhere", 1), {"other": 1}]
    before = hook.twin("room-r7")
    tried = hook.call("POST", path, body, Kastor_Dry_Run="true")
    assert hook.twin("room-r7") == before
    status = hook.call("GET", "/kastor/v1/inputs/tried/status")
    assert (status["received"], status["rejected"], status["lastMessage"]) == (0, 0, None)
    assert hook.call("GET", "/kastor/v1/inputs/tried/rejected")["value"] == []
    assert (tried["received"], tried["written"], tried["merged"], tried["rejected"]) == (6, 1, 2, 3)
    assert hook.call("POST", path, body) == tried
    again = hook.call("POST", path, body, Kastor_Dry_Run="true")
    assert (again["written"], again["stale"]) == (0, 3)
