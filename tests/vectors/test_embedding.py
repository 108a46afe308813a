"""Vectors of an embedder follow the graph: what changes is asked for, outages and restarts aside."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.postgres.server import database
from tests.store.graphs import ROOM_MODEL, THERMOSTAT_MODEL, room

from .embedders import DIMS, KEY, TestEmbedder, vector_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INDEX = {"dims": DIMS, "metric": "l2", "template": "{name} of {labels.use}"}
PATH = "/kastor/v1/vectors/meaning"
MODELS = [ROOM_MODEL, THERMOSTAT_MODEL]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    if request.param == "sqlite":
        yield ["--data", str(tmp_path / "data")]
        return
    with database() as dsn:
        yield ["--db", dsn, "--graph-schema", f"graph_embedding_{time.time_ns()}"]


@contextmanager
def running(
    place: list[str], embedder: TestEmbedder, key: Path, *flags: str
) -> Iterator[tuple[KastorServer, httpx2.Client]]:
    given = ["--embedder-url", embedder.url, "--embedder-model", "hashing"]
    given += ["--embedder-key-file", str(key), "--embedder-batch", "7", *flags]
    with (
        KastorServer((*place, *given)) as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        yield server, client


def until(said: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = said()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def status(client: httpx2.Client) -> Any:
    return client.get(PATH).json()["status"]


def settled(client: httpx2.Client) -> Any:
    return until(lambda: (told := status(client))["lag"] == 0 and told)


def put(client: httpx2.Client, twin: str, **values: Any) -> None:
    client.put(f"/digitaltwins/{twin}", json=room(**values)).raise_for_status()


def beside(client: httpx2.Client, name: str) -> list[float] | None:
    answer = client.get(f"/kastor/v1/digitaltwins/{name}/vectors/meaning")
    return answer.json()["vector"] if answer.status_code == 200 else None


def asked(client: httpx2.Client, text: str, mode: str) -> httpx2.Response:
    return client.post("/digitaltwins/search", json={"text": text, "mode": mode, "limit": 3})


@pytest.mark.timeout(120)
def test_vectors_follow_texts_through_changes_outages_and_restarts(
    place: list[str], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    with TestEmbedder() as embedder:
        with running(place, embedder, key) as (server, client):
            client.post("/models", json=MODELS).raise_for_status()
            for number in range(20):
                put(client, f"t{number}", name=f"room {number}", labels={"use": "work"})
            put(client, "none", temperature=1.0)
            assert client.put(PATH, json=INDEX).status_code == 201
            assert client.put(PATH, json=INDEX).status_code == 200
            other = client.put(PATH, json={**INDEX, "template": "{name}"})
            assert (other.status_code, other.json()["error"]["code"]) == (409, "VectorIndexDiffers")
            told = settled(client)
            assert (told["twins"], told["vectors"], told["trouble"]) == (21, 20, None)
            assert sorted(embedder.asked) == sorted(f"room {n} of work" for n in range(20))
            assert embedder.largest == 7
            assert beside(client, "t3") == vector_of("room 3 of work")
            found = asked(client, "room 3 of work", "vector").json()
            assert (found["mode"], found["ranking"][0]["$dtId"]) == ("vector", "t3")
            assert found["ranking"][0]["distance"] == 0
            both = asked(client, "room 3 of work", "auto").json()
            assert (both["mode"], both["ranking"][0]["vectorRank"]) == ("hybrid", 1)

            embedder.asked.clear()
            patch = [{"op": "add", "path": "/temperature", "value": 5}]
            client.patch("/digitaltwins/t1", json=patch).raise_for_status()
            put(client, "t2", name="hall", labels={"use": "rest"})
            client.delete("/digitaltwins/t4").raise_for_status()
            until(lambda: beside(client, "t2") == vector_of("hall of rest"))
            settled(client)
            assert embedder.asked == ["hall of rest"]  # the text of t1 is the same
            put(client, "t5", temperature=1.0)
            until(lambda: beside(client, "t5") is None)
            by_hand = client.put(
                "/kastor/v1/digitaltwins/t1/vectors/meaning", json={"vector": [1.0] * DIMS}
            )
            assert by_hand.status_code == 400

            embedder.wrong = "503"
            put(client, "t6", name="after the storm", labels={"use": "x"})
            waiting = until(lambda: (told := status(client))["trouble"] and told)
            assert waiting["lag"] > 0
            assert "status 503" in waiting["trouble"]
            assert asked(client, "never asked before", "vector").status_code == 503
            without = asked(client, "room 7", "auto").json()
            assert without["mode"] == "words"
            assert "embedder" in without["degraded"]
            metrics = client.get("/metrics").text
            assert "kastor_embedder_waiting{" in metrics
            embedder.wrong = ""
            until(lambda: beside(client, "t6") == vector_of("after the storm of x"))
            assert settled(client)["trouble"] is None
            exported = client.get("/kastor/v1/export", params={"kastor": "true"}).text
            assert '"template":"{name} of {labels.use}"' in exported
            assert exported.endswith('{"Section":"Kastor.Vectors"}\n')
            assert KEY not in exported + metrics + client.get("/kastor/v1/status").text
            embedder.wrong = "503"
            put(client, "t7", name="while it was down", labels={"use": "x"})
        assert KEY not in server.output
        embedder.wrong, embedder.refuses = "", "poison"
        embedder.asked.clear()
        with running(place, embedder, key) as (server, client):
            put(client, "t8", name="poison", labels={"use": "x"})
            until(lambda: beside(client, "t7") == vector_of("while it was down of x"))
            until(lambda: status(client)["refused"] == 1)
            settled(client)
            assert set(embedder.asked) <= {"while it was down of x", "text"}
            assert beside(client, "t8") is None
        if place[0] == "--data":
            with KastorServer(place) as server, httpx2.Client(base_url=server.url) as client:
                assert beside(client, "t7") == vector_of("while it was down of x")
                refused = client.put("/kastor/v1/vectors/other", json=INDEX)
                assert (refused.status_code, "embedder" in refused.text) == (400, True)


def test_a_budget_of_bytes_makes_it_wait(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    flags = ("--embedder-daily-bytes", "200")
    with TestEmbedder() as embedder, running([], embedder, key, *flags) as (_, client):
        client.post("/models", json=MODELS).raise_for_status()
        client.put(PATH, json=INDEX).raise_for_status()
        for number in range(40):
            put(client, f"t{number}", name=f"room {number}", labels={"use": "work"})
        told = until(lambda: (told := status(client))["trouble"] and told)
        assert "budget of 200 bytes" in told["trouble"]
        assert sum(map(len, embedder.asked)) <= 200
