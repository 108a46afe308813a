"""Files on a web server as inputs of jobs: https alone, no redirect, no writing."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from kastor.jobs.locations import Location, LocationError
from kastor.server.certificate import ensure_development_certificate

from .places import content, locations

pytestmark = pytest.mark.anyio

WHOLE = os.urandom(3_000_000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Site:
    """A web server; `statuses` are what it answers before it answers well."""

    prefix: str
    ca_file: str
    statuses: list[int] = field(default_factory=list)
    asked: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.statuses:
            return web.Response(status=self.statuses.pop(0))
        if request.path == "/a/elsewhere":
            raise web.HTTPFound("/a/in")
        if request.path == "/a/broken":
            return await self._break_off(request)
        if request.path == "/a/coded":
            return web.Response(body=WHOLE, headers={"Content-Encoding": "gzip"})
        return web.Response(body=WHOLE)

    async def _break_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(WHOLE))})
        await response.prepare(request)
        await response.write(WHOLE[:100])
        assert request.transport is not None
        request.transport.abort()
        return response


@pytest.fixture
async def site(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Site]:
    files = ensure_development_certificate(tmp_path / "tls", "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    made = Site("", str(files.authority))
    application = web.Application()
    application.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    made.prefix = f"https://localhost:{runner.addresses[0][1]}/a"
    yield made
    await runner.cleanup()


def at(site: Site, path: str, data: Path) -> Location:
    allowed = locations(data, {"prefix": site.prefix, "ca_file": site.ca_file})
    return allowed.check(f"{site.prefix}/{path}", setting="inputBlobUri")


async def test_a_file_is_read_with_its_query(site: Site, tmp_path: Path) -> None:
    found = at(site, "in?token=SECRET", tmp_path)
    assert await content(found) == WHOLE
    assert site.asked[0].query_string == "token=SECRET"
    assert found.shown == f"{site.prefix}/in?..."


async def test_it_comes_as_it_is_whatever_it_says_of_itself(site: Site, tmp_path: Path) -> None:
    assert await content(at(site, "coded", tmp_path)) == WHOLE
    assert site.asked[0].headers["Accept-Encoding"] == "identity"


async def test_a_redirect_is_not_followed(site: Site, tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="redirect, which is not followed"):
        await content(at(site, "elsewhere", tmp_path))
    assert len(site.asked) == 1


async def test_it_is_tried_again_while_the_server_is_busy(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kastor.jobs.locations.web.PAUSE_SECONDS", 0.01)
    site.statuses = [503, 429, 500]
    assert await content(at(site, "in", tmp_path)) == WHOLE
    site.statuses = [503] * 4
    with pytest.raises(LocationError, match="answers with status 503"):
        await content(at(site, "in", tmp_path))
    assert len(site.asked) == 8


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_refusal_is_said_at_once(site: Site, tmp_path: Path, status: int) -> None:
    site.statuses = [status] * 2
    with pytest.raises(
        LocationError, match=rf"in\?\.\.\.: the server answers with status {status}"
    ):
        await content(at(site, "in?token=SECRET", tmp_path))
    assert len(site.asked) == 1


async def test_what_breaks_off_is_no_file(site: Site, tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="it cannot be read") as caught:
        await content(at(site, "broken?token=SECRET", tmp_path))
    assert "SECRET" not in str(caught.value)


async def test_a_server_that_is_not_trusted_is_not_read(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kastor.jobs.locations.web.PAUSE_SECONDS", 0.01)
    found = locations(tmp_path, site.prefix).check(f"{site.prefix}/in", setting="x")
    with pytest.raises(LocationError, match="certificate verify failed"):
        await content(found)
    assert site.asked == []


async def test_nothing_is_written_there(site: Site, tmp_path: Path) -> None:
    found = at(site, "out", tmp_path)
    with pytest.raises(LocationError, match="can only be read"):
        found.log()
    with pytest.raises(LocationError, match="can only be read"):
        await found.write()
    assert site.asked == []
