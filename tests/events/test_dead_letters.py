"""Dead letters end to end: a server, a webhook that refuses, the API and the command line."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web

from kastor.testing import KastorServer

from .receiver import Receiver, receiver

pytestmark = pytest.mark.anyio
VERSION = "api-version=2023-10-31"
LETTERS = "/kastor/v1/routes/r/deadletters"
MODEL = {
    "@id": "dtmi:letters:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "temperature", "schema": "double"}],
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site:
    """A server with a route `r` to a webhook; the events of twins in `refused` are refused."""

    def __init__(self, server: KastorServer, target: Receiver) -> None:
        self.server, self.target = server, target
        self.http = httpx2.AsyncClient(base_url=server.url)
        self.refused: set[str] = set()
        target.answer = self.answer

    async def answer(self, request: web.Request) -> web.Response:
        subject = json.loads(await request.read())["subject"]
        return web.Response(status=400 if subject in self.refused else 200, text="no such room")

    async def prepare(self) -> None:
        assert (await self.http.post(f"/models?{VERSION}", json=[MODEL])).status_code == 201
        endpoint = {"kind": "webhook", "settings": {"url": self.target.url}}
        assert (await self.http.put("/kastor/v1/endpoints/hook", json=endpoint)).is_success
        route = {"endpointName": "hook", "filter": "true"}
        assert (await self.http.put(f"/eventroutes/r?{VERSION}", json=route)).status_code == 204

    async def put(self, *twins: str) -> None:
        body = {"$metadata": {"$model": MODEL["@id"]}, "temperature": 20}
        for twin in twins:
            assert (
                await self.http.put(f"/digitaltwins/{twin}?{VERSION}", json=body)
            ).status_code == 200

    async def letters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get(LETTERS)).json()["value"]
        return found

    async def dead(self, count: int) -> list[dict[str, Any]]:
        """The dead letters, as soon as there are `count`."""
        end = time.monotonic() + 10
        while len(found := await self.letters()) != count:
            assert time.monotonic() < end, found
            await asyncio.sleep(0.02)
        return found

    async def until(self, check: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not check():
            assert time.monotonic() < end, self.subjects()
            await asyncio.sleep(0.02)

    def subjects(self) -> list[str]:
        return [event["subject"] for event in self.target.events]

    async def kastor(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kastor", "route", "deadletters", *words]
        command += ["--url", self.server.url]
        return await asyncio.to_thread(
            subprocess.run, command, check=False, capture_output=True, text=True, timeout=60
        )


@pytest.fixture
async def site(anyio_backend: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with receiver() as target:
        with KastorServer(data_dir=tmp_path) as server:
            made = Site(server, target)
            async with made.http:
                await made.prepare()
                yield made


async def test_a_refused_event_is_kept_and_sent_when_asked(site: Site) -> None:
    site.refused = {"b"}
    await site.put("a", "b", "c")
    (letter,) = await site.dead(1)
    await site.until(lambda: site.subjects() == ["a", "c"])
    assert letter["event"]["key"] == "b"
    assert letter["attempts"] == 1
    assert "400" in letter["error"]
    end = time.monotonic() + 10
    while (state := (await site.http.get("/kastor/v1/routes/r")).json())["delivered"] < 2:
        assert time.monotonic() < end, state
    assert (state["deadLetters"], state["delivered"]) == (1, 2)
    site.refused = set()
    answer = await site.http.post(f"{LETTERS}/requeue?key={letter['key']}")
    assert answer.json() == {"count": 1}
    await site.until(lambda: site.subjects() == ["a", "c", "b"])
    assert site.target.events[2]["id"] == letter["event"]["id"]
    await site.dead(0)


async def test_what_is_refused_again_is_a_dead_letter_again(site: Site) -> None:
    site.refused = {"a"}
    await site.put("a")
    (letter,) = await site.dead(1)
    assert (await site.http.post(f"{LETTERS}/requeue")).json() == {"count": 1}
    end = time.monotonic() + 10
    while not (again := await site.dead(1))[0]["key"] > letter["key"]:
        assert time.monotonic() < end
    assert again[0]["event"] == letter["event"]
    assert site.subjects() == []


async def test_letters_outlive_a_kill(site: Site) -> None:
    site.refused = {"a", "b"}
    await site.put("a", "b")
    before = await site.dead(2)
    site.server.process.kill()
    site.server.process.wait(10)
    with KastorServer(data_dir=site.server.data_dir) as again:
        site.server = again
        async with httpx2.AsyncClient(base_url=again.url) as site.http:
            assert await site.letters() == before
            site.refused = set()
            await site.http.post(f"{LETTERS}/requeue")
            await site.until(lambda: site.subjects() == ["a", "b"])


async def test_purge_takes_what_it_is_told(site: Site) -> None:
    site.refused = {"a", "b", "c"}
    await site.put("a", "b", "c")
    first, second, third = await site.dead(3)
    keys = f"key={first['key']}&key={third['key']}"
    assert (await site.http.delete(f"{LETTERS}?{keys}")).json() == {"count": 2}
    assert await site.letters() == [second]
    assert (await site.http.delete(LETTERS)).json() == {"count": 1}
    assert await site.letters() == []


async def test_a_dry_run_tells_how_many_it_would_take(site: Site) -> None:
    site.refused = {"a", "b", "c"}
    await site.put("a", "b", "c")
    letters = await site.dead(3)
    site.refused = set()
    keys = f"key={letters[0]['key']}&key={letters[2]['key']}&key=999"
    for method, path in (("DELETE", LETTERS), ("POST", f"{LETTERS}/requeue")):
        for query, count in (("", 3), (f"?{keys}", 2)):
            trying = {"kastor-dry-run": "true"}
            answer = await site.http.request(method, f"{path}{query}", headers=trying)
            assert answer.json() == {"count": count}
    replay = "/kastor/v1/routes/r/replay?from=1"
    assert (await site.http.post(replay, headers=trying)).json() == {"position": 1}
    await asyncio.sleep(0.3)
    assert await site.letters() == letters
    assert site.subjects() == []


async def test_pages(site: Site) -> None:
    twins = [f"t{number:03}" for number in range(105)]
    site.refused = set(twins)
    await site.put(*twins)
    end = time.monotonic() + 20
    while (await site.http.get("/kastor/v1/routes/r")).json()["deadLetters"] < len(twins):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    page = (await site.http.get(LETTERS)).json()
    rest = (await site.http.get(f"{LETTERS}?after={page['after']}")).json()
    assert rest["after"] is None
    assert [each["event"]["key"] for each in page["value"] + rest["value"]] == twins
    assert (await site.kastor("list", "r")).stdout.count("after 1 attempt:") == len(twins)


async def test_the_command_line(site: Site) -> None:
    site.refused = {"a", "b"}
    await site.put("a", "b")
    first, second = await site.dead(2)
    listed = await site.kastor("list", "r")
    assert f"{first['key']:>8}  " in listed.stdout
    assert "after 1 attempt:" in listed.stdout
    shown = await site.kastor("show", "r", str(second["key"]), "--output", "json")
    assert json.loads(shown.stdout) == second
    missing = await site.kastor("show", "r", "999")
    assert (missing.returncode, missing.stdout) == (3, "")
    assert missing.stderr == "kastor: There is no dead letter 999.\n"
    purged = await site.kastor("purge", "r", "--key", str(first["key"]))
    assert purged.stdout == "1 deleted.\n"
    site.refused = set()
    assert (await site.kastor("requeue", "r")).stdout == "1 sent again.\n"
    await site.until(lambda: site.subjects() == ["b"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/kastor/v1/routes/none/deadletters", 404),
        ("POST", "/kastor/v1/routes/none/deadletters/requeue", 404),
        ("DELETE", "/kastor/v1/routes/none/deadletters", 404),
        ("GET", f"{LETTERS}?after=x", 400),
        ("GET", f"{LETTERS}?after={'9' * 25}", 400),
        ("GET", f"{LETTERS}?after={'9' * 5_000}", 400),
        ("POST", f"{LETTERS}/requeue?key=-1", 400),
        ("DELETE", f"{LETTERS}?key=1&key=x", 400),
    ],
)
async def test_a_wrong_request_changes_nothing(
    site: Site, method: str, path: str, status: int
) -> None:
    site.refused = {"a"}
    await site.put("a")
    before = await site.dead(1)
    assert (await site.http.request(method, path)).status_code == status
    assert await site.letters() == before
