"""The webhook sink against an HTTP server, over TLS too."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event

from kastor.errors import InvalidArgument
from kastor.events.endpoints import EndpointPolicy, make_sink, read_endpoint
from kastor.events.model import Delivered, DeliveryFault, Sink
from kastor.outside.bounds import is_public
from tests.ports import free_port

from .factory import event, updates
from .receiver import Receiver, receiver

pytestmark = pytest.mark.anyio
LOCAL = EndpointPolicy(private_addresses=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def target(anyio_backend: str) -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


def sink_to(url: str | dict[str, str], policy: EndpointPolicy = LOCAL, **settings: Any) -> Sink:
    return make_sink("floor", read_endpoint("webhook", {"url": url, **settings}), policy)


async def fault_of(sink: Sink) -> DeliveryFault:
    report = await sink.deliver([event()])
    await sink.close()
    assert report.confirmed == 0
    assert report.fault is not None
    return report.fault


async def test_arrives_in_order_of_each_twin(target: Receiver) -> None:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.001)
        return web.Response()

    target.answer = answer
    sink, sent = sink_to(target.url, concurrency=8), updates(200)
    await sink.open()
    assert await sink.deliver(sent) == Delivered(200)
    await sink.close()
    assert target.most_under_way > 1
    assert {each["content-type"] for each in target.headers} == {"application/cloudevents+json"}
    for twin in range(10):
        numbers = [
            each["data"]["patch"][0]["value"]
            for each in target.events
            if each["subject"] == f"twin{twin}"
        ]
        assert numbers == list(range(twin or 10, 201, 10))


async def test_binary_mode_is_read_by_the_library(target: Receiver) -> None:
    sink = sink_to(target.url, mode="binary")
    assert await sink.deliver([event(subject="é 1")]) == Delivered(1)
    await sink.close()
    read = from_binary_event(HTTPMessage(target.headers[0], target.bodies[0]))
    assert read.get_subject() == "é 1"
    assert target.bodies[0] == event().data
    assert target.headers[0]["ce-traceparent"] == target.headers[0]["traceparent"]


async def test_batches(target: Receiver) -> None:
    sink, sent = sink_to(target.url, batch=40), updates(100)
    assert await sink.deliver(sent) == Delivered(100)
    await sink.close()
    assert [len(each) for each in target.events] == [40, 40, 20]
    assert [e["id"] for part in target.events for e in part] == [e.id for e in sent]
    assert target.headers[0]["content-type"] == "application/cloudevents-batch+json"


async def test_a_refused_batch_finds_its_event(target: Receiver) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=422 if b'"event-7"' in await request.read() else 200)

    target.answer = answer
    sink, sent = sink_to(target.url, batch=5), updates(10)
    report = await sink.deliver(sent)
    assert report.confirmed == 6
    assert report.fault is not None
    assert report.fault.kind == "refused"
    assert await sink.deliver(sent[7:]) == Delivered(3)
    await sink.close()


async def test_event_grid_mode(target: Receiver) -> None:
    sink = sink_to(target.url, mode="eventgrid")
    assert await sink.deliver([event()]) == Delivered(1)
    await sink.close()
    ((form,),) = target.events
    assert form["eventType"] == "Microsoft.DigitalTwins.Twin.Update"
    assert form["topic"] == "floor"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "refused"),
        (413, "refused"),
        (422, "refused"),
        (401, "unavailable"),
        (403, "unavailable"),
        (404, "unavailable"),
        (408, "unavailable"),
        (425, "unavailable"),
        (429, "unavailable"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
async def test_what_a_status_means(target: Receiver, status: int, kind: str) -> None:
    target.answers(status, "because\nof this")
    fault = await fault_of(sink_to(target.url + "?code=hidden"))
    assert fault.kind == kind
    assert fault.message == f"http://localhost:{target.port} answered {status}: because of this"


async def test_redirects_are_not_followed(target: Receiver) -> None:
    async with receiver() as other:
        target.answers(307, Location=other.url)
        fault = await fault_of(sink_to(target.url))
        assert fault.kind == "unavailable"
        assert "answered 307" in fault.message
        assert other.bodies == []


async def test_retry_after(target: Receiver) -> None:
    target.answers(429, **{"Retry-After": "7"})
    assert (await fault_of(sink_to(target.url))).retry_after == 7
    target.answers(503, **{"Retry-After": formatdate(time.time() + 60, usegmt=True)})
    assert 50 < ((await fault_of(sink_to(target.url))).retry_after or 0) <= 61
    target.answers(503, **{"Retry-After": "soon"})
    assert (await fault_of(sink_to(target.url))).retry_after is None


async def test_a_refused_event_holds_up_nothing_else(target: Receiver) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=400 if b'"event-3"' in await request.read() else 200)

    target.answer = answer
    sink, sent = sink_to(target.url), updates(30)
    report = await sink.deliver(sent)
    assert report.confirmed == 2
    assert report.fault is not None
    assert report.fault.kind == "refused"
    assert await sink.deliver(sent[3:]) == Delivered(27)
    await sink.close()
    ids = [each["id"] for each in target.events]
    assert sorted(ids) == sorted(each.id for each in sent if each.id != "event-3")


async def test_slow_answers_end_in_time(target: Receiver) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):  # a little at a time, so that no single read takes long
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    target.answer = answer
    started = time.monotonic()
    fault = await fault_of(sink_to(target.url, timeout=0.5))
    assert time.monotonic() - started < 1.5
    assert fault.kind == "unavailable"
    assert fault.message == "No answer within 0.5 seconds."


async def test_an_endless_answer_is_not_read_to_its_end(target: Receiver) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    target.answer = answer
    sink = sink_to(target.url, timeout=5)
    started = time.monotonic()
    assert await sink.deliver([event()]) == Delivered(1)
    assert time.monotonic() - started < 3
    await sink.close()


async def test_receiver_stopped_and_started_again() -> None:
    port, sent = free_port(), updates(100)
    async with receiver(port=port) as first:
        sink = sink_to(first.url, timeout=1)
        assert await sink.deliver(sent[:40]) == Delivered(40)
    report = await sink.deliver(sent[40:])
    assert report.confirmed == 0
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    async with receiver(port=port) as second:
        assert await sink.deliver(sent[40:]) == Delivered(60)
        await sink.close()
        arrived = [each["id"] for each in first.events + second.events]
    assert sorted(arrived) == sorted(each.id for each in sent)


async def test_signature(target: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    key = b"0123456789abcdef"
    for secret in (key.decode(), "whsec_" + base64.b64encode(key).decode()):
        monkeypatch.setenv("KASTOR_SECRET_HOOK", secret)
        sink = sink_to(target.url, secret={"env": "KASTOR_SECRET_HOOK"})
        assert await sink.deliver([event()]) == Delivered(1)
        await sink.close()
        headers, body = target.headers[-1], target.bodies[-1]
        assert headers["webhook-id"] == event().id
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


async def test_secret_headers_are_sent_and_never_told(
    target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KASTOR_SECRET_TOKEN", "Bearer s3cr3t")
    settings: dict[str, Any] = {
        "headers": {"Authorization": {"env": "KASTOR_SECRET_TOKEN"}, "X-Plant": "7"}
    }
    sink = sink_to(target.url, **settings)
    assert await sink.deliver([event()]) == Delivered(1)
    await sink.close()
    assert target.headers[0]["authorization"] == "Bearer s3cr3t"
    assert target.headers[0]["x-plant"] == "7"
    target.answers(400, "You sent Bearer s3cr3t")
    assert "s3cr3t" not in (await fault_of(sink_to(target.url, **settings))).message


@pytest.mark.parametrize("secret", ["s3cret-one\nline-two", "s3cret\r\nX-Evil: yes", "s3cr\u00e9t"])
async def test_a_secret_that_no_header_can_have_is_neither_sent_nor_told(
    target: Receiver, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("KASTOR_SECRET_TOKEN", secret)
    sink = sink_to(target.url, headers={"Authorization": {"env": "KASTOR_SECRET_TOKEN"}})
    message = (await fault_of(sink)).message
    assert "header Authorization has a line break" in message
    assert not any(part in message for part in ("s3cr", "line-two", "X-Evil"))
    assert target.bodies == []


async def test_a_receiver_that_repeats_a_secret_tells_nobody(
    target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cret-token-" + "x" * 40
    monkeypatch.setenv("KASTOR_SECRET_TOKEN", secret)
    # At the place where what is shown of an answer ends, and in forms of the receiver's own.
    forms = [secret, base64.b64encode(f"user:{secret}".encode()).decode(), repr(secret.encode())]
    for form in forms:
        target.answers(503, "y" * 180 + form)
        sink = sink_to(target.url, headers={"Authorization": {"env": "KASTOR_SECRET_TOKEN"}})
        message = (await fault_of(sink)).message
        assert "s3cret" not in message
        assert form[4:14] not in message


async def test_secret_url(
    target: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "url"
    file.write_text(target.url + "?code=abc\n")
    sink = sink_to({"file": str(file)})
    assert await sink.deliver([event()]) == Delivered(1)
    await sink.close()
    fault = await fault_of(sink_to({"env": "KASTOR_SECRET_NONE"}))
    assert "KASTOR_SECRET_NONE holds no secret" in fault.message
    elsewhere = EndpointPolicy(webhook_prefixes=("https://hooks.example.org/",))
    fault = await fault_of(sink_to({"file": str(file)}, elsewhere))
    assert "is not allowed here" in fault.message


async def test_tls(tmp_path: Path) -> None:
    async with receiver(tmp_path / "tls") as secure:
        sink = sink_to(secure.url, ca_file=secure.ca_file)
        assert await sink.deliver(updates(20)) == Delivered(20)
        await sink.close()
        fault = await fault_of(sink_to(secure.url))
        assert "certificate verify failed" in fault.message
        by_address = secure.url.replace("localhost", "127.0.0.2")
        assert (await fault_of(sink_to(by_address, ca_file=secure.ca_file))).kind == "unavailable"
        fault = await fault_of(sink_to(secure.url, ca_file=str(tmp_path / "none.pem")))
        assert "No such file" in fault.message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"])
async def test_private_addresses_are_out_of_reach(target: Receiver, host: str) -> None:
    url = target.url.replace("localhost", host)
    fault = await fault_of(sink_to(url, EndpointPolicy(), timeout=2))
    assert fault.kind == "unavailable"
    assert "may not reach private" in fault.message
    assert target.bodies == []


async def test_the_address_that_was_checked_is_the_one_connected_to(
    target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneAddress(EndpointPolicy):
        def allows(self, address: Any) -> bool:
            return str(address) == "127.0.0.2"  # where nobody listens

    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host == "rebind.example":
            asked.append(host)
            host = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = target.url.replace("localhost", "rebind.example")
    fault = await fault_of(sink_to(url, OneAddress()))
    assert "may not reach" not in fault.message
    assert len(asked) == 1
    assert "may not reach private" in (await fault_of(sink_to(url, OneAddress()))).message
    assert target.bodies == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("2001:0:a00:1::", False),
        ("fec0::1", False),
        ("::8.8.8.8", False),
        ("::10.0.0.1", False),
        ("::ffff:0:10.0.0.1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::a00:1", False),
        ("64:ff9b:1::808:808", False),
        ("3fff::1", False),
        ("3fff:fff:ffff::1", False),
        ("5f00::1", False),
        ("2001:db8::1", False),
        ("2001:20::1", False),
        ("100::1", False),
        ("4000::1", False),
        ("ff0e::1", False),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("2002:c058:6301::", False),
        ("2a00:1450:4001:800::200e", True),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example.org/kastor", True),
        ("https://hooks.example.org/kastor/a", True),
        ("https://hooks.example.org/kastor?x=1", True),
        ("https://hooks.example.org/kastor-evil", False),
        ("https://hooks.example.org", False),
        ("http://hooks.example.org/kastor", False),
        ("https://open.example.net", True),
        ("https://open.example.net/any", True),
        ("https://open.example.net.evil.example/", False),
        ("https://open.example.net:8443/", False),
        ("https://open.example.net#@evil.example/", False),
    ],
)
def test_allow_list(url: str, allowed: bool) -> None:
    policy = EndpointPolicy(
        webhook_prefixes=("https://hooks.example.org/kastor", "https://open.example.net")
    )
    if allowed:
        read_endpoint("webhook", {"url": url}, policy)
    else:
        with pytest.raises(InvalidArgument, match="not allowed here"):
            read_endpoint("webhook", {"url": url}, policy)


@pytest.mark.parametrize(
    "path", ["../admin", "%2e%2E/admin", "a/./b", "..\\admin", "%2e%2e%5cadmin"]
)
def test_paths_do_not_lead_out_of_the_allow_list(path: str) -> None:
    with pytest.raises(InvalidArgument, match="url: has no"):
        read_endpoint("webhook", {"url": f"https://hooks.example.org/kastor/{path}"})


async def test_cancelling_leaves_nothing_behind(target: Receiver) -> None:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    target.answer = answer
    sink = sink_to(target.url)
    work = asyncio.create_task(sink.deliver(updates(20)))
    await asyncio.sleep(0.1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    started = time.monotonic()
    await sink.close()
    assert time.monotonic() - started < 1
