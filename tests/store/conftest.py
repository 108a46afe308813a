"""One engine per parameter; every test has a folder, or database, of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kastor.search import service
from tests.postgres.server import database

from .clocks import LONG_AGO, Clock
from .engines import Engine
from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph
from .postgres_engine import PostgresEngine
from .sqlite_engine import SqliteEngine

Make: TypeAlias = Callable[..., Awaitable[Graph]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with database() as dsn:
        yield dsn


@pytest.fixture(params=["sqlite", "postgres"])
async def engine(
    anyio_backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Engine]:
    if request.param == "postgres":
        engine: Engine = PostgresEngine(request.getfixturevalue("postgres_dsn"))
    else:
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


@pytest.fixture
def clock() -> Clock:
    return Clock(LONG_AGO)


@pytest.fixture
def make(engine: Engine, clock: Clock) -> Make:
    """Opens a graph that keeps everything but what the test limits."""

    async def make(**limits: float) -> Graph:
        generous: dict[str, Any] = {"version_seconds": 1e9, "log_seconds": 1e9}
        store = await engine.open(clock=clock, **(generous | limits))
        graph = Graph(store, engine.history())
        if not graph.service.catalog.models:
            await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        return graph

    return make


@pytest.fixture
def patient_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found depends on no clock here."""
    monkeypatch.setattr(service, "FIND_SECONDS", 10.0)
    monkeypatch.setattr(service, "REACH_SECONDS", 60.0)
