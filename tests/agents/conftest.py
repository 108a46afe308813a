"""A server with the sample building, whose sensors are quiet, and one that is emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kastor.testing import KastorServer
from tests.contract.client import Api

from .speaking import REVISIONS, Speaker, load_quiet_building

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def building_server() -> Iterator[KastorServer]:
    with KastorServer() as server:
        with Api(server.url) as client:
            load_quiet_building(client)
        yield server


@pytest.fixture(scope="session")
def building(building_server: KastorServer) -> Iterator[Api]:
    with Api(building_server.url) as client:
        # The index of texts is complete from here on.
        search, waits = "/kastor/v1/search?q=room", {"kastor-read": "current-replica"}
        assert client.get(search, headers=waits, version=None).status_code == 200
        yield client


@pytest.fixture(params=REVISIONS)
def anna(building: Api, request: pytest.FixtureRequest) -> Speaker:
    """Who asks about the building, in each revision."""
    return Speaker(building, request.param)


@pytest.fixture(scope="session")
def connection(kastor: KastorServer) -> Iterator[Api]:
    with Api(kastor.url) as client:
        yield client


@pytest.fixture
def api(kastor: KastorServer, connection: Api) -> Api:
    """A client of a server whose graph is empty."""
    kastor.reset()
    return connection
