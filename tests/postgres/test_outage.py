"""The database goes away and comes back, or another takes over: 503 meanwhile, nothing lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import asyncpg
import pytest

from kastor.storage.postgres.connections import connect
from kastor.testing import KastorServer
from tests.metrics.scrape import scrape, until

from .cluster import Cluster
from .load import MODEL, Load
from .sse import Follower
from .wire import Line, set_to, twin

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(180)]
SCHEMA = "graph_outage"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster.create().start()


def serve(dsn: str) -> KastorServer:
    return KastorServer(("--db", dsn, "--graph-schema", SCHEMA))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_server_that_is_stopped_and_started_loses_nothing(
    cluster: Cluster, mode: str
) -> None:
    with serve(cluster.dsn) as server:
        load = await Load.prepare(server.url, 16)
        running = asyncio.create_task(load.run())
        for _ in range(2):
            await load.acknowledge(300)
            await asyncio.to_thread(cluster.stop, mode)
            await asyncio.sleep(0.7)
            async with Line(server.url) as line:
                assert (await line.get("/healthz"))[0] == 200
                status, headers, _ = await line.get(twin("w0"))
                assert (status, "retry-after" in headers) == (503, True)
                status, _, _ = await line.send(
                    "POST", "/query", {"query": "SELECT * FROM DIGITALTWINS"}
                )
                assert status == 503
            await asyncio.to_thread(cluster.start)
        await load.acknowledge(300)
        load.stop()
        await running
        async with Line(server.url) as line:
            assert len(await line.query("SELECT T.$dtId FROM DIGITALTWINS T")) == 16
            assert (await line.get(f"/models/{MODEL}"))[0] == 200
    found = await load.judge(cluster.dsn, SCHEMA)
    print(mode, found, f"longest gap {load.longest_gap:.2f} s")
    assert found["lost"] == 0
    assert load.strange == []
    assert load.statuses.keys() <= {204, 503}


async def test_metrics_are_told_while_the_database_is_away(cluster: Cluster) -> None:
    with serve(cluster.dsn) as server:
        assert (await asyncio.to_thread(scrape, server.url))("graph_up", graph="default") == 1
        await asyncio.to_thread(cluster.stop, "immediate")
        async with Line(server.url) as line:
            assert (await line.get(twin("t")))[0] == 503
        started = time.monotonic()
        found = await asyncio.to_thread(scrape, server.url)
        assert time.monotonic() - started < 8  # a scrape usually gets ten seconds
        assert found("graph_up", graph="default") == 0
        labels = {"operation": "DigitalTwins_GetById", "method": "GET", "worker": "0"}
        assert found("http_requests_total", status="503", **labels) == 1
        await asyncio.to_thread(cluster.start)
        await asyncio.to_thread(until, server.url, lambda now: now("graph_up", graph="default"))


async def test_of_several_hosts_the_one_that_takes_writes_is_used(cluster: Cluster) -> None:
    with Cluster() as standby:
        standby.copy(cluster).start()
        ports = [standby.port, cluster.port]
        for order in (ports, ports[::-1]):
            hosts = ",".join(f"127.0.0.1:{port}" for port in order)
            for attributes in (
                "",
                "?target_session_attrs=read-write",
                "?target_session_attrs=primary",
            ):
                connection = await connect(f"postgresql://postgres@{hosts}/postgres{attributes}")
                assert await connection.fetchval("SELECT pg_is_in_recovery()") is False
                await connection.close()
        with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
            await connect(standby.dsn)
        # Given, it is obeyed: whoever names the standby gets it, and only reads work.
        connection = await connect(f"{standby.dsn}?target_session_attrs=any")
        assert await connection.fetchval("SELECT pg_is_in_recovery()") is True
        await connection.close()


async def test_a_killed_primary_with_a_synchronous_standby_loses_nothing(cluster: Cluster) -> None:
    with Cluster() as standby:
        standby.copy(cluster).start()
        cluster.psql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        cluster.psql("SELECT pg_reload_conf()")
        for _ in range(100):
            if cluster.psql("SELECT sync_state FROM pg_stat_replication") == "sync":
                break
            await asyncio.sleep(0.1)
        hosts = f"127.0.0.1:{cluster.port},127.0.0.1:{standby.port}"
        with serve(f"postgresql://postgres@{hosts}/postgres") as server:
            load = await Load.prepare(server.url, 16)
            running = asyncio.create_task(load.run())
            await load.acknowledge(1_000)
            await asyncio.to_thread(cluster.kill)
            await asyncio.to_thread(standby.promote)
            await load.acknowledge(1_000)
            load.stop()
            await running
        found = await load.judge(standby.dsn, SCHEMA)
        print("failover", found, f"longest gap {load.longest_gap:.2f} s")
    assert found["lost"] == 0
    assert load.strange == []
    assert load.statuses.keys() <= {204, 503}


async def test_a_reader_of_the_feed_goes_on_after_the_outage(cluster: Cluster) -> None:
    with serve(cluster.dsn) as server:
        await Load.prepare(server.url, 1)
        follower = Follower([server.url])
        await follower.ready()
        await asyncio.to_thread(cluster.stop, "immediate")
        await asyncio.sleep(2)
        await asyncio.to_thread(cluster.start)
        async with Line(server.url) as line, asyncio.timeout(20):
            for number in range(3):
                while (await line.patch(twin("w0"), set_to("n", number)))[0] != 204:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        await follower.count(3)
        values = [event["data"]["patch"][0]["value"] for _, event in follower.seen]
        assert (values, follower.breaks) == ([0, 1, 2], 0)
