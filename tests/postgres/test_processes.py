"""Several server processes on one database: nothing lost, nothing out of date."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from aiohttp import web

from kastor.auth.tokens import create_token, revoke_token
from kastor.testing import KastorServer
from tests.events.receiver import receiver
from tests.metrics.scrape import VERSION, Scrape, scrape

from .wire import Line, counter, model, set_to, twin

pytestmark = pytest.mark.anyio
M = "dtmi:t:Counter;1"
TAGS = {
    "@type": "Property",
    "name": "tags",
    "schema": {
        "@type": "Map",
        "mapKey": {"name": "k", "schema": "string"},
        "mapValue": {"name": "v", "schema": "integer"},
    },
}


@pytest.fixture(scope="module")
def nodes(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The addresses of three processes that serve one graph."""
    schema = f"g{uuid4().hex[:12]}"
    with ExitStack() as stack:
        arguments: tuple[str, ...] = ("--db", dsn, "--graph-schema", schema, "--db-pool", "5")
        arguments += ("--file-root", str(tmp_path_factory.getbasetemp()))
        servers = [stack.enter_context(KastorServer(arguments)) for _ in range(3)]
        yield [server.url for server in servers]


@pytest.fixture
async def lines(nodes: list[str]) -> AsyncIterator[list[Line]]:
    lines = [Line(url) for url in nodes]
    status, _, body = await lines[0].send("POST", "/kastor/v1/reset")
    assert status == 204, body
    document = model(M, "n")
    document["contents"].append(TAGS)
    status, _, body = await lines[0].send("POST", "/models", [document])
    assert status == 201, body
    yield lines
    for line in lines:
        await line.close()


async def test_concurrent_patches_of_one_twin_lose_nothing(
    nodes: list[str], lines: list[Line]
) -> None:
    status, _, body = await lines[0].put(twin("t"), {**counter(M, n=0), "tags": {}})
    assert status == 200, body

    async def client(number: int) -> list[int]:
        async with Line(nodes[number % 3]) as line:
            return [
                (await line.patch(twin("t"), set_to(f"tags/c{number}-{n}", n)))[0]
                for n in range(10)
            ]

    answers = await asyncio.gather(*(client(number) for number in range(18)))
    assert {status for each in answers for status in each} == {204}
    stored = json.loads((await lines[1].get(twin("t")))[2])
    assert len(stored["tags"]) == 180


async def test_only_one_of_many_conditional_creations_wins(
    nodes: list[str], lines: list[Line]
) -> None:
    async def create(number: int) -> int:
        async with Line(nodes[number % 3]) as line:
            body = counter(M, n=number)
            return (await line.put(twin("one"), body, {"If-None-Match": "*"}))[0]

    answers = await asyncio.gather(*(create(number) for number in range(30)))
    assert sorted(answers) == [200] + [412] * 29


async def test_a_model_is_enforced_by_the_others_in_the_very_next_write(
    lines: list[Line],
) -> None:
    for n in range(20):
        one, two, three = (lines[(n + shift) % 3] for shift in range(3))
        model_id = f"dtmi:t:New{n};1"
        assert (await one.send("POST", "/models", [model(model_id, "a")]))[0] == 201
        assert (await two.put(twin(f"t{n}"), counter(model_id, a=1)))[0] == 200
        assert (await three.put(twin(f"u{n}"), counter(model_id, b=1)))[0] == 400
        assert (await two.get(f"/models/{model_id}"))[0] == 200
        assert (await three.send("DELETE", f"/models/{model_id}"))[0] == 204
        assert (await one.put(twin(f"v{n}"), counter(model_id, a=1)))[0] == 400
        assert (await two.get(f"/models/{model_id}"))[0] == 404
        # The same id with other contents: what was compiled before is of no use.
        assert (await two.send("POST", "/models", [model(model_id, "b")]))[0] == 201
        assert (await one.put(twin(f"v{n}"), counter(model_id, a=1)))[0] == 400
        assert (await three.put(twin(f"v{n}"), counter(model_id, b=1)))[0] == 200


