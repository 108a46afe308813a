"""Brokers of MQTT that send packets without a bound."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kastor.events.endpoints import EndpointPolicy, make_sink, read_endpoint
from kastor.ingest.inputs import read_input
from kastor.ingest.mqtt import MqttSource
from tests.events.factory import updates

from .watch import resident

pytestmark = pytest.mark.anyio
LOCAL = EndpointPolicy(private_addresses=True)
GREETING = b"\x20\x03\x00\x00\x00"
LONGEST = b"\x30\xff\xff\xff\x7f"  # a message of 268,435,455 bytes
NO_PACKET = b"\xf0\xff\xff\xff\xff\xff"
RULE = {"match": "a/{id}", "twin": "{id}", "patch": {"/x": "/x"}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def broker(*parts: bytes) -> AsyncIterator[int]:
    """Greets, then says these, as often as they are taken the last of them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1)
            for part in (GREETING, *parts):
                writer.write(part)
                await writer.drain()
            while len(parts) > 1:
                writer.write(parts[-1])
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("parts", [(LONGEST, bytes(65_536)), (NO_PACKET,)], ids=["long", "none"])
async def test_an_endpoint_notices_at_once(parts: tuple[bytes, ...]) -> None:
    async with broker(*parts) as port:
        made = read_endpoint("mqtt", {"host": "127.0.0.1", "port": port, "timeout": 60})
        sink = make_sink("out", made, LOCAL)
        before, began = resident(os.getpid()), time.monotonic()
        report = await sink.deliver(updates(1))
        await sink.close()
        assert report.fault is not None
        assert report.fault.kind == "unavailable"
        assert time.monotonic() - began < 20
        assert resident(os.getpid()) - before < 50_000_000


async def test_an_input_reads_no_packet_that_is_too_long() -> None:
    async with broker(LONGEST, bytes(65_536)) as port:
        settings: Any = read_input("mqtt", {"host": "127.0.0.1", "port": port, "rules": [RULE]})
        pipeline: Any = None  # no message comes
        source = MqttSource("in", settings, "c", pipeline, policy=LOCAL)
        before = resident(os.getpid())
        source.start()
        async with asyncio.timeout(20):
            while source.error is None:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.02)
        await source.stop()
        assert "a packet has more than" in source.error
        assert resident(os.getpid()) - before < 50_000_000
