"""The pytest plugin: fixtures that are there wherever Kastor is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kastor.testing.server import KastorServer


@pytest.fixture(scope="session")
def kastor() -> Iterator[KastorServer]:
    """A server for the whole session; its graph is shared by the tests that use it."""
    with KastorServer() as server:
        yield server


@pytest.fixture
def kastor_empty(kastor: KastorServer) -> KastorServer:
    """The session's server, emptied before this test."""
    kastor.reset()
    return kastor
