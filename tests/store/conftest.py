"""One engine per parameter; every test has a folder, or database, of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .engines import Engine
from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph
from .sqlite_engine import SqliteEngine


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite"])
async def engine(anyio_backend: str, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = SqliteEngine(tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def sqlite(anyio_backend: str, tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    """The embedded engine, for what only it has."""
    engine = SqliteEngine(tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def empty(engine: Engine) -> Graph:
    """A graph with nothing in it."""
    store = await engine.open()
    return Graph(store, engine.history())


@pytest.fixture
async def graph(empty: Graph) -> Graph:
    """A graph with the models and nothing else."""
    await empty.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    return empty
