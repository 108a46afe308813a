"""PgBouncer in transaction mode in between, with fewer connections than Kastor asks it for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from kastor.testing import KastorServer

from .load import Load
from .pooler import SERVER_CONNECTIONS, Pooler
from .server import direct
from .wire import Line, counter, model, set_to, twin

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
M = "dtmi:t:Pooled;1"
WRITERS, ROUNDS, ROWS = 12, 25, 40
LEFT_BEHIND = """
SELECT name, setting FROM pg_settings WHERE source = 'session'
AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone',
                 'standard_conforming_strings')
"""


@pytest.fixture
def pooler(dsn: str) -> Iterator[Pooler]:
    with Pooler(direct(dsn)) as pooler:
        yield pooler.start()


def serve(pooler: Pooler, schema: str, *more: str) -> KastorServer:
    arguments = ("--db", pooler.dsn, "--graph-schema", schema, "--db-pooler", *more)
    return KastorServer((*arguments, "--db-pool", str(3 * SERVER_CONNECTIONS)))


async def test_everything_at_once_is_right_and_leaves_nothing_in_the_servers_sessions(
    pooler: Pooler, tmp_path: Path
) -> None:
    schema, events = f"g{uuid4().hex[:12]}", tmp_path / "events.ndjson"
    with ExitStack() as stack:
        root = ("--file-root", str(tmp_path))
        nodes = [stack.enter_context(serve(pooler, schema, *root)).url for _ in range(2)]
        await prepare(nodes[0], events)
        done = asyncio.Event()
        readers = [
            asyncio.create_task(work(nodes[n % 2], done))
            for n in range(8)
            for work in (count, page)
        ]
        others = [asyncio.create_task(work(nodes[1], done)) for work in (upload, purge)]
        await asyncio.gather(*(write(nodes[n % 2], n) for n in range(WRITERS)))
        done.set()
        answers = await asyncio.gather(*readers, *others)
        assert all(answers), "somebody never got an answer"
        async with Line(nodes[1]) as line:
            for number in range(WRITERS):
                _, _, body = await line.get(twin(f"w{number}"))
                assert json.loads(body)["n"] == ROUNDS - 1
        arrived = await delivered(events, WRITERS * ROUNDS)
    for number in range(WRITERS):
        values = [value for subject, value in arrived if subject == f"w{number}"]
        assert values == list(range(ROUNDS)), "an event is missing, double or out of order"
    assert await sessions(pooler) == [[]] * SERVER_CONNECTIONS


@pytest.mark.faults
async def test_a_pooler_that_is_killed_and_started_again_loses_nothing(
    pooler: Pooler, dsn: str
) -> None:
    schema = f"g{uuid4().hex[:12]}"
    with serve(pooler, schema) as server:
        load = await Load.prepare(server.url, 16)
        running = asyncio.create_task(load.run())
        for _ in range(3):
            await load.acknowledge(200)
            await asyncio.to_thread(pooler.kill)
            await asyncio.sleep(0.5)
            async with Line(server.url) as line:
                status, headers, _ = await line.get(twin("w0"))
                assert (status, "retry-after" in headers) == (503, True)
                query = {"query": "SELECT * FROM DIGITALTWINS"}
                assert (await line.send("POST", "/query", query))[0] == 503
            await asyncio.to_thread(pooler.start)
        await load.acknowledge(200)
        load.stop()
        await running
    found = await load.judge(direct(dsn), schema)
    print("pooler", found, f"longest gap {load.longest_gap:.2f} s")
    assert found["lost"] == 0
    assert load.strange == []
    assert load.statuses.keys() == {204, 503}


async def prepare(url: str, events: Path) -> None:
    """Make a model, twins to write and twins to page through, and a route to a file."""
    async with Line(url) as line:
        assert (await line.send("POST", "/models", [model(M, "n")]))[0] == 201
        for name in [f"w{n}" for n in range(WRITERS)] + [f"still{n}" for n in range(ROWS)]:
            assert (await line.put(twin(name), counter(M, n=-1)))[0] == 200
        file = {"kind": "file", "settings": {"path": str(events)}}
        status, _, body = await line.put("/kastor/v1/endpoints/log", file)
        assert status < 300, body
        route = {"endpointName": "log", "filter": "type = 'Microsoft.DigitalTwins.Twin.Update'"}
        status, _, body = await line.put("/eventroutes/r", route)
        assert status == 204, body


async def write(url: str, number: int) -> None:
    async with Line(url) as line:
        for n in range(ROUNDS):
            status, _, body = await line.patch(twin(f"w{number}"), set_to("n", n))
            assert status == 204, body


async def count(url: str, done: asyncio.Event) -> int:
    answers = 0
    text = f"SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{M}')"
    async with Line(url) as line:
        while not done.is_set():
            assert await line.query(text) == [{"COUNT": WRITERS + ROWS}]
            answers += 1
    return answers


async def page(url: str, done: asyncio.Event) -> int:
    answers = 0
    async with Line(url) as line:
        while not done.is_set():
            seen: list[Any] = []
            token = None
            while token is not None or not seen:
                text = "SELECT T.$dtId FROM DIGITALTWINS T WHERE STARTSWITH(T.$dtId, 'still')"
                asked = {"query": text} if token is None else {"continuationToken": token}
                limit = {"max-items-per-page": "7"}
                status, _, body = await line.send("POST", "/query", asked, limit)
                assert status == 200, body
                answer = json.loads(body)
                seen += [row["$dtId"] for row in answer["value"]]
                token = answer["continuationToken"]
            assert sorted(seen) == sorted(f"still{n}" for n in range(ROWS))
            answers += 1
    return answers


async def upload(url: str, done: asyncio.Event) -> int:
    """Change the models meanwhile, so that every query finds its catalog out of date."""
    uploads = 0
    async with Line(url) as line:
        while not done.is_set():
            status, _, body = await line.send("POST", "/models", [model(f"dtmi:t:P{uploads};1")])
            assert status == 201, body
            uploads += 1
            await asyncio.sleep(0.3)
    return uploads


async def purge(url: str, done: asyncio.Event) -> int:
    """Name keys in a list, for whose type the driver would change settings of the session."""
    purges = 0
    async with Line(url) as line:
        while not done.is_set():
            status, _, body = await line.send("DELETE", "/kastor/v1/routes/r/deadletters")
            assert status == 200, body
            purges += 1
    return purges


async def delivered(events: Path, wanted: int) -> list[tuple[str, int]]:
    """Return twin and value of each event in the file as soon as so many have come."""
    for _ in range(600):
        lines = (await asyncio.to_thread(events.read_text)).splitlines()
        if len(lines) >= wanted:
            break
        await asyncio.sleep(0.05)
    found = [json.loads(line) for line in lines]
    return [(each["subject"], each["data"]["patch"][0]["value"]) for each in found]


async def sessions(pooler: Pooler) -> list[list[tuple[str, str]]]:
    """Return what is set in the session of each of the pooler's connections to the server."""
    own = [
        await asyncpg.connect(pooler.dsn, statement_cache_size=0) for _ in range(SERVER_CONNECTIONS)
    ]
    try:
        for each in own:  # each in a transaction, so that no two get the same
            await each.execute("BEGIN")
        return [[tuple(row) for row in await each.fetch(LEFT_BEHIND)] for each in own]
    finally:
        for each in own:
            await each.close()


