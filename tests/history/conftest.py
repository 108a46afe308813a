"""Graphs whose past is read: engines of their own, and a server over sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.contract.client import Api
from tests.postgres.server import database

if TYPE_CHECKING:
    from kastor.testing import KastorServer


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with database() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def connection(kastor: KastorServer) -> Iterator[Api]:
    with Api(kastor.url) as client:
        yield client


@pytest.fixture
def api(kastor: KastorServer, connection: Api) -> Api:
    """A client of a server whose graph is empty."""
    kastor.reset()
    return connection


@pytest.fixture
def adt() -> Iterator[Api]:
    """A client of a server that is as narrow as the cloud."""
    from kastor.testing import KastorServer

    with KastorServer(("--profile", "adt")) as server, Api(server.url) as client:
        yield client
