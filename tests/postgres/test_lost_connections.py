"""A connection that is lost in the middle: written once or not at all, and never claimed wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kastor.dtdl import ValueRules
from kastor.errors import Unavailable
from kastor.graph import commands as c
from kastor.graph.catalog import catalog_builder
from kastor.records import SYSTEM
from kastor.storage.postgres import outcomes
from kastor.storage.postgres.store import PostgresStore
from tests.store.graphs import (
    HALL,
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    edge,
    hall,
    replace,
    room,
)
from tests.store.postgres_engine import PostgresEngine

from .proxy import Proxy
from .server import POOLER

pytestmark = pytest.mark.anyio
MARK = "the mark that the proxy looks for"


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    async with Proxy(dsn) as proxy:
        yield proxy


@pytest.fixture
async def graph(postgres: PostgresEngine, proxy: Proxy) -> AsyncIterator[Graph]:
    direct = Graph(await postgres.open(), postgres.history())
    await direct.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    store = await PostgresStore.open(
        proxy.dsn, postgres.schema(), catalog_builder(ValueRules()), pool=4, pooler=POOLER
    )
    yield Graph(store, postgres.history())
    proxy.refuses = False
    await store.close()


async def test_a_write_whose_answer_is_lost_is_found_and_not_repeated(
    graph: Graph, proxy: Proxy
) -> None:
    await graph.put("r", room(name="before"))
    proxy.cut_answer = MARK.encode()
    written = await graph.patch("r", replace("/name", MARK))
    row = await graph.service.twin("r", SYSTEM)
    assert (row.etag, row.version) == (written.etag, 2)
    assert len(graph.history.twin_versions("r")) == 2
    assert len([each for each in graph.history.log() if each.subject == "r"]) == 2


@pytest.mark.parametrize("kind", ["create", "delete", "relate", "unrelate", "telemetry", "upload"])
async def test_every_kind_of_write_is_found_by_its_log_entry(
    graph: Graph, proxy: Proxy, kind: str
) -> None:
    for name in "ab":
        await graph.put(name, room(name=f"{MARK} {name}"))
    await graph.relate("a", "e", edge("b", door=MARK))
    before = len(graph.history.log())
    proxy.cut_answer = MARK.encode()
    if kind == "create":
        await graph.put("c", room(name=MARK))
        assert (await graph.service.twin("c", SYSTEM)).version == 1
    elif kind == "delete":
        proxy.cut_answer = b"Twin.Delete"
        await graph.unrelate("a", "e")
        await graph.delete("a")
        before += 1
    elif kind == "relate":
        await graph.relate("b", "f", edge("a", door=MARK))
        assert (await graph.service.relationship("b", "f", SYSTEM)).version == 1
    elif kind == "unrelate":
        proxy.cut_answer = b"Relationship.Delete"
        await graph.unrelate("a", "e")
    elif kind == "telemetry":
        body = f'"{MARK}"'.encode()
        await graph.execute(c.SendTelemetry("a", body, "application/json", "m1"))
    else:
        proxy.cut_answer = b"COMMIT"
        await graph.upload({**HALL_MODEL, "@id": "dtmi:s:Other;1"})
        assert graph.service.model("dtmi:s:Other;1", SYSTEM)
    assert len(graph.history.log()) == before + 1
    assert proxy.cut_answer is None


async def test_a_write_that_never_reached_the_server_is_not_claimed(
    graph: Graph, proxy: Proxy
) -> None:
    await graph.put("r", room(name="before"))
    proxy.cut_request = MARK.encode()
    with pytest.raises(Unavailable, match="whether"):
        await graph.patch("r", replace("/name", MARK))
    assert (await graph.document("r"))["name"] == "before"
    await graph.patch("r", replace("/name", MARK))
    assert (await graph.service.twin("r", SYSTEM)).version == 2


async def test_a_loss_while_loading_is_not_noticed(graph: Graph, proxy: Proxy) -> None:
    await graph.put("loaded-twin", hall(seats=1))
    for cut in ("cut_request", "cut_answer"):
        setattr(proxy, cut, b"loaded-twin")
        assert (await graph.service.twin("loaded-twin", SYSTEM)).id == "loaded-twin"
        setattr(proxy, cut, b"loaded-twin")
        await graph.patch("loaded-twin", replace("/seats", 2))
    assert (await graph.service.twin("loaded-twin", SYSTEM)).version == 3


async def test_connections_that_died_unseen_are_replaced(graph: Graph, proxy: Proxy) -> None:
    await graph.put("h", hall(seats=0))
    for n in range(5):
        await asyncio.gather(*(graph.service.twin("h", SYSTEM) for _ in range(8)))
        proxy.cut()
        await asyncio.gather(*(graph.service.twin("h", SYSTEM) for _ in range(8)))
        proxy.cut()
        await graph.patch("h", replace("/seats", n))
    assert (await graph.service.twin("h", SYSTEM)).version == 6


async def test_while_nothing_answers_everybody_is_told_so_soon(
    graph: Graph, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "CHECK_SECONDS", 0.5)
    await graph.put("h", hall(seats=0))
    proxy.refuses = True
    proxy.cut()
    made = proxy.connections
    loop = asyncio.get_running_loop()
    began = loop.time()
    results = await asyncio.gather(
        *(graph.service.twin("h", SYSTEM) for _ in range(200)),
        *(graph.patch("h", replace("/seats", n)) for n in range(200)),
        return_exceptions=True,
    )
    assert all(isinstance(each, Unavailable) for each in results)
    assert all(each.retry_after >= 1 for each in results if isinstance(each, Unavailable))
    assert loop.time() - began < 3
    proxy.refuses = False
    for _ in range(30):
        try:
            await graph.patch("h", replace("/seats", 7))
            break
        except Unavailable:
            await asyncio.sleep(0.1)
    assert (await graph.document("h"))["seats"] == 7
    assert proxy.connections - made < 50


async def test_after_a_loss_the_models_are_loaded_anew(
    graph: Graph, proxy: Proxy, postgres: PostgresEngine
) -> None:
    await graph.put("h", hall(seats=0))
    # As after a failover that lost a change of models: the same epoch, other models.
    postgres.history().rows(
        "UPDATE {graph}.models SET valid_to = 1 "
        "WHERE key = (SELECT key FROM {graph}.model_keys WHERE id = $1)",
        HALL,
    )
    proxy.cut()
    with pytest.raises(Exception, match="Invalid twin"):
        await graph.put("h", hall(seats=1))
    assert HALL not in graph.service.catalog.models
