"""Inputs from a broker that several processes serve: one holds each, another one takes it over."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from kastor.cli.main import app
from kastor.testing import KastorServer
from tests.events.brokers import PASSWORD, PASSWORD_VARIABLE, Mosquitto
from tests.ingest.world import NOW, Graph, Publisher, eventually

TWINS = [f"twin{n}" for n in range(8)]
TIMED = {
    "match": "kastor/{twin}",
    "twin": "{twin}",
    "patch": {"/temperature": "/value"},
    "sourceTime": "/ts",
    "telemetry": "",
}
UNTIMED = {"match": "kastor/{twin}", "twin": "{twin}", "patch": {"/temperature": "/value"}}
TAKE_OVER_SECONDS = 5.0


class Nodes:
    """Two processes that serve one graph, and what they say of its input."""

    def __init__(self, servers: list[KastorServer]) -> None:
        self.servers = servers
        self.graphs = [Graph(server.url) for server in servers]

    def holder(self) -> int:
        """Which of them holds the input and is connected; all that run say the same."""

        def agreed(states: list[Any]) -> bool:
            return states[0]["connected"] and len({each["heldBy"] for each in states}) == 1

        running = [
            graph
            for server, graph in zip(self.servers, self.graphs, strict=True)
            if server.process.poll() is None
        ]
        states = eventually(lambda: [graph.status("sensors") for graph in running], agreed)
        pid = int(states[0]["heldBy"].split("/")[1])
        return [server.process.pid for server in self.servers].index(pid)

    def taken_over_by(self, number: int) -> float:
        """Wait until one holds the input and is connected; return how many seconds it took."""
        began = time.monotonic()
        name = f"/{self.servers[number].process.pid}/"
        eventually(
            lambda: self.graphs[number].status("sensors"),
            lambda status: status["connected"] and name in status["heldBy"],
        )
        return time.monotonic() - began

    def log(self, kind: str) -> dict[str, list[tuple[str, Any]]]:
        """Ids and data of the events of a kind for each twin, in the order of the feed."""
        found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        url, after = self.graphs[self.holder()].url, "0"
        while True:
            address = f"{url}/kastor/v1/events?format=ndjson&after={after}"
            request = urllib.request.Request(address, headers={"max-items-per-page": "1000"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                lines = answer.read().splitlines()
                after = answer.headers["kastor-next-position"]
            if not lines:
                return found
            for event in map(json.loads, lines):
                if event["type"].lower().endswith(kind):
                    # Telemetry has its twin in the source.
                    twin = event.get("subject") or event["source"].rpartition("/")[2]
                    found[twin].append((event["id"], event["data"]))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def nodes(dsn: str, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    arguments = ("--db", dsn, "--graph-schema", f"g{uuid4().hex[:12]}", "--db-pool", "4")
    with ExitStack() as stack:
        nodes = Nodes([stack.enter_context(KastorServer(arguments)) for _ in range(2)])
        nodes.graphs[0].fill(TWINS)
        yield nodes
        for server in nodes.servers:
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)


class Load:
    """Publishes to each twin one value after the other, from a thread, with QoS 1."""

    def __init__(self, port: int) -> None:
        self.sent: dict[str, list[int]] = {twin: [] for twin in TWINS}
        self.count = 0
        self._publisher = Publisher(port)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more were published."""
        wanted = self.count + count
        eventually(lambda: self.count, lambda count: count >= wanted)

    def _run(self) -> None:
        while not self._over.is_set():
            twin = TWINS[self.count % len(TWINS)]
            value = len(self.sent[twin])
            self.sent[twin].append(value)
            message = {"value": value, "ts": (NOW * 1_000) + self.count}
            self._publisher.publish(f"kastor/{twin}", message)
            self.count += 1
            time.sleep(0.001)
        self._publisher.close()

    def arrived(self, graph: Graph) -> None:
        """Wait until every twin has the last value that was sent to it."""
        last = {twin: values[-1] for twin, values in self.sent.items()}
        assert eventually(graph.values, lambda values: values == last) == last


def values_of(updates: list[tuple[str, Any]]) -> list[int]:
    return [each["patch"][0]["value"] for _, each in updates]


