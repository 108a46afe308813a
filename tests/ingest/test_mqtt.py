"""MQTT inputs of a real server at a real broker that both keep running."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from kastor.graph.readings import Outcome
from kastor.ingest.inputs import MqttInput, read_input
from kastor.ingest.mapping import Message
from kastor.ingest.mqtt import MqttSource
from kastor.ingest.pipeline import Verdict
from tests.events.brokers import PASSWORD, PASSWORD_VARIABLE, Mosquitto
from tests.ingest.world import NOW, Graph, Publisher, eventually

RULES: list[dict[str, Any]] = [
    {
        "name": "temperature",
        "match": "kastor/building/{room}/temperature",
        "twin": "room-{room}",
        "patch": {"/temperature": "/value"},
        "sourceTime": "/ts",
        "deadband": {"/temperature": 0.5},
    },
    {
        "name": "target",
        "match": "kastor/building/{room}/target",
        "twin": "room-{room}",
        "component": "part",
        "patch": {"/target": {"from": "payload", "scale": 0.1, "round": 1}},
        "telemetry": "",
    },
    {
        "name": "door",
        "match": "kastor/building/{room}/door",
        "when": {"header:unit": "door"},
        "twin": "room-{room}",
        "patch": {"/open": {"from": "payload", "as": "boolean"}, "/people": {"constant": 0}},
    },
]
TOPIC = "kastor/building/{}/{}"


@pytest.fixture
def sensors(graph: Graph, broker: Mosquitto) -> Graph:
    """A new input with a session of its own; what others published is not its concern."""
    graph.put_input("sensors", "mqtt", **broker.settings(), topics=["kastor/#"], rules=RULES)
    graph.connected("sensors")
    return graph


@pytest.fixture(autouse=True)
def no_input(graph: Graph) -> Any:
    yield
    for info in graph.call("GET", "/kastor/v1/inputs")["value"]:
        graph.call("DELETE", f"/kastor/v1/inputs/{info['name']}")


def test_values_arrive_with_their_source_time(sensors: Graph, publisher: Publisher) -> None:
    publisher.publish(TOPIC.format("r0", "temperature"), {"value": 21, "ts": NOW})
    publisher.publish(TOPIC.format("r0", "target"), b"215")
    publisher.publish(TOPIC.format("r0", "door"), b"ON", Unit="door")
    status = sensors.settled("sensors", 3)
    assert status["rejected"] == 0
    twin = sensors.twin("room-r0")
    assert (twin["temperature"], twin["part"]["target"]) == (21, 21.5)
    assert (twin["open"], twin["people"]) == (True, 0)
    assert twin["$metadata"]["temperature"]["sourceTime"].endswith("Z")
    assert "sourceTime" not in twin["$metadata"]["open"]
    telemetry = [each for each in sensors.log("telemetry") if "room-r0" in json.dumps(each)]
    assert [each["data"] for each in telemetry] == [215]


def test_the_last_by_source_time_wins(sensors: Graph, publisher: Publisher) -> None:
    for ts in (10, 8, 12, 11, 12):
        publisher.publish(TOPIC.format("r1", "temperature"), {"value": ts * 10, "ts": NOW + ts})
    sensors.settled("sensors", 5)
    assert sensors.twin("room-r1")["temperature"] == 120
    publisher.publish(TOPIC.format("r1", "temperature"), {"value": 1, "ts": (NOW + 9) * 1000})
    status = sensors.settled("sensors", 6)
    assert status["stale"] >= 1
    assert status["stale"] + status["merged"] + status["written"] == 6
    assert sensors.twin("room-r1")["temperature"] == 120


def test_a_burst_is_few_patches_and_its_last_value(sensors: Graph, publisher: Publisher) -> None:
    for n in range(200):
        publisher.publish(TOPIC.format("r2", "temperature"), {"value": n, "ts": NOW + n / 100})
    status = sensors.settled("sensors", 200)
    assert status["written"] + status["merged"] == 200
    assert status["merged"] > 0
    assert sensors.twin("room-r2")["temperature"] == 199
    updates = [each for each in sensors.log("update") if "room-r2" in json.dumps(each)]
    assert len(updates) == status["written"] < 200


def test_the_deadband_keeps_small_changes_back(sensors: Graph, publisher: Publisher) -> None:
    for n, value in enumerate([20.0, 20.4, 19.6, 20.5]):
        publisher.publish(TOPIC.format("r3", "temperature"), {"value": value, "ts": NOW + n})
        status = sensors.settled("sensors", n + 1)
    assert (status["written"], status["deadband"]) == (2, 2)
    assert sensors.twin("room-r3")["temperature"] == 20.5


def test_the_rejected_are_counted_and_can_be_inspected(
    sensors: Graph, publisher: Publisher
) -> None:
    topic = TOPIC.format("r4", "temperature")
    sent: list[tuple[str, bytes, str]] = [
        ("kastor/other", b"{}", "No rule matches."),
        (TOPIC.format("nowhere", "temperature"), b'{"value":1,"ts":0}', "room-nowhere"),
        (topic, b'{"value":"warm","ts":0}', "Expected value of type double for temperature"),
        (topic, b"\xff" * 2_000, "Rule 'temperature': The payload is not JSON"),
        (topic, b'{"value":1}', "has no /ts"),
        (topic, b'{"value":1,"ts":"2099-01-01T00:00:00Z"}', "max_ahead"),
    ]
    for topic, payload, _ in sent:
        publisher.publish(topic, payload)
    assert sensors.settled("sensors", 6)["rejected"] == 6
    found = {
        (each["topic"], each["payload"]): each["reason"] for each in sensors.rejected("sensors")
    }
    for topic, payload, words in sent:
        assert words in found[topic, payload[:1_024].decode(errors="replace")]
    assert "temperature" not in sensors.twin("room-r4")


def test_one_wrong_message_does_not_spoil_its_burst(sensors: Graph, publisher: Publisher) -> None:
    for n, value in enumerate([1, "warm", 3]):
        publisher.publish(TOPIC.format("r5", "temperature"), {"value": value, "ts": NOW + n})
    publisher.publish(TOPIC.format("r5", "door"), b"off", unit="door")
    sensors.settled("sensors", 4)
    twin = sensors.twin("room-r5")
    assert (twin["temperature"], twin["open"]) == (3, False)


def test_settings_that_change_act_at_once_in_the_same_session(
    sensors: Graph, broker: Mosquitto, publisher: Publisher
) -> None:
    publisher.publish(TOPIC.format("r6", "temperature"), {"value": 1, "ts": NOW})
    sensors.settled("sensors", 1)
    rules = [{**RULES[0], "match": "kastor/new/{room}"}]
    sensors.put_input("sensors", "mqtt", **broker.settings(), rules=rules)
    sensors.connected("sensors")
    publisher.publish(TOPIC.format("r6", "temperature"), {"value": 2, "ts": NOW + 1})
    publisher.publish("kastor/new/r6", {"value": 3, "ts": NOW + 2})
    status = sensors.settled("sensors", 2)
    assert (status["received"], status["rejected"]) == (
        2,
        0,
    )  # the old topic is not wanted any more
    assert sensors.twin("room-r6")["temperature"] == 3


def test_a_deleted_input_leaves_nothing_at_the_broker(
    sensors: Graph, broker: Mosquitto, publisher: Publisher
) -> None:
    sensors.call("DELETE", "/kastor/v1/inputs/sensors")
    publisher.publish(TOPIC.format("r7", "temperature"), {"value": 1, "ts": NOW})
    sensors.put_input("sensors", "mqtt", **broker.settings(), rules=RULES)
    sensors.connected("sensors")
    publisher.publish(TOPIC.format("r7", "temperature"), {"value": 2, "ts": NOW - 1})
    assert sensors.settled("sensors", 1)["written"] == 1
    assert sensors.twin("room-r7")["temperature"] == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": {"env": "KASTOR_SECRET_WRONG"}}, "refused"),
        ({"password": {"env": "KASTOR_SECRET_NONE"}}, "KASTOR_SECRET_NONE holds no secret"),
        ({"port": 1}, "refused"),
        ({"tls": True}, ""),
    ],
)
def test_what_keeps_it_from_the_broker_is_told(
    graph: Graph, broker: Mosquitto, changes: dict[str, Any], words: str
) -> None:
    graph.put_input("faulty", "mqtt", **{**broker.settings(), **changes}, rules=RULES)
    status = eventually(lambda: graph.status("faulty"), lambda seen: seen["lastError"])
    assert status["connected"] is False
    assert words in status["lastError"]
    shown = json.dumps([status, graph.call("GET", "/kastor/v1/inputs/faulty")])
    assert PASSWORD not in shown


class Slow:
    """A pipeline whose messages become durable when the test says so."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.durable = asyncio.Event()

    def accept(self, message: Message) -> asyncio.Task[Verdict]:
        self.taken.append(message.payload)

        async def settle() -> Verdict:
            await self.durable.wait()
            return Verdict(Outcome.WRITTEN)

        return asyncio.create_task(settle())


