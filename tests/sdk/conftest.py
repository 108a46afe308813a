"""Servers for the SDKs: with TLS and as narrow as the cloud, beside the plain one of the session."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kastor.client import KastorClient
from tests.client.blocking import blocking

from .graph import PART_MODEL, ROOM_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer


@pytest.fixture(scope="session")
def secure() -> Iterator[KastorServer]:
    """A server that speaks https with a development certificate."""
    from kastor.testing import KastorServer

    with KastorServer(tls=True) as server:
        yield server


@pytest.fixture(params=["https", "http"])
def server(request: pytest.FixtureRequest) -> KastorServer:
    """An empty graph, over https and then over http."""
    name = "secure" if request.param == "https" else "kastor"
    chosen: KastorServer = request.getfixturevalue(name)
    chosen.reset()
    return chosen


@pytest.fixture(scope="session")
def narrow() -> Iterator[KastorServer]:
    """A server under `--profile adt`."""
    from kastor.testing import KastorServer

    with KastorServer(("--profile", "adt")) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Pairing:
    """A server with an empty graph, and who is to speak to it: the SDK or `kastor.client`."""

    server: KastorServer
    is_own: bool


@pytest.fixture(params=["https", "http", "own-https", "own-http", "own-adt"])
def pairing(request: pytest.FixtureRequest) -> Pairing:
    """The SDK over https and over http; our own client so too, and under the profile adt."""
    names = {"https": "secure", "http": "kastor", "adt": "narrow"}
    is_own = request.param.startswith("own-")
    server: KastorServer = request.getfixturevalue(names[request.param.removeprefix("own-")])
    server.reset()
    return Pairing(server, is_own)


@pytest.fixture(params=["sync", "async"])
def empty(request: pytest.FixtureRequest, kastor: KastorServer) -> Iterator[KastorClient]:
    """A client of an empty graph: the one that waits, and then that of asyncio."""
    kastor.reset()
    if request.param == "sync":
        with KastorClient(kastor.url) as client:
            yield client
        return
    loop = asyncio.new_event_loop()
    with blocking(kastor.url, loop) as client:
        yield client
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def client(empty: KastorClient) -> KastorClient:
    """The same with the two models."""
    empty.models.upload([ROOM_MODEL, PART_MODEL])
    return empty
