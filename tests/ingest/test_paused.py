"""Inputs that somebody paused: nothing is taken, nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.events.brokers import Mosquitto
from tests.ingest.world import Answer, Graph, Publisher, eventually

MESSAGES = "/kastor/v1/inputs/hook/messages"
HOOK = [{"twin": "room-{/room}", "patch": {"/temperature": "/value"}}]
TWIN = "room-r0"


def rule(kind: str) -> dict[str, Any]:
    return {
        "match": f"kastor/paused/{kind}/{{room}}",
        "twin": "room-{room}",
        "patch": {"/temperature": "/value"},
    }


@pytest.fixture(autouse=True)
def no_input(graph: Graph) -> Any:
    yield
    for info in graph.call("GET", "/kastor/v1/inputs")["value"]:
        graph.call("DELETE", f"/kastor/v1/inputs/{info['name']}")


def pause(graph: Graph, name: str, *, paused: bool = True) -> None:
    graph.call("POST", f"/kastor/v1/inputs/{name}/{'pause' if paused else 'resume'}")


def test_a_paused_webhook_asks_to_send_again(graph: Graph) -> None:
    graph.put_input("hook", "webhook", rules=HOOK)
    pause(graph, "hook")
    assert graph.status("hook")["state"] == "paused"
    with pytest.raises(Answer, match="kastor input resume hook") as caught:
        graph.call("POST", MESSAGES, {"room": "r0", "value": 31})
    assert caught.value.status == 503
    assert json.loads(caught.value.body)["error"]["code"] == "ServiceUnavailable"
    # New settings leave it paused, since somebody wanted it so.
    assert graph.put_input("hook", "webhook", rules=[*HOOK, *HOOK])["paused"] is True
    assert graph.call("GET", "/kastor/v1/inputs/hook")["paused"] is True
    pause(graph, "hook", paused=False)
    assert graph.status("hook")["state"] == "running"
    assert graph.call("POST", MESSAGES, {"room": "r0", "value": 31})["written"] == 1
    assert graph.twin(TWIN)["temperature"] == 31


def test_what_is_not_there_cannot_be_paused(graph: Graph) -> None:
    for paused in (True, False):
        with pytest.raises(Answer, match="InputNotFound") as caught:
            pause(graph, "nothing", paused=paused)
        assert caught.value.status == 404


def test_a_broker_keeps_the_messages_of_a_paused_input(
    graph: Graph, broker: Mosquitto, publisher: Publisher
) -> None:
    settings = broker.settings()
    graph.put_input("sensors", "mqtt", **settings, rules=[rule("old"), rule("kept")])
    graph.connected("sensors")
    pause(graph, "sensors")
    status = graph.status("sensors")
    assert (status["state"], status["connected"]) == ("paused", False)
    publisher.publish("kastor/paused/kept/r0", {"value": 41})
    graph.put_input("sensors", "mqtt", **settings, rules=[rule("kept")])
    assert graph.status("sensors")["received"] == 0
    pause(graph, "sensors", paused=False)
    status = graph.connected("sensors")
    assert status["state"] == "running"
    eventually(lambda: graph.twin(TWIN).get("temperature"), lambda value: value == 41)
    # What it no longer wants is no longer subscribed to, although it was paused at that time.
    publisher.publish("kastor/paused/old/r0", {"value": 51})
    publisher.publish("kastor/paused/kept/r0", {"value": 42})
    eventually(lambda: graph.twin(TWIN).get("temperature"), lambda value: value == 42)
    assert graph.rejected("sensors") == []
