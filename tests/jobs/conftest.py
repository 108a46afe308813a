"""One engine per parameter, as the storage tests have it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store.conftest import anyio_backend, engine, postgres_dsn
from tests.store.sqlite_engine import SqliteEngine

__all__ = ["anyio_backend", "engine", "postgres_dsn"]


@pytest.fixture
async def sqlite_folder(anyio_backend: str, tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    """The embedded engine, whose file other processes open while it has it closed."""
    made = SqliteEngine(tmp_path)
    yield made
    await made.close()
