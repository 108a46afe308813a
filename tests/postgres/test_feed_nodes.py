"""The feed and live queries of a graph that three processes serve: one order for all, no gap."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from kastor.testing import KastorServer
from tests.live.test_http import Listener

from .sse import Follower, pages, stream, value_at
from .wire import Line, counter, model, set_to, twin

pytestmark = pytest.mark.anyio
M = "dtmi:t:Fed;1"
TWINS = [f"t{n}" for n in range(6)]
NAMES = [f"w{n}" for n in range(9)]


@pytest.fixture
def schema() -> str:
    return f"g{uuid4().hex[:12]}"


@pytest.fixture
def nodes(dsn: str, schema: str) -> Iterator[list[KastorServer]]:
    arguments = ("--db", dsn, "--graph-schema", schema, "--db-pool", "5")
    with ExitStack() as stack:
        yield [stack.enter_context(KastorServer(arguments)) for _ in range(3)]


@pytest.fixture
async def urls(nodes: list[KastorServer]) -> list[str]:
    urls = [server.url for server in nodes]
    async with Line(urls[0]) as line:
        assert (await line.send("POST", "/models", [model(M, "n", *NAMES)]))[0] == 201
        for each in TWINS:
            assert (await line.put(twin(each), counter(M, n=-1)))[0] == 200
    return urls


class Writers:
    """Nine writers, three at each node, that all write to all twins, each a property of its own."""

    def __init__(self, urls: list[str]) -> None:
        self.acknowledged: dict[tuple[str, str], int] = {}
        self.count = 0
        self._over = False
        self._tasks = [
            asyncio.create_task(self._write(urls[number % 3], name))
            for number, name in enumerate(NAMES)
        ]

    async def more(self, count: int) -> None:
        wanted = self.count + count
        async with asyncio.timeout(60):
            while self.count < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)

    async def _write(self, url: str, name: str) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):  # its node is gone
            async with Line(url) as line:
                value = 0
                while not self._over:
                    value += 1
                    for each in TWINS:
                        status, _, body = await line.patch(twin(each), set_to(name, value))
                        assert status == 204, body
                        self.acknowledged[each, name] = value
                        self.count += 1


async def logged(dsn: str, schema: str) -> list[tuple[int, str, int, str]]:
    """Position, subject, version and event id of all that fires an event, from the database."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            f"SELECT pos, subject, version, event_id FROM {schema}.changes WHERE notify"
            " ORDER BY pos"
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


def in_order(events: list[tuple[int, Any]]) -> None:
    """What one writer writes to one twin comes in the order in which it was written."""
    last: dict[tuple[str, str], int] = defaultdict(int)
    for _, event in events:
        if event["type"].endswith("Update"):
            for each in event["data"]["patch"]:
                key = event["subject"], each["path"]
                assert each["value"] == last[key] + 1
                last[key] = each["value"]


@pytest.mark.timeout(180)
async def test_a_reader_goes_on_at_another_node_when_its_own_is_killed(
    nodes: list[KastorServer], urls: list[str], dsn: str, schema: str
) -> None:
    followers = [Follower(urls), Follower(urls[1:]), Follower(urls[2:])]
    for follower in followers:
        await follower.ready()
    begun = (await logged(dsn, schema))[-1][0]
    writers = Writers(urls)
    await writers.more(600)
    nodes[0].process.kill()
    await asyncio.to_thread(nodes[0].process.wait)
    await writers.more(600)
    await writers.stop()
    # A page gives positions to all that is committed.
    page = await pages(urls[1], begun, 100)
    log = [row for row in await logged(dsn, schema) if row[0] > begun]
    for follower in followers:
        await follower.until(log[-1][0])
    assert [follower.breaks for follower in followers] == [1, 0, 0]
    wanted = [(position, event_id) for position, _, _, event_id in log]
    for follower in followers:
        assert [(position, event["id"]) for position, event in follower.seen] == wanted
        in_order(follower.seen)
    ids = [event_id for _, event_id in wanted]
    assert page == ids == await pages(urls[2], begun, 7)
    versions: dict[str, list[int]] = defaultdict(list)
    for _, subject, version, _ in log:
        versions[subject].append(version)
    assert versions.keys() == set(TWINS)
    for found in versions.values():
        assert found == list(range(2, len(found) + 2))
    last: dict[tuple[str, str], int] = {}
    for _, event in followers[0].seen:
        patch = event["data"]["patch"][0]
        last[event["subject"], patch["path"][1:]] = patch["value"]
    for key, value in writers.acknowledged.items():
        assert last[key] >= value, "acknowledged, and never told"