def put(nodes: Nodes, broker: Mosquitto, rule: dict[str, Any], **more: Any) -> None:
    settings = {**broker.settings(), "rules": [rule], **more}
    nodes.graphs[1].put_input("sensors", "mqtt", **settings)


def test_each_message_is_applied_once_by_the_one_that_holds_the_input(
    nodes: Nodes, broker: Mosquitto
) -> None:
    put(nodes, broker, TIMED)
    holder = nodes.holder()
    with Load(broker.port) as load:
        load.more(600)
    load.arrived(nodes.graphs[0])
    telemetry = nodes.log("telemetry")
    for twin, sent in load.sent.items():
        assert [data["value"] for _, data in telemetry[twin]] == sent
    status = nodes.graphs[holder].settled("sensors", load.count)
    assert (status["received"], status["stale"], status["rejected"]) == (load.count, 0, 0)
    seen = eventually(lambda: nodes.graphs[1 - holder].status("sensors"), lambda s: s == status)
    assert seen == status
    assert nodes.holder() == holder
    assert "closing old connection" not in (broker.folder / "log").read_text()


def test_the_other_goes_on_when_the_holder_is_killed(nodes: Nodes, broker: Mosquitto) -> None:
    put(nodes, broker, TIMED)
    first = nodes.holder()
    with Load(broker.port) as load:
        load.more(300)
        nodes.servers[first].process.kill()
        nodes.servers[first].process.wait()
        took = nodes.taken_over_by(1 - first)
        load.more(300)
    print(f"taken over {took:.2f} s after the kill; {load.count} messages")
    assert took < TAKE_OVER_SECONDS
    load.arrived(nodes.graphs[1 - first])
    updates, telemetry = nodes.log("update"), nodes.log("telemetry")
    for twin, sent in load.sent.items():
        values = values_of(updates[twin])
        assert values == sorted(set(values)), "written twice, or out of order"
        # Telemetry cannot be compared with anything: what comes again has the same id.
        once = dict(telemetry[twin])
        assert [data["value"] for data in once.values()] == sent


def test_a_pause_stops_whoever_holds_the_input(nodes: Nodes, broker: Mosquitto) -> None:
    nodes.graphs[0].put_input("sensors", "mqtt", **broker.settings(), rules=[UNTIMED])
    other = nodes.graphs[1 - nodes.holder()]
    other.call("POST", "/kastor/v1/inputs/sensors/pause")

    def rest(states: list[Any]) -> bool:
        return all(
            (each["state"], each["connected"], each["heldBy"]) == ("paused", False, None)
            for each in states
        )

    eventually(lambda: [graph.status("sensors") for graph in nodes.graphs], rest)
    publisher = Publisher(broker.port)
    publisher.publish("kastor/twin0", {"value": 77})
    time.sleep(1)
    assert other.values()["twin0"] is None
    other.call("POST", "/kastor/v1/inputs/sensors/resume")
    eventually(other.values, lambda values: values["twin0"] == 77)
    publisher.close()
    assert nodes.holder() in (0, 1)


def test_a_holder_that_was_paused_writes_nothing_old(nodes: Nodes, broker: Mosquitto) -> None:
    put(nodes, broker, UNTIMED, window_ms=300)
    first = nodes.holder()
    with Load(broker.port) as load:
        load.more(200)
        # Wherever it is stopped, it has taken messages that it has not written yet.
        nodes.servers[first].process.send_signal(signal.SIGSTOP)
        assert nodes.taken_over_by(1 - first) < TAKE_OVER_SECONDS
        other = nodes.graphs[1 - first]
        load.more(300)
        before = {twin: len(load.sent[twin]) for twin in TWINS}
        eventually(
            other.values, lambda values: all(values[twin] > before[twin] - 20 for twin in TWINS)
        )
        nodes.servers[first].process.send_signal(signal.SIGCONT)
        load.more(300)
        assert nodes.holder() == 1 - first
    load.arrived(nodes.graphs[1 - first])
    for twin, updates in nodes.log("update").items():
        values = values_of(updates)
        # What was not acknowledged comes again, to the one that took over.
        back = [n for n in range(1, len(values)) if values[n] <= values[n - 1]]
        assert len(back) <= 1, (twin, values)
    log = (broker.folder / "log").read_text()
    assert log.count("closing old connection") == 1, "they fought over the session"


