"""A process that writes into a graph and follows it for searches, until it is killed."""

from __future__ import annotations

import asyncio
import random
import sys
from itertools import count
from pathlib import Path
from typing import Any

from kastor.dtdl import ValueRules
from kastor.errors import KastorError
from kastor.graph.catalog import catalog_builder
from kastor.graph.command import Command
from kastor.graph.commands import DeleteTwin, PutRelationship, PutTwin
from kastor.graph.service import GraphService
from kastor.records import Context
from kastor.search import follower
from kastor.search.service import SearchService
from kastor.storage.postgres.store import PostgresStore
from kastor.storage.sqlite.store import SqliteStore
from kastor.vital import Vitals
from tests.postgres.server import POOLER

from .graphs import edge, room

TEXTS = ("Lobby North", "lobby", "Büro der Leitung", "temperature sensor", "pump room 2", "ROOM")
CONTEXT = Context("child")


async def main(place: str, name: str) -> None:
    build = catalog_builder(ValueRules())
    store: SqliteStore | PostgresStore = (  # type: ignore[type-arg]
        await PostgresStore.open(place, name, build, pooler=POOLER)
        if name
        else await SqliteStore.open(Path(place), build)
    )
    follower.PAUSE_SECONDS, follower.ENTRIES, follower.LEASE_SECONDS = 0.0, 7, 0.5
    SearchService(store.search, store.events, store.host_name, Vitals()).start()
    service, chance = GraphService(store), random.Random()
    for number in count(1):
        one, other = (f"room-{chance.randrange(30)}" for _ in range(2))
        document = room(name=chance.choice(TEXTS), labels={"a": chance.choice(TEXTS)})
        command: Command[Any] = chance.choice(
            (
                PutTwin(one, document),
                PutTwin(one, document),
                DeleteTwin(one),
                PutRelationship(one, "e", edge(other, chance.choice(("nextTo", "above")))),
            )
        )
        try:
            await service.execute(command, CONTEXT)
        except KastorError:
            continue
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