async def test_whoever_saw_an_event_sees_its_state_at_every_node(urls: list[str]) -> None:
    over = asyncio.Event()
    looked = 0

    async def write(number: int) -> None:
        async with Line(urls[number % 3]) as line:
            value = 0
            while not over.is_set():
                assert (await line.patch(twin(TWINS[number]), set_to("n", value)))[0] == 204
                value += 1

    async def look(number: int) -> None:
        nonlocal looked
        async with Line(urls[(number + 1) % 3]) as one, Line(urls[(number + 2) % 3]) as other:
            async for _, event in stream(urls[number]):
                if over.is_set():
                    return
                if event is None:
                    continue
                subject, told = event["subject"], event["data"]["patch"][0]["value"]
                assert await value_at(one, subject) >= told
                if looked % 5 == 0:
                    text = f"SELECT T.n FROM DIGITALTWINS T WHERE T.$dtId = '{subject}'"
                    assert (await other.query(text))[0]["n"] >= told
                looked += 1

    readers = [asyncio.create_task(look(number)) for number in range(3)]
    writers = [asyncio.create_task(write(number)) for number in range(len(TWINS))]
    async with asyncio.timeout(60):
        while looked < 900 and not any(each.done() for each in (*readers, *writers)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        over.set()
        await asyncio.gather(*readers, *writers)
    assert looked >= 900


@pytest.mark.timeout(180)
async def test_live_queries_at_one_node_see_what_the_others_write(
    nodes: list[KastorServer], urls: list[str]
) -> None:
    texts = (
        "SELECT T.n, T.w0 FROM DIGITALTWINS T WHERE T.n > 10",
        "SELECT COUNT() FROM DIGITALTWINS T WHERE T.n > 10",
    )
    rows = await asyncio.to_thread(Listener, nodes[0], texts[0])
    count = await asyncio.to_thread(Listener, nodes[0], texts[1])
    try:
        await asyncio.to_thread(rows.until, lambda it: it.ready is not None)
        await asyncio.to_thread(count.until, lambda it: it.ready is not None)
        assert (rows.rows, count.rows) == ({}, {(): {"COUNT": 0}})

        async def write(number: int) -> None:
            async with Line(urls[1 + number % 2]) as line:
                for value in range(40):
                    final = value if number else 5
                    status, _, body = await line.patch(twin(TWINS[number]), set_to("n", final))
                    assert status == 204, body

        await asyncio.gather(*(write(number) for number in range(len(TWINS))))
        wanted = {(name,): {"n": 39} for name in TWINS[1:]}
        await asyncio.to_thread(rows.until, lambda it: it.rows == wanted)
        await asyncio.to_thread(count.until, lambda it: it.rows == {(): {"COUNT": 5}})
        assert rows.positions == sorted(rows.positions)
        async with Line(urls[1]) as line:
            assert (await line.send("DELETE", twin(TWINS[1])))[0] == 204
            await asyncio.to_thread(count.until, lambda it: it.rows == {(): {"COUNT": 4}})
            await asyncio.to_thread(rows.until, lambda it: len(it.rows) == 4)
            assert (await line.send("POST", "/kastor/v1/reset"))[0] == 204
        await asyncio.to_thread(rows.until, lambda it: not it.rows, 5)
        await asyncio.to_thread(count.until, lambda it: it.rows == {(): {"COUNT": 0}}, 5)
    finally:
        rows.socket.close()
        count.socket.close()


async def test_live_queries_know_models_that_another_node_stored(
    nodes: list[KastorServer], urls: list[str]
) -> None:
    text = f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{M}') AND T.a = 1"
    listener = await asyncio.to_thread(Listener, nodes[0], text)
    with listener:
        await asyncio.to_thread(listener.until, lambda it: it.ready is not None)
        derived = {**model("dtmi:t:Derived;1", "a"), "extends": M}
        async with Line(urls[1]) as line:
            assert (await line.send("POST", "/models", [derived]))[0] == 201
            assert (await line.put(twin("d"), counter("dtmi:t:Derived;1", n=1, a=1)))[0] == 200
        await asyncio.to_thread(listener.until, lambda it: list(it.rows) == [("d",)])