def test_a_holder_that_stops_hands_over_at_once(nodes: Nodes, broker: Mosquitto) -> None:
    put(nodes, broker, TIMED)
    first = nodes.holder()
    with Load(broker.port) as load:
        load.more(100)
        nodes.servers[first].process.terminate()
        assert nodes.servers[first].process.wait(15) == 0
        other = nodes.graphs[1 - first]
        # At once, though its lease would last for more than a second.
        assert f"/{nodes.servers[first].process.pid}/" not in str(other.status("sensors")["heldBy"])
        assert nodes.taken_over_by(1 - first) < TAKE_OVER_SECONDS
        load.more(100)
    load.arrived(nodes.graphs[1 - first])
    telemetry = nodes.log("telemetry")
    for twin, sent in load.sent.items():
        assert [data["value"] for data in dict(telemetry[twin]).values()] == sent


def test_what_the_other_changes_and_deletes_acts_at_the_holder(
    nodes: Nodes, broker: Mosquitto
) -> None:
    put(nodes, broker, TIMED)
    holder = nodes.holder()
    there = nodes.graphs[1 - holder]
    there.put_input(
        "sensors", "mqtt", **broker.settings(), rules=[{**TIMED, "match": "kastor/new/{twin}"}]
    )
    publisher = Publisher(broker.port)

    def sent_on(topic: str) -> bool:
        publisher.publish(topic, {"value": 7, "ts": NOW})
        return bool(there.twin(TWINS[0]).get("temperature") == 7)

    eventually(lambda: sent_on(f"kastor/new/{TWINS[0]}"), bool)
    assert nodes.holder() == holder
    there.call("DELETE", "/kastor/v1/inputs/sensors")
    time.sleep(1.5)
    log = (broker.folder / "log").read_text()
    assert "disconnected" in log
    publisher.publish(f"kastor/new/{TWINS[1]}", {"value": 8, "ts": NOW})
    # The broker has forgotten the session: an input of the same name gets nothing of before.
    put(nodes, broker, {**TIMED, "match": "kastor/new/{twin}"})
    nodes.holder()
    publisher.publish(f"kastor/new/{TWINS[2]}", {"value": 9, "ts": NOW})
    publisher.close()
    eventually(lambda: there.twin(TWINS[2]), lambda twin: twin.get("temperature") == 9)
    assert "temperature" not in there.twin(TWINS[1])


def test_the_command_line_says_who_holds_it(nodes: Nodes, broker: Mosquitto) -> None:
    put(nodes, broker, TIMED)
    other = nodes.graphs[1 - nodes.holder()]
    publisher = Publisher(broker.port)
    publisher.publish("kastor/unknown", {"value": 1, "ts": NOW})
    publisher.close()
    status = other.settled("sensors", 1)
    assert (status["connected"], status["rejected"]) == (True, 1)
    printed = CliRunner().invoke(app, ["input", "status", "sensors", "--url", other.url])
    assert "connected     yes" in printed.output
    assert f"held by       {os.uname().nodename}/" in printed.output
    printed = CliRunner().invoke(app, ["input", "rejected", "sensors", "--url", other.url])
    assert f"None here; {status['heldBy']} takes the messages." in printed.output


def test_webhooks_are_served_by_every_process(nodes: Nodes) -> None:
    rule = {"match": {"from": "/twin"}, "twin": "{value}", "patch": {"/temperature": "/value"}}
    nodes.graphs[0].put_input("gateway", "webhook", rules=[rule])
    for number, graph in enumerate(nodes.graphs):
        message = {"twin": TWINS[number], "value": number}
        answer = graph.call("POST", "/kastor/v1/inputs/gateway/messages", message)
        assert answer["written"] == 1
        status = graph.status("gateway")
        assert (status["connected"], status["heldBy"], status["received"]) == (None, None, 1)
