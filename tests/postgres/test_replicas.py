"""Reads from standby servers: only when asked for, current when asked for, never in the way."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest

from kastor.dtdl import ValueRules
from kastor.errors import QueryError, Unavailable
from kastor.graph import commands as c
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.graph.service import GraphService
from kastor.records import Context, ReadFrom
from kastor.storage.postgres import replicas
from kastor.storage.postgres.connections import Connections
from kastor.storage.postgres.store import PostgresStore
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
SOON = {"wal_retrieve_retry_interval": "100ms"}
"""How a standby notices that its primary is back."""
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

    def relate(self) -> None:
        body = {"$metadata": {"$model": MODEL["@id"]}, "size": 0}
        assert self.http.put("/digitaltwins/u", json=body).status_code == 200
        relationship = {"$relationshipName": "next", "$targetId": "u"}
        assert self.http.put(f"{PATH}/relationships/r", json=relationship).status_code == 200

    def size(self, headers: dict[str, str] | None = None) -> int:
        answer = self.http.get(PATH, headers=headers)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["size"])

    def queried(self, headers: dict[str, str] | None = None) -> int:
        answer = self.http.post("/query", json=QUERY, headers=headers)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["value"][0]["size"])

    def listed(self, headers: dict[str, str] | None = None) -> list[str]:
        answer = self.http.get(f"{PATH}/relationships", headers=headers)
        assert answer.status_code == 200, answer.text
        return [each["$relationshipId"] for each in answer.json()["value"]]

    def await_size(self, size: int) -> None:
        deadline = time.monotonic() + 30
        while self.size(ANY) != size:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def statements(self) -> int:
        """Transactions that ended on the standby."""
        self.standby.psql("SELECT pg_stat_force_next_flush()")
        text = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'"
        return int(self.standby.psql(text))


def await_standby(primary: Cluster, standby: Cluster) -> None:
    """Wait until the standby has all that the primary has now."""
    flushed = primary.psql("SELECT pg_current_wal_flush_lsn()")
    deadline = time.monotonic() + 30
    while standby.psql(f"SELECT pg_last_wal_replay_lsn() >= '{flushed}'") != "t":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pause(standby: Cluster) -> None:
    """Let the standby apply nothing more; the call alone only asks for it."""
    standby.psql("SELECT pg_wal_replay_pause()")
    deadline = time.monotonic() + 10
    while standby.psql("SELECT pg_get_wal_replay_pause_state()") != "paused":
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass
class InProcess:
    """A graph on a primary, whose standby is read by a store of this process."""

    store: PostgresStore[ModelCatalog]
    schema: str

    async def put(self, size: int) -> None:
        body = {"$metadata": {"$model": MODEL["@id"]}, "size": size}
        await GraphService(self.store).execute(c.PutTwin("t", body), Context("ann"))

    async def size(self, source: ReadFrom) -> int:
        row = await self.store.twin("t", Context("ann", source=source))
        assert row is not None
        return int(json.loads(row.doc)["size"])

    async def ids(self, source: ReadFrom = ReadFrom.REPLICA) -> list[str]:
        text = f"SELECT id FROM {self.schema}.twins"
        context = Context("ann", source=source)
        return [row[0] for row in await self.store.fetch_all(text, (), context, timeout=5)]


@asynccontextmanager
async def graph_on(primary: Cluster, standby: Cluster) -> AsyncIterator[InProcess]:
    pool = Connections(f"{standby.dsn}?target_session_attrs=any", 4)
    schema = f"g{uuid4().hex[:12]}"
    store = await PostgresStore.open(
        primary.dsn, schema, catalog_builder(ValueRules()), replicas=[pool]
    )
    try:
        body = json.dumps([MODEL]).encode()
        document = (MODEL, json.dumps(MODEL).encode())
        await GraphService(store).upload(body, [document], Context("ann"))
        yield InProcess(store, schema)
    finally:
        await store.close()
        await pool.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Cluster, Cluster]]:
    with Cluster(durable=False) as primary, Cluster(durable=False, **SOON) as standby:
        primary.create().start()
        standby.copy(primary).start()
        yield primary, standby


@pytest.fixture
def clusters(servers: tuple[Cluster, Cluster]) -> Iterator[tuple[Cluster, Cluster]]:
    """The primary and the standby; the next test gets both as they were."""
    yield servers
    for each in servers:
        if each.pid is None:
            each.start()
    servers[1].psql("SELECT pg_wal_replay_resume()")


@pytest.fixture
def pair(clusters: tuple[Cluster, Cluster]) -> Iterator[Pair]:
    primary, standby = clusters
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
        # Not by reading there: a read that comes too early fails, and the next are the primary's.
        await_standby(primary, standby)
        assert pair.size(ANY) == 0
        yield pair


def test_a_standby_that_is_behind_is_read_only_by_who_accepts_that(pair: Pair) -> None:
    pause(pair.standby)
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
    pair.relate()
    for path in ("t/relationships/r", "t/relationships", "u/incomingrelationships"):
        here = pair.http.get(f"/digitaltwins/{path}")
        there = pair.http.get(f"/digitaltwins/{path}", headers=CURRENT)
        assert (there.status_code, there.json()) == (200, here.json())


def test_the_standby_answers_while_there_is_no_primary(pair: Pair) -> None:
    pair.write(7)
    pair.relate()
    await_standby(pair.primary, pair.standby)
    assert pair.queried(ANY) == 7
    pair.primary.stop("immediate")
    assert (pair.size(ANY), pair.queried(ANY), pair.listed(ANY)) == (7, 7, ["r"])
    assert pair.http.get(PATH).status_code == 503
    assert pair.http.get(PATH, headers=CURRENT).status_code == 503
    patch = [{"op": "add", "path": "/size", "value": 8}]
    assert pair.http.patch(PATH, json=patch, headers=ANY).status_code == 503
    pair.primary.start()


@pytest.mark.anyio
async def test_a_standby_that_failed_a_moment_ago_is_asked_before_nobody_answers(
    clusters: tuple[Cluster, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "DOWN_SECONDS", 3600.0)
    primary, standby = clusters
    pause(standby)
    async with graph_on(primary, standby) as graph:
        await graph.put(1)  # a graph that the standby has not
        assert (await graph.size(ReadFrom.REPLICA), await graph.ids()) == (1, ["t"])
        standby.psql("SELECT pg_wal_replay_resume()")
        await_standby(primary, standby)
        pause(standby)
        await graph.put(2)
        assert await graph.size(ReadFrom.REPLICA) == 2, "it has to be left alone"
        primary.stop("immediate")
        assert (await graph.ids(), await graph.size(ReadFrom.REPLICA)) == (["t"], 1)
        for source in (ReadFrom.PRIMARY, ReadFrom.CURRENT_REPLICA):
            with pytest.raises(Unavailable):
                await graph.size(source)
            with pytest.raises(Unavailable):
                await graph.ids(source)
        standby.stop("immediate")
        with pytest.raises(Unavailable):
            await graph.size(ReadFrom.REPLICA)
        with pytest.raises(Unavailable):
            await graph.ids()


@pytest.mark.anyio
async def test_a_query_at_fault_turns_nobody_away_from_the_standby(
    clusters: tuple[Cluster, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "DOWN_SECONDS", 3600.0)
    primary, standby = clusters
    async with graph_on(primary, standby) as graph:
        await graph.put(1)
        await_standby(primary, standby)
        pause(standby)
        await graph.put(2)
        context = Context("ann", source=ReadFrom.REPLICA)
        with pytest.raises(QueryError, match="division by zero"):
            await graph.store.fetch_all("SELECT 1 / $1::bigint", (0,), context, timeout=5)
        assert await graph.size(ReadFrom.REPLICA) == 1


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
    pause(pair.standby)
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