async def _source(broker: Mosquitto, pipeline: Slow, name: str) -> MqttSource:
    given = {**broker.settings(), "receive_maximum": 5, "rules": RULES}
    settings = read_input("mqtt", given)
    assert isinstance(settings, MqttInput)
    taker: Any = pipeline
    source = MqttSource("slow", settings, f"test-{name}", taker)
    source.start()
    await _until(lambda: source.connected)
    return source


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is looked at is another thread's work
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_nothing_is_acknowledged_before_it_is_durable(
    broker: Mosquitto, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    sent = [str(n).encode() for n in range(20)]
    first = Slow()
    source = await _source(broker, first, "durable")
    for payload in sent:
        await asyncio.to_thread(publisher.publish, TOPIC.format("r", "target"), payload)
    await asyncio.sleep(0.3)
    assert first.taken == sent[:5]  # the broker waits for acknowledgements
    await source.stop()
    second = Slow()
    source = await _source(broker, second, "durable")
    second.durable.set()
    await _until(lambda: len(second.taken) == len(sent))
    assert second.taken == sent  # all of it again, in order
    await source.stop()
    await asyncio.sleep(0.3)  # a broker drops what it has not read when the session goes on
    third = Slow()
    source = await _source(broker, third, "durable")
    await asyncio.sleep(0.3)
    assert third.taken == []  # it was acknowledged
    await source.stop(forget=True)
