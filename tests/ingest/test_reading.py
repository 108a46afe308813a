"""What reading a message costs, however many rules ask for it; and large requests, which wait."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest

from kastor.ingest import mapping, receiving
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.receiving import FEW_MESSAGES, LARGE_BYTES, MANY_AT_ONCE
from kastor.ingest.service import InputService
from kastor.nesting import MAX_DEPTH

DEEP = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)


@pytest.mark.parametrize("payload", [b'{"a": 1', DEEP])
def test_a_payload_that_cannot_be_read_is_so_for_every_rule(
    payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    decode = mapping._decoded

    def counted(text: bytes) -> Any:
        read.append(text)
        return decode(text)

    monkeypatch.setattr(mapping, "_decoded", counted)
    message = Message("", payload)
    for _ in range(3):
        with pytest.raises(Unreadable):
            message.body()
    assert read == [payload]


@pytest.mark.parametrize("size", [10, LARGE_BYTES + 1])
def test_a_large_body_is_read_in_a_thread(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    decode = mapping._decoded

    def noting(text: bytes) -> Any:
        threads.append(threading.current_thread())
        return decode(text)

    monkeypatch.setattr(mapping, "_decoded", noting)
    body = b'{"a": "%b"}' % (b"x" * size)
    (message,) = asyncio.run(receiving._read("application/json", {}, body))
    assert isinstance(message, Message)
    assert message.body() == {"a": "x" * size}
    assert (threads == [threading.current_thread()]) == (size < LARGE_BYTES)


@pytest.mark.parametrize("text", [b"1", b'{"a":"%b"}' % (b"x" * 100)], ids=["short", "long"])
def test_requests_of_very_many_messages_wait_for_one_another(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = most = 0

    async def receive(_pipeline: object, messages: list[Any]) -> list[Any]:
        nonlocal under_way, most
        if len(messages) > FEW_MESSAGES:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
        return messages

    class Pipeline:
        weight = 1

    class Running:
        pipeline = Pipeline()

        class row:  # noqa: N801 - an attribute
            kind, paused = "webhook", False

    async def run() -> None:
        store, graph = cast("Any", None), cast("Any", None)
        made = InputService(store, graph, "twins.example.org")
        made._running["in"] = cast("Any", Running())
        many, few = b"[%b]" % b",".join([text] * (FEW_MESSAGES + 1)), b"[{}]"
        bodies = [many] * 6 + [few] * 3
        found = await asyncio.gather(
            *(made.receive("in", "application/json", {}, body) for body in bodies)
        )
        assert [len(each) for each in found] == [FEW_MESSAGES + 1] * 6 + [1] * 3

    monkeypatch.setattr(receiving, "_receive", receive)
    asyncio.run(run())
    assert most == MANY_AT_ONCE
