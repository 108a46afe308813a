"""KASTOR_TEST_ENGINE=postgres makes every server that a test starts keep its graph in PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest

from kastor.testing import KastorServer
from tests.postgres.server import database


@pytest.fixture(scope="session", autouse=True)
def engine_of_servers() -> Iterator[None]:
    if os.environ.get("KASTOR_TEST_ENGINE") != "postgres":
        yield
        return
    start = KastorServer.start

    def start_in_a_schema(server: KastorServer) -> KastorServer:
        # A folder that is kept is the same graph again; any other server has one of its own.
        kept = str(server.data_dir) if server._keeps_folder else uuid4().hex
        schema = f"g{uuid5(NAMESPACE_URL, kept).hex}"
        server._args = (*server._args, "--db", dsn, "--graph-schema", schema)
        return start(server)

    with database() as dsn, pytest.MonkeyPatch.context() as patch:
        patch.setattr(KastorServer, "start", start_in_a_schema)
        yield
