"""Graphs that are made and deleted while others use them, by processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from kastor.testing import KastorServer

from .watch import watched

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:ends:Thing;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "size", "schema": "integer"}],
}
KILLS = int(os.environ.get("KASTOR_KILLS", "2"))
SECONDS = 4.0
PATIENCE_SECONDS = 40.0


def twin(size: int) -> dict[str, object]:
    return {"$metadata": {"$model": MODEL["@id"]}, "size": size}


class Crowd:
    """Threads that write to, read and query one graph whatever happens to it."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.statuses: Counter[tuple[str, int, str]] = Counter()
        self._stopped = threading.Event()
        self._url = url
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        self._stopped.set()
        for each in self._threads:
            each.join(30)

    def _run(self, number: int) -> None:
        with httpx2.Client(base_url=self._url, params=VERSION, timeout=30) as http:
            count = 0
            while not self._stopped.is_set():
                count += 1
                path = f"/digitaltwins/t{number}-{count % 20}"
                self._note("upload", http.post("/models", json=[MODEL]))
                self._note("put", http.put(path, json=twin(count)))
                self._note("get", http.get(path))
                query = {"query": "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.size > 0"}
                self._note("query", http.post("/query", json=query))

    def _note(self, what: str, answer: httpx2.Response) -> None:
        code = "" if answer.is_success else answer.json()["error"]["code"]
        self.statuses[what, answer.status_code, code] += 1


def test_a_graph_that_ends_and_begins_again_under_load() -> None:
    """Nobody gets a 500 or waits for ever, and the neighbours keep what they have."""
    with KastorServer() as server:
        graphs = f"{server.url}/kastor/v1/graphs"
        assert httpx2.put(f"{graphs}/neighbour").status_code == 201
        neighbour = httpx2.Client(base_url=f"{server.url}/graphs/neighbour", params=VERSION)
        assert neighbour.post("/models", json=[MODEL]).status_code == 201
        for number in range(20):
            assert neighbour.put(f"/digitaltwins/t{number}", json=twin(number)).is_success
        crowd = Crowd(f"{server.url}/graphs/short")
        ends = 0
        with watched(server):
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                made = httpx2.put(f"{graphs}/short", timeout=30)
                assert made.status_code == 201, made.text
                with httpx2.Client(base_url=f"{server.url}/graphs/short", params=VERSION) as http:
                    mine = http.get("/digitaltwins/mine")
                    assert mine.status_code in (404, 503), mine.text
                    time.sleep(random.uniform(0.0, 0.2))
                gone = httpx2.delete(f"{graphs}/short", timeout=30)
                assert gone.status_code == 204, gone.text
                ends += 1
        crowd.stop()
        print(ends, "ends,", dict(crowd.statuses))
        assert ends > 3
        assert {status for _, status, _ in crowd.statuses} <= {200, 201, 400, 404, 409, 503}
        assert any(what == "put" and status == 200 for what, status, _ in crowd.statuses)
        for number in range(20):
            assert neighbour.get(f"/digitaltwins/t{number}").json()["size"] == number
        neighbour.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_while_graphs_are_made_and_deleted_leave_whole_graphs(
    tmp_path: Path, seed: int
) -> None:
    """What was acknowledged is so; what was under way is done or undone, never half."""
    chance = random.Random(seed)
    kept: dict[str, int] = {}
    unsure: set[str] = set()
    server = KastorServer(data_dir=tmp_path / "data")
    for round_ in range(KILLS):
        server.start()
        try:
            _require(server.url, kept, unsure)
            unsure.clear()
            _churn(server, chance, round_, kept, unsure)
        finally:
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.stop()
    server.start()
    try:
        _require(server.url, kept, unsure)
        left = [path.name for path in (tmp_path / "data" / "graphs").glob("*.deleted")]
        assert left == []
    finally:
        server.stop()


def _churn(
    server: KastorServer, chance: random.Random, round_: int, kept: dict[str, int], unsure: set[str]
) -> None:
    """Make, fill and delete graphs until the kill comes, which a thread sends at a random moment."""
    after = chance.uniform(0.05, 0.9)
    threading.Timer(after, server.process.send_signal, (signal.SIGKILL,)).start()
    number = 0
    while True:
        number += 1
        name = f"g{number % 3}"
        url = f"{server.url}/kastor/v1/graphs/{name}"
        unsure.add(name)
        size = round_ * 1_000 + number
        try:
            if name in kept:
                assert httpx2.delete(url).status_code == 204
                del kept[name]
            else:
                answer = httpx2.put(url)
                assert answer.status_code in (201, 409), answer.text
                with httpx2.Client(base_url=f"{server.url}/graphs/{name}", params=VERSION) as http:
                    assert http.post("/models", json=[MODEL]).status_code in (201, 409)
                    assert http.put("/digitaltwins/t", json=twin(size)).status_code == 200
                kept[name] = size
        except httpx2.TransportError:
            kept.pop(name, None)  # it may be either way
            return
        unsure.discard(name)


def _require(url: str, kept: dict[str, int], unsure: set[str]) -> None:
    graphs = f"{url}/kastor/v1/graphs"
    listed = {each["name"] for each in httpx2.get(graphs).json()["value"]} - {"default"}
    assert set(kept) <= listed, "an acknowledged graph is gone"
    for name, size in kept.items():
        answer = httpx2.get(f"{url}/graphs/{name}/digitaltwins/t", params=VERSION)
        assert answer.json().get("size") == size, answer.text
    for name in unsure:
        # Whatever it is, it can be deleted and made again, once others have cleared up.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            gone = httpx2.delete(f"{graphs}/{name}")
            assert gone.status_code in (204, 404, 409), gone.text
            made = httpx2.put(f"{graphs}/{name}")
            if made.status_code == 201:
                break
            assert made.status_code == 409, made.text
            assert time.monotonic() < deadline, made.text
            time.sleep(0.2)
        fresh = httpx2.get(f"{url}/graphs/{name}/digitaltwins/t", params=VERSION)
        assert fresh.json()["error"]["code"] == "DigitalTwinNotFound", fresh.text
        assert httpx2.delete(f"{graphs}/{name}").status_code == 204
