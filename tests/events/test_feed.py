"""The feed: live streams, resuming, pages, idle and deaf listeners, shutdown."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from kastor.testing import KastorServer

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:feed:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "note", "schema": "string"},
    ],
}


HTTP = httpx2.Client()  # making one for each call would cost more than the calls


@pytest.fixture(scope="module", autouse=True)
def _close() -> Iterator[None]:
    yield
    HTTP.close()


def put(server: KastorServer, twin: str, temperature: float, note: str = "") -> None:
    body = {"$metadata": {"$model": MODEL["@id"]}, "temperature": temperature, "note": note}
    url = f"{server.url}/digitaltwins/{twin}"
    assert HTTP.put(url, params=VERSION, json=body).status_code == 200


@pytest.fixture
def server(kastor_empty: KastorServer) -> KastorServer:
    url = f"{kastor_empty.url}/models"
    assert HTTP.post(url, params=VERSION, json=[MODEL]).status_code == 201
    return kastor_empty


class Listener:
    """Reads a stream of Server-Sent Events on a plain socket."""

    def __init__(self, server: KastorServer, query: str = "", last_id: str | None = None) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        head = f"GET /kastor/v1/events?{query} HTTP/1.1\r\nHost: {host}\r\n"
        if last_id is not None:
            head += f"Last-Event-ID: {last_id}\r\n"
        self.socket.sendall(f"{head}\r\n".encode())
        self._blocks = self._read()
        self.first = next(self._blocks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def next_event(self) -> dict[str, Any]:
        for block in self._blocks:
            if "data" in block and block.get("event") != "models":
                return {"position": block["id"], **json.loads(block["data"])}
        raise AssertionError("the stream ended")

    def next_epoch(self) -> int:
        """The epoch of the models that the stream tells next."""
        for block in self._blocks:
            if block.get("event") == "models":
                assert "id" not in block
                return int(json.loads(block["data"])["epoch"])
        raise AssertionError("the stream ended")

    def ends(self) -> bool:
        return next(self._blocks, None) is None

    def _read(self) -> Iterator[dict[str, str]]:
        buffer, headers_read = b"", False
        while True:
            data = self.socket.recv(65536)
            if not data:
                return
            buffer += data
            if not headers_read and b"\r\n\r\n" in buffer:
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200"), head + buffer
                assert b"text/event-stream" in head
                headers_read = True
            # Chunk sizes stand on lines of their own between the chunks.
            text = re.sub(rb"(?m)^[0-9a-fA-F]+\r\n", b"", buffer).replace(b"\r\n", b"")
            *blocks, rest = text.split(b"\n\n")
            buffer = rest
            for block in blocks:
                lines = [
                    line.split(": ", 1) for line in block.decode().splitlines() if ": " in line
                ]
                yield {line[0]: line[1] for line in lines}


def test_a_listener_sees_what_happens_while_it_listens(server: KastorServer) -> None:
    put(server, "before", 1)
    with Listener(server) as listener:
        put(server, "a", 20)
        event = listener.next_event()
        assert (event["type"], event["subject"]) == ("Microsoft.DigitalTwins.Twin.Create", "a")
        assert event["data"]["temperature"] == 20
        put(server, "a", 21)
        assert listener.next_event()["data"]["patch"][0]["value"] == 21


def test_an_event_is_never_seen_before_its_state(server: KastorServer) -> None:
    url = f"{server.url}/digitaltwins/a"
    with Listener(server) as listener:
        for number in range(20):
            put(server, "a", number)
            listener.next_event()
            seen = HTTP.get(url, params=VERSION).json()["temperature"]
            assert seen >= number


def test_a_listener_resumes_after_the_last_event_it_saw(server: KastorServer) -> None:
    with Listener(server) as listener:
        put(server, "a", 1)
        last = listener.next_event()["position"]
    put(server, "b", 2)
    put(server, "c", 3)
    with Listener(server, last_id=last) as listener:
        assert [listener.next_event()["subject"] for _ in range(2)] == ["b", "c"]


def test_a_listener_resumes_across_a_restart() -> None:
    with KastorServer() as first:
        HTTP.post(f"{first.url}/models", params=VERSION, json=[MODEL])
        with Listener(first) as listener:
            put(first, "a", 1)
            last = listener.next_event()["position"]
        put(first, "b", 2)
        first.process.terminate()
        first.process.wait(15)
        with (
            KastorServer(data_dir=first.data_dir) as second,
            Listener(second, last_id=last) as listener,
        ):
            assert listener.next_event()["subject"] == "b"


def test_a_filter_selects_what_is_streamed(server: KastorServer) -> None:
    with Listener(server, "filter=subject%20%3D%20%27wanted%27") as listener:
        put(server, "other", 1)
        put(server, "wanted", 2)
        assert listener.next_event()["subject"] == "wanted"


def test_a_stream_tells_when_models_change(server: KastorServer) -> None:
    def epoch() -> int:
        return int(HTTP.get(f"{server.url}/kastor/v1/status").json()["modelEpoch"])

    with Listener(server, query="filter=false") as listener:
        assert listener.next_epoch() == epoch()
        other = {**MODEL, "@id": "dtmi:feed:Hall;1"}
        assert HTTP.post(f"{server.url}/models", params=VERSION, json=[other]).status_code == 201
        assert listener.next_epoch() == epoch()
        assert HTTP.delete(f"{server.url}/models", params=VERSION).status_code == 204
        assert listener.next_epoch() == epoch()
        server.reset()
        assert listener.next_epoch() == epoch()
        page = HTTP.get(f"{server.url}/kastor/v1/events", params={"format": "ndjson"})
        assert int(page.headers["kastor-model-epoch"]) == epoch()


def test_a_filter_that_is_none_is_refused(server: KastorServer) -> None:
    answer = HTTP.get(f"{server.url}/kastor/v1/events", params={"filter": "this is not"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "EventRouteFilterInvalid"


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30])
def test_a_position_that_is_none_is_refused(server: KastorServer, after: str) -> None:
    answer = HTTP.get(f"{server.url}/kastor/v1/events", params={"after": after})
    assert answer.status_code == 400


def test_pages_of_ndjson_walk_the_log_once(server: KastorServer) -> None:
    for number in range(25):
        put(server, f"t{number:02}", number)
    subjects: list[str] = []
    after = "0"
    while True:
        params = {"format": "ndjson", "after": after}
        headers = {"max-items-per-page": "10"}
        page = HTTP.get(f"{server.url}/kastor/v1/events", params=params, headers=headers)
        assert page.headers["content-type"] == "application/x-ndjson"
        lines = page.text.splitlines()
        if not lines:
            break
        assert len(lines) <= 10
        subjects += [json.loads(line)["subject"] for line in lines]
        after = page.headers["kastor-next-position"]
    assert subjects == [f"t{number:02}" for number in range(25)]


def resident_kilobytes(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", text)
    assert found is not None
    return int(found[1])


def test_many_idle_listeners_and_deaf_ones_cost_little_and_stop_at_once() -> None:
    """1,000 to whom nothing comes, one that never reads, and some that ask for all and never do."""
    elapsed = costs_and_stops()
    if elapsed >= 1:  # the machine may have been busy, once
        elapsed = costs_and_stops()
    assert elapsed < 1


def costs_and_stops() -> float:
    """Judge the memory; return the seconds that the shutdown took."""
    with KastorServer() as server, ExitStack() as sockets:

        def listen(query: str = "") -> None:
            sockets.callback(Listener(server, query).socket.close)

        HTTP.post(f"{server.url}/models", params=VERSION, json=[MODEL])
        before = resident_kilobytes(server.process.pid)
        for _ in range(1_000):
            listen("filter=subject%3D%27nobody%27")
        of_idle = resident_kilobytes(server.process.pid) - before
        listen()
        for number in range(3_000):  # 50 MB of events, far more than sockets hold
            put(server, "a", number, "x" * 16_384)
        for _ in range(30):
            listen("after=0")
        time.sleep(1)
        of_all = resident_kilobytes(server.process.pid) - before
        with Listener(server) as listener:
            put(server, "b", 1)
            assert listener.next_event()["subject"] == "b"
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(15) == 0
        elapsed = time.monotonic() - started
    print(f"1,000 idle: {of_idle} kB; with 31 deaf ones and 50 MB of events: {of_all} kB")
    print(f"shutdown: {elapsed:.2f} s")
    assert of_idle < 60_000
    assert of_all < 90_000
    return elapsed