def test_graphs_are_made_moved_and_copied_through_it(pooler: Pooler, tmp_path: Path) -> None:
    schema = f"g{uuid4().hex[:12]}"
    version = {"api-version": "2023-10-31"}
    with (
        serve(pooler, schema) as server,
        httpx2.Client(base_url=f"{server.url}/graphs/two", params=version, timeout=20) as graph,
    ):
        graphs = f"{server.url}/kastor/v1/graphs"
        assert httpx2.put(f"{graphs}/two").status_code == 201
        assert graph.post("/models", json=[model(M, "n")]).status_code == 201
        for number in range(20):
            body = counter(M, n=number)
            assert graph.put(f"/digitaltwins/t{number}", json=body).status_code == 200
        wish = {"schema": f"{schema}_elsewhere"}
        assert httpx2.post(f"{graphs}/two/move", json=wish).status_code == 202
        while (info := httpx2.get(f"{graphs}/two").json())["state"] == "moving":
            time.sleep(0.1)
        assert "error" not in info
        while (answer := graph.get("/digitaltwins/t7")).status_code == 503:
            time.sleep(0.1)
        assert answer.json()["n"] == 7
    join = "&" if "?" in pooler.dsn else "?"
    place = f"{pooler.dsn}{join}graph_schema={schema}_elsewhere"
    for source, target in ((place, "back.sqlite3"), ("back.sqlite3", f"{place}_again")):
        command = [sys.executable, "-m", "kastor", "copy", "--quiet", source, target]
        subprocess.run(command, check=True, timeout=60, cwd=tmp_path, stdout=subprocess.DEVNULL)
