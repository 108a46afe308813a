"""Receivers of webhooks that answer with whatever may harm the sender."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.errors import InvalidArgument
from kastor.events.endpoints import EndpointPolicy, make_sink, read_endpoint
from kastor.events.model import FAULT_TEXT, Delivered, DeliveryFault
from kastor.events.sinks.webhook import LONGEST_RETRY
from kastor.outside.secrets import SECRET_BYTES, Secret, SecretError, read_secret
from kastor.testing import KastorServer
from tests.events.factory import event

from .watch import resident

pytestmark = pytest.mark.anyio
LOCAL = EndpointPolicy(private_addresses=True)
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def receiver(answer: Answer) -> AsyncIterator[str]:
    """A receiver on plain sockets, which may say what no HTTP server would."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def delivered(answer: Answer, **settings: Any) -> Delivered:
    async with receiver(answer) as url:
        made = read_endpoint("webhook", {"url": url, "timeout": 2, **settings})
        sink = make_sink("floor", made, LOCAL)
        report = await sink.deliver([event()])
        await sink.close()
        return report


def saying(head: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode("latin-1"))
        await writer.drain()

    return answer


async def fault_of(answer: Answer) -> DeliveryFault:
    report = await delivered(answer)
    assert report.confirmed == 0
    assert report.fault is not None
    return report.fault


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("9" * 400, LONGEST_RETRY),
        ("9" * 60_000, LONGEST_RETRY),
        ("86401", LONGEST_RETRY),
        ("1e308", None),
        ("-5", None),
        ("inf", None),
        ("nan", None),
        ("\u00b2", None),
        ("", None),
        ("0x10", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_RETRY),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Fri, 31 Dec 2025 23:59:59 +99999999999", None),
        ("Fri, 99 Foo 2025 99:99:99 GMT", None),
        ("a," * 20_000, None),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_retry_after_is_clamped_and_never_raises(value: str, seconds: float | None) -> None:
    head = f"HTTP/1.1 503 Later\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n"
    fault = await fault_of(saying(head))
    assert fault.kind == "unavailable"
    assert "answered 503" in fault.message
    assert fault.retry_after == seconds


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/x 200 OK\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "",
    ],
    ids=repr,
)
async def test_answers_that_are_none_are_the_endpoints_trouble(head: str) -> None:
    report = await delivered(saying(head))
    assert report.confirmed == 0
    assert report.fault is not None
    assert report.fault.kind == "unavailable"


async def test_endless_answers_end() -> None:
    def endless(first: bytes, part: bytes) -> Answer:
        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(first)
            while True:
                writer.write(part)
                await writer.drain()

        return answer

    before = resident(os.getpid())
    status = b"HTTP/1.1 503 Later\r\n"
    for first, part in (
        (b"HTTP/1.1 503 " + b"x" * 1_000, b"x" * 65_536),
        (status, b"a: b\r\n" * 1_000),
        (status + b"a: ", b"b" * 65_536),
        (status + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1_000),
        (status + b"\r\n", b"x" * 65_536),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    ):
        started = time.monotonic()
        fault = await fault_of(endless(first, part))
        assert fault.kind == "unavailable"
        assert len(fault.message) < FAULT_TEXT
        assert time.monotonic() - started < 4
    assert resident(os.getpid()) - before < 50_000_000


async def test_texts_that_are_kept_have_a_bound() -> None:
    fault = DeliveryFault("unavailable", "x" * 1_000_000, 5.0).shortened()
    assert len(fault.message) == FAULT_TEXT + len("...")
    assert fault.retry_after == 5.0


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("webhook", {"url": "http://a.example/", "headers": {f"h{n}": "v" for n in range(101)}}),
        ("webhook", {"url": "http://a.example/", "headers": {"h": "v" * 9_000}}),
        ("webhook", {"url": f"http://a.example/{'x' * 3_000}"}),
        ("kafka", {"brokers": ["a:1"] * 101, "topic": "t"}),
        ("nats", {"servers": ["nats://a.example"] * 101}),
        ("amqp", {"url": "amqp://a.example", "exchange": "x" * 300}),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_settings_of_endpoints_have_bounds(kind: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        read_endpoint(kind, settings)


async def test_a_secret_is_a_small_regular_file(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    large.write_bytes(b"x" * (SECRET_BYTES + 1))
    for path in (pipe, large, Path("/dev/zero"), tmp_path):
        with pytest.raises(SecretError, match=str(path)):
            read_secret(Secret(file=str(path)))
    large.write_bytes(b"x" * SECRET_BYTES + b"\n" * 0)
    assert len(read_secret(Secret(file=str(large)))) == SECRET_BYTES


async def test_a_route_goes_on_after_such_an_answer() -> None:
    """The whole of it: a server, a route, a receiver that first answers badly."""

    answers: Iterator[str] = itertools.chain(
        ["HTTP/1.1 503 L\r\nRetry-After: 1e308\r\nContent-Length: 0\r\n\r\n"],
        ["HTTP/1.1 503 L\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 -2359\r\n\r\n"],
        itertools.repeat("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    )
    taken: asyncio.Queue[None] = asyncio.Queue()

    async def answer(writer: asyncio.StreamWriter) -> None:
        taken.put_nowait(None)
        await saying(next(answers))(writer)

    def prepare(server: KastorServer, url: str) -> None:
        with httpx2.Client(base_url=server.url, params={"api-version": "2023-10-31"}) as client:
            body: dict[str, Any] = {"kind": "webhook", "settings": {"url": url}}
            assert client.put("/kastor/v1/endpoints/hook", json=body).status_code == 200
            body = {"endpointName": "hook", "filter": "true"}
            assert client.put("/eventroutes/r", json=body).status_code == 204
            body = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:a:A;1", "@type": "Interface"}
            assert client.post("/models", json=[body]).status_code == 201
            body = {"$metadata": {"$model": "dtmi:a:A;1"}}
            assert client.put("/digitaltwins/a", json=body).status_code == 200

    async with receiver(answer) as url:
        with KastorServer() as server:
            await asyncio.to_thread(prepare, server, url)
            async with asyncio.timeout(10):
                await taken.get()
                await taken.get()
            # The second asked to wait for thousands of years: a nudge looks at once.
            await asyncio.to_thread(
                httpx2.post, f"{server.url}/kastor/v1/routes/r/deadletters/requeue"
            )
            async with asyncio.timeout(10):
                await taken.get()
