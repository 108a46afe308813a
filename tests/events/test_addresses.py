"""Which addresses endpoints and inputs connect to: every kind keeps to what is allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kastor.events.endpoint_kinds import KafkaEndpoint
from kastor.events.endpoints import make_sink, read_endpoint
from kastor.events.sinks.kafka_brokers import BrokerCheck, connection_settings
from kastor.ingest.inputs import read_input
from kastor.ingest.mqtt import MqttSource
from kastor.outside.addresses import AddressRefusedError, allowed_addresses
from kastor.outside.bounds import Address, EndpointPolicy
from kastor.outside.trust import named_context
from kastor.server.certificate import ensure_development_certificate

from .brokers import KafkaMock
from .factory import updates

pytestmark = pytest.mark.anyio
BOUNDED = EndpointPolicy()
RULE = {"match": "a/{twin}", "twin": "{twin}", "patch": {"/x": "/x"}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Only(EndpointPolicy):
    """Allows the addresses that a test names."""

    __slots__ = ("_allowed",)
    _allowed: frozenset[str]

    def __init__(self, *allowed: str) -> None:
        super().__init__()
        object.__setattr__(self, "_allowed", frozenset(allowed))

    def allows(self, address: Address) -> bool:
        return str(address) in self._allowed


class Door:
    """A port of this machine that counts who knocks."""

    def __init__(self) -> None:
        self.knocks = 0
        self.port = 0

    async def _knocked(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Door]:
        server = await asyncio.start_server(self._knocked, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


def settings_of(kind: str, host: str, port: int) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {
        "webhook": {"url": f"http://{host}:{port}/"},
        "kafka": {"brokers": [f"{host}:{port}"], "topic": "t"},
        "mqtt": {"host": host, "port": port},
        "amqp": {"url": f"amqp://{host}:{port}/"},
        "nats": {"servers": [f"nats://{host}:{port}"]},
    }
    return {**found[kind], "timeout": 2}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["webhook", "kafka", "mqtt", "amqp", "nats"])
async def test_no_kind_of_endpoint_connects_where_it_may_not(kind: str, host: str) -> None:
    async with Door().open() as door:
        settings = settings_of(kind, host, door.port)
        sink = make_sink("door", read_endpoint(kind, settings, BOUNDED), BOUNDED)
        await sink.open()
        report = await sink.deliver(updates(1))
        await sink.close()
        assert report.confirmed == 0
        assert report.fault is not None
        assert report.fault.kind == "unavailable"
        assert "private_addresses" in report.fault.message
        assert door.knocks == 0
        # The door is one that is found where it is allowed.
        allowed = Only("127.0.0.1") if kind != "kafka" else EndpointPolicy(private_addresses=True)
        sink = make_sink("door", read_endpoint(kind, settings, allowed), allowed)
        await sink.open()
        await sink.deliver(updates(1))
        await sink.close()
        assert door.knocks > 0


async def test_no_input_connects_where_it_may_not() -> None:
    async with Door().open() as door:
        given = {"host": "localhost", "port": door.port, "rules": [RULE]}
        settings: Any = read_input("mqtt", given, BOUNDED)
        for policy, knocks in ((BOUNDED, False), (Only("127.0.0.1"), True)):
            pipeline: Any = None  # no message comes
            source = MqttSource("in", settings, "c", pipeline, policy=policy)
            source.start()
            async with asyncio.timeout(10):
                while source.error is None:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.05)
            await source.stop()
            assert ("private_addresses" in source.error) is not knocks
            assert (door.knocks > 0) is knocks


async def test_a_name_that_leads_elsewhere_a_moment_later_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is resolved is what is connected to, whatever the name says afterwards."""
    async with Door().open() as door:
        for kind in ("webhook", "mqtt", "amqp", "nats"):
            asked: list[str] = []

            def resolve(host: str, port: int, *_: Any, asked: list[str] = asked, **__: Any) -> Any:
                if host == "rebind.example":
                    asked.append(host)
                    host = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

            with monkeypatch.context() as patch:
                patch.setattr(socket, "getaddrinfo", resolve)
                policy = Only("127.0.0.2")
                settings = settings_of(kind, "rebind.example", door.port)
                sink = make_sink("door", read_endpoint(kind, settings, policy), policy)
                report = await sink.deliver(updates(1))
                await sink.close()
            assert report.fault is not None
            assert "private_addresses" not in report.fault.message, kind
            assert len(asked) == 1, kind
        assert door.knocks == 0


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("nosuch.invalid", "cannot be resolved"),
        ("a" * 64, "cannot be resolved"),
        ("..", "resolved"),
    ],
)
async def test_a_name_that_is_none_is_told(host: str, reason: str) -> None:
    with pytest.raises(OSError, match=reason):
        await allowed_addresses(host, 1, BOUNDED)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaMock]:
    broker = KafkaMock(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


async def test_brokers_that_a_cluster_tells_of_are_checked_too(
    kafka: KafkaMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka.settings() | {"timeout": 5}
    policy = Only("127.0.0.1")
    sink = make_sink("k", read_endpoint("kafka", settings, policy), policy)
    assert (await sink.deliver(updates(3))).confirmed == 3
    await sink.close()
    # The cluster is reached under one address, and tells of a broker at another one.
    endpoint: Any = read_endpoint("kafka", settings)
    check = BrokerCheck(endpoint, Only("127.0.0.1"))
    told = check._told(connection_settings(endpoint, None), settings["brokers"][0])
    assert told
    assert all(isinstance(host, str) and isinstance(port, int) for host, port in told)
    monkeypatch.setattr(BrokerCheck, "_told", lambda *_: [*told, ("10.9.8.7", 9092)])
    with pytest.raises(AddressRefusedError, match=r"10\.9\.8\.7"):
        await check.check(connection_settings(endpoint, None))
    assert check.is_due
    sink = make_sink("k", read_endpoint("kafka", settings, policy), policy)
    report = await sink.deliver(updates(1))
    await sink.close()
    assert report.fault is not None
    assert "10.9.8.7" in report.fault.message


@pytest.mark.parametrize(
    "broker",
    ["10.0.0.1:9092", "SSL://10.0.0.1:9092", "x@10.0.0.1", "8.8.8.8:1,10.0.0.1:2", "[::1]:1"],
)
@pytest.mark.parametrize("tls", [False, True])
async def test_odd_brokers_do_not_slip_through(broker: str, tls: bool) -> None:
    endpoint = KafkaEndpoint(brokers=[broker], topic="t", tls=tls)
    with pytest.raises(OSError, match=r"private_addresses|cannot be resolved"):
        await BrokerCheck(endpoint, BOUNDED).check({})


async def test_a_pinned_address_is_verified_by_its_name(tmp_path: Path) -> None:
    files = ensure_development_certificate(tmp_path, "")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    authority = str(files.authority)
    for name, is_right in (("localhost", True), ("broker.example.org", False)):
        connect = asyncio.open_connection("127.0.0.1", port, ssl=named_context(authority, name))
        if is_right:
            reader, writer = await connect
            assert await reader.readline() == b"hello\n"
            writer.close()
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
                await connect
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("127.0.0.1", port, ssl=named_context(None, "localhost"))
    server.close()


def test_scopes_are_no_way_around() -> None:
    assert not BOUNDED.allows(ipaddress.ip_address("fe80::1%eth0"))
