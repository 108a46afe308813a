"""Every broker kind against the real thing, judged by what can be read from it afterwards."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kastor.events.endpoints import make_sink, read_endpoint
from kastor.events.model import Delivered, Event, Sink
from kastor.events.shaping import HistoryShape
from kastor.events.trial import TEST_TYPE, send_trial, trial_event
from kastor.records import ChangeKind

from .brokers import BROKERS, PASSWORD, PASSWORD_VARIABLE, Broker
from .factory import HOST, event, logged, updates
from .judge import judge

pytestmark = pytest.mark.anyio
TIMEOUT = 3.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def early(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[dict[str, Any]]:
    """RabbitMQ takes its time to start: it does so while the others are tested."""
    started: dict[str, Any] = {}
    with ThreadPoolExecutor() as pool:
        if any("amqp" in item.name for item in request.session.items):
            broker = BROKERS["amqp"](tmp_path_factory.mktemp("amqp"))
            started["amqp"] = (broker, pool.submit(broker.start))
        yield started


@pytest.fixture(scope="module", params=["nats", "mqtt", "kafka", "amqp"])
def process(
    request: pytest.FixtureRequest, tmp_path_factory: Any, early: dict[str, Any]
) -> Iterator[Broker]:
    broker, running = early.get(request.param) or (
        BROKERS[request.param](tmp_path_factory.mktemp(request.param)),
        None,
    )
    try:
        if running is None:
            broker.start()
        else:
            running.result()
        yield broker
    finally:
        broker.stop(signal.SIGKILL)


@pytest.fixture
async def broker(process: Broker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Broker]:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    monkeypatch.setenv("KASTOR_SECRET_WRONG", "hunter22222")
    if process.process is None:
        process.start()
    await process.prepare()
    yield process
    if process.process is not None:
        process.thaw()


def only(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("process", kinds, indirect=True)


def sink_of(broker: Broker, **settings: Any) -> Sink:
    merged = broker.settings() | {"timeout": TIMEOUT} | settings
    return make_sink("test", read_endpoint(broker.kind, merged))


async def deliver_all(sink: Sink, events: Sequence[Event], seconds: float = 60) -> None:
    """What the relay does: again from the first that is not confirmed, until all are."""
    deadline, pending = time.monotonic() + seconds, list(events)
    while pending:
        report = await sink.deliver(pending[:100])
        del pending[: report.confirmed]
        if report.fault is not None:
            assert report.fault.kind == "unavailable", report.fault
            assert time.monotonic() < deadline, report.fault
            await asyncio.sleep(0.1)


async def test_arrives_in_order_with_its_attributes(broker: Broker) -> None:
    sink, sent = sink_of(broker), updates(400)
    await sink.open()
    assert await sink.deliver(sent) == Delivered(400)
    await sink.close()
    arrived = await broker.received(400)
    judge(arrived, sent)
    message = next(each for each in arrived if each.id == "event-1")
    assert message.data == sent[0].data
    assert message.content_type == "application/json"
    trace = message.attributes.pop("traceparent")
    assert len(trace) == 55
    assert message.attributes == {
        "specversion": "1.0",
        "id": "event-1",
        "type": "Microsoft.DigitalTwins.Twin.Update",
        "source": HOST,
        "subject": "twin1",
        "time": "2021-12-09T20:28:52.6512162Z",
    }


async def test_an_event_that_is_a_test_arrives_as_others_do(broker: Broker) -> None:
    sent = trial_event("test", HOST)
    found = await send_trial(lambda: sink_of(broker), sent)
    assert (found.fault, found.id) == (None, sent.id)
    [message] = await broker.received(1)
    assert message.attributes["type"] == TEST_TYPE
    assert message.data == sent.data


async def test_structured_mode(broker: Broker) -> None:
    sink = sink_of(broker, mode="structured")
    assert await sink.deliver([event(subject="twin1")]) == Delivered(1)
    await sink.close()
    (message,) = await broker.received(1)
    assert message.content_type == "application/cloudevents+json"
    assert message.data.startswith(b'{"specversion":"1.0","id":"event-1"')


async def test_rows_of_data_history_arrive_bare_whatever_the_mode(broker: Broker) -> None:
    settings = {"format": "adt-history", "mode": "structured"}
    body = b'{"$dtId":"twin1","$etag":"e","n":1,"$metadata":{"$model":"dtmi:a:M;1"}}'
    members: dict[str, Any] = {"subject": "twin1", "data": body}
    entry = logged(ChangeKind.TWIN_CREATE, **members)
    shape = HistoryShape(read_endpoint(broker.kind, broker.settings() | settings), None)
    sent = list(await shape(entry, event(ChangeKind.TWIN_CREATE, **members)))
    sink = sink_of(broker, **settings)
    assert await sink.deliver(sent) == Delivered(2)
    await sink.close()
    arrived = await broker.received(2)
    judge(arrived, sent)
    assert [each.data for each in arrived] == [each.data for each in sent]
    assert {each.content_type for each in arrived} == {"application/json"}
    types = [each.attributes["type"] for each in arrived]
    assert types == ["AdtTwinLifecycleEvents", "AdtPropertyEvents"]


# The mock cluster of Kafka keeps nothing over a restart; it is frozen instead, below.
@only("nats", "mqtt", "amqp")
async def test_restart_loses_nothing(broker: Broker) -> None:
    how = signal.SIGTERM if broker.loses_memory_when_killed else signal.SIGKILL
    sink, sent = sink_of(broker), updates(600)
    await sink.open()
    work = asyncio.create_task(deliver_all(sink, sent))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(broker.stop, how)
    started = time.monotonic()
    report = await sink_of(broker).deliver(sent[:1])
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert time.monotonic() - started < TIMEOUT + 1
    await asyncio.sleep(0.3)
    await asyncio.to_thread(broker.start)
    await work
    await sink.close()
    judge(await broker.received(600), sent, duplicates=True)


async def test_frozen_broker_ends_in_a_fault_and_nothing_is_lost(broker: Broker) -> None:
    sink, sent = sink_of(broker, timeout=1.0), updates(200)
    assert await sink.deliver(sent[:50]) == Delivered(50)
    broker.freeze()
    started = time.monotonic()
    report = await sink.deliver(sent[50:])
    broker.thaw()
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert time.monotonic() - started < 5
    await deliver_all(sink, sent[50 + report.confirmed :])
    await sink.close()
    judge(await broker.received(200), sent, duplicates=True)


async def test_closing_while_delivering_does_not_hang(broker: Broker) -> None:
    sink, sent = sink_of(broker, timeout=30.0), updates(100)
    assert await sink.deliver(sent[:10]) == Delivered(10)
    broker.freeze()
    work = asyncio.create_task(sink.deliver(sent[10:]))
    await asyncio.sleep(0.2)
    assert not work.done()
    started = time.monotonic()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await sink.close()
    took = time.monotonic() - started
    broker.thaw()
    assert took < 4


# The mock cluster has no logins.
@only("nats", "mqtt", "amqp")
async def test_wrong_credentials_are_unavailable_and_not_told(broker: Broker) -> None:
    sink = sink_of(broker, **broker.wrong_login())
    report = await sink.deliver(updates(1))
    await sink.close()
    assert report.confirmed == 0
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert "hunter22222" not in report.fault.message


# RabbitMQ takes 128 MiB.
@only("nats", "mqtt", "kafka")
async def test_too_large_is_refused_and_the_next_go_on(broker: Broker) -> None:
    large = event(subject="twin3", data=b'"%s"' % (b"x" * 70_000), seq=3)
    sent = [*updates(2), large, *updates(3, first=4)]
    sink = sink_of(broker, **({"max_bytes": 60_000} if broker.kind == "kafka" else {}))
    report = await sink.deliver(sent)
    assert report.confirmed == 2
    assert report.fault is not None
    assert report.fault.kind == "refused", report.fault
    assert await sink.deliver(sent[3:]) == Delivered(3)
    await sink.close()
    judge(await broker.received(5), [each for each in sent if each is not large])


async def test_odd_ids_become_safe_names(broker: Broker) -> None:
    sink = sink_of(broker)
    assert await sink.deliver([event(subject="a.b *>+%é x")]) == Delivered(1)
    await sink.close()
    (message,) = await broker.received(1)
    assert message.attributes["subject"]


@pytest.mark.parametrize("length", [300, 70_000])
@pytest.mark.parametrize("odd", ["content_type", "event_id"])
async def test_a_senders_odd_text_never_holds_up_the_route(
    broker: Broker, odd: str, length: int
) -> None:
    """Content type and id of telemetry are the sender's: the event arrives, or is refused."""
    members = {odd: "text/" + "x" * length}
    strange = event(ChangeKind.TELEMETRY, subject="twin3", data=b"1", seq=3, **members)
    sent = [*updates(2), strange, *updates(3, first=4)]
    sink = sink_of(broker, **({"max_bytes": 60_000} if broker.kind == "kafka" else {}))
    report = await sink.deliver(sent)
    assert report.confirmed in (2, 6)
    if report.confirmed == 2:
        assert report.fault is not None
        assert report.fault.kind == "refused", report.fault
        assert await sink.deliver(sent[3:]) == Delivered(3)
    await sink.close()


