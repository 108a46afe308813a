"""Two servers for the package, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kastor.client import KastorClient
from kastor.testing import KastorServer

from .age_server import AgeServer


@pytest.fixture(scope="session")
def second() -> Iterator[KastorServer]:
    with KastorServer() as server:
        yield server


@pytest.fixture
def source(kastor: KastorServer) -> Iterator[KastorClient]:
    """Where the graph comes from."""
    kastor.reset()
    with KastorClient(kastor.url) as client:
        yield client


@pytest.fixture
def target(second: KastorServer) -> Iterator[KastorClient]:
    """Where it goes to."""
    second.reset()
    with KastorClient(second.url) as client:
        yield client


@pytest.fixture
def age() -> Iterator[AgeServer]:
    with AgeServer() as server:
        yield server


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The file that a migration remembers by."""
    return tmp_path / "state.sqlite3"
