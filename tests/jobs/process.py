"""A process that works on jobs of one graph until it is killed: `python -m tests.jobs.process`.

Arguments: `sqlite PATH` or `postgres DSN SCHEMA`. Each step of a job makes one twin.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from kastor.clock import now_ticks
from kastor.dtdl import ValueRules
from kastor.graph import commands as c
from kastor.graph.catalog import catalog_builder
from kastor.graph.service import GraphService
from kastor.jobs.kinds import Run
from kastor.storage.protocol import Store
from tests.store.graphs import hall

from .service import serving

STEP_SECONDS = 0.004


class Filling:
    """Makes twins 0 to `of`, each with its progress and a line of the log in one transaction."""

    name = "tests"

    def __init__(self, graph: GraphService) -> None:
        self._graph = graph

    async def run(self, run: Run) -> None:
        """Go on where the last one was."""
        for n in range(run.progress.get("done", 0), run.request["of"]):
            run.check()
            note = run.note({"done": n + 1}, [b'{"step":%d}' % n])
            await self._graph.execute_many([c.PutTwin(f"t-{n}", hall())], run.context, note=note)
            await asyncio.sleep(STEP_SECONDS)


async def opened(engine: str, place: str, schema: str = "") -> Store[Any]:
    """Return the store of the graph."""
    catalog = catalog_builder(ValueRules())
    if engine == "sqlite":
        from kastor.storage.sqlite.store import SqliteStore

        return await SqliteStore.open(Path(place), catalog, clock=now_ticks)
    from kastor.storage.postgres.store import PostgresStore

    return await PostgresStore.open(place, schema, catalog, clock=now_ticks, pool=4)


async def main() -> None:
    """Work until the process ends."""
    store = await opened(*sys.argv[1:])
    async with serving(store, Filling(GraphService(store))):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