async def test_a_query_knows_the_models_that_another_process_stored(lines: list[Line]) -> None:
    for n in range(20):
        one, two = lines[n % 3], lines[(n + 1) % 3]
        base, derived = f"dtmi:t:Base{n};1", f"dtmi:t:Derived{n};1"
        text = f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{base}')"
        assert await two.query(text) == []
        models = [model(base, "a"), {**model(derived), "extends": base}]
        assert (await one.send("POST", "/models", models))[0] == 201
        assert (await one.put(twin(f"d{n}"), counter(derived, a=1)))[0] == 200
        assert await two.query(text) == [{"$dtId": f"d{n}"}]


async def test_models_uploaded_everywhere_at_once_are_all_there(
    nodes: list[str], lines: list[Line]
) -> None:
    async def upload(number: int) -> int:
        async with Line(nodes[number % 3]) as line:
            return (await line.send("POST", "/models", [model(f"dtmi:t:Many{number};1")]))[0]

    answers = await asyncio.gather(*(upload(number) for number in range(18)))
    stored = json.loads((await lines[0].get("/models"))[2])["value"]
    assert len(stored) == 1 + answers.count(201)
    assert set(answers) <= {201, 503}
    assert answers.count(201) >= 12


async def test_a_reset_through_one_is_a_reset_for_all(lines: list[Line]) -> None:
    assert (await lines[1].put(twin("t"), counter(M, n=1)))[0] == 200
    assert (await lines[0].send("POST", "/kastor/v1/reset"))[0] == 204
    assert (await lines[1].get(twin("t")))[0] == 404
    assert (await lines[2].put(twin("t"), counter(M, n=1)))[0] == 400
    assert (await lines[2].get(f"/models/{M}"))[0] == 404


async def test_continuation_tokens_of_one_are_read_by_the_others(lines: list[Line]) -> None:
    for n in range(5):
        assert (await lines[0].put(twin(f"t{n}"), counter(M, n=n)))[0] == 200
    seen: list[str] = []
    token = None
    for n in range(10):
        body = {"query": "SELECT T.$dtId FROM DIGITALTWINS T", "continuationToken": token}
        headers = {"max-items-per-page": "2"}
        status, _, answer = await lines[n % 3].send("POST", "/query", body, headers)
        assert status == 200, answer
        page = json.loads(answer)
        seen += [row["$dtId"] for row in page["value"]]
        token = page["continuationToken"]
        if token is None:
            break
    assert sorted(seen) == [f"t{n}" for n in range(5)]


async def test_each_tells_the_same_of_a_route_that_one_of_them_runs(
    lines: list[Line], tmp_path: Path
) -> None:
    settings = {"kind": "file", "settings": {"path": str(tmp_path / "events")}}
    assert (await lines[0].put("/kastor/v1/endpoints/log", settings))[0] == 200
    route = {"endpointName": "log", "filter": "true"}
    assert (await lines[0].put("/eventroutes/r", route))[0] == 204
    for n in range(10):
        assert (await lines[n % 3].put(twin(f"t{n}"), counter(M, n=n)))[0] == 200
    expected = ("running", 10, 10, 0)
    told: list[tuple[Any, ...]] = []
    for _ in range(100):
        states = [json.loads((await line.get("/kastor/v1/routes/r"))[2]) for line in lines]
        told = [
            (each["state"], each["delivered"], each["perMinute"], each["lag"]) for each in states
        ]
        if told == [expected] * 3:
            break
        await asyncio.sleep(0.1)
    assert told == [expected] * 3
    assert (await lines[1].send("DELETE", "/eventroutes/r"))[0] == 204