@only("mqtt")
async def test_mqtt_believes_the_reason_code(broker: Broker) -> None:
    report = await sink_of(broker, topic="forbidden/{twin}").deliver(updates(1))
    assert report.confirmed == 0
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert "0x87" in report.fault.message


@only("nats")
async def test_nats_without_a_stream_is_unavailable(broker: Broker) -> None:
    report = await sink_of(broker, subject="nobody.{twin}", stream="TWINS").deliver(updates(1))
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert "nobody.twin1" in report.fault.message


@only("amqp")
@pytest.mark.parametrize("kind", ["unavailable", "refused"])
async def test_unroutable_events_of_rabbitmq(broker: Broker, kind: str) -> None:
    sink = sink_of(broker, routing_key="nobody", unroutable=kind)
    report = await sink.deliver(updates(1))
    await sink.close()
    assert report.fault is not None
    assert report.fault.kind == kind
    assert report.fault.unroutable
    assert "nobody" in report.fault.message
    sink = sink_of(broker, routing_key="nobody", mandatory=False)
    assert await sink.deliver(updates(1)) == Delivered(1)
    await sink.close()


@only("nats")
async def test_a_subject_that_no_stream_takes(broker: Broker) -> None:
    sink = sink_of(broker, subject="nobody.{twin}", stream=None)
    report = await sink.deliver(updates(1))
    await sink.close()
    assert report.fault is not None
    assert report.fault.unroutable
    assert "no stream takes the subject nobody." in report.fault.message


@only("amqp")
async def test_returned_events_of_one_id_are_not_taken_for_confirmed(broker: Broker) -> None:
    """The id of telemetry is the sender's: several twins may send one at the same time."""
    sent = [
        event(ChangeKind.TELEMETRY, subject=f"twin{seq}", data=b"1", seq=seq, event_id="same")
        for seq in range(1, 9)
    ]
    sink = sink_of(broker, routing_key="nobody")
    report = await sink.deliver(sent)
    await sink.close()
    assert report.confirmed == 0
    assert report.fault is not None
    assert "no queue takes" in report.fault.message


@only("amqp")
async def test_missing_exchange_of_rabbitmq(broker: Broker) -> None:
    report = await sink_of(broker, exchange="missing").deliver(updates(1))
    assert report.fault is not None
    assert "missing" in report.fault.message
