"""A database for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres.server import database


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    with database() as dsn:
        yield dsn
