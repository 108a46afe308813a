"""A long mixed load: kills, restarts, outages of the broker and of the database, then the books.

Fifteen minutes on each engine: `python3 dev test --slow tests/soak -s`; the suite plays the same in
short. KASTOR_SOAK_SECONDS sets the time, KASTOR_SEED repeats the choices of a run. Its first third
has kills and restarts; then the process lives on and its memory is watched, from three minutes
after its last start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.events.brokers import PASSWORD, PASSWORD_VARIABLE, Nats
from tests.events.receiver import Receiver, receiver
from tests.faults.test_relay_kill import written
from tests.metrics.scrape import Scrape, scrape
from tests.ports import free_port
from tests.postgres.cluster import Cluster
from tests.postgres.sse import Follower
from tests.programs import find

from .clients import MODEL, PLACE, Caller, Reader, Tally, Writer
from .ledger import Ledger
from .memory import resident_bytes

SECONDS = float(os.environ.get("KASTOR_SOAK_SECONDS", "8"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
LONG_SECONDS = 60.0
"""From here on both engines are played; the suite has outages of PostgreSQL in other tests."""
WRITERS, READERS = 8, 6
STANDING_TWINS = 20_000 if SECONDS >= 600 else 0
"""So many that what the server keeps of its file in memory is full from the beginning."""
WARM_UP_SECONDS = 180.0
MOST_GROWTH = 1.1
IDLE_SECONDS = 60.0
FEWEST_FAULTS = 2

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(240 + 1.5 * SECONDS)]


@dataclass
class World:
    """The server and what stands around it; each fault is ended before it returns."""

    server: KastorServer
    hook: Receiver
    broker: Nats | None
    cluster: Cluster | None
    faults: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    slowest_health: float = 0.0
    started: float = 0.0

    async def kill(self) -> None:
        os.kill(self.server.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.server.process.wait)
        await self.start()

    async def restart(self) -> None:
        await asyncio.to_thread(self.server.stop)
        assert self.server.process.returncode == 0, self.server.output[-2000:]
        await self.start()

    async def start(self) -> None:
        await asyncio.to_thread(self.server.start)
        self.started = time.monotonic()

    async def stop_broker(self) -> None:
        assert self.broker is not None
        await asyncio.to_thread(self.broker.stop, signal.SIGKILL)
        await asyncio.sleep(2)
        await asyncio.to_thread(self.broker.start)

    async def freeze_broker(self) -> None:
        assert self.broker is not None
        await asyncio.to_thread(self.broker.freeze)
        await asyncio.sleep(2)
        self.broker.thaw()

    async def break_hook(self) -> None:
        self.hook.answers(503)
        await asyncio.sleep(2)
        self.hook.answer = None

    async def stop_database(self) -> None:
        assert self.cluster is not None
        await asyncio.to_thread(self.cluster.stop, "immediate")
        await asyncio.sleep(1)
        await asyncio.to_thread(self.cluster.start)

    async def run_faults(self, stopped: asyncio.Event) -> None:
        """Kill and restart in the first third; then have outages, until told to stop."""
        outages: list[Callable[[], Awaitable[None]]] = [self.break_hook]
        if self.cluster is not None:
            outages.append(self.stop_database)
        if self.broker is not None:
            outages += [self.stop_broker, self.freeze_broker]
        begun, number = time.monotonic(), 0
        pause = max(1.0, min(30.0, SECONDS / 10))
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), pause)
                return
            deaths = time.monotonic() - begun < SECONDS / 3
            ways = [self.kill, self.restart, *outages] if deaths else outages
            way = ways[number % len(ways)]
            number += 1
            self.faults.append(way.__name__)
            await way()

    async def watch(self, stopped: asyncio.Event) -> None:
        """Note memory and how long /healthz takes, once a second."""
        async with httpx2.AsyncClient(base_url=self.server.url, timeout=60) as http:
            while not stopped.is_set():
                await asyncio.sleep(1)
                self.memory.append((time.monotonic(), resident_bytes(self.server.process.pid)))
                asked = time.monotonic()
                with contextlib.suppress(httpx2.TransportError):
                    assert (await http.get("/healthz")).status_code == 200
                    self.slowest_health = max(self.slowest_health, time.monotonic() - asked)

    def growth(self) -> float | None:
        """Memory at the end beside that after the warm-up; None where the run was shorter."""
        warm = [each for at, each in self.memory if at > self.started + WARM_UP_SECONDS]
        if len(warm) < 240:
            return None
        return statistics.median(warm[-60:]) / statistics.median(warm[:60])


@pytest.fixture(params=["sqlite", "postgres"] if SECONDS >= LONG_SECONDS else ["sqlite"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster | None]:
    if request.param == "sqlite":
        yield None
        return
    with Cluster() as made:
        yield made.create().start()


@pytest.fixture
async def world(
    cluster: Cluster | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    flags = ["--port", str(free_port())]
    if cluster is not None:
        flags += ["--db", cluster.dsn, "--graph-schema", "graph_soak"]
    broker = Nats(tmp_path / "nats") if find("nats-server") else None
    async with receiver() as hook:
        with KastorServer(flags, data_dir=tmp_path / "data") as server:
            if broker is not None:
                await asyncio.to_thread(broker.start)
                await broker.prepare()
            made = World(server, hook, broker, cluster, started=time.monotonic())
            try:
                await asyncio.to_thread(prepare, made)
                yield made
            finally:
                if broker is not None:
                    await asyncio.to_thread(broker.stop, signal.SIGKILL)


def standing(start: int) -> list[dict[str, Any]]:
    """Operations that make a thousand twins which nobody changes."""
    return [
        {
            "op": "put",
            "kind": "twin",
            "id": f"standing-{number}",
            "body": {"$metadata": {"$model": PLACE}, "value": -number, "text": "x" * 900},
        }
        for number in range(start, start + 1_000)
    ]


def prepare(world: World) -> None:
    """Make the model, and a route to each endpoint."""
    version = {"api-version": "2023-10-31"}
    with httpx2.Client(base_url=world.server.url, params=version, timeout=120) as http:
        assert http.post("/models", json=[MODEL]).status_code == 201
        endpoints = {"hook": ("webhook", {"url": world.hook.url, "timeout": 2})}
        if world.broker is not None:
            endpoints["broker"] = ("nats", world.broker.settings())
        for name, (kind, settings) in endpoints.items():
            body = {"kind": kind, "settings": settings}
            answer = http.put(f"/kastor/v1/endpoints/{name}", json=body)
            assert answer.status_code == 200, answer.text
            # A broker is read message by message at the end, so it gets the rare ones.
            which = "true" if name == "hook" else "type = 'Microsoft.DigitalTwins.Twin.Create'"
            route = {"endpointName": name, "filter": which}
            assert http.put(f"/eventroutes/{name}", json=route).status_code == 204
        for start in range(0, STANDING_TWINS, 1_000):
            many: dict[str, Any] = {"atomic": False, "operations": standing(start)}
            assert http.post("/kastor/v1/batch", json=many).status_code == 200


def is_idle(now: Scrape) -> list[str]:
    """Return what is still under way, of all that ends when clients are gone."""
    ending = (
        *("queries", "jobs_at_work", "route_lag_entries", "search_lag_entries", "pool_waiting"),
        *("live_queries", "stream_bytes"),
    )
    busy = [
        f"{name}{dict(labels)} = {value}"
        for (name, labels), value in now.samples.items()
        if name.removeprefix("kastor_") in ending and value
    ]
    return busy + [
        f"{dict(labels)} is down"
        for (name, labels), value in now.samples.items()
        if name == "kastor_part_up" and not value
    ]


async def until_idle(server: KastorServer) -> None:
    end = time.monotonic() + IDLE_SECONDS
    while busy := is_idle(await asyncio.to_thread(scrape, server.url)):
        assert time.monotonic() < end, f"still under way: {busy}"
        await asyncio.sleep(0.2)


def jobs_under_way(server: KastorServer) -> list[Any]:
    listed = httpx2.get(f"{server.url}/kastor/v1/jobs").json()["value"]
    return [each for each in listed if each["status"] in ("running", "notstarted")]


async def load(world: World, ledger: Ledger, tally: Tally) -> None:
    """Run the clients for the time of the soak; raises what one of them or a fault raised."""
    rng, stopped, ended = random.Random(SEED), asyncio.Event(), asyncio.Event()
    url = world.server.url
    async with asyncio.TaskGroup() as tasks:
        for number in range(WRITERS):
            writer = Writer(f"c{number}", Caller(url, tally), ledger, random.Random(rng.random()))
            tasks.create_task(writer.run(stopped))
        for number in range(READERS):
            reader = Reader(f"r{number}", Caller(url, tally), random.Random(rng.random()))
            tasks.create_task(reader.run(stopped))
        tasks.create_task(world.watch(stopped))
        # Whatever is away comes back before clients stop, so that they see it.
        faults = tasks.create_task(world.run_faults(ended))
        await asyncio.sleep(SECONDS)
        ended.set()
        await faults
        await asyncio.sleep(1)
        stopped.set()


def is_told_once_or_more(world: World, log: list[dict[str, Any]], heard: list[str]) -> None:
    """Every event of the log reached whom its route leads to."""
    ids = [event["id"] for event in log]
    arrived = {event["id"] for event in world.hook.events}
    assert not set(ids) - arrived, f"{len(set(ids) - arrived)} events did not reach the webhook"
    if world.broker is not None:
        made = {event["id"] for event in log if event["type"].endswith("Twin.Create")}
        assert not made - set(heard), f"{len(made - set(heard))} events did not reach the broker"


def ids_from(log: list[dict[str, Any]], event_id: str) -> list[str]:
    ids = [event["id"] for event in log]
    return ids[ids.index(event_id) :]


async def test_nothing_is_lost_or_stuck_or_grows(world: World) -> None:
    ledger, tally = Ledger(), Tally()
    follower = Follower([world.server.url])
    await follower.ready()
    await load(world, ledger, tally)
    log = await asyncio.to_thread(written, world.server)
    await follower.until_seen(log[-1]["id"])
    await until_idle(world.server)
    heard = [] if world.broker is None else [each.id for each in await world.broker.received(1)]
    jobs = await asyncio.to_thread(jobs_under_way, world.server)
    await asyncio.to_thread(world.server.stop)
    print(
        f"\n{SECONDS:.0f} s, seed {SEED}: {ledger.acknowledged} writes acknowledged, {len(log)} "
        f"events, {sum(tally.statuses.values())} answers, {tally.lost} lost with a connection, "
        f"{sum(n for (_, status), n in tally.statuses.items() if status == 503)} of 503, faults "
        f"{world.faults}, slowest /healthz {world.slowest_health:.2f} s, memory "
        f"{world.memory[-1][1] >> 20} MB, grown by {world.growth()}"
    )
    assert world.server.process.returncode == 0, world.server.output[-2000:]
    assert len(world.faults) >= FEWEST_FAULTS
    assert not ledger.faults(log)
    is_told_once_or_more(world, log, heard)
    assert [event["id"] for _, event in follower.seen] == ids_from(log, follower.seen[0][1]["id"])
    assert not tally.strange, tally.strange[:20]
    assert not jobs
    assert world.growth() is not None or SECONDS < 600
    assert (world.growth() or 1.0) <= MOST_GROWTH
