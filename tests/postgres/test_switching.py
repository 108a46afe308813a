"""The moment of a move in which writes wait: it needs no connection that those who wait may hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from kastor.storage.placement import Wish
from kastor.storage.postgres.connections import Connections
from kastor.storage.postgres.databases import OWN, Databases
from kastor.storage.postgres.move import connected
from kastor.storage.postgres.placement import SchemaPlacement

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 30.0
HELD_SECONDS = 9.0
"""Shorter than the time after which who waits for a connection of the pool gives up."""
PROGRESS = "SELECT progress FROM kastor_control.graphs WHERE home = $1"

SCHEMA = "SELECT to_regnamespace($1)::text"


async def _until(
    look: Callable[[], Awaitable[object]], wanted: object, seconds: float = PATIENCE_SECONDS
) -> None:
    async with asyncio.timeout(seconds):
        found = await look()
        while found != wanted:
            await asyncio.sleep(0.02)
            found = await look()


async def test_a_move_ends_while_every_connection_of_the_pool_is_held(dsn: str) -> None:
    home, target = f"g{uuid4().hex[:12]}_default", f"moved_{uuid4().hex[:8]}"
    databases = Databases({OWN: dsn}, lambda address: Connections(address, 1))
    placement = SchemaPlacement(databases, home)
    source = placement.schema_for("mover")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(databases.close)
        writer, watcher = [await stack.enter_async_context(connected(dsn)) for _ in range(2)]
        await placement.add("mover", Wish())
        await placement.begin_move("mover", Wish(schema=target))
        writing = writer.transaction()
        await writing.start()
        await writer.execute(f"LOCK TABLE {source}.meta IN ROW EXCLUSIVE MODE")
        moving = asyncio.create_task(placement.move("mover"))
        await _until(lambda: watcher.fetchval(PROGRESS, home), "switching")
        async with databases.pool(OWN).lease():
            await writing.rollback()
            await _until(lambda: watcher.fetchval(SCHEMA, source), None, HELD_SECONDS)
        await moving
        place = await placement.place("mover")
        assert place is not None
        assert (place.schema, place.moving, place.error) == (target, None, None)
        await placement.remove("mover")
