"""A served graph of rooms, a broker, and a publisher that does not give up."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.events.brokers import PASSWORD

VERSION = "api-version=2023-10-31"
SECONDS = 20.0
NOW = int(time.time()) - 1_000
ROOM = "dtmi:ingest:Room;1"
MODELS = [
    {
        "@id": "dtmi:ingest:Part;1",
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;3",
        "contents": [{"@type": "Property", "name": "target", "schema": "double"}],
    },
    {
        "@id": ROOM,
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;3",
        "contents": [
            {"@type": "Property", "name": "temperature", "schema": "double"},
            {"@type": "Property", "name": "people", "schema": "integer"},
            {"@type": "Property", "name": "open", "schema": "boolean"},
            {"@type": "Component", "name": "part", "schema": "dtmi:ingest:Part;1"},
        ],
    },
]


class Answer(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body.decode(errors='replace')}")
        self.status, self.body = status, body


class Graph:
    """Calls of a server, at whatever address it has now."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.token = token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        sent = {"Content-Type": "application/json"} if data is not None else {}
        for name, value in {**sent, **headers}.items():
            request.add_header(name.replace("_", "-"), value)
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Answer(error.code, error.read()) from None
        return json.loads(text) if text else None

    def fill(self, twins: Iterable[str]) -> None:
        self.call("POST", f"/models?{VERSION}", MODELS)
        self.add(twins)

    def add(self, twins: Iterable[str]) -> None:
        body = {"$metadata": {"$model": ROOM}, "part": {"$metadata": {}}}

        def put(name: str) -> None:
            self.call("PUT", f"/digitaltwins/{name}?{VERSION}", body)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, twins))

    def twin(self, name: str) -> Any:
        return self.call("GET", f"/digitaltwins/{name}?{VERSION}")

    def values(self) -> dict[str, Any]:
        query = {"query": "SELECT T.$dtId, T.temperature FROM DIGITALTWINS T"}
        found: dict[str, Any] = {}
        token = None
        while True:
            page = self.call("POST", f"/query?{VERSION}", {**query, "continuationToken": token})
            found |= {row["$dtId"]: row.get("temperature") for row in page["value"]}
            token = page["continuationToken"]
            if token is None:
                return found

    def put_input(self, name: str, kind: str, **settings: Any) -> Any:
        return self.call("PUT", f"/kastor/v1/inputs/{name}", {"kind": kind, "settings": settings})

    def status(self, name: str) -> Any:
        return self.call("GET", f"/kastor/v1/inputs/{name}/status")

    def rejected(self, name: str) -> Any:
        return self.call("GET", f"/kastor/v1/inputs/{name}/rejected")["value"]

    def connected(self, name: str) -> Any:
        return eventually(lambda: self.status(name), lambda status: status["connected"])

    def settled(self, name: str, received: int) -> Any:
        """The status once so many messages have come in and each has ended."""

        def over(status: Any) -> bool:
            ends = ("written", "merged", "deadband", "stale", "rejected")
            return bool(
                status["received"] >= received and sum(status[end] for end in ends) >= received
            )

        return eventually(lambda: self.status(name), over)

    def log(self, kind: str) -> list[Any]:
        """Events of the feed so far whose type ends so."""
        request = urllib.request.Request(f"{self.url}/kastor/v1/events?after=0")
        request.add_header("Accept", "application/x-ndjson")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            lines = [json.loads(line) for line in answer.read().splitlines() if line]
        return [each for each in lines if str(each.get("type", "")).lower().endswith(kind)]


def eventually(look: Callable[[], Any], holds: Callable[[Any], Any]) -> Any:
    """What `look` sees once it holds."""
    end = time.monotonic() + SECONDS
    while True:
        seen = look()
        if holds(seen):
            return seen
        assert time.monotonic() < end, seen
        time.sleep(0.02)


class Publisher:
    """A sensor with QoS 1: publishes again until the broker has acknowledged."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client: Client | None = None

    def publish(self, topic: str, payload: Any, **user: str) -> None:
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = list(user.items())
        end = time.monotonic() + SECONDS
        while True:
            try:
                info = self._connected().publish(topic, text, qos=1, properties=properties)
                info.wait_for_publish(2)
                if info.is_published():
                    return
            except (OSError, RuntimeError, ValueError):
                pass
            self.close()
            assert time.monotonic() < end, "the broker does not take messages"
            time.sleep(0.05)

    def close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _connected(self) -> Client:
        if self._client is None:
            ready = threading.Event()
            client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
            client.username_pw_set("kastor", PASSWORD)
            client.on_connect = lambda *_: ready.set()
            client.connect("127.0.0.1", self._port)
            client.loop_start()
            self._client = client
            if not ready.wait(2):
                raise OSError("not connected")
        return self._client
