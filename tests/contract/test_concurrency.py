"""Many clients at once: writes to one twin are serial, and conditions decide races."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import pytest

from .client import ETAG, LATEST, PATCH_TYPE, assert_empty, op
from .models import OBJ, building, twin_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .client import Api

CLIENTS, TWINS, ROUNDS = 200, 50, 3

Answer = tuple[int, dict[str, str], bytes]


class Line:
    """One keep-alive connection, cheap enough to have two hundred of them."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)

    async def __aenter__(self) -> Self:
        host, port = self._address.hostname, self._address.port
        self._reader, self._writer = await asyncio.open_connection(host, port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path}?api-version={LATEST} HTTP/1.1",
            f"Host: {self._address.netloc}",
            f"Content-Length: {len(content)}",
            *([f"Content-Type: {PATCH_TYPE}"] if method == "PATCH" else []),
            *(["Content-Type: application/json"] if method in {"PUT", "POST"} else []),
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        received = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        length = int(received["content-length"])
        return int(head[0].split()[1]), received, await self._reader.readexactly(length)


def run_together(url: str, *works: Callable[[Line], Awaitable[Any]]) -> list[Any]:
    """Runs every work on a connection of its own, all at the same time."""

    async def one(work: Callable[[Line], Awaitable[Any]], ready: asyncio.Barrier) -> Any:
        async with Line(url) as line:
            await ready.wait()
            return await work(line)

    async def together() -> list[Any]:
        ready = asyncio.Barrier(len(works))
        return await asyncio.gather(*(one(work, ready) for work in works))

    return asyncio.run(asyncio.wait_for(together(), 60))


def test_T_38_two_parallel_patches_both_take_effect(api: Api, twin_t: dict[str, Any]) -> None:
    changes = (("/AverageTemperature", 1), ("/TemperatureUnit", "K"))
    works = [
        lambda line, path=path, value=value: line.send(
            "PATCH", "/digitaltwins/T", [op("replace", path, value)]
        )
        for path, value in changes
    ]
    answers: list[Answer] = run_together(api.url, *works)
    assert [status for status, _, _ in answers] == [204, 204]
    etags = {headers["etag"] for _, headers, _ in answers}
    assert len(etags) == 2
    twin = api.twin("T")
    assert (twin["AverageTemperature"], twin["TemperatureUnit"]) == (1, "K")
    assert twin["$etag"] in etags


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_racing_conditional_patches_exactly_one_wins(
    api: Api, twin_t: dict[str, Any], attempt: int
) -> None:
    headers = {"If-Match": twin_t["$etag"]}
    works = [
        lambda line, value=value: line.send(
            "PATCH", "/digitaltwins/T", [op("replace", "/AverageTemperature", value)], headers
        )
        for value in range(8)
    ]
    answers: list[Answer] = run_together(api.url, *works)
    assert Counter(status for status, _, _ in answers) == {204: 1, 412: 7}
    winner = next(n for n, (status, _, _) in enumerate(answers) if status == 204)
    twin = api.twin("T")
    assert twin["AverageTemperature"] == winner
    assert twin["$etag"] == answers[winner][1]["etag"]
    for status, received, body in answers:
        if status == 412:
            assert received["x-ms-error-code"] == "PreconditionFailed"
            assert json.loads(body)["error"]["code"] == "PreconditionFailed"


def _with_maps(api: Api) -> list[str]:
    """Fifty twins with an empty map each; returns their ETags."""
    return [api.add_twin(f"t{number}", twin_of(OBJ, m={}))["$etag"] for number in range(TWINS)]


def test_two_hundred_clients_lose_no_update(api: Api, model_o: Any) -> None:
    _with_maps(api)

    def writer(client: int) -> Callable[[Line], Awaitable[list[Answer]]]:
        async def work(line: Line) -> list[Answer]:
            path = f"/digitaltwins/t{client % TWINS}"
            return [
                await line.send("PATCH", path, [op("add", f"/m/c{client}r{turn}", turn)])
                for turn in range(ROUNDS)
            ]

        return work

    answers = run_together(api.url, *(writer(client) for client in range(CLIENTS)))
    flat = [answer for each in answers for answer in each]
    assert Counter(status for status, _, _ in flat) == {204: CLIENTS * ROUNDS}
    etags = [headers["etag"] for _, headers, _ in flat]
    assert all(ETAG.fullmatch(etag) for etag in etags)
    assert len(set(etags)) == CLIENTS * ROUNDS
    for number in range(TWINS):
        twin = api.twin(f"t{number}")
        assert twin["m"] == {
            f"c{client}r{turn}": turn
            for client in range(number, CLIENTS, TWINS)
            for turn in range(ROUNDS)
        }
        assert twin["$etag"] in etags


