"""An input outlives whatever a message or a packet does to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from paho.mqtt.client import Client

from kastor.ingest.inputs import read_input
from kastor.ingest.mapping import Message
from kastor.ingest.mqtt import MqttSource, MqttSourceRefusal, _Connection
from kastor.ingest.pipeline import Pipeline
from kastor.ingest.tally import InputTally
from kastor.outside.bounds import UNBOUNDED

pytestmark = pytest.mark.anyio
RULES = [
    {"match": {"from": "topic", "like": "rooms/{room}"}, "twin": "{room}", "patch": {"/a": "/a"}}
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def settings() -> Any:
    given = {"host": "127.0.0.1", "port": 1, "topics": ["rooms/+"], "rules": RULES}
    return read_input("mqtt", given)


def pipeline() -> Pipeline:
    graph: Any = object()
    return Pipeline(settings(), graph, InputTally())


async def test_a_message_that_breaks_a_rule_is_rejected_and_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taking = pipeline()

    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("kastor.ingest.pipeline.read_in_time", broken)
    verdict = await taking.accept(Message("rooms/a", b"{}", {}, None))
    assert verdict.outcome is None
    assert "inside Kastor" in (verdict.reason or "")


async def test_what_ends_the_clients_thread_is_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = _Connection(settings(), "test", pipeline(), UNBOUNDED)

    def broken(*_: object, **__: object) -> None:
        raise ValueError("no packet")

    monkeypatch.setattr(Client, "loop_forever", broken)
    client = connection._make_client()
    await asyncio.to_thread(client.loop_forever)
    with pytest.raises(MqttSourceRefusal, match="no packet"):
        async with asyncio.timeout(5):
            await connection.lost
    connection.lost.exception()


async def test_a_message_that_cannot_be_read_is_a_lost_connection() -> None:
    connection = _Connection(settings(), "test", pipeline(), UNBOUNDED)

    class NoText:
        mid, qos, payload, properties = 1, 1, b"", None

        @property
        def topic(self) -> str:
            return b"\xff".decode()

    given: tuple[Any, ...] = (None, None, NoText())
    await asyncio.to_thread(connection._on_message, *given)
    with pytest.raises(MqttSourceRefusal, match="cannot be read"):
        async with asyncio.timeout(5):
            await connection.lost


async def test_a_source_whose_work_ends_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = 0
    again = asyncio.Event()

    async def work(_self: object) -> None:
        nonlocal starts
        starts += 1
        if starts > 1:
            again.set()
            await asyncio.Event().wait()
        raise ValueError("unforeseen")

    monkeypatch.setattr(MqttSource, "_run", work)
    source = MqttSource("x", settings(), "test", pipeline())
    source.start()
    async with asyncio.timeout(5):
        await again.wait()
    await source.stop()
