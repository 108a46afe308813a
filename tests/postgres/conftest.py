"""A database for the session, and graphs in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.store.postgres_engine import PostgresEngine

from .server import database


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    with database() as dsn:
        yield dsn


@pytest.fixture
async def postgres(anyio_backend: str, dsn: str) -> AsyncIterator[PostgresEngine]:
    engine = PostgresEngine(dsn)
    yield engine
    await engine.close()
