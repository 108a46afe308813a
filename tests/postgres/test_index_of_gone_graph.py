"""The index of texts of a graph that has gone, while its schema stays: it is somebody else's."""

from __future__ import annotations

import pytest

from kastor.errors import GraphMoved
from kastor.storage.postgres.move import connected
from kastor.storage.postgres.ownership import own_tables
from kastor.storage.postgres.schema import quoted
from tests.store.postgres_engine import PostgresEngine

pytestmark = pytest.mark.anyio
LEFT = "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace"


@pytest.mark.parametrize("way", ["prepare", "clear"])
async def test_no_tables_are_made_in_its_schema(
    postgres: PostgresEngine, dsn: str, way: str
) -> None:
    store = await postgres.open()
    schema = quoted(postgres.schema())
    async with connected(dsn) as connection:
        tables = ", ".join(f"{schema}.{name}" for name in own_tables())
        await connection.execute(f"DROP TABLE IF EXISTS {tables}")
        with pytest.raises(GraphMoved):
            await getattr(store.search, way)()
        assert await connection.fetch(LEFT, schema) == []
