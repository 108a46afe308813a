"""Claims that were made while the database's clock was ahead hold nobody up when it is right again."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.graph.catalog import ModelCatalog
from kastor.storage.postgres.store import PostgresStore
from tests.store.graphs import HALL_MODEL, Graph
from tests.store.postgres_engine import PostgresEngine

pytestmark = pytest.mark.anyio


async def run(store: PostgresStore[ModelCatalog], text: str) -> Any:
    async with store._connections.lease() as connection:
        return await connection.fetch(text.replace("{graph}", f'"{store.engine.schema}"'))


async def test_a_route_that_was_held_for_years_is_free(postgres: PostgresEngine) -> None:
    store = await postgres.open()
    await run(
        store,
        "INSERT INTO {graph}.endpoints (name, kind, settings, created) VALUES ('e','stdout','{}',0)",
    )
    await store.events.put_route("r", "e", "true")
    assert await store.events.hold_route("r", "gone", 2) is not None
    assert await store.events.hold_route("r", "other", 2) is None
    await run(store, "UPDATE {graph}.routes SET held_until = now() + interval '11 years'")
    assert await store.events.hold_route("r", "other", 2) is not None
    assert await store.events.hold_route("r", "gone", 2) is None


async def test_pruning_that_was_begun_years_ahead_is_nobodys(postgres: PostgresEngine) -> None:
    store = await postgres.open(version_seconds=-10.0)
    graph = Graph(store, postgres.history())
    await graph.upload(HALL_MODEL)
    from tests.store.graphs import hall

    await graph.put("h", hall(seats=1))
    await graph.patch("h")
    await run(store, "UPDATE {graph}.meta SET pruning_until = now() + interval '3 minutes'")
    assert await store.prune() == 0  # another process does it
    await run(store, "UPDATE {graph}.meta SET pruning_until = now() + interval '11 years'")
    assert await store.prune() > 0
