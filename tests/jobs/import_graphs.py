"""A graph with nothing in it, for tests of imports."""

from __future__ import annotations

import pytest

from tests.store.engines import Engine
from tests.store.graphs import Graph


@pytest.fixture
async def empty(engine: Engine) -> Graph:
    """A graph with nothing in it."""
    store = await engine.open()
    return Graph(store, engine.history())
