"""Whoever reads says for whom: a read that cannot keep what a context asks for refuses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from msgspec import structs

from kastor.errors import Forbidden, NotFound
from kastor.events.feed import Feed
from kastor.events.filter import parse
from kastor.events.relay import Relay
from kastor.events.routes import RouteService
from kastor.graph.commands import DeleteModel, DeleteTwin
from kastor.graph.instants import Named
from kastor.live.service import LiveService
from kastor.outside.bounds import UNBOUNDED
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM, AsOf, Context, Sees
from kastor.storage.events import EndpointRow

from .graphs import HALL, Graph, edge, hall, room

pytestmark = pytest.mark.anyio
ENDPOINT = EndpointRow("out", "stdout", b"{}", 0)
ALL = "SELECT * FROM DIGITALTWINS"
BY_RULES = structs.replace(SYSTEM, sees=Sees())
AS_OF = structs.replace(SYSTEM, at=AsOf(1, 1))


def query(graph: Graph) -> QueryService:
    store = graph.store
    return QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        QuerySettings(),
        dialect=dialect_of(store.engine),
    )


def feed(graph: Graph) -> Feed:
    return Feed(graph.store.events, graph.store.host_name)


def routes(graph: Graph) -> RouteService:
    store = graph.store
    return RouteService(store.events, Relay(store.events, store.host_name, UNBOUNDED))


async def models(graph: Graph, context: Context) -> Any:
    return graph.service.models(context)


async def model(graph: Graph, context: Context) -> Any:
    return graph.service.model(HALL, context)


async def dependencies(graph: Graph, context: Context) -> Any:
    return graph.service.dependencies([HALL], context)


async def followed(graph: Graph, context: Context) -> Any:
    followed = feed(graph)
    try:
        async with aclosing(followed.follow(0, parse("true"), context, 0.01)) as items:
            return await anext(items)
    finally:
        await followed.stop()


async def live(graph: Graph, context: Context) -> Any:
    service = LiveService(graph.store, query(graph))
    try:
        return await service.open(ALL, context)
    finally:
        await service.stop()


READS: dict[str, Callable[[Graph, Context], Awaitable[Any]]] = {
    "twin": lambda graph, context: graph.service.twin("h", context),
    "component": lambda graph, context: graph.service.component("h", "thermostat", context),
    "relationship": lambda graph, context: graph.service.relationship("h", "r", context),
    "outgoing": lambda graph, context: graph.service.outgoing("h", None, "", 1, context),
    "incoming": lambda graph, context: graph.service.incoming("h", (-1, -1, -1), 1, context),
    "models": models,
    "model": model,
    "dependencies": dependencies,
    "lineage": lambda graph, context: graph.service.read_lineage(lambda _: 1, context),
    "status": lambda graph, context: graph.store.status(context),
    "slashes": lambda graph, context: graph.store.escaped_slashes(1, context),
    "page": lambda graph, context: query(graph).run(ALL, context),
    "count": lambda graph, context: query(graph).run("SELECT COUNT() FROM DIGITALTWINS", context),
    "nothing": lambda graph, context: query(graph).run(f"{ALL} WHERE 1 = 2", context),
    "explain": lambda graph, context: query(graph).run(ALL, context, explain=True),
    "live query": live,
    "feed position": lambda graph, context: feed(graph).position(None, context),
    "feed page": lambda graph, context: feed(graph).page(0, 1, parse("true"), context),
    "feed stream": followed,
}


PAST = (
    *("twin", "component", "relationship", "outgoing", "incoming"),
    *("models", "model", "dependencies", "lineage"),
    *("page", "count", "nothing", "explain"),
)
"""Reads that know the past."""


@pytest.fixture
async def related(graph: Graph) -> Graph:
    thermostat = {"$metadata": {}, "setPoint": 20.0}
    await graph.put("h", room(thermostat=thermostat))
    await graph.put("i", hall())
    await graph.relate("h", "r", edge("i"))
    return graph


BY_TWIN = (
    *("twin", "component", "relationship", "outgoing", "incoming"),
    *("page", "count", "nothing", "explain"),
)
"""Reads that know rules; what `BY_RULES` sees is nothing."""
MODELS = ("models", "model", "dependencies", "lineage")
"""They tell of no twins."""


@pytest.mark.parametrize("name", [each for each in READS if each not in (*BY_TWIN, *MODELS)])
async def test_no_read_answers_with_more_than_was_asked_for(related: Graph, name: str) -> None:
    assert await READS[name](related, SYSTEM) is not None
    with pytest.raises(NotImplementedError):
        await READS[name](related, BY_RULES)


@pytest.mark.parametrize("past", [False, True], ids=["now", "then"])
@pytest.mark.parametrize("name", BY_TWIN)
async def test_what_knows_rules_shows_nothing_to_who_sees_nothing(
    related: Graph, name: str, past: bool
) -> None:
    context = BY_RULES
    if past:
        context = structs.replace(BY_RULES, at=await related.service.at(Named()))
    if name in ("page", "count", "nothing"):
        rows = orjson.loads((await READS[name](related, context)).value)
        assert rows == ([{"COUNT": 0}] if name == "count" else [])
        return
    with pytest.raises(Forbidden if name == "explain" else NotFound):
        await READS[name](related, context)


@pytest.mark.parametrize("name", [each for each in READS if each not in PAST])
async def test_what_knows_the_present_alone_refuses_an_instant(related: Graph, name: str) -> None:
    at = await related.service.at(Named())
    with pytest.raises(NotImplementedError):
        await READS[name](related, structs.replace(SYSTEM, at=at))


@pytest.mark.parametrize("name", PAST)
async def test_what_knows_the_past_answers_with_that(related: Graph, name: str) -> None:
    at = await related.service.at(Named())
    before = await READS[name](related, structs.replace(SYSTEM, at=at))
    await related.unrelate("h", "r")
    await related.execute(DeleteTwin("h"))
    await related.execute(DeleteTwin("i"))
    await related.execute(DeleteModel(HALL))
    after = await READS[name](related, structs.replace(SYSTEM, at=at))
    if name in ("page", "count", "nothing"):
        before, after = before.value, after.value
    if name == "explain":
        assert orjson.loads(before.value)[0]["rows"] == orjson.loads(after.value)[0]["rows"] == 2
    else:
        assert before == after


@pytest.mark.parametrize("context", [AS_OF, BY_RULES])
async def test_dead_letters_are_of_the_present_and_for_who_sees_all(
    related: Graph, context: Context
) -> None:
    await related.store.events.put_endpoint(ENDPOINT)
    await related.store.events.put_route("r", ENDPOINT.name, "true")
    assert await routes(related).dead_letters("r", 0, 1, SYSTEM) == []
    with pytest.raises(NotImplementedError):
        await routes(related).dead_letters("r", 0, 1, context)