async def test_a_replay_through_any_of_them_holds_under_load(
    lines: list[Line], nodes: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "events"
    settings = {"kind": "file", "settings": {"path": str(file)}}
    assert (await lines[0].put("/kastor/v1/endpoints/replayed", settings))[0] == 200
    route = {"endpointName": "replayed", "filter": "true"}
    assert (await lines[0].put("/eventroutes/r", route))[0] == 204
    begin = json.loads((await lines[0].get("/kastor/v1/routes/r"))[2])["position"]
    assert (await lines[0].put(twin("first"), counter(M, n=0)))[0] == 200

    async def write() -> None:
        async with Line(nodes[0]) as line:
            for n in range(10_000):
                await line.put(twin("busy"), counter(M, n=n))

    def delivered() -> int:
        return file.read_text().count('"subject":"first"') if file.exists() else 0

    async def await_more_than(before: int) -> None:
        async with asyncio.timeout(10):
            while delivered() <= before:  # noqa: ASYNC110 - what is waited for is in a file
                await asyncio.sleep(0.02)

    await await_more_than(0)
    load = asyncio.create_task(write())
    http = httpx2.AsyncClient()
    for n in range(9):
        await asyncio.sleep(0.2)
        address = f"{nodes[n % 3]}/kastor/v1/routes/r/replay"
        before = delivered()  # it may come again before the answer has arrived
        assert (await http.post(address, params={"from": begin})).status_code == 200
        await await_more_than(before)
    await http.aclose()
    load.cancel()
    await asyncio.wait([load])
    assert (await lines[1].send("DELETE", "/eventroutes/r"))[0] == 204


async def test_dead_letters_requeued_through_any_of_them_are_sent(lines: list[Line]) -> None:
    refused = True

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=400 if refused else 200)

    async with receiver() as target:
        target.answer = answer
        endpoint = {"kind": "webhook", "settings": {"url": target.url}}
        assert (await lines[0].put("/kastor/v1/endpoints/hook", endpoint))[0] == 200
        route = {"endpointName": "hook", "filter": "true"}
        assert (await lines[0].put("/eventroutes/r", route))[0] == 204
        letters = "/kastor/v1/routes/r/deadletters"
        for n, line in enumerate(lines):
            refused = True
            assert (await line.put(twin(f"t{n}"), counter(M, n=n)))[0] == 200
            async with asyncio.timeout(10):
                while not json.loads((await line.get(letters))[2])["value"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            refused = False
            _, _, body = await line.send("POST", f"{letters}/requeue")
            assert json.loads(body) == {"count": 1}
            async with asyncio.timeout(10):
                while len(target.events) <= n:  # noqa: ASYNC110 - it counts what arrived
                    await asyncio.sleep(0.02)
        assert [event["subject"] for event in target.events] == ["t0", "t1", "t2"]
        assert (await lines[0].send("DELETE", "/eventroutes/r"))[0] == 204


def test_workers_share_one_port(dsn: str) -> None:
    schema = f"g{uuid4().hex[:12]}"

    async def use(url: str) -> set[int]:
        async with Line(url) as first:
            assert (await first.send("POST", "/models", [model(M, "n")]))[0] == 201
        statuses = set()
        for n in range(12):  # a connection each, so that both workers get some
            async with Line(url) as line:
                statuses.add((await line.put(twin(f"t{n}"), counter(M, n=n)))[0])
                statuses.add((await line.get(twin(f"t{n // 2}")))[0])
        return statuses

    arguments = ("--db", dsn, "--graph-schema", schema, "--workers", "2")
    with KastorServer(arguments) as server:
        assert asyncio.run(use(server.url)) == {200}
    assert server.process.returncode == 0


def test_each_worker_tells_its_own_requests_and_all_the_same_routes(
    dsn: str, tmp_path: Path
) -> None:
    asked = 40
    seen: dict[str, Scrape] = {}
    arguments = ("--db", dsn, "--graph-schema", f"g{uuid4().hex[:12]}", "--workers", "2")
    with KastorServer((*arguments, "--file-root", str(tmp_path))) as server:
        settings = {"kind": "file", "settings": {"path": str(tmp_path / "events")}}
        endpoint = f"{server.url}/kastor/v1/endpoints/log"
        assert httpx2.put(endpoint, json=settings).status_code == 200
        route = {"endpointName": "log", "filter": "true"}
        address = f"{server.url}/eventroutes/r"
        assert httpx2.put(address, params=VERSION, json=route).status_code == 204
        for n in range(asked):  # a connection each, so that both workers get some
            answer = httpx2.get(f"{server.url}/digitaltwins/t{n}", params=VERSION)
            assert answer.status_code == 404
        for _ in range(200):
            found = scrape(server.url)
            [version] = found.families["python_info"].samples
            seen[version.labels["worker"]] = found
            running = [each("route_running", graph="default", route="r") for each in seen.values()]
            if running == [1, 1]:
                break
    assert seen.keys() == {"0", "1"}
    assert running == [1, 1]
    labels = {"operation": "DigitalTwins_GetById", "method": "GET", "status": "404"}
    counts = [each("http_requests_total", worker=n, **labels) or 0 for n, each in seen.items()]
    assert sum(counts) == asked


async def test_all_models_deleted_through_one_are_gone_for_all(lines: list[Line]) -> None:
    models = [model(f"dtmi:t:Gone{n};1") for n in range(20)]
    assert (await lines[0].send("POST", "/models", models))[0] == 201
    assert (await lines[1].put(twin("t"), counter(M, n=1)))[0] == 200
    text = f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{M}')"
    assert await lines[2].query(text) == [{"$dtId": "t"}]
    before = [json.loads((await line.get("/kastor/v1/status"))[2])["modelEpoch"] for line in lines]
    assert (await lines[1].send("DELETE", "/models"))[0] == 204
    for line in lines:
        assert json.loads((await line.get("/models"))[2])["value"] == []
        assert (await line.get(f"/models/{M}"))[0] == 404
        assert (await line.get(twin("t")))[0] == 200
        assert (await line.put(twin("new"), counter(M, n=1)))[0] == 400
        status = json.loads((await line.get("/kastor/v1/status"))[2])
        assert status["modelEpoch"] == max(before) + 1


async def test_one_id_with_two_definitions_through_two_processes_is_stored_once(
    nodes: list[str], lines: list[Line]
) -> None:
    async def upload(number: int) -> int:
        values = [{"name": f"v{number}", "enumValue": f"v{number}"}]
        schema = {"@id": "dtmi:t:Shared;1", "@type": "Enum", "valueSchema": "string"}
        document = {**model(f"dtmi:t:Def{number};1"), "schemas": [schema | {"enumValues": values}]}
        async with Line(nodes[number % 3]) as line:
            return (await line.send("POST", "/models", [document]))[0]

    answers = await asyncio.gather(*(upload(number) for number in range(12)))
    assert answers.count(201) == 1
    assert set(answers) <= {201, 400, 503}
    assert len(json.loads((await lines[0].get("/models"))[2])["value"]) == 2


def test_every_worker_ends_the_streams_of_a_revoked_token(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    gone, kept = (create_token(file, "reader", name) for name in ("gone", "kept"))
    arguments = ("--db", dsn, "--graph-schema", f"g{uuid4().hex[:12]}", "--workers", "2")

    async def follow(url: str, token: str, began: asyncio.Semaphore) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(base_url=url, headers=headers, timeout=60) as http,
            http.stream("GET", "/kastor/v1/events") as answer,
        ):
            assert answer.status_code == 200
            began.release()
            async for _ in answer.aiter_bytes():
                pass

    async def use(url: str) -> None:
        began = asyncio.Semaphore(0)
        # Connections of their own, so that both workers have some.
        lost = [asyncio.create_task(follow(url, gone, began)) for _ in range(12)]
        other = [asyncio.create_task(follow(url, kept, began)) for _ in range(4)]
        for _ in (*lost, *other):
            await began.acquire()
        assert await asyncio.to_thread(revoke_token, file, "gone")
        await asyncio.wait_for(asyncio.gather(*lost), 5)
        assert not any(each.done() for each in other)
        for each in other:
            each.cancel()

    with KastorServer((*arguments, "--auth", "tokens"), data_dir=tmp_path) as server:
        asyncio.run(use(server.url))
