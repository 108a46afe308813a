"""With KASTOR_TEST_ENGINE=postgres the graphs of this folder live in PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.postgres.server import database

from . import world


@pytest.fixture(scope="session", autouse=True)
def engine_of_worlds() -> Iterator[None]:
    if os.environ.get("KASTOR_TEST_ENGINE") != "postgres":
        yield
        return
    with database() as dsn, pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "DSN", dsn)
        yield


@pytest.fixture
def sqlite_only() -> None:
    if os.environ.get("KASTOR_TEST_ENGINE") == "postgres":
        pytest.skip("of the embedded engine only")