def test_two_hundred_conditional_clients_win_once_per_twin(api: Api, model_o: Any) -> None:
    etags = _with_maps(api)

    def writer(client: int) -> Callable[[Line], Awaitable[Answer]]:
        async def work(line: Line) -> Answer:
            number = client % TWINS
            body = [op("add", "/m/winner", client)]
            headers = {"If-Match": etags[number]}
            return await line.send("PATCH", f"/digitaltwins/t{number}", body, headers)

        return work

    answers = run_together(api.url, *(writer(client) for client in range(CLIENTS)))
    counted = Counter(status for status, _, _ in answers)
    assert counted == {204: TWINS, 412: CLIENTS - TWINS}
    for client, (status, _, _) in enumerate(answers):
        if status == 204:
            assert api.twin(f"t{client % TWINS}")["m"] == {"winner": client}


def test_compare_and_swap_loops_count_exactly(api: Api, twin_t: Any) -> None:
    clients, increments = 8, 5
    api.add_twin("T", building(AverageTemperature=0))

    async def counter(line: Line) -> int:
        done = tries = 0
        while done < increments:
            tries += 1
            _, headers, body = await line.send("GET", "/digitaltwins/T")
            value = json.loads(body)["AverageTemperature"]
            change = [op("replace", "/AverageTemperature", value + 1)]
            condition = {"If-Match": headers["etag"]}
            status, _, _ = await line.send("PATCH", "/digitaltwins/T", change, condition)
            assert status in {204, 412}
            done += status == 204
        return tries

    run_together(api.url, *[counter] * clients)
    assert api.twin("T")["AverageTemperature"] == clients * increments


def test_of_racing_creations_exactly_one_wins(api: Api, model_m: Any) -> None:
    works = [
        lambda line, value=value: line.send(
            "PUT",
            "/digitaltwins/new",
            building(AverageTemperature=value),
            {"If-None-Match": "*"},
        )
        for value in range(10)
    ]
    answers: list[Answer] = run_together(api.url, *works)
    assert Counter(status for status, _, _ in answers) == {200: 1, 412: 9}
    winner = next(n for n, (status, _, _) in enumerate(answers) if status == 200)
    assert api.twin("new")["AverageTemperature"] == winner


@pytest.mark.parametrize("attempt", range(5))
def test_a_relationship_and_the_deletion_of_its_end_cannot_both_succeed(
    api: Api, twin_t: Any, attempt: int
) -> None:
    api.add_twin("B", building())
    body = {"$relationshipName": "has", "$targetId": "B"}
    answers: list[Answer] = run_together(
        api.url,
        lambda line: line.send("PUT", "/digitaltwins/T/relationships/r", body),
        lambda line: line.send("DELETE", "/digitaltwins/B"),
    )
    added, deleted = (status for status, _, _ in answers)
    assert (added, deleted) in {(200, 400), (404, 204)}
    code = {400: "RelationshipsNotDeleted", 404: "TargetDigitalTwinNotFound"}
    refused = next(each for each in answers if each[0] in code)
    assert refused[1]["x-ms-error-code"] == code[refused[0]]


def test_of_racing_uploads_of_one_model_exactly_one_wins(api: Api) -> None:
    model = {"@context": "dtmi:dtdl:context;2", "@id": "dtmi:t:race;1", "@type": "Interface"}
    works = [lambda line: line.send("POST", "/models", [model]) for _ in range(5)]
    answers: list[Answer] = run_together(api.url, *works)
    assert Counter(status for status, _, _ in answers) == {201: 1, 409: 4}


def test_a_model_and_the_deletion_of_its_base_cannot_both_succeed(api: Api, model_m: Any) -> None:
    child = {
        "@context": "dtmi:dtdl:context;2",
        "@id": "dtmi:t:child;1",
        "@type": "Interface",
        "extends": "dtmi:t:Building;1",
    }
    answers: list[Answer] = run_together(
        api.url,
        lambda line: line.send("POST", "/models", [child]),
        lambda line: line.send("DELETE", "/models/dtmi:t:Building;1"),
    )
    assert tuple(status for status, _, _ in answers) in {(201, 409), (400, 204)}


def test_reads_during_writes_see_whole_documents(api: Api, twin_t: Any) -> None:
    async def write(line: Line) -> None:
        for value in range(40):
            change = [
                op("replace", "/AverageTemperature", value),
                op("replace", "/TemperatureUnit", str(value)),
            ]
            status, _, _ = await line.send("PATCH", "/digitaltwins/T", change)
            assert status == 204

    async def read(line: Line) -> None:
        for _ in range(40):
            _, headers, body = await line.send("GET", "/digitaltwins/T")
            twin = json.loads(body)
            assert twin["$etag"] == headers["etag"]
            pair = (str(twin["AverageTemperature"]), twin["TemperatureUnit"])
            assert pair[0] == pair[1] or pair == ("68", "Celsius")

    run_together(api.url, write, read, read)
    assert_empty(api.patch("/digitaltwins/T", []), etag=True)
