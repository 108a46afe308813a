"""A graph that is searched, and the questions that tests ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kastor.records import SYSTEM
from kastor.search.service import KINDS, SearchAnswer, SearchService
from kastor.vital import Vitals

from .graphs import Graph

LIMIT = 100
QUESTIONS = (
    *("room", "lobby", "loby", "lobbi", "olbby", "buro", "BÜRO", "temperature", "tempersture"),
    *(
        "temperatures",
        "room 2",
        "ro",
        "a",
        "north 1",
        "aaa",
        "sensor s",
        "pmup",
        "東京",
        "東京 lobby",
    ),
    *("handling", "hand", "unit7", "%_'\"", "halle sud", "nirgends", "a b", "lobby pump", "12"),
)


@asynccontextmanager
async def searching(graph: Graph) -> AsyncIterator[SearchService]:
    store = graph.store
    made = SearchService(store.search, store.events, store.host_name, Vitals())
    made.start()
    try:
        yield made
    finally:
        await made.stop()


async def ask(service: SearchService, text: str, limit: int = LIMIT) -> SearchAnswer:
    return await service.search(text, KINDS, limit, SYSTEM)


def ids(found: SearchAnswer, kind: str) -> set[str]:
    return {hit.id for hit in found.hits if hit.kind == kind}
