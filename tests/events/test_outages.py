"""Routes of a real server to endpoints in trouble, while clients write and another route works.

What arrived is read when all is over: nothing is lost, the order of each twin is kept, repeats have
the same id and body; and meanwhile neither the writers nor the other route noticed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

from .brokers import PASSWORD, PASSWORD_VARIABLE, Message
from .judge import judge
from .outages import BrokerTarget, HookTarget, Target

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]
TWINS = 12
WRITERS = 4
OUTAGE_SECONDS = 2.0
"""Longer than the endpoint's time-out, which is a second."""
WAITED = 1.0
"""A write that takes so long may have waited for the endpoint."""
MODEL = {
    "@id": "dtmi:outage:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "n", "schema": "integer"}],
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site:
    """A server, its writers, the route in trouble and the one beside it, which goes to a file."""

    def __init__(self, server: KastorServer, http: httpx2.AsyncClient) -> None:
        self.server, self.http = server, http
        self.file = server.data_dir / "beside.ndjson"
        self.written = 0
        self.waited = 0

    async def prepare(self, endpoint: dict[str, Any]) -> None:
        beside = {"kind": "file", "settings": {"path": str(self.file)}}
        for name, body in (("target", endpoint), ("beside", beside)):
            answer = await self.http.put(f"/kastor/v1/endpoints/{name}", json=body)
            assert answer.status_code == 200, answer.text
            route = {"endpointName": name, "filter": "true"}
            answer = await self.http.put(f"/eventroutes/{name}", json=route)
            assert answer.status_code == 204, answer.text
        assert (await self.http.post("/models", json=[MODEL])).status_code == 201
        for number in range(TWINS):
            twin = {"$metadata": {"$model": MODEL["@id"]}, "n": 0}
            assert (await self.http.put(f"/digitaltwins/t{number}", json=twin)).is_success

    async def write(self, first: int) -> None:
        """Count up the twins of one writer until cancelled."""
        for number in itertools.count(1):
            body = [{"op": "add", "path": "/n", "value": number}]
            twin = first + WRITERS * (number % (TWINS // WRITERS))
            started = time.monotonic()
            answer = await self.http.patch(f"/digitaltwins/t{twin}", json=body)
            assert answer.status_code == 204, answer.text
            self.waited += time.monotonic() - started > WAITED
            self.written += 1
            await asyncio.sleep(0.01)

    async def state(self, route: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"/kastor/v1/routes/{route}")).json()
        return found

    async def log(self) -> list[Message]:
        """Every event of the change log."""
        found: list[Message] = []
        after = "0"
        while True:
            page = await self.http.get(
                "/kastor/v1/events",
                params={"format": "ndjson", "after": after},
                headers={"max-items-per-page": "1000"},
            )
            lines = page.text.splitlines()
            if not lines:
                return found
            found += [_from_line(line) for line in lines]
            after = page.headers["kastor-next-position"]

    def beside(self) -> list[Message]:
        return [_from_line(line) for line in self.file.read_text().splitlines()]


def _from_line(line: str) -> Message:
    event = json.loads(line)
    return Message(event["id"], event["subject"], json.dumps(event["data"]).encode(), {}, None)


async def until(check: Callable[[], Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.05)


async def go_through(site: Site, target: Target, outage: str) -> None:
    """An outage from its begin to its end; the others go on in the midst of it."""
    before, slow = site.written, outage == "slow"
    await target.begin(outage)
    await asyncio.sleep(OUTAGE_SECONDS)
    written = site.written
    assert written > before + TWINS, f"writers waited while the endpoint was {outage}"

    async def beside_has_them() -> bool:
        return len(site.file.read_bytes().splitlines()) >= written

    async def is_noticed() -> bool:
        return slow or (await site.state("target"))["lastError"] is not None

    await until(beside_has_them, 5)
    await until(is_noticed, 10)
    await target.end(outage)


@pytest.fixture(params=["nats", "mqtt", "amqp", "kafka", "webhook"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    if request.param == "webhook":
        return HookTarget(tmp_path)
    return BrokerTarget(request.param, tmp_path / request.param)


async def test_outages_lose_nothing_and_trouble_nobody_else(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(target.close)
        endpoint = await target.start()
        server = stack.enter_context(KastorServer(("--file-root", str(tmp_path))))
        http = httpx2.AsyncClient(
            base_url=server.url, params={"api-version": "2023-10-31"}, timeout=30
        )
        site = Site(server, await stack.enter_async_context(http))
        await site.prepare(endpoint)
        writers = [asyncio.create_task(site.write(number)) for number in range(WRITERS)]
        for outage in target.outages:
            await go_through(site, target, outage)
            await asyncio.sleep(0.5)
        for writer in writers:
            writer.cancel()
        ended = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended

        async def is_through() -> bool:
            return not any([(await site.state(each))["lag"] for each in ("target", "beside")])

        await until(is_through, 90)
        log = await site.log()
        assert len(log) >= site.written
        assert (await site.http.get("/kastor/v1/routes/target/deadletters")).json()["value"] == []
        judge(await target.received(len(log)), log, duplicates=True)
        judge(site.beside(), log)
        assert site.waited < site.written / 50, "writers waited, and not now and then for a disk"
        await assert_secret_is_nowhere(site)


async def assert_secret_is_nowhere(site: Site) -> None:
    """The endpoint's password is neither shown, nor logged, nor stored."""
    for path in ("/kastor/v1/endpoints", "/kastor/v1/endpoints/target", "/kastor/v1/routes"):
        answer = await site.http.get(path)
        assert answer.is_success
        assert PASSWORD not in answer.text
    assert PASSWORD not in site.server.output
    for file in site.server.data_dir.rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes(), file
