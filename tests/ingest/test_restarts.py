"""Kastor killed and the broker restarted while sensors publish: no QoS 1 message is lost.

Every message goes to a twin of its own, so that each one that is missing would be seen.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.events.brokers import PASSWORD, PASSWORD_VARIABLE, Mosquitto
from tests.ingest.world import NOW, Graph, Publisher, eventually
from tests.system.program import Served

COUNT = 300
RULE = {
    "match": "kastor/{twin}",
    "twin": "{twin}",
    "patch": {"/temperature": "/value"},
    "sourceTime": "/ts",
}
TWINS = [f"twin{n}" for n in range(COUNT)]


def publish_all(publisher: Publisher) -> None:
    for n, twin in enumerate(TWINS):
        publisher.publish(f"kastor/{twin}", {"value": n, "ts": NOW + n})
        time.sleep(0.003)
    publisher.close()


def served(data: Path) -> Served:
    return Served(data, **{PASSWORD_VARIABLE: PASSWORD})


def missing(graph: Graph) -> list[str]:
    values = graph.values()
    return [twin for n, twin in enumerate(TWINS) if values[twin] != n]


@pytest.fixture
def own_broker(tmp_path: Path) -> Mosquitto:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    return broker


def test_nothing_is_lost_when_kastor_is_killed_or_restarted(
    own_broker: Mosquitto, tmp_path: Path
) -> None:
    process = served(tmp_path / "data")
    try:
        graph = Graph(process.url)
        graph.fill(TWINS)
        graph.put_input("sensors", "mqtt", **own_broker.settings(), rules=[RULE])
        graph.connected("sensors")
        sending = threading.Thread(target=publish_all, args=(Publisher(own_broker.port),))
        sending.start()
        for kill in (True, False, True):
            time.sleep(0.2)
            if kill:
                process.process.kill()
                process.process.wait()
            else:
                assert process.stop() == 0
            process = served(tmp_path / "data")
        sending.join()
        graph.url = process.url
        assert eventually(lambda: missing(graph), lambda left: not left) == []
        assert graph.status("sensors")["rejected"] == 0
    finally:
        process.stop()
        own_broker.stop()


def test_nothing_is_lost_when_the_broker_is_restarted(
    own_broker: Mosquitto, tmp_path: Path
) -> None:
    process = served(tmp_path / "data")
    try:
        graph = Graph(process.url)
        graph.fill(TWINS)
        graph.put_input("sensors", "mqtt", **own_broker.settings(), rules=[RULE])
        graph.connected("sensors")
        sending = threading.Thread(target=publish_all, args=(Publisher(own_broker.port),))
        sending.start()
        for _ in range(2):
            time.sleep(0.4)
            own_broker.stop()
            eventually(lambda: graph.status("sensors"), lambda status: not status["connected"])
            own_broker.start()
        sending.join()
        assert eventually(lambda: missing(graph), lambda left: not left) == []
        assert graph.connected("sensors")["lastError"] is None
    finally:
        process.stop()
        own_broker.stop()
