"""KASTOR_TEST_ENGINE=postgres makes every server that a test starts keep its graph in PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from httpx2 import _config as httpx_defaults

from kastor.testing import KastorServer
from tests.postgres.server import database, direct


def pytest_addoption(parser: pytest.Parser) -> None:
    """`python3 dev test tests/query --update` writes what the compiler makes of the cases."""
    parser.addoption("--update", action="store_true", help="write tests/query/cases anew")


def pytest_configure(config: pytest.Config) -> None:
    """Leave the program as it is: pytest would rewrite the whole package for its one plugin.

    That parses each module when it is first imported, and CPython 3.11 cannot do so in two threads
    at once: "AST constructor recursion depth mismatch".
    """
    hook: Any = config.pluginmanager.rewrite_hook
    hook._must_rewrite.discard("kastor")
    hook._marked_for_rewrite_cache.clear()
    _wait_for_slow_machines()


def _wait_for_slow_machines() -> None:
    """A request without a time limit of its own waits longer than httpx's five seconds.

    A disk of a busy machine can take that long for one fsync, and no test means to measure it.
    """
    limits: Any = httpx_defaults.DEFAULT_TIMEOUT_CONFIG
    limits.connect = limits.read = limits.write = limits.pool = 60.0


@pytest.fixture(scope="session", autouse=True)
def engine_of_servers() -> Iterator[None]:
    if os.environ.get("KASTOR_TEST_ENGINE") != "postgres":
        yield
        return
    start = KastorServer.start
    schemas: dict[Path, str] = {}

    def start_in_a_schema(server: KastorServer) -> KastorServer:
        # The same folder again is the same graph again.
        schema = schemas.get(server.data_dir, f"g{uuid4().hex}")
        server._args = (*server._args, "--db", dsn, "--graph-schema", schema)
        started = start(server)
        schemas[server.data_dir] = schema
        return started

    with database() as dsn, pytest.MonkeyPatch.context() as patch:
        patch.setattr(KastorServer, "start", start_in_a_schema)
        yield
        asyncio.run(_drop(direct(dsn), schemas.values()))


async def _drop(dsn: str, schemas: Iterable[str]) -> None:
    """Leave nothing on a server that others use too."""
    connection = await asyncpg.connect(dsn)
    for schema in schemas:
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.close()
