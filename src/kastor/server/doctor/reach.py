"""Checks of what a server talks to: databases, brokers, issuers, a collector.

Brokers are connected to and sent nothing: a trial event would reach whoever listens there.
`kastor endpoint test` sends one.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kastor.dsn import shown, with_password_file
from kastor.errors import CannotStartError
from kastor.server.doctor.findings import CheckFinding, bad, ok, warn
from kastor.server.otel.starting import read_headers
from kastor.waiting import in_own_thread
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.config import Settings
    from kastor.types import Document

SECONDS = 5.0
"""That one connection may take."""
CLOCKS_APART_SECONDS = 5.0
MOST = 200
"""Addresses that are tried."""
_PORTS = {"http": 80, "https": 443, "amqp": 5672, "amqps": 5671, "nats": 4222, "tls": 4222}
_MQTT, _MQTTS, _KAFKA = 1883, 8883, 9092
_REFUSED = (401, 403)

Place = tuple[str, int]


async def check_databases(settings: Settings) -> list[CheckFinding]:
    """Connect to every database and standby that the settings name."""
    named = [] if settings.db is None else [("db", settings.db)]
    named += [(f"databases.{name}", each) for name, each in settings.databases.items()]
    named += [("read_replicas", each) for each in settings.read_replicas]
    file = settings.db_password_file
    return list(
        await asyncio.gather(
            *(
                _database(
                    name, each if name.startswith("databases") else with_password_file(each, file)
                )
                for name, each in named
            )
        )
    )


async def _database(name: str, address: str) -> CheckFinding:
    cure = f"See to the server, and to the address, user and password of the setting {name}."
    place = shown(address)
    try:
        from kastor.storage.postgres.connections import connect  # noqa: PLC0415 - an extra
        from kastor.storage.postgres.reaching import UnusableDatabaseError, trouble  # noqa: PLC0415
    except ImportError:
        return bad("database", f"{place}: its driver is not installed", "See versions above.")
    if name == "read_replicas" and "target_session_attrs" not in address:
        address += f"{'&' if '?' in address else '?'}target_session_attrs=any"
    try:
        async with asyncio.timeout(2 * SECONDS):
            reason = await trouble(address)
            if reason is not None:
                return bad("database", f"{place} does not answer: {reason}", cure)
            connection = await connect(address, pooler=True)
            try:
                version = str(await connection.fetchval("SHOW server_version"))
                theirs = float(
                    await connection.fetchval("SELECT extract(epoch FROM now())::float8")
                )
            finally:
                connection.terminate()
    except UnusableDatabaseError as error:
        return bad("database", f"{place} cannot be used: {error}", cure)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is what was found
        return bad("database", f"{place} does not answer: {type(error).__name__}", cure)
    apart = abs(time.time() - theirs)
    if apart > CLOCKS_APART_SECONDS:
        return warn(
            "database",
            f"{place}: PostgreSQL {version}, {counted(round(apart), 'second')} off this clock",
            "Have NTP keep both clocks right.",
        )
    return ok("database", f"{place}: PostgreSQL {version}")


async def check_brokers(outside: Mapping[str, tuple[str, Document]]) -> list[CheckFinding]:
    """Connect to what endpoints and inputs name."""
    asked: list[tuple[str, Place]] = []
    found: list[CheckFinding] = []
    for name, (kind, settings) in outside.items():
        if kind == "file":
            found += _file(name, settings)
        asked += [(name, place) for place in places_of(kind, settings)]
    return found + list(
        await asyncio.gather(*(_tried("brokers", name, place) for name, place in asked[:MOST]))
    )


def places_of(kind: str, settings: Mapping[str, Any]) -> list[Place]:
    """Return hosts and ports that an endpoint or input of a kind connects to; secrets are none."""
    try:
        match kind:
            case "webhook" | "amqp":
                return _of_urls([settings.get("url")])
            case "nats":
                return _of_urls(settings.get("servers") or [])
            case "kafka":
                return [_joined(each, _KAFKA) for each in settings.get("brokers") or []]
            case "mqtt":
                standard = _MQTTS if settings.get("tls") else _MQTT
                host = settings.get("host")
                return [(host, settings.get("port") or standard)] if host else []
            case _:
                return []
    except (ValueError, TypeError, AttributeError):  # of another version, or by hand
        return []


def _of_urls(urls: list[Any]) -> list[Place]:
    parts = [urlsplit(each) for each in urls if isinstance(each, str)]
    return [
        (each.hostname, each.port or _PORTS.get(each.scheme, 443))
        for each in parts
        if each.hostname
    ]


def _joined(text: str, standard: int) -> Place:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdecimal() else (text, standard)


def _file(name: str, settings: Mapping[str, Any]) -> Iterator[CheckFinding]:
    path = settings.get("path")
    if not isinstance(path, str) or not Path(path).is_absolute():
        return
    folder = Path(path).parent
    if folder.is_dir():
        yield ok("brokers", f"{name}: {folder} is there")
    else:
        yield bad("brokers", f"{name}: there is no folder {folder}", "Make it, or change the path.")


async def _tried(check: str, name: str, place: Place) -> CheckFinding:
    host, port = place
    try:
        async with asyncio.timeout(SECONDS):
            await in_own_thread(_connect, place)
    except TimeoutError:
        reason = "it does not answer"
    except (OSError, ValueError) as error:  # a name that cannot be one is a ValueError
        reason = str(getattr(error, "strerror", None) or error)
    else:
        return ok(check, f"{name}: {host}:{port} takes connections")
    return bad(
        check,
        f"{name}: {host}:{port} cannot be reached: {reason}",
        "See that it runs, that its name resolves here, and that no firewall is in between.",
    )


def _connect(place: Place) -> None:
    with socket.create_connection(place, SECONDS):
        pass


async def check_issuers(settings: Settings) -> list[CheckFinding]:
    """Connect to who signs tokens."""
    asked: list[Awaitable[CheckFinding]] = []
    for each in settings.all_issuers:
        asked += [_tried("issuers", each.issuer[:200], place) for place in _of_urls([each.issuer])]
    return list(await asyncio.gather(*asked))


async def check_collector(
    settings: Settings, send: Callable[..., Any] | None = None
) -> list[CheckFinding]:
    """Send the collector a request without spans.

    Args:
        settings: of the server.
        send: sends it in place of the client.
    """
    endpoint = settings.otel_endpoint
    if endpoint is None:
        return []
    try:
        headers = read_headers(settings.otel_headers_file)
    except CannotStartError as error:
        return [bad("collector", str(error).rstrip("."), "See to the file.")]
    try:
        status = await in_own_thread(send or _send, settings, f"{endpoint}/v1/traces", headers)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what was found
        told = f"{endpoint} does not answer: {type(error).__name__}"
        return [warn("collector", told, "See that it runs; until then what it should get is lost.")]
    if status in _REFUSED:
        cure = "See to the key in the file of otel_headers_file."
        return [warn("collector", f"{endpoint} answers {status}", cure)]
    if status >= 400:  # noqa: PLR2004 - of HTTP
        cure = "Give the address of OTLP over HTTP, usually of port 4318, without /v1/traces."
        return [warn("collector", f"{endpoint} answers {status}", cure)]
    return [ok("collector", f"{endpoint} takes traces")]


def _send(settings: Settings, url: str, headers: Mapping[str, str]) -> int:
    import ssl  # noqa: PLC0415 - with the client

    import httpx2  # noqa: PLC0415 - 0.1 s

    verify: ssl.SSLContext | bool = True
    if settings.otel_ca_file is not None:
        verify = ssl.create_default_context(cafile=str(settings.otel_ca_file))
    sent = {**headers, "content-type": "application/x-protobuf"}
    return httpx2.post(url, content=b"", headers=sent, timeout=SECONDS, verify=verify).status_code
