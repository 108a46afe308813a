"""Reads from standby servers: only when asked for, current when asked for, never in the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest

from kastor.testing import KastorServer

from .cluster import Cluster

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:replicas:Thing;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "size", "schema": "integer"},
        {"@type": "Relationship", "name": "next"},
    ],
}
ANY, CURRENT = {"kastor-read": "replica"}, {"kastor-read": "current-replica"}
PATH = "/digitaltwins/t"
QUERY = {"query": "SELECT T.size FROM DIGITALTWINS T WHERE T.$dtId = 't'"}


@dataclass
class Pair:
    """A server on a primary, and the standby that it may read from."""

    primary: Cluster
    standby: Cluster
    http: httpx2.Client

    def write(self, size: int) -> None:
        patch = [{"op": "add", "path": "/size", "value": size}]
        assert self.http.patch(PATH, json=patch).status_code == 204

    def size(self, headers: dict[str, str] | None = None) -> int:
        answer = self.http.get(PATH, headers=headers)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["size"])

    def queried(self, headers: dict[str, str] | None = None) -> int:
        answer = self.http.post("/query", json=QUERY, headers=headers)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["value"][0]["size"])

    def await_size(self, size: int) -> None:
        deadline = time.monotonic() + 30
        while self.size(ANY) != size:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def pause(self) -> None:
        """Let the standby apply nothing more; the call alone only asks for it."""
        self.standby.psql("SELECT pg_wal_replay_pause()")
        deadline = time.monotonic() + 10
        while self.standby.psql("SELECT pg_get_wal_replay_pause_state()").strip() != "paused":
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def statements(self) -> int:
        """Transactions that ended on the standby."""
        self.standby.psql("SELECT pg_stat_force_next_flush()")
        text = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'"
        return int(self.standby.psql(text))


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Cluster, Cluster]]:
    with Cluster(durable=False) as primary, Cluster(durable=False) as standby:
        primary.create().start()
        standby.copy(primary).start()
        yield primary, standby


@pytest.fixture
def pair(servers: tuple[Cluster, Cluster]) -> Iterator[Pair]:
    primary, standby = servers
    schema = f"g{uuid4().hex[:12]}"
    flags = ("--db", primary.dsn, "--graph-schema", schema, "--read-replicas", standby.dsn)
    with (
        KastorServer(flags) as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=20) as http,
    ):
        pair = Pair(primary, standby, http)
        assert http.post("/models", json=[MODEL]).status_code == 201
        body = {"$metadata": {"$model": MODEL["@id"]}, "size": 0}
        assert http.put(PATH, json=body).status_code == 200
        pair.await_size(0)
        try:
            yield pair
        finally:  # the next test gets both as they were
            for each in (primary, standby):
                if each.pid is None:
                    each.start()
            standby.psql("SELECT pg_wal_replay_resume()")


def test_a_standby_that_is_behind_is_read_only_by_who_accepts_that(pair: Pair) -> None:
    pair.pause()
    pair.write(1)
    assert (pair.size(), pair.queried()) == (1, 1)
    assert (pair.size(ANY), pair.queried(ANY)) == (0, 0)
    assert (pair.size(CURRENT), pair.queried(CURRENT)) == (1, 1), "the primary has to answer"
    pair.standby.psql("SELECT pg_wal_replay_resume()")
    pair.await_size(1)


def test_who_wants_its_own_writes_waits_for_the_standby(pair: Pair) -> None:
    before = pair.statements()
    for number in range(1, 101):
        pair.write(number)
        assert (pair.size(CURRENT), pair.queried(CURRENT)) == (number, number)
    deadline = time.monotonic() + 15
    while pair.statements() - before < 150:  # idle sessions report what they did with a delay
        assert time.monotonic() < deadline, "the reads did not go to the standby"
        time.sleep(0.2)


def test_relationships_and_listings_come_from_there_too(pair: Pair) -> None:
    body = {"$metadata": {"$model": MODEL["@id"]}, "size": 0}
    assert pair.http.put("/digitaltwins/u", json=body).status_code == 200
    relationship = {"$relationshipName": "next", "$targetId": "u"}
    assert pair.http.put(f"{PATH}/relationships/r", json=relationship).status_code == 200
    for path in ("t/relationships/r", "t/relationships", "u/incomingrelationships"):
        here = pair.http.get(f"/digitaltwins/{path}")
        there = pair.http.get(f"/digitaltwins/{path}", headers=CURRENT)
        assert (there.status_code, there.json()) == (200, here.json())


def test_the_standby_answers_while_there_is_no_primary(pair: Pair) -> None:
    pair.write(7)
    pair.await_size(7)
    assert pair.queried(ANY) == 7
    pair.primary.stop("immediate")
    assert (pair.size(ANY), pair.queried(ANY)) == (7, 7)
    assert pair.http.get(PATH).status_code == 503
    assert pair.http.get(PATH, headers=CURRENT).status_code == 503
    patch = [{"op": "add", "path": "/size", "value": 8}]
    assert pair.http.patch(PATH, json=patch, headers=ANY).status_code == 503
    pair.primary.start()


def test_the_primary_answers_while_there_is_no_standby(pair: Pair) -> None:
    pair.standby.stop("immediate")
    for number in (1, 2, 3):
        pair.write(number)
        for headers in (ANY, CURRENT):
            assert (pair.size(headers), pair.queried(headers)) == (number, number)
    pair.standby.start()
    pair.write(4)
    deadline = time.monotonic() + 20
    before = pair.statements()
    while pair.statements() == before:
        assert pair.size(CURRENT) == 4
        assert time.monotonic() < deadline, "the standby is back and is not read"
        time.sleep(0.5)


def test_a_query_of_newer_models_is_the_primarys(pair: Pair) -> None:
    pair.pause()
    newer = MODEL | {"@id": "dtmi:replicas:Thing;2"}
    assert pair.http.post("/models", json=[newer]).status_code == 201
    body = {"$metadata": {"$model": newer["@id"]}, "size": 5}
    assert pair.http.put("/digitaltwins/u", json=body).status_code == 200
    query = {
        "query": "SELECT T.size FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:replicas:Thing;2')"
    }
    answer = pair.http.post("/query", json=query, headers=ANY)
    assert (answer.status_code, answer.json()["value"]) == (200, [{"size": 5}])
    pair.standby.psql("SELECT pg_wal_replay_resume()")


def test_another_value_of_the_header_is_refused(pair: Pair) -> None:
    answer = pair.http.get(PATH, headers={"kastor-read": "sometimes"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")
    assert "current-replica" in answer.json()["error"]["message"]
    assert pair.size({"kastor-read": "primary"}) == 0


def test_a_server_without_standbys_takes_the_header() -> None:
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        http.post("/models", json=[MODEL])
        http.put(PATH, json={"$metadata": {"$model": MODEL["@id"]}, "size": 3})
        for headers in (ANY, CURRENT):
            assert http.get(PATH, headers=headers).json()["size"] == 3
